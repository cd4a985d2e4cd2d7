// A store started on copies of a disk, as a judge wants it: told otherwise, or with calls that fail. Nothing of the run that left
// the disk is drawn, counted or traced.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/recovery/recovery.h"
#include "scenarios/judge/target_type.h"
#include "scenarios/store/starts/found_backups.h"
#include "sim/sim_os.h"

namespace powercut::engine {
class Engine;
class Session;
}  // namespace powercut::engine

namespace powercut::scenarios {

class SlowOs;

// Of a start's time.
inline constexpr Duration kStartLimit = seconds(60);
inline constexpr std::string_view kOneCommand = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

// All but the manifest and its other names, which a start may publish again before it knows more.
std::map<std::string, std::string> data_of(const sim::Disk& disk);
// Durable at once.
void put(sim::Disk& disk, const std::string& path, std::string_view bytes);

// When files were written, as a start may ask: what says nothing has the first.
inline constexpr int64_t kDate = 1'700'000'000'000;
using Dates = std::map<std::string, int64_t>;

// Names and bytes.
using NamedFiles = std::vector<std::pair<std::string, std::string>>;
// The manifest of Redis 7, of a base and so many segments.
std::pair<std::string, std::string> manifest_of(std::string_view base, uint64_t segments);

// What a start came to.
struct Came {
  std::optional<Error> refusal;
  std::string died;
  bool hangs = true;
  bool crashed = false;
  uint64_t digest = 0;
  engine::RecoveryReport report;
  uint64_t calls = 0;
  uint64_t calls_of_start = 0;  // of these, until it served
  bool started() const { return died.empty() && !hangs && !refusal; }
  std::string text() const;
};

// All yield: until the reply to a request is there, and until so much time has passed.
std::string reply_to(engine::Session& session, std::string_view request);
std::string ask(engine::Session& session, const std::vector<std::string>& words);
void rest(engine::Os& os, Duration time);
// Until no job of the keeper's runs; one that was just asked for begins when others run.
void wait_for_jobs(engine::Os& os, const engine::Engine& engine);

class CopiedStarts {
 public:
  // Who makes one says what a plain start comes to (plain_): others are held against that.
  CopiedStarts(const sim::WorldState& world, const sim::Settings& settings, sim::Choices& choices);
  // For another judge of the same: it is not started plainly again, and nothing is wrong yet.
  CopiedStarts(const CopiedStarts& as);
  CopiedStarts& operator=(const CopiedStarts&) = delete;
  ~CopiedStarts();

 protected:
  using Body = std::function<void(engine::Os& os, Came& came)>;
  Came in_world(sim::WorldState& world, sim::Injector* injector, const Body& body);
  // With nothing else on its disk.
  sim::WorldState world_of(const NamedFiles& files) { return world_of(files, world_.disk.rules()); }
  sim::WorldState world_of(const NamedFiles& files, const sim::PersonaRules& rules);
  // What the recovery alone comes to.
  Came start(sim::WorldState& world, const engine::RecoveryOptions& options,
             const Dates& dates = {});
  Came start_on_copy(const engine::RecoveryOptions& options, const Dates& dates = {}) {
    sim::WorldState copy = world_;
    return start(copy, options, dates);
  }
  // The whole store, with what it publishes before it serves. `then`: what it does before it ends; yields.
  using Then = std::function<void(engine::Os& os, engine::Engine& engine)>;
  Came open(sim::WorldState& world, sim::Injector* injector, const Then& then = {});
  // ... where the seam is another one, put over that of the world.
  using Over = std::function<std::unique_ptr<engine::Os>(engine::Os& os)>;
  Came open_over(sim::WorldState& world, const Over& over, const Then& then,
                 sim::Injector* injector = nullptr);
  // ... where syncs and a checkpoint's writes take as long as `then` says.
  using SlowThen = std::function<void(SlowOs& os, engine::Engine& engine)>;
  Came open_slow(sim::WorldState& world, const SlowThen& then, sim::Injector* injector = nullptr);

  // One that comes to what the plain one does, and where nothing expires by itself. What is wrong there `look` says in one line.
  using Look = std::function<std::string(engine::Os& os, engine::Engine& engine)>;
  void see(std::string_view told, const Look& look);
  // ... and where a sync takes as long as `look` says, until it ends.
  using SlowLook = std::function<std::string(SlowOs& os, engine::Engine& engine)>;
  void see_slow(std::string_view told, const SlowLook& look);
  // The next of this judge.
  uint64_t draw(Site site, uint64_t n) { return choices_.choose(site, drawn_++, n); }

  void wrong(Breach breach, std::string_view told, std::string_view why);
  // It is as the plain one.
  void expect_same(const Came& came, std::string_view told);
  // Each whole backup that lies on `before` lies on `after` as it was. What is on `after`.
  std::vector<FoundBackup> expect_backups(const sim::Disk& before, const sim::Disk& after,
                                          std::string_view told);
  // A store is opened there, and that is said to it.
  struct Answered {
    Came came;
    bool sealed = false;  // a client was told that a backup is
    uint64_t calls = 0;   // until the last reply
  };
  using Says = std::function<Answered(sim::WorldState& world, sim::Injector* injector,
                                      std::vector<std::string_view> requests)>;
  // A power cut amid the removal of a backup: behind the next start it is whole, or it is none.
  void judge_removal(const sim::WorldState& world, const Says& says);
  // It is refused with words that have `named` in them, and has changed nothing.
  void expect_refusal(const engine::RecoveryOptions& options, const Dates& dates,
                      std::string_view told, std::string_view named, const sim::Disk& disk);

  const sim::WorldState& world_;
  sim::Settings settings_;
  sim::Choices& choices_;
  const int64_t wall_ms_;
  const engine::RecoveryOptions options_;  // of the run's own start
  Came plain_;
  // What lies there.
  std::optional<engine::Manifest> manifest_;
  bool ours_ = false;  // ... is of ours
  bool single_ = false;
  std::optional<Violation> wrong_;
  const sim::SimOs* sim_os_ = nullptr;      // under what is open
  std::unique_ptr<engine::Engine> engine_;  // what is open
  // What else stands on the world's Os goes, before that does; of one that died, it is left as it is.
  std::function<void(bool died)> at_end_;

 private:
  void expect_right(const Came& came, const std::string& amiss, std::string_view told);
  Came open_in(sim::WorldState& world, sim::Injector* injector, const Over& over, const Then& then);

  std::unique_ptr<engine::Os> over_;  // under the engine
  uint64_t drawn_ = 0;
};

}  // namespace powercut::scenarios
