"""Prints how many letters its argument has."""

import sys

print(f"({sum(letter.isalpha() for letter in sys.argv[1])} letters)")
