#include "scenarios/workload/workload.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "sim/request.h"

namespace powercut::scenarios {

using sim::same_word;

Result<Workload> parse_workload(std::string_view bytes, std::string name) {
  Workload workload;
  workload.name = std::move(name);
  workload.about = "recorded";
  int db = 0;
  bool in_multi = false;
  bool dated = false;
  std::vector<std::string_view> words;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes[at] == '#') {
      const size_t end = bytes.find('\n', at);
      if (end == std::string_view::npos) break;
      int64_t seconds = 0;
      if (!dated && bytes.substr(at).starts_with("#TS:")) {
        std::from_chars(bytes.data() + at + 4, bytes.data() + end, seconds);
        workload.wall_start_ms = seconds * 1000;
        dated = true;
      }
      at = end + 1;
      continue;
    }
    words.clear();
    const size_t begin = at;
    const sim::RequestParse parsed = sim::parse_request(bytes, at, words);
    if (parsed != sim::RequestParse::kWhole) {
      return Error{
          Errc::kCorrupt,
          fmt::format(
              "{} offset {}: {}; a workload is a file of RESP commands, such as an AOF segment",
              workload.name, begin,
              parsed == sim::RequestParse::kCut ? "the last command is cut short"
                                                : "not a RESP command")};
    }
    if (same_word(words[0], "SELECT") && words.size() == 2 && !in_multi) {
      int number = 0;
      std::from_chars(words[1].data(), words[1].data() + words[1].size(), number);
      db = number;
      continue;
    }
    if (!in_multi) workload.units.push_back({db, {}});
    workload.units.back().requests.emplace_back(bytes.substr(begin, at - begin));
    if (same_word(words[0], "MULTI")) in_multi = true;
    if (same_word(words[0], "EXEC")) in_multi = false;
  }
  if (workload.units.empty()) {
    return Error{Errc::kCorrupt, fmt::format("{}: no commands in it", workload.name)};
  }
  if (in_multi) {
    return Error{Errc::kCorrupt,
                 fmt::format("{}: the last transaction has no EXEC", workload.name)};
  }
  return workload;
}

Result<Workload> load_workload(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return Error{errno == ENOENT ? Errc::kNotFound : Errc::kIo,
                 fmt::format("{}: {}; see `powercut list workloads` for the built-in ones", path,
                             std::strerror(errno))};
  }
  std::string bytes;
  char buffer[1 << 16];
  size_t count;
  while ((count = std::fread(buffer, 1, sizeof buffer, file)) > 0) bytes.append(buffer, count);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return Error{Errc::kIo, fmt::format("{}: cannot be read", path)};
  return parse_workload(bytes, path);
}

}  // namespace powercut::scenarios
