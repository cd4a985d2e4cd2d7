#include "experiments/common/results.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/check.h"
#include "scenarios/base/json_text.h"

namespace powercut::experiments {

namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "unknown" : value;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

[[noreturn]] void fail(const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  std::exit(2);
}

}  // namespace

Csv::Csv(std::string_view columns)
    : columns_(1 + static_cast<size_t>(std::count(columns.begin(), columns.end(), ','))),
      bytes_(columns) {
  bytes_ += '\n';
}

void Csv::check_fields(size_t fields) const { CHECK(fields == columns_); }

void Csv::add(std::string_view separator, std::string_view field) {
  CHECK(field.find_first_of(",\"\n") == std::string_view::npos);
  bytes_ += separator;
  bytes_ += field;
}

std::string ratio(uint64_t numerator, uint64_t denominator, int digits) {
  CHECK(denominator > 0);
  uint64_t scale = 1;
  for (int i = 0; i < digits; ++i) scale *= 10;
  CHECK(numerator < UINT64_MAX / 2 / scale);
  const uint64_t scaled = (numerator * scale + denominator / 2) / denominator;
  if (digits == 0) return fmt::format("{}", scaled);
  return fmt::format("{}.{:0{}}", scaled / scale, scaled % scale, digits);
}

Output::Output(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    fail(fmt::format("usage: {} DIRECTORY, an existing one; or experiments/run.sh EXPERIMENT",
                     argv[0]));
  }
  directory_ = argv[1];
}

bool Output::sample() const { return from_environment("POWERCUT_SAMPLE") == "1"; }

void Output::write(std::string_view file, std::string_view bytes) const {
  const std::string path = fmt::format("{}/{}", directory_, file);
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.close();
  if (!out) fail(fmt::format("{}: cannot be written", path));
}

void Output::write_run(const RunInfo& info) const {
  const nlohmann::ordered_json run = {
      {"experiment", info.experiment},
      {"command", from_environment("POWERCUT_COMMAND")},
      {"commit", from_environment("POWERCUT_COMMIT")},
      {"first_seed", info.first_seed},
      {"seeds", info.seeds},
      {"runs", info.runs},
      {"compiler", POWERCUT_COMPILER},
      {"flags", POWERCUT_FLAGS},
      {"cpu", cpu_model()},
  };
  write("run.json", scenarios::json_text(run) + "\n");
}

}  // namespace powercut::experiments
