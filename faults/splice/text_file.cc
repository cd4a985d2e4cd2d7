#include "faults/splice/text_file.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace powercut::faults {

Result<std::string> contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::kNotFound, fmt::format("{}: cannot be read", path)};
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

Result<void> write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) return Error{Errc::kIo, fmt::format("{}: cannot be written", path)};
  return {};
}

}  // namespace powercut::faults
