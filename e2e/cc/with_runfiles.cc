// Greets whom a file in the runfiles names, with a function of a shared library.
#include <fstream>
#include <iostream>
#include <string>

#include "greeting.h"

int main(int, char** argv) {
  const std::string path = std::string(argv[0]) + ".runfiles/_main/data/name.txt";
  std::ifstream file(path);
  std::string name;
  if (!std::getline(file, name)) {
    std::cerr << "no " << path << "\n";
    return 1;
  }
  std::cout << greet(name) << "\n";
}
