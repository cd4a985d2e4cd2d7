// What may go wrong at a seam call: asked before every call, answered by a fault plan
// (faults/plan.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/site.h"
#include "engine/base/time.h"

namespace powercut::sim {

enum class Op : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kRename,
  kLink,
  kRemove,
  kMakeDirectory,
  kList,
  kSyncDirectory,
};
inline constexpr int kOps = 11;
Site op_site(Op op);

enum class CrashKind : uint8_t { kNone, kKill, kPowerCut };
// kReturning: of a sync, when it has waited and before it has its effect. Others have run meanwhile.
enum class CrashPoint : uint8_t { kBefore, kInside, kAfter, kReturning };
inline bool under_way(CrashPoint point) {
  return point == CrashPoint::kInside || point == CrashPoint::kReturning;
}

struct SeamCall {
  uint64_t number;  // counts from 0 in this life of the store
  Op op;
  std::string_view path;
  uint64_t offset;
  uint64_t size;
  const Site* fence;  // of a sync; else nullptr
  // A hash of what the call is: its kind, path and fence, and that it is the n-th such call in this
  // life. What is drawn for a call is keyed by this, so that other calls do not matter.
  uint64_t identity = 0;
};

struct Injection {
  CrashKind crash = CrashKind::kNone;
  CrashPoint point = CrashPoint::kBefore;
  std::optional<Errc> error;           // the call fails; a write may have written a prefix
  bool happens = false;                // of a rename that fails: it takes effect all the same
  bool journal = false;                // of a sync that fails: it is the journal that does
  std::optional<uint64_t> short_size;  // reads and writes: at most this many bytes, at least 1
  Duration extra_latency;              // slow and hanging calls
  uint64_t number = 0;                 // of the call; filled in by the seam, as is the next
  uint64_t identity = 0;
};

class Injector {
 public:
  virtual ~Injector() = default;
  virtual Injection on_call(const SeamCall& call) = 0;
  // The next instant at which something happens by the clock alone, and what.
  virtual Instant next_moment() { return Instant{INT64_MAX}; }
  // Called when the clock has reached next_moment(): a crash, or a jump of the wall clock in
  // milliseconds.
  struct Moment {
    CrashKind crash = CrashKind::kNone;
    int64_t wall_jump_ms = 0;
  };
  virtual Moment on_moment(Instant) { return {}; }
};

}  // namespace powercut::sim
