#include "sim/lazy_stated.h"

#include <map>

namespace powercut::sim {

namespace {

// Decides as one image of a lazy one wants it.
class ImagePicker final : public Picker {
 public:
  explicit ImagePicker(const LazyView& view) : view_(view) {
    for (const Slot& slot : view.image().decided.slots) decided_[slot.what] = slot.version;
  }

  size_t pick(const CrashSpace& space, const SlotRef& slot, Range range, size_t, bool) override {
    switch (slot.kind) {
      case SlotKind::kSync:
      case SlotKind::kJournal:
      case SlotKind::kStuckName: {
        const auto stated = decided_.find(space.name_of(slot));
        return stated == decided_.end() ? range.lo : stated->second;
      }
      case SlotKind::kEntry:
        return view_.version_of(slot.inode, slot.entry);
      default:
        break;
    }
    const std::optional<uint32_t> number = view_.number_of(slot.inode);
    if (!number) return range.lo;
    const LazyFile& file = view_.file(*number);
    size_t first = 0;
    while (!view_.left[*number][first]) ++first;
    const LazyFile::Option& option = file.options[first];
    if (slot.kind == SlotKind::kSize) return option.version;
    if (slot.kind == SlotKind::kBlock) return option.reused[slot.at];
    const uint64_t sector = slot.at / view_.image().sector_bytes;
    const LazyFile::Candidate& chosen = candidate(*number, sector, first);
    return slot.kind == SlotKind::kSector ? chosen.version : chosen.garbage;
  }

 private:
  const LazyFile::Candidate& candidate(uint32_t number, uint64_t sector, size_t option) const {
    const LazyFile& file = view_.file(number);
    const auto& seen = view_.seen[number];
    const std::optional<ContentId> wanted = sector < seen.size() ? seen[sector] : std::nullopt;
    const uint64_t length = file.options[option].size - sector * view_.image().sector_bytes;
    const LazyFile::Candidate* any = nullptr;
    for (const LazyFile::Candidate& c : file.sectors[sector]) {
      if (!c.options[option]) continue;
      if (any == nullptr) any = &c;
      if (wanted && view_.pool().prefix(c.content, length) == *wanted) return c;
    }
    return *any;
  }

  const LazyView& view_;
  std::map<SlotName, uint64_t> decided_;
};

}  // namespace

Survival stated(const Disk& disk, const LazyView& view) {
  ImagePicker picker(view);
  RecordingPicker recording(picker);
  (void)disk.after_power_cut(recording);
  return recording.survival();
}

}  // namespace powercut::sim
