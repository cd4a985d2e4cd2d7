// What a fault has at hand when it strikes (KindRow::strike). For the faults room only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "faults/plan.h"

namespace powercut::faults {

// At a seam call that the fault's word names: it says in `injection` what becomes of the call.
struct CallStrike {
  const Fault& fault;
  const sim::SeamCall& call;
  sim::Choices& choices;  // keyed by call.identity
  sim::Injection& injection;
};

// Longer than any run; short enough that sums with it do not overflow.
inline constexpr Duration kNever = seconds(1'000'000'000);

inline constexpr uint64_t kSectorBytes = 512;

struct MediaFile {
  std::string path;
  sim::InodeId inode;
  uint64_t size;
  uint64_t sectors() const { return (size + kSectorBytes - 1) / kSectorBytes; }
};

// Bytes that were struck; none: it came to nothing, and is not counted.
struct Extent {
  uint64_t offset;
  uint64_t length;
};

// On a disk between a crash and the recovery from it.
struct DiskStrike {
  sim::Disk& disk;
  const std::vector<MediaFile>& files;  // that have bytes, by path
  const MediaFile& file;                // the one of them to strike
  sim::Choices& choices;
  uint64_t& draws;
  Harm& also;  // another place that was struck

  uint64_t choose(Site site, uint64_t n) const { return choices.choose(site, ++draws, n); }
};

}  // namespace powercut::faults
