// What a power cut may leave, as whole images: all of them, where the disk is small, and whether a
// given one is among them.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/disk.h"

namespace powercut::sim {

// What is found on a disk: paths in byte order; a directory's ends in '/'.
struct FoundFile {
  std::string path;
  std::string content;
  auto operator<=>(const FoundFile&) const = default;
};
using Image = std::vector<FoundFile>;
Image image_of(const Disk& disk);

struct Enumeration {
  uint64_t tapes = 0;
  uint64_t images = 0;    // distinct
  bool complete = false;  // false: stopped at the limit; what was seen is then a sample
};
// Calls `visit` once for every distinct image a power cut may leave now.
Enumeration for_each_crash_state(const Disk& disk, uint64_t tapes_max,
                                 const std::function<void(const Disk&, const Image&)>& visit);

// Is `image` one that a power cut may leave now? Exact, without enumerating the data.
bool is_legal_crash_state(const Disk& disk, const Image& image);

}  // namespace powercut::sim
