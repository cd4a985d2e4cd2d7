// What the judge can drive: an engine, seen from the outside. Whoever implements this class gets
// sweeps, the explorer, the shrinker and the stories for their engine (sim/BRING_YOUR_ENGINE.md).
//
// An engine lives in one Os (engine/os/os.h): what it does to files goes through there, and time, chance
// and tasks come from there. Everything else would be invisible to the simulated disk, or different in
// the next run.
//
// What changes the engine's state is an *operation*. Operations are numbered from 1 in the order in which
// they take effect, on and on across crashes: after a recovery to operation k the next one is k + 1. An
// operation is whole or not there at all. S(k) is the state after operation k; S(0) is empty.
//
// The judge asks of a recovery: is the state one of S(0), S(1), S(2)..., and is k at least what the
// engine had promised when the crash came?
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/os/os.h"
#include "sim/injector.h"

namespace powercut::sim {

struct WorldState;

// What is promised at one instant. Each number is of an operation: all up to it are kept.
struct Promise {
  bool given = true;      // an acknowledgement promises anything at all
  uint64_t written = 0;   // if the process is killed now
  uint64_t synced = 0;    // if the power is cut now; at most `written`
  uint64_t snapshot = 0;  // what the newest snapshot holds, for policies that promise just that
  // A snapshot was begun: one may be found that is newer than `snapshot`.
  bool saves = false;
  // A sync has failed, and nothing has replaced what it was to force: a kill then takes what a power
  // cut takes.
  bool indeterminate = false;
  // A client was told that all up to here is on another machine, where a power cut leaves it.
  uint64_t confirmed = 0;
  // Of an engine that is followed by another machine, in ms: how long ago that one last confirmed anything; -1: it is not.
  int64_t lag_ms = -1;
  // A database behind the engine has all up to here.
  uint64_t behind = 0;
  bool acked_behind = false;  // ... and all that was acknowledged, whatever is lost
  // Of an engine whose database is all that persists, in ms: what is acknowledged and not in it spans no more, and is no
  // older but by the time in which it could not be written; 0: nothing is. -1: it has other files.
  int64_t window_ms = -1;
  bool operator==(const Promise&) const = default;
};

// When the engine could make nothing durable; open-ended: until kForever.
struct Span {
  Instant begin;
  Instant end;
};

// What a recovery came upon.
enum class Met : uint8_t {
  kNothing,  // a first start
  kBase,
  kSnapshot,
  kWholeTail,
  kTornTail,  // and dropped it
  kOrphans,   // files that nothing names
  kSeveralSegments,
};
using MetSet = std::bitset<7>;

// What open() made of the disk.
struct Recovery {
  uint64_t last = 0;    // the operation that was reached
  uint64_t failed = 0;  // operations that could not be done again
  MetSet met;
  // False: it cannot say which operation that is, and the judge goes by the state alone, and sets `last`.
  bool numbered = true;
  // Of a database behind the engine: the operation that it was found at, and what it holds that the engine does not,
  // or the reverse, now that it has caught up; empty: nothing.
  std::optional<uint64_t> behind = {};
  std::string behind_differs = {};
};

// What an engine is at, for coverage: doing something to the disk, or for it.
enum class Activity : uint8_t {
  kIdle,
  kWriting,
  kSyncing,
  kWritingBase,
  kRewriting,
  kHealing,
  kTurningOn,
  kSaving,
};

// What it has done since it was opened.
struct Deeds {
  bool healed = false;
  bool rewrote = false;
  bool saved = false;
  bool refused_writes = false;
  // Why a job of its own failed, the last one that did; empty: none. The judge takes that for a broken promise
  // where nothing was in its way.
  std::string failure = {};
};

struct Reply {
  std::string_view bytes;  // valid until the next call
  bool error = false;      // the operation was refused, and is not done
  bool unknown = false;    // ... because the engine has no such request
  bool refused = false;    // ... as every write is at present
  uint64_t served_by =
      0;  // the operation, another's, that did what it had waited for; 0: it did not wait
  // It waited in vain: the last operation there was when it had waited long enough.
  std::optional<uint64_t> in_vain = {};
};

// Told of each operation, in the step in which it takes effect.
class OperationObserver {
 public:
  virtual ~OperationObserver() = default;
  virtual void on_operation(uint64_t number) = 0;
};

// One life of an engine: from open() (TargetType, scenarios/judge/target_type.h) to its end. It may be
// destroyed at any moment, while its tasks are suspended: that is a crash, and nothing it does then
// reaches the disk.
class Target {
 public:
  virtual ~Target() = default;

