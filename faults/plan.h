// A fault plan: everything that goes wrong in one run, as data that prints and parses back.
//
// One word a fault, words separated by a space. All numbers count from 0.
//
//   cut@op:57+3:inside     power cut (or kill@) at a seam call: after operation 57 was issued, 3
//                          calls are let pass, and the next is cut: before | inside | after, or a
//                          sync when it has waited and has had no effect yet: returning
//   cut@op:57~250us        that long after operation 57 was issued
//   cut@call:4:after       at seam call 4 of this life of the store, recovery's calls included
//   cut@rename:2:inside    at rename 2 of this life; any kind of seam call
//   cut@sync:3~1500ms      that long after sync 3 of this life began
//   cut@idle:1500ms        that long after the last operation was answered
//   eio@sync:2             what befalls one call: sync 2 of this life, or another kind of seam call
//                          that the word may name
//   eio@sync/base:0        the first sync of a base. Wherever calls of a kind are counted, those
//                          of files in one role can be: segment base manifest checkpoint directory
//                          other
//   eio@idle/sync:0        the first sync since something happened, in a crash word as well: idle (all
//                          operations are answered), error (a call was made to fail), served (it is open)
//   slow@sync:3=2500ms     by so much
//   short@read             any call of a kind
//   enospc@op:10..20       from when operation 10 is issued until operation 20 is
//   jump@op:5=-3600000ms   when operation 5 is issued; by so much
//   bitrot bitrot:3        what befalls the disk after the crash of this life; the number tells draws of
//                          one fault apart
//
// Of the last seven forms there are more words, a row each: FaultKind (faults/fault_kinds.h).
//
// A `life:N/` in front: in the N-th life of the store. Life 0 is the default; life 1 begins with
// the recovery from the first crash. Every life but the last mentioned has exactly one crash word;
// the last has one or none.
//
// Two rules keep a plan from waiting for ever: an operation that is never issued counts as issued
// when all operations are answered (on_idle), and 10 s after that the crash comes in any case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "faults/fault_class.h"
#include "sim/choices.h"
#include "sim/disk.h"
#include "sim/injector.h"

namespace powercut::faults {

enum class Trigger : uint8_t {
  kOperationCall,
  kOperationMoment,
  kCall,
  kIdle,
  kKindCall,    // a call of its kind
  kKindMoment,  // that long after a call of its kind began
};

// What a file is to the engine.
enum class FileRole : uint8_t {
  kNone,
  kSegment,
  kBase,
  kManifest,
  kCheckpoint,
  kDirectory,
  kOther
};
inline constexpr int kFileRoles = 7;
std::string_view name(FileRole role);
// An engine says what its files are, by their names: never kNone, nor kDirectory.
using RoleOfFile = FileRole (*)(std::string_view path);
inline FileRole no_roles(std::string_view) { return FileRole::kOther; }
FileRole role_of(sim::Op op, std::string_view path, RoleOfFile file);

// From when on calls of a kind are counted, in a life.
enum class Since : uint8_t { kBegin, kServed, kError, kIdle };
inline constexpr int kSinces = 4;
std::string_view name(Since since);

// Fields that a kind does not use keep their default, so that equal words are equal faults.
struct Fault {
  FaultKind kind = FaultKind::kCrash;
  uint32_t life = 0;
  sim::CrashKind crash = sim::CrashKind::kNone;
  Trigger trigger = Trigger::kOperationCall;
  sim::CrashPoint point = sim::CrashPoint::kBefore;
  sim::Op op = sim::Op::kOpen;  // which calls, where they are counted by kind
  uint64_t at = 0;              // operation, call, or call of its kind
  uint64_t extra = 0;           // calls let pass; the end of a range of operations
  Duration delay;               // moments, idle, slow calls
  int64_t jump_ms = 0;
  Since since = Since::kBegin;      // where calls are counted by kind
  FileRole role = FileRole::kNone;  // not kNone: of the calls of `op`, only those of such files
  bool operator==(const Fault&) const = default;
};

struct Plan {
  std::vector<Fault> faults;

  // How many lives end in a crash.
  uint32_t crashes() const;
  // The crash word of a life; nullptr: it runs undisturbed to its end.
  const Fault* crash_of(uint32_t life) const;
  bool violates_contract() const;
  FaultSet classes() const;
  bool operator==(const Plan&) const = default;
};

FaultSet classes_of(const Fault& fault);
// The crash of a life, or what is done to the disk behind it.
bool ends_life(const Fault& fault);
// Whether `at` is the number of an operation, or of a call. `extra` is the end of a range of
// operations only if spans_operations().
bool counts_operations(const Fault& fault);
bool spans_operations(const Fault& fault);
bool counts_calls(const Fault& fault);

std::string print(const Plan& plan);
// kInvalid: one line that names the word and what is wrong with it.
Result<Plan> parse_plan(std::string_view text);

struct PlanOptions {
  FaultSet enabled = FaultSet::legal();
  uint64_t operations = 100;  // issued in life 0; later lives are expected to issue as many
  uint32_t lives_max = 3;     // that end in a crash
};
// Swarm testing (Groce et al., ISSTA 2012): the classes that one plan draws from, a subset of
// `enabled`. Faults hide one another, so a plan that could have all of them shows less than many
// plans that each leave some out. One class alone and all together occur as well.
FaultSet draw_swarm(sim::Choices& choices, FaultSet enabled);
// From a swarm of `options.enabled`; each class of it occurs once, or a few times (its rate, drawn
// as well). Every draw goes through `choices`. Where no crash is in the swarm, no life ends in one.
// A contract violation comes alone with a cut; in 1 plan of 16, or in every plan if nothing else is
// enabled but crashes.
Plan draw_plan(sim::Choices& choices, const PlanOptions& options);

// Bytes of a file that are not what was written any more.
struct Harm {
  std::string path;
  uint64_t offset = 0;
  uint64_t length = 0;
};
struct MediaHit {
  FaultClass fault;
  Harm at;
  Harm also;  // of no length: nowhere else
};
// Does the media faults of `life` to the disk found after its crash. Empty files are spared; a disk
// without any other is left as it is.
std::vector<MediaHit> apply_media_faults(const Plan& plan, uint32_t life, sim::Disk& disk,
                                         sim::Choices& choices);

}  // namespace powercut::faults
