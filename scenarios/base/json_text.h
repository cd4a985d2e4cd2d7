// JSON as text, the one way: a name or a command may hold any bytes, and what is no UTF-8 among them is
// shown as U+FFFD instead of ending the process.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace powercut::scenarios {

// `indent` below nought: on one line.
template <class Json>
std::string json_text(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace powercut::scenarios
