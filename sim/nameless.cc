#include "sim/nameless.h"

#include <string>

#include "engine/base/check.h"

namespace powercut::sim {

InodeId add_nameless(DiskState& disk) { return disk.tree.add(false); }

Result<void> name_file(DiskState& disk, InodeId file, std::string_view path) {
  TRY_ASSIGN(const FileTree::Place place, disk.tree.resolve(path));
  if (place.inode != kNoInode) return path_error(Errc::kExists, "exists already", path);
  CHECK(disk.tree.find(file) != nullptr && !disk.tree[file].directory && !place.name.empty());
  const uint64_t seq = ++disk.seq;
  Inode& directory = disk.tree.own(place.directory);
  directory.meta_seq = seq;
  set_entry(directory, std::string(place.name), file);
  Inode& inode = disk.tree.own(file);
  inode.meta_seq = seq;
  ++inode.links;
  if (disk.rules.write_through) {
    disk.stats.bytes_metadata += kBlockBytes;
    return {};
  }
  ++inode.pending_names;
  disk.names.push(
      {seq, disk.now, place.directory, std::string(place.name), kNoInode, file, false, false});
  return {};
}

}  // namespace powercut::sim