  // Called once when what open() has made of the disk has been judged to be S(number), before any client comes. Yields.
  virtual void begin(uint64_t /*number*/) {}
  // A promise of its own that it has seen broken, in one line; empty: none. Asked at the end of each life.
  virtual std::string broken() { return {}; }

  // Executes a request of a client, numbered from 0. The engine calls happened() for each operation that
  // it was, before it yields again. Yields: before it takes effect, or not at all.
  virtual void apply(uint64_t client, std::string_view request) = 0;

  // Waits until the client may be given its next reply, or `deadline`; then nothing. Replies come in
  // the order of the requests. From the moment it is given, the policy's promise covers it. Yields.
  virtual std::optional<Reply> acknowledged(uint64_t client, Instant deadline) = 0;

  // Of the state, as a client would see it at that time (Unix time): equal for equal states. Never
  // yields.
  virtual uint64_t digest(int64_t wall_ms) = 0;

  // As the engine itself believes, now. Never yields.
  virtual Promise promise() = 0;

  // Makes everything durable and ends the engine's tasks. After an error it serves on. Yields.
  virtual Result<void> shut_down() = 0;

  // --- What may be left as it is ---
  // Clients may end things as well. Has the engine closed this client's connection, or will it when
  // the client has its replies? The next request comes on a new one.
  virtual bool closed(uint64_t /*client*/) { return false; }
  // Does this client's last request wait for what others may do, and perhaps never will? Then it gets no other one
  // before the reply, or hang_up().
  virtual bool waits(uint64_t /*client*/) { return false; }
  // The client goes, without its replies. Its next request comes on a new connection.
  virtual void hang_up(uint64_t /*client*/) {}
  // Has a client told the engine to end, and it has, as by shut_down()? Nobody is answered any more.
  virtual bool ended() { return false; }
  // The policy in force, where clients have changed it, by its name; empty: that of Settings, which is
  // the one that open() goes by again. Asked after each request.
  virtual std::string_view policy_in_force() { return {}; }
  // Since open(): when syncs could not be had. Policies with a bound in time extend it by that.
  virtual std::vector<Span> blocked() { return {}; }
  // `op`, `of_base`: of the seam call under way, if there is one and it is known.
  virtual Activity activity(std::optional<Op> /*op*/, bool /*of_base*/) { return Activity::kIdle; }
  virtual Deeds deeds() { return {}; }
  // Left alone for a minute, with nothing in its way: what of its own work is not done, in one line; empty:
  // nothing. Never yields.
  virtual std::string undone(const WorldState&) { return {}; }
  // What open() made of the disk: one line for people, and the same as sentences of a story.
  virtual std::string recovery_summary() { return {}; }
  virtual std::vector<std::string> recovery_story() { return {}; }
  // What it holds, a line each, sorted; at most so many, then how many more. For stories.
  virtual std::vector<std::string> contents(int64_t /*wall_ms*/, size_t /*most*/) { return {}; }

  Recovery recovery;  // set by open()

  // A decorator says what it stands before: whoever knows the engine itself is to see that.
  virtual Target& itself() { return *this; }

  // For the judge.
  void observe(OperationObserver* observer) { observer_ = observer; }

 protected:
  void happened(uint64_t number) {
    if (observer_ != nullptr) observer_->on_operation(number);
  }

 private:
  OperationObserver* observer_ = nullptr;
};

// How large the steps of what an engine does by itself are, for engines that can be told. Small ones make
// a short run meet what else takes gigabytes.
struct Sizes {
  uint64_t rewrite_bytes = 16384;  // a log is rewritten when it has grown that much
  uint64_t step_bytes = 0;         // of a snapshot, in one step; 0: as the engine likes
  int script_step = 0;             // instructions of a script, in one step; 0: as the engine likes
  Duration lag{0};                 // that the removal of what has expired may come late
  bool operator==(const Sizes&) const = default;
};

// What an engine is told when it opens.
struct Settings {
  std::string_view policy;  // its name (scenarios/judge/policy.h)
  Sizes sizes = {};
  bool log_off = false;   // begin without a log: a client turns it on
  bool gives_up = false;  // where a log is damaged: what precedes the damage is enough
  // Of the machine whose Os it is given: it is killed or cut now, alone, and its disk is what that leaves. Called while no
  // call on it is under way. Empty: it falls with the world only.
  std::function<void(CrashKind)> crash_machine = {};
};

}  // namespace powercut::sim
