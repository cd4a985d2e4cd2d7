#include "sim/picker.h"

#include <algorithm>
#include <iterator>

namespace powercut::sim {
namespace {

constexpr Site kMoodSite("disk.cut.mood");
constexpr Site kHorizonSite("disk.cut.horizon");
constexpr Site kSites[kSlotKinds] = {"disk.cut.in_flight",  "disk.cut.journal", "disk.cut.entry",
                                     "disk.cut.stuck_name", "disk.cut.size",    "disk.cut.sector",
                                     "disk.cut.garbage",    "disk.cut.reuse"};

}  // namespace

void DrawnPicker::begin(uint64_t oldest_seq, uint64_t newest_seq) {
  if (style_ == CutStyle::kUniform || oldest_seq > newest_seq) return;
  static constexpr Mood kMoods[] = {Mood::kNothing, Mood::kEverything, Mood::kPrefix, Mood::kPrefix,
                                    Mood::kPrefix,  Mood::kSizeAhead,  Mood::kHoles,  Mood::kEnds,
                                    Mood::kUniform, Mood::kNewest};
  mood_ = kMoods[choices_.choose(kMoodSite, key_, std::size(kMoods))];
  horizon_ = oldest_seq + choices_.choose(kHorizonSite, key_, newest_seq - oldest_seq + 1);
}

size_t DrawnPicker::pick(const SlotNames& names, const SlotRef& slot, Range range, size_t prefix,
                         bool frontier) {
  const auto [lo, hi] = range;
  if (lo >= hi) return lo;
  prefix = std::clamp(prefix, lo, hi);
  const auto draw = [&](uint64_t n) {
    return choices_.choose(kSites[static_cast<size_t>(slot.kind)], key_ ^ names.key_of(slot), n);
  };
  const bool moodless = slot.kind == SlotKind::kSync || slot.kind == SlotKind::kStuckName ||
                        slot.kind == SlotKind::kGarbage;
  if (moodless) return lo + draw(hi - lo + 1);
  switch (mood_) {
    case Mood::kNothing:
      return lo;
    case Mood::kEverything:
      return hi;
    case Mood::kSizeAhead:
      if (slot.kind == SlotKind::kSize) return hi;
      [[fallthrough]];
    case Mood::kPrefix:
      if (!frontier || prefix == lo) return prefix;
      return prefix - draw(2);  // torn
    case Mood::kHoles:
      return draw(4) == 0 ? lo : prefix;
    case Mood::kEnds:
      return draw(2) == 0 ? lo : hi;
    case Mood::kNewest:
      return prefix < hi ? hi : lo;
    case Mood::kUniform:
      break;
  }
  return lo + draw(hi - lo + 1);
}

}  // namespace powercut::sim
