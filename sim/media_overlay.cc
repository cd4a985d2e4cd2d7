#include "sim/media_overlay.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/check.h"

namespace powercut::sim {

void MediaOverlay::flip(InodeId inode, uint64_t offset, uint8_t bit) {
  faults_.push_back({Fault::kFlip, inode, offset, 1, static_cast<uint8_t>(bit % 8), {}});
}

void MediaOverlay::make_unreadable(InodeId inode, uint64_t offset, uint64_t length) {
  faults_.push_back({Fault::kUnreadable, inode, offset, length, 0, {}});
}

void MediaOverlay::replace(InodeId inode, uint64_t offset, std::string bytes) {
  const uint64_t length = bytes.size();
  faults_.push_back({Fault::kReplaced, inode, offset, length, 0, std::move(bytes)});
}

bool MediaOverlay::is_unreadable(InodeId inode, uint64_t offset, size_t n) const {
  return std::any_of(faults_.begin(), faults_.end(), [&](const Fault& fault) {
    return fault.kind == Fault::kUnreadable && fault.touches(inode, offset, n);
  });
}

void MediaOverlay::apply(InodeId inode, uint64_t offset, char* out, size_t n) const {
  for (const Fault& fault : faults_) {
    if (fault.kind == Fault::kUnreadable || !fault.touches(inode, offset, n)) continue;
    const uint64_t begin = std::max(fault.offset, offset);
    const uint64_t end = std::min(fault.end(), offset + n);
    if (fault.kind == Fault::kFlip)
      out[begin - offset] = static_cast<char>(out[begin - offset] ^ (1 << fault.bit));
    else
      std::memcpy(out + (begin - offset), fault.bytes.data() + (begin - fault.offset), end - begin);
  }
}

void MediaOverlay::heal(InodeId inode, uint64_t offset, uint64_t length) {
  std::vector<Fault> kept;
  for (Fault& fault : faults_) {
    if (!fault.touches(inode, offset, length)) {
      kept.push_back(std::move(fault));
      continue;
    }
    const auto keep = [&](uint64_t from, uint64_t to) {
      if (from >= to) return;
      Fault part = fault;
      part.offset = from;
      part.length = to - from;
      if (part.kind == Fault::kReplaced)
        part.bytes = fault.bytes.substr(from - fault.offset, to - from);
      kept.push_back(std::move(part));
    };
    keep(fault.offset, offset);
    keep(offset + length, fault.end());
  }
  faults_ = std::move(kept);
  for (const Fault& fault : faults_) CHECK(!fault.touches(inode, offset, length));
}

void MediaOverlay::forget(InodeId inode) {
  std::erase_if(faults_, [inode](const Fault& fault) { return fault.inode == inode; });
}

}  // namespace powercut::sim
