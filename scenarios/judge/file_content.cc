#include "scenarios/judge/file_content.h"

#include <utility>

namespace powercut::scenarios {

std::optional<std::string> file_content(const sim::Disk& disk, std::string_view path) {
  const auto inode = disk.lookup(path);
  if (!inode.ok() || disk.is_directory(*inode)) return std::nullopt;
  auto bytes = disk.read_whole(*inode);
  return bytes.ok() ? std::optional(std::move(bytes).value()) : std::nullopt;
}

void put_file(sim::Disk& disk, const std::string& path, std::string_view bytes) {
  auto inode = disk.lookup(path);
  const bool is_new = !inode.ok();
  if (is_new) inode = disk.create(path);
  disk.replace_content(*inode, bytes);
  (void)disk.sync_at_once(path);
  if (is_new) disk.release(*inode);
}

}  // namespace powercut::scenarios
