// The words of a line, as Redis splits them: at blanks, with "..." (escapes as in C) and '...' (only \' is one) around
// those that have some.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace powercut {

// False where quotes are not closed, or a word follows a closing quote at once.
bool split_words(std::string_view line, std::vector<std::string>& words);

// Of ASCII letters alone.
std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);

// A word that split_words() gives back as it is: quoted where it has to be.
std::string quoted_word(std::string_view word);

// The begin of any bytes, on a line for people: \xHH for what is not printable, a quote or a backslash.
std::string shown(std::string_view bytes);

}  // namespace powercut
