// What one power cut left, said slot by slot: a statement that a person can read and edit.
//
// A slot is something that survives in one of several versions: how far the journal came, an entry
// of a directory, the size of a file, a sector of it. Version 0 is what was durable, version i what
// the first i pending micro-ops of that slot make of it. A slot is known by its path, not by a
// position in a list, so a statement outlives changes that do not concern it.
//
//   rest lost                           slots not named take their oldest legal version; or `kept`
//   sync log/1.aof 0 done               the sync in flight counts; or `forgotten` (log tree only)
//   journal 3                           how many of the journal's positions are on the disk
//   name log/1.aof 1                    an entry, where each survives for itself
//   stuck-name log/1.aof 0 kept         a name whose directory sync failed; or `lost`
//   size log/1.aof 2
//   sector log/1.aof 512 1              the sector at that offset
//   garbage log/1.aof 512 shown         it has no data: old bytes of nobody's are read there
//   block log/1.aof 512 reused 2        a removed file came back: another's data in that sector
//
// A path is the one that a running process would use at the cut. A file that is removed keeps the
// last name it had, with "~1" behind it if it is the last that was called so, "~2" before it, ...
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "sim/picker.h"
#include "sim/slot.h"

namespace powercut::sim {

class Disk;

struct Slot {
  SlotName what;
  uint64_t version = 0;
  bool operator==(const Slot&) const = default;
};

struct Survival {
  // Slots not listed take their newest legal version; if not, their oldest. Never garbage, nor the
  // block of another.
  bool rest_kept = false;
  std::vector<Slot> slots;
  bool operator==(const Survival&) const = default;
};

std::string print(const Slot& slot);
std::string print(const Survival& survival);  // one line a slot, `rest` first; each ends in '\n'
// Errors: kInvalid: one line that says what is wrong with this one.
Result<Slot> parse_slot(std::string_view line);
Result<Survival> parse_survival(std::string_view text);

// Decides as stated. What is stated and not legal, or not there, is a problem; or it is bent to the
// nearest legal version, for a search that tries neighbours of a survival.
enum class Illegal : uint8_t { kProblem, kBent };
class StatedPicker final : public Picker {
 public:
  explicit StatedPicker(const Survival& survival, Illegal illegal = Illegal::kProblem);
  size_t pick(const SlotNames& names, const SlotRef& slot, Range range, size_t, bool) override;
  // After the cut. Errors: kInvalid: the first problem, in one line.
  Result<void> finish() const;

 private:
  struct Stated {
    uint64_t version;
    bool used = false;
  };
  bool rest_kept_;
  Illegal illegal_;
  std::map<SlotName, Stated> slots_;
  std::vector<Slot> others_;  // some that are not stated, in their newest version: to name them
  std::string problem_;
};

// Decides as another does, and writes it down: each slot that had more than one legal version.
class RecordingPicker final : public Picker {
 public:
  explicit RecordingPicker(Picker& inner) : inner_(inner) {}
  void begin(uint64_t oldest_seq, uint64_t newest_seq) override {
    inner_.begin(oldest_seq, newest_seq);
  }
  size_t pick(const SlotNames& names, const SlotRef& slot, Range range, size_t prefix,
              bool frontier) override;
  uint64_t horizon() const override { return inner_.horizon(); }
  const Survival& survival() const { return survival_; }

 private:
  Picker& inner_;
  Survival survival_;
};

// What Disk::after_power_cut(choices, key, style) draws, in full.
Survival survival_of(const Disk& disk, Choices& choices, uint64_t key,
                     CutStyle style = CutStyle::kUseful);

}  // namespace powercut::sim
