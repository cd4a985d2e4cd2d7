#include "scenarios/workload/workload.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "scenarios/workload/script.h"
#include "sim/request.h"

namespace powercut::scenarios {

using sim::same_word;

namespace {

constexpr int kDatabases = 16;

// The database that SELECT goes to; -1 where it is answered with an error, and goes nowhere.
int selected(const std::vector<std::string_view>& words) {
  if (words.size() != 2 || !same_word(words[0], "SELECT")) return -1;
  int number = -1;
  const std::string_view text = words[1];
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number >= 0 && number < kDatabases && std::to_string(number) == text ? number : -1;
}

// Makes units of requests, as one client's connection would take them.
class Recording {
 public:
  explicit Recording(Workload& workload) : workload_(workload) {}

  bool in_transaction() const { return in_multi_; }

  void add(const std::vector<std::string_view>& words, std::string_view request) {
    const int to = selected(words);
    if (to >= 0 && !in_multi_) {
      db_ = to;
      return;
    }
    if (!in_multi_) workload_.units.push_back({db_, {}});
    Unit& unit = workload_.units.back();
    unit.requests.emplace_back(request);
    unit.leaves_database |= leaves_database(words);
    if (to >= 0) queued_db_ = to;
    follow(words);
  }

 private:
  // What is wrong about one of these is answered with an error, and changes nothing.
  void follow(const std::vector<std::string_view>& words) {
    const bool alone = words.size() == 1;
    if (alone && same_word(words[0], "MULTI")) {
      if (!in_multi_) queued_db_ = db_;
      in_multi_ = true;
    } else if (alone && same_word(words[0], "EXEC")) {
      if (in_multi_) db_ = queued_db_;
      in_multi_ = false;
    } else if (alone && same_word(words[0], "DISCARD")) {
      in_multi_ = false;
    } else if ((alone && same_word(words[0], "RESET")) || same_word(words[0], "QUIT")) {
      in_multi_ = false;
      db_ = 0;
    }
  }

  Workload& workload_;
  int db_ = 0;
  int queued_db_ = 0;  // once the transaction has run
  bool in_multi_ = false;
};

// For one line: the request as it is written in a scenario.
std::string shown(std::string_view request) {
  constexpr size_t kMost = 80;
  const std::string text = print(Unit{0, {std::string(request)}});
  return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

}  // namespace

bool leaves_database(const std::vector<std::string_view>& words) {
  return same_word(words[0], "SELECT") || same_word(words[0], "RESET") ||
         same_word(words[0], "QUIT");
}

Result<Workload> parse_workload(std::string_view bytes, std::string name,
                                const Objection& objection) {
  Workload workload;
  workload.name = std::move(name);
  workload.about = "recorded";
  Recording recording(workload);
  bool dated = false;
  uint64_t number = 0;
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
    ++number;
    const std::string_view request = bytes.substr(begin, at - begin);
    if (const std::string why = objection ? objection(words) : ""; !why.empty()) {
      return Error{Errc::kCorrupt, fmt::format("{} request {}, offset {}: {}: not judged: {}",
                                               workload.name, number, begin, shown(request), why)};
    }
    recording.add(words, request);
  }
  if (workload.units.empty()) {
    return Error{Errc::kCorrupt, fmt::format("{}: no commands in it", workload.name)};
  }
  if (recording.in_transaction()) {
    return Error{Errc::kCorrupt,
                 fmt::format("{}: the last transaction has no EXEC", workload.name)};
  }
  return workload;
}

Result<std::string> read_workload(const std::string& path) {
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
  return bytes;
}

Result<Workload> load_workload(const std::string& path, const Objection& objection) {
  TRY_ASSIGN(const std::string bytes, read_workload(path));
  return parse_workload(bytes, path, objection);
}

}  // namespace powercut::scenarios
