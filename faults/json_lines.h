// A file of JSON lines, one thing each.
#pragma once

#include <fmt/format.h>

#include <istream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace powercut::faults {

// `parse` throws at what is none; `what` names one of them, `path` is for messages. Empty lines are skipped.
//   Errors: kIo; kCorrupt with the line, or if there are none.
template <class Parse>
auto read_json_lines(std::istream& file, const std::string& path, std::string_view what,
                     Parse parse) -> Result<std::vector<decltype(parse(nlohmann::json()))>> {
  std::vector<decltype(parse(nlohmann::json()))> all;
  uint64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty()) continue;
    try {
      all.push_back(parse(nlohmann::json::parse(line)));
    } catch (const std::exception& wrong) {
      return Error{Errc::kCorrupt,
                   fmt::format("{} line {}: no {}: {}", path, number, what, wrong.what())};
    }
  }
  if (file.bad()) return Error{Errc::kIo, fmt::format("{}: cannot be read", path)};
  if (all.empty()) return Error{Errc::kCorrupt, fmt::format("{}: no {}s in it", path, what)};
  return all;
}

}  // namespace powercut::faults
