// Who decides at a cut: one slot after the other, each within what is legal (sim/crash_space.h). By
// a draw (here), as stated, or as another does (sim/survival.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/choices.h"
#include "sim/slot.h"

namespace powercut::sim {

class Picker {
 public:
  virtual ~Picker() = default;
  // Called once, when the syncs in flight are decided and before all else.
  virtual void begin(uint64_t /*oldest_seq*/, uint64_t /*newest_seq*/) {}
  // In [lo, hi]. `prefix` is the version that a prefix of history up to horizon() would have;
  // `frontier`: the history ends in it.
  virtual size_t pick(const SlotNames& names, const SlotRef& slot, Range range, size_t prefix,
                      bool frontier) = 0;
  virtual uint64_t horizon() const { return UINT64_MAX; }
};

// How a draw goes. Both stay inside the same legal set.
enum class CutStyle : uint8_t {
  kUseful,   // first a mood (nothing, everything, prefix, holes, chaos), then the slots
  kUniform,  // every slot for itself: what the odometer enumerates
};

// Uniformly, or with a mood that makes likely what crashes make likely. A draw is keyed by its
// slot, so that it stays the same when another slot comes or goes.
class DrawnPicker final : public Picker {
 public:
  DrawnPicker(Choices& choices, uint64_t key, CutStyle style)
      : choices_(choices), key_(key * 0x9e3779b97f4a7c15u), style_(style) {}
  void begin(uint64_t oldest_seq, uint64_t newest_seq) override;
  size_t pick(const SlotNames& names, const SlotRef& slot, Range range, size_t prefix,
              bool frontier) override;
  uint64_t horizon() const override { return horizon_; }

 private:
  enum class Mood : uint8_t {
    kUniform,
    kNothing,
    kEverything,
    kPrefix,
    kSizeAhead,
    kHoles,
    kEnds,
    kNewest,  // what came late survives, what came early is lost
  };

  Choices& choices_;
  uint64_t key_;
  CutStyle style_;
  uint64_t horizon_ = UINT64_MAX;
  Mood mood_ = Mood::kUniform;
};

}  // namespace powercut::sim
