// Libraries of functions: what FUNCTION LOAD is given. Their text is data, as keys are, and of no database; what runs it
// stands in engine/command/script/.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace powercut::engine {

// By name: the whole text.
using Libraries = std::map<std::string, std::string, std::less<>>;

// What the first line of a library says: "#!lua name=NAME".
struct LibraryHead {
  std::string name;
  size_t body =
      0;  // where the code begins: with the end of that line, so that lines keep their numbers
};

// Errors: kInvalid, in the words in which Redis answers it, without "ERR ".
Result<LibraryHead> read_library_head(std::string_view text);

// Letters, digits and underscores, and at least one: of libraries and of functions.
bool is_function_name(std::string_view name);
inline constexpr std::string_view kBadFunctionName =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
    "character long";

}  // namespace powercut::engine
