// Media faults: an overlay on reads, so that the pristine content stays known.
//
// Models: a flipped bit, an unreadable sector, a misdirected write. Does not model: faults in names
// or in the filesystem's own structures. Source: Bairavasundaram et al., FAST'08.
#include <algorithm>
#include <cstring>

#include "sim/disk.h"

namespace powercut::sim {

void Disk::flip_bit(InodeId inode, uint64_t offset, uint8_t bit) {
  faults_.push_back({MediaFault::kFlip, inode, offset, 1, static_cast<uint8_t>(bit % 8), {}});
}

void Disk::make_unreadable(InodeId inode, uint64_t offset, uint64_t length) {
  faults_.push_back({MediaFault::kUnreadable, inode, offset, length, 0, {}});
}

void Disk::misdirect(InodeId inode, uint64_t offset, uint64_t length, InodeId victim,
                     uint64_t victim_offset) {
  std::string bytes(length, '\0');
  const Result<size_t> got = read(inode, offset, bytes.data(), length);
  bytes.resize(got.ok() ? *got : 0);
  std::string lost(bytes.size(), '\0');
  const uint64_t n = bytes.size();
  faults_.push_back({MediaFault::kReplaced, inode, offset, n, 0, std::move(lost)});
  faults_.push_back({MediaFault::kReplaced, victim, victim_offset, n, 0, std::move(bytes)});
}

bool Disk::unreadable(InodeId inode, uint64_t offset, size_t n) const {
  return std::any_of(faults_.begin(), faults_.end(), [&](const MediaFault& fault) {
    return fault.kind == MediaFault::kUnreadable && fault.inode == inode &&
           fault.offset < offset + n && offset < fault.offset + fault.length;
  });
}

void Disk::overlay(InodeId inode, uint64_t offset, char* out, size_t n) const {
  for (const MediaFault& fault : faults_) {
    if (fault.inode != inode || fault.kind == MediaFault::kUnreadable) continue;
    const uint64_t begin = std::max(fault.offset, offset);
    const uint64_t end = std::min(fault.offset + fault.length, offset + n);
    if (begin >= end) continue;
    if (fault.kind == MediaFault::kFlip)
      out[begin - offset] = static_cast<char>(out[begin - offset] ^ (1 << fault.bit));
    else
      std::memcpy(out + (begin - offset), fault.bytes.data() + (begin - fault.offset), end - begin);
  }
}

// What is written anew reads back. A fault that is only partly covered keeps its uncovered ends.
void Disk::heal(InodeId inode, uint64_t offset, uint64_t length) {
  std::vector<MediaFault> kept;
  for (MediaFault& fault : faults_) {
    const uint64_t begin = fault.offset;
    const uint64_t end = begin + fault.length;
    if (fault.inode != inode || end <= offset || begin >= offset + length) {
      kept.push_back(std::move(fault));
      continue;
    }
    const auto keep = [&](uint64_t from, uint64_t to) {
      if (from >= to) return;
      MediaFault part = fault;
      part.offset = from;
      part.length = to - from;
      if (part.kind == MediaFault::kReplaced)
        part.bytes = fault.bytes.substr(from - begin, to - from);
      kept.push_back(std::move(part));
    };
    keep(begin, offset);
    keep(offset + length, end);
  }
  faults_ = std::move(kept);
}

}  // namespace powercut::sim
