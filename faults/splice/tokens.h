// C++ cut into tokens, as far as splicing needs it: what is a literal, what a bracket, what an
// operator of two characters. Comments are left out.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::faults {

struct Token {
  std::string_view text;
  size_t at;  // where in the code it begins
  size_t end() const { return at + text.size(); }
};
using Tokens = std::span<const Token>;

// Views into `code`.
std::vector<Token> tokens_of(std::string_view code);

bool is_word(const Token& token);
bool opens(const Token& token);
bool closes(const Token& token);

// Every bracket in `tokens` finds its other half there, and none comes too late.
bool is_balanced(Tokens tokens);

// How many of `tokens` stand in no bracket of theirs and are `text`.
size_t count_outside(Tokens tokens, std::string_view text);

// On one line, with a blank where there was one or more.
std::string joined(Tokens tokens);

}  // namespace powercut::faults
