#include "sim/lazy_stated.h"

#include <map>

#include "engine/base/check.h"

namespace powercut::sim {

namespace {

// Decides as one image of a lazy one wants it.
class ImagePicker final : public Picker {
 public:
  explicit ImagePicker(const LazyView& view) : view_(view) {
    for (const Slot& slot : view.image().decided.slots) decided_[slot.what] = slot.version;
  }

  size_t pick(const SlotNames& names, const SlotRef& slot, Range range, size_t, bool) override {
    switch (slot.kind) {
      case SlotKind::kSync:
      case SlotKind::kJournal:
      case SlotKind::kStuckName: {
        const auto stated = decided_.find(names.name_of(slot));
        return stated == decided_.end() ? range.lo : stated->second;
      }
      case SlotKind::kEntry:
        return view_.version_of(slot.inode, slot.entry);
      default:
        break;
    }
    const std::optional<uint32_t> number = view_.number_of(slot.inode);
    if (!number) return range.lo;
    const size_t first = option_of(*number);
    const LazyFile::Option& option = view_.file(*number).options[first];
    if (slot.kind == SlotKind::kSize) return option.version;
    const uint64_t sector = slot.at / view_.image().sector_bytes;
    const LazyFile::Candidate& chosen = candidate(*number, sector, first);
    if (slot.kind == SlotKind::kReused) return chosen.reused;
    return slot.kind == SlotKind::kSector ? chosen.version : chosen.garbage;
  }

  uint64_t size_of(uint32_t number) const {
    return view_.file(number).options[option_of(number)].size;
  }

 private:
  // The first that is left.
  size_t option_of(uint32_t number) const {
    CHECK((view_.left[number] & view_.file(number).all).any());
    size_t first = 0;
    while (!view_.left[number][first]) ++first;
    return first;
  }

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
    CHECK(any != nullptr);
    return *any;
  }

  const LazyView& view_;
  std::map<SlotName, uint64_t> decided_;
};

}  // namespace

Survival stated(const Disk& disk, const LazyView& view) {
  ImagePicker picker(view);
  RecordingPicker recording(picker);
  const Disk after = disk.after_power_cut(recording);
  for (uint32_t number = 0; number < view.files(); ++number)
    CHECK(after.size(view.file(number).inode) == picker.size_of(number));
  return recording.survival();
}

}  // namespace powercut::sim
