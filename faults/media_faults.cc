// Doing to a disk the media faults of a plan.
#include <algorithm>

#include "faults/strikes.h"

namespace powercut::faults {

namespace {

// The files that are not empty, in the root and the directories in it, by path.
std::vector<MediaFile> files_of(const sim::Disk& disk) {
  std::vector<MediaFile> files;
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
            [](const MediaFile& a, const MediaFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace

std::vector<MediaHit> apply_media_faults(const Plan& plan, uint32_t life, sim::Disk& disk,
                                         sim::Choices& choices) {
  std::vector<MediaHit> hits;
  for (const Fault& fault : plan.faults) {
    const KindRow& kind = row(fault.kind);
    const auto* strike = std::get_if<StrikeDisk>(&kind.strike);
    if (fault.life != life || strike == nullptr) continue;
    uint64_t draws =
        (uint64_t{life} << 48) + (fault.at << 20) + (static_cast<uint64_t>(fault.kind) << 12);
    const auto files = files_of(disk);
    if (files.empty()) return hits;
    const MediaFile& file = files[choices.choose("media.file", ++draws, files.size())];
    Harm also;
    const Extent struck = (*strike)({disk, files, file, choices, draws, also});
    if (struck.length + also.length == 0) continue;
    hits.push_back({kind.fault, {file.path, struck.offset, struck.length}, std::move(also)});
  }
  return hits;
}

}  // namespace powercut::faults
