// Prints the file that another layer brings.
#include <fstream>
#include <iostream>
#include <string>

int main() {
  std::ifstream config("/etc/standalone.conf");
  std::string line;
  if (!std::getline(config, line)) {
    std::cerr << "no /etc/standalone.conf\n";
    return 1;
  }
  std::cout << "standalone: " << line << "\n";
}
