// What can go wrong, in two tables. A class is what `--faults` takes and a sweep counts; a kind is
// what one word of a plan says (faults/plan.h). Most classes have one kind of their own; a crash is
// one kind, and up to three classes.
//
// All that others know of a fault they read here: plans print and parse by its row, are drawn and
// carried out by it, coverage and stories take from it what can be and how it is told. How one is
// added: faults/ADD_A_FAULT.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <variant>

#include "sim/injector.h"

namespace powercut::faults {

// --- Classes ---

// Draws are keyed by their numbers: a new one stands at the end.
enum class FaultClass : uint8_t {
  kKill,
  kPowerCut,
  kTorn,  // cuts inside a call; which sectors then survive is the persona's say
  kEio,
  kEnospc,
  kShortIo,
  kSlowSync,
  kHangingSync,
  kClockJump,
  kRecoveryCut,
  kBitRot,
  kUnreadable,
  kMisdirect,
  kBytesRemoved,
  kBytesInserted,
  kDeniedRename,
  kFileLost,
  kCount,  // how many there are
};
inline constexpr int kFaultClasses = static_cast<int>(FaultClass::kCount);

enum class Target : uint8_t {
  kAnywhere,  // a crash: at a call, or between two
  kCrash,     // what some crashes are besides
  kCall,
  kClock,
  kDisk,  // between a crash and the recovery from it: a contract violation
};

struct ClassRow {
  FaultClass fault;
  std::string_view name;
  std::string_view description;  // one line, for people
  Target target;
  bool needs_crash = false;            // in the same life
  bool spares_empty = false;           // files
  std::string_view no_directory = {};  // why it strikes none; empty: it does
  std::string_view no_log = {};        // the same of segments and bases
  // Told where it has struck. {call} is "the sync of a.aof", {Call} begins a sentence, {where} is
  // where a crash struck, {often} how many times if more than once.
  std::string_view story = {};
  std::string_view story_of_sync = {};  // added, if what it struck was the sync of a file
};

// In the order of FaultClass.
inline constexpr auto kClassRows = std::to_array<ClassRow>({
    {.fault = FaultClass::kKill,
     .name = "kill",
     .description = "the process dies; the page cache lives",
     .target = Target::kAnywhere,
     .story = "The process is killed, {where}. The operating system lives on, and with it "
              "everything that was written, synced or not."},
    {.fault = FaultClass::kPowerCut,
     .name = "power-cut",
     .description = "the page cache dies; what no sync forced may be lost, torn or reordered",
     .target = Target::kAnywhere,
     .story = "The power fails, {where}."},
    {.fault = FaultClass::kTorn,
     .name = "torn",
     .description = "a crash strikes inside a call: a write half done, a sync in flight",
     .target = Target::kCrash,
     .needs_crash = true},
    {.fault = FaultClass::kEio,
     .name = "eio",
     .description = "one call fails with EIO; after a failed sync the unsynced bytes may be gone",
     .target = Target::kCall,
     .story = "The device fails {call} (EIO).{often}",
     .story_of_sync = " What it was to force may never reach the disk, even when a later sync "
                      "succeeds."},
    {.fault = FaultClass::kEnospc,
     .name = "enospc",
     .description = "no space, for one call or from one operation to another",
     .target = Target::kCall,
     .story = "There is no space left for {call} (ENOSPC).{often}"},
    {.fault = FaultClass::kShortIo,
     .name = "short-io",
     .description = "reads and writes return after a part of their bytes",
     .target = Target::kCall,
     .spares_empty = true,
     .no_directory = "a directory is neither read nor written",
     .story = "Only a part of {call} is done, as an operating system may.{often}"},
    {.fault = FaultClass::kSlowSync,
     .name = "slow-sync",
     .description = "syncs take up to seconds",
     .target = Target::kCall,
     .spares_empty = true,
     .story = "It takes long until {call} returns."},
    {.fault = FaultClass::kHangingSync,
     .name = "hanging-sync",
     .description = "a sync never returns before the crash",
     .target = Target::kCall,
     .needs_crash = true,
     .spares_empty = true,
     .no_directory = "plans hang syncs of files only",
     .story = "{Call} never returns."},
    {.fault = FaultClass::kClockJump,
     .name = "clock-jump",
     .description = "the wall clock jumps forward or back by seconds to weeks",
     .target = Target::kClock,
     .story = "The wall clock jumps."},
    {.fault = FaultClass::kRecoveryCut,
     .name = "recovery-cut",
     .description = "the recovery from a crash is itself cut",
     .target = Target::kCrash,
     .needs_crash = true},
    {.fault = FaultClass::kBitRot,
     .name = "bit-rot",
     .description = "contract violation: a bit flips on the disk between crash and recovery",
     .target = Target::kDisk,
     .spares_empty = true,
     .no_directory = "media faults strike the bytes of files",
     .story = "A bit flips on the disk."},
    {.fault = FaultClass::kUnreadable,
     .name = "unreadable",
     .description = "contract violation: a sector cannot be read after the crash",
     .target = Target::kDisk,
     .spares_empty = true,
     .no_directory = "media faults strike the bytes of files",
     .story = "A sector of the disk can no longer be read."},
    {.fault = FaultClass::kMisdirect,
     .name = "misdirect",
     .description = "contract violation: a sector was written to another file's place",
     .target = Target::kDisk,
     .spares_empty = true,
     .no_directory = "media faults strike the bytes of files",
     .story = "A sector turns out to have been written to another file's place."},
    {.fault = FaultClass::kBytesRemoved,
     .name = "bytes-removed",
     .description = "contract violation: bytes are cut out of a file, and what is behind moves up",
     .target = Target::kDisk,
     .spares_empty = true,
     .no_directory = "media faults strike the bytes of files",
     .story = "Bytes are missing from a file, as after a bad copy."},
    {.fault = FaultClass::kBytesInserted,
     .name = "bytes-inserted",
     .description =
         "contract violation: foreign bytes stand in a file, and what is behind moves back",
     .target = Target::kDisk,
     .spares_empty = true,
     .no_directory = "media faults strike the bytes of files",
     .story = "Bytes that nobody wrote stand in a file, as after an editor or a bad copy."},
    // NFS: the answer is lost, the call is sent again, and finds nothing to rename (RFC 1813, 4.8).
    {.fault = FaultClass::kDeniedRename,
     .name = "denied-rename",
     .description = "a rename happens, and reports that it failed",
     .target = Target::kCall,
     .no_directory = "directories are not renamed",
     .no_log = "they are made under their names",
     .story = "{Call} reports an error (EIO), and has happened.{often}"},
    {.fault = FaultClass::kFileLost,
     .name = "file-lost",
     .description = "contract violation: a file is gone, as after a repair of the filesystem",
     .target = Target::kDisk,
     .spares_empty = true,
     .no_directory = "media faults strike the bytes of files",
     .story = "A file is gone, as after a repair of the filesystem."},
});

constexpr const ClassRow& row(FaultClass fault) { return kClassRows[static_cast<size_t>(fault)]; }
constexpr std::string_view name(FaultClass fault) { return row(fault).name; }
constexpr std::string_view describe(FaultClass fault) { return row(fault).description; }
// Outside what the engine promises to survive: it may refuse to start, but not serve wrong data.
constexpr bool is_contract_violation(FaultClass fault) {
  return row(fault).target == Target::kDisk;
}

// --- Kinds ---

// By its word in a plan; all numbers count from 0. What `op:57+3:inside`, a kind of call and the
// role of a file are stands in faults/plan.h.
enum class FaultKind : uint8_t {
  kCrash,       // cut@op:57+3:inside kill@sync:2:after: a power cut, or the end of the process
  kEio,         // eio@sync:2: sync 2 of this life fails; any kind of call
  kEnospc,      // enospc@write:5: likewise, a call that may need space
  kNoSpace,     // enospc@op:10..20: from when operation 10 is issued until operation 20 is, every
                // write, open, truncate and make_directory fails. At most 30 s long, and over when
                // all operations are answered
  kShort,       // short@read short@write: each with a 1-in-3 chance
  kSlow,        // slow@sync:3=2500ms: takes longer by that; also sync_directory
  kHang,        // hang@sync:3: never returns; the crash of this life comes within 20 s
  kJump,        // jump@op:5=-3600000ms: the wall clock jumps when operation 5 is issued
  kBitRot,      // bitrot: to the disk after the crash of this life, as are the next; bitrot:3: its
                // third other draw
  kUnreadable,  // unreadable
  kMisdirect,   // misdirect
  kBytesRemoved,   // bytes-removed
  kBytesInserted,  // bytes-inserted
  kDenied,         // denied@rename:2: rename 2 of this life happens, and fails
  kShut,      // shut@sync:2 shut@sync_directory:0: its journal fails, and the filesystem takes no
              // changes until it is mounted again
  kFileLost,  // file-lost
  kCount,     // how many there are
};
inline constexpr int kFaultKinds = static_cast<int>(FaultKind::kCount);

// What the number behind the word counts.
enum class Counts : uint8_t {
  kCrash,       // as its Trigger says
  kCall,        // a call of its kind, of any file or of those in one role
  kEveryCall,   // nothing: every call of its kind
  kOperation,   // one
  kOperations,  // from one to another
  kDraw,        // of what it strikes, and how; 0, the first, is not written
};
// Behind "=".
enum class Argument : uint8_t { kNone, kDelay, kJump };

// Kinds of seam calls.
using OpSet = uint32_t;
constexpr OpSet ops(std::initializer_list<sim::Op> calls) {
  OpSet set = 0;
  for (const sim::Op op : calls) set |= 1u << static_cast<int>(op);
  return set;
}
inline constexpr OpSet kEveryOp = (1u << sim::kOps) - 1;
constexpr bool has(OpSet set, sim::Op op) { return (set >> static_cast<int>(op) & 1) != 0; }

// How it is done, by where it strikes: faults/strikes.h.
struct Fault;
struct CallStrike;
struct DiskStrike;
struct Extent;
using StrikeCall = bool (*)(const CallStrike&);  // false: it came to nothing
using StrikeClock = void (*)(const Fault&, sim::Injector::Moment&);
using StrikeDisk = Extent (*)(const DiskStrike&);

struct KindRow {
  FaultKind kind;
  std::string_view word;  // of a crash: of a power cut
  FaultClass fault;       // of a crash: see classes_of()
  Counts counts;
  Argument argument = Argument::kNone;
  OpSet ops = 0;             // that the word may name; of a kind that names none, those it strikes
  bool needs_crash = false;  // though its class does not
  std::variant<std::monostate, StrikeCall, StrikeClock, StrikeDisk> strike = {};  // a crash: none
};

// In the order of FaultKind.
std::span<const KindRow> kind_rows();
const KindRow& row(FaultKind kind);
inline Target target(FaultKind kind) { return row(row(kind).fault).target; }

// --- A row that is forgotten, or out of its order, does not compile; kinds: fault_kinds.cc ---

static_assert(kClassRows.size() == kFaultClasses, "a FaultClass without a row");
constexpr bool all_filled() {
  for (size_t i = 0; i < kClassRows.size(); ++i) {
    const ClassRow& row = kClassRows[i];
    if (row.fault != static_cast<FaultClass>(i)) return false;
    if (row.name.empty() || row.description.empty()) return false;
    // What a crash is besides, the crash tells.
    if (row.story.empty() != (row.target == Target::kCrash)) return false;
    // The bytes of files, outside the contract.
    if (row.target != Target::kDisk) continue;
    if (!row.description.starts_with("contract violation: ")) return false;
    if (!row.spares_empty || row.no_directory.empty()) return false;
  }
  return true;
}
static_assert(
    all_filled(),
    "class rows: in the order of FaultClass, with name, description, story; of a disk also "
    "'contract violation: ', spares_empty, no_directory");

}  // namespace powercut::faults
