#pragma once

#include <string>

// Greets somebody.
std::string greet(const std::string& name);
