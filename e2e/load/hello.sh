echo "Hello, $(cat /app/data.txt)"
