#include "scenarios/judge/file_content.h"

#include <utility>

namespace powercut::scenarios {

std::optional<std::string> file_content(const sim::Disk& disk, std::string_view path) {
  const auto inode = disk.lookup(path);
  if (!inode.ok() || disk.is_directory(*inode)) return std::nullopt;
  auto bytes = disk.read_whole(*inode);
  return bytes.ok() ? std::optional(std::move(bytes).value()) : std::nullopt;
}

}  // namespace powercut::scenarios
