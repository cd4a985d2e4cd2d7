#include "scenarios/story/scenario_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "scenarios/base/json_text.h"

namespace powercut::scenarios {

namespace fs = std::filesystem;

Result<std::string> read_file(const std::string& path) {
  std::error_code wrong;
  if (fs::is_directory(path, wrong)) return Error{Errc::kIo, path + ": a directory, not a file"};
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return Error{errno == ENOENT ? Errc::kNotFound : Errc::kIo,
                 fmt::format("{}: {}", path, std::strerror(errno))};
  }
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return Error{Errc::kIo, path + ": cannot be read"};
  return text;
}

Result<void> write_file(const std::string& path, const std::string& text) {
  // Beside it first: what is there stays whole if this one cannot be written. A link goes on
  // leading where it led, and a device or a pipe is written to, not replaced.
  std::error_code wrong;
  const fs::file_status there = fs::status(path, wrong);
  const bool replaces = !fs::exists(there) || fs::is_regular_file(there) || fs::is_directory(there);
  const std::string target =
      fs::is_symlink(path, wrong) ? fs::weakly_canonical(path, wrong).string() : path;
  const std::string beside = replaces ? target + ".new" : target;
  wrong.clear();
  errno = 0;
  std::ofstream out(beside, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (out && replaces) fs::rename(beside, target, wrong);
  if (out && !wrong) return {};
  const std::string why = wrong ? wrong.message() : std::strerror(errno);
  if (replaces) fs::remove(beside, wrong);
  return Error{Errc::kIo, fmt::format("{}: cannot be written: {}", path, why)};
}

Result<void> write_image(const std::string& path, const sim::Image& image) {
  std::error_code wrong;
  fs::remove_all(path, wrong);
  if (!wrong) fs::create_directories(path, wrong);
  if (wrong) return Error{Errc::kIo, fmt::format("{}: {}", path, wrong.message())};
  for (const sim::FoundFile& file : image) {
    if (file.path.ends_with('/')) {
      fs::create_directories(path + "/" + file.path, wrong);
      if (wrong)
        return Error{Errc::kIo, fmt::format("{}/{}: {}", path, file.path, wrong.message())};
    } else {
      TRY(write_file(path + "/" + file.path, file.content));
    }
  }
  return {};
}

std::string first_difference_line(const std::string& name, const std::string& expected,
                                  const std::string& seen) {
  std::istringstream left(expected);
  std::istringstream right(seen);
  std::string a;
  std::string b;
  for (size_t line = 1;; ++line) {
    const bool more_a = static_cast<bool>(std::getline(left, a));
    const bool more_b = static_cast<bool>(std::getline(right, b));
    if (!more_a) a.clear();
    if (!more_b) b.clear();
    if (a != b || more_a != more_b || !more_a)
      return fmt::format("{}:{}: the file says \"{}\", seen is \"{}\"", name, line, a, b);
  }
}

void print_scenario_json(std::FILE* out, const std::string& seen, const RunResult& result,
                         const faults::MutantInfo* mutant) {
  nlohmann::ordered_json json;
  json["version"] = POWERCUT_VERSION;
  json["verb"] = "replay";
  json["violations"] = result.violation ? 1 : 0;
  if (result.violation) json["oracle"] = code_of(result.violation->breach);
  json["verdict"] = verdict_line(result);
  json["mutant"] = nullptr;
  if (mutant != nullptr) json["mutant"] = mutant->name;
  json["scenario"] = seen;
  fmt::print(out, "{}\n", json_text(json));
}

}  // namespace powercut::scenarios
