// Doing to a disk the media faults of a plan.
#include <algorithm>

#include "faults/plan.h"

namespace powercut::faults {

namespace {

constexpr uint64_t kSectorBytes = 512;

struct Found {
  std::string path;
  sim::InodeId inode;
  uint64_t size;
};

// The files that are not empty, in the root and the directories in it, by path.
std::vector<Found> files_of(const sim::Disk& disk) {
  std::vector<Found> files;
  std::vector<std::string> directories = {""};
  for (size_t i = 0; i < directories.size(); ++i) {
    const std::string directory = directories[i];
    const auto names = disk.list(directory);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      const std::string path = directory.empty() ? name : directory + "/" + name;
      const auto inode = disk.lookup(path);
      if (!inode.ok()) continue;
      if (disk.is_directory(*inode)) {
        directories.push_back(path);
      } else if (disk.size(*inode) > 0) {
        files.push_back({path, *inode, disk.size(*inode)});
      }
    }
  }
  std::sort(files.begin(), files.end(),
            [](const Found& a, const Found& b) { return a.path < b.path; });
  return files;
}

uint64_t sectors(const Found& file) { return (file.size + kSectorBytes - 1) / kSectorBytes; }

}  // namespace

std::vector<MediaHit> apply_media_faults(const Plan& plan, uint32_t life, sim::Disk& disk,
                                         sim::Choices& choices) {
  std::vector<MediaHit> hits;
  uint64_t draws = uint64_t{life} << 32;
  const auto choose = [&](Site site, uint64_t n) { return choices.choose(site, ++draws, n); };
  for (const Fault& fault : plan.faults) {
    const FaultSet classes = classes_of(fault);
    if (fault.life != life ||
        !classes.has_any({FaultClass::kBitRot, FaultClass::kUnreadable, FaultClass::kMisdirect})) {
      continue;
    }
    const auto files = files_of(disk);
    if (files.empty()) return hits;
    const Found& file = files[choose("media.file", files.size())];
    if (fault.kind == FaultKind::kBitRot) {
      const uint64_t offset = choose("media.byte", file.size);
      disk.flip_bit(file.inode, offset, static_cast<uint8_t>(choose("media.bit", 8)));
      hits.push_back({FaultClass::kBitRot, file.path, offset, 1});
      continue;
    }
    const uint64_t offset = choose("media.sector", sectors(file)) * kSectorBytes;
    const uint64_t length = std::min(kSectorBytes, file.size - offset);
    if (fault.kind == FaultKind::kUnreadable) {
      disk.make_unreadable(file.inode, offset, length);
      hits.push_back({FaultClass::kUnreadable, file.path, offset, length});
      continue;
    }
    // Where the bytes went. Not to where they belong: then past the end, where nobody looks.
    const Found& victim = files[choose("media.victim", files.size())];
    uint64_t victim_offset = choose("media.victim_sector", sectors(victim)) * kSectorBytes;
    if (victim.inode == file.inode && victim_offset == offset) {
      victim_offset = sectors(victim) * kSectorBytes;
    }
    disk.misdirect(file.inode, offset, length, victim.inode, victim_offset);
    hits.push_back({FaultClass::kMisdirect, file.path, offset, length});
  }
  return hits;
}

}  // namespace powercut::faults
