// An engine that can be judged, by its name: how it is opened and remembered, and what its clients say of
// their own accord.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/site.h"
#include "faults/plan.h"
#include "scenarios/judge/backups.h"
#include "scenarios/judge/damage.h"
#include "scenarios/judge/history.h"
#include "scenarios/judge/policy.h"
#include "scenarios/workload/workload.h"
#include "sim/sim_os.h"
#include "sim/target.h"

namespace powercut::scenarios {

// Hears what clients say, beside the engine, and knows from itself what is wrong with it.
class Bystander {
 public:
  virtual ~Bystander() = default;
  // A request of a client, numbered from 0, at that time (Unix time). What is wrong, in one line; empty: nothing.
  virtual std::string hear(uint64_t client, std::string_view request, int64_t wall_ms) = 0;
};

class TargetType {
 public:
  virtual ~TargetType() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view about() const = 0;  // one line

  // Recovers what the Os's root holds and begins to serve. Called in a task. Yields.
  //   Errors: what keeps it from starting, in one line. The judge takes that for a broken promise,
  //   unless the disk broke its own.
  virtual Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                                    const sim::Settings& settings) const = 0;

  // Is it our own store, so that the bugs planted in its source are in it?
  virtual bool is_store() const { return false; }

  // One for a run; it outlives the lives.
  virtual std::unique_ptr<History> history() const { return std::make_unique<PlainHistory>(); }

  // Workloads of its own; the first is what is run if none is named.
  virtual std::vector<std::shared_ptr<const Workload>> workloads() const { return {}; }

  // A workload file in the engine's own language, by its text; nothing: it is a file of requests.
  //   Errors: kCorrupt: the line, and why.
  virtual std::optional<Result<Workload>> parse_workload(std::string_view /*text*/,
                                                         const std::string& /*name*/) const {
    return std::nullopt;
  }
  // The policies that it may be held to, what it promises itself first: that one is meant by `all`. Empty: all of them,
  // each being another way to run it.
  virtual std::vector<std::string_view> policies() const { return {}; }
  // Are those that it names other ways to run it, too? Then `all` means each.
  virtual bool runs_under_each() const { return policies().empty(); }
  // What it is held to under one of them, as a sentence without its end.
  virtual std::string promise(const Policy& policy) const { return std::string(policy.promise); }
  // What may go wrong under it; the rest it has no answer to, and is not put to it.
  virtual faults::FaultSet faults() const { return faults::FaultSet::all(); }
  // Does it notice a device that lies about syncs, or is whole all the same? Else it is not put to one.
  virtual bool answers_lies() const { return true; }
  // Its syncs by name, where the planted bugs do not name them (faults/mutants.h): each can be taken out.
  virtual std::vector<Site> fences() const { return {}; }

  // What its files are: fault words can name them, and counters tell them apart.
  virtual faults::RoleOfFile roles() const { return faults::no_roles; }
  // Its tasks, as a story names them. Empty: by the name they were spawned with.
  virtual std::string task_in_words(std::string_view /*task*/) const { return {}; }

  // --- Requests that clients send now and then; empty: there is no such thing ---
  struct Administration {
    std::string request;
    uint64_t one_in = 2;  // is said in one run of so many
  };
  virtual std::span<const Administration> administer(const Policy&) const { return {}; }
  // A unit in so many is followed by one of those, at most often.
  virtual uint64_t administer_one_in() const { return 8; }
  virtual std::string turn_log_on() const { return {}; }
  virtual std::string select(int /*db*/) const { return {}; }

  // Another server was started on what a process has left, and wrote it down in its own way: the same entries,
  // durable. False: there is no such server, or this cannot be said so.
  virtual bool rewritten_by_another(sim::Disk&, sim::Choices&) const { return false; }

  // What befalls the engine's world may stand among the requests: that as a sentence. Empty: it is a request.
  virtual std::string event_in_words(const std::vector<std::string_view>& /*words*/) const {
    return {};
  }

  // A write that changes nothing, and is refused where all writes are. Empty: nobody asks.
  virtual std::string harmless_write() const { return {}; }

  // What an answer says of what is kept, and of how the engine is. An operation stands for all up to it.
  struct Told {
    uint64_t saved = 0;   // in a snapshot
    uint64_t synced = 0;  // forced, for as long as nobody puts another policy in force
    std::optional<int64_t> saved_at = {};    // when the newest snapshot was finished
    std::optional<uint64_t> snapshots = {};  // so many were finished in this life
    bool begins = false;         // it is about to make a snapshot, and none was under way
    bool owes_snapshot = false;  // it is going to make one
    bool owes_rewrite = false;   // it is going to rewrite its log
    std::optional<uint64_t> rewrites = {};  // so many were finished in this life
    bool rewrites_well = false;             // the last that it tried was
    bool has_no_log = false;
    bool failed = false;       // it could not make the snapshot that it was asked for
    bool saves_well = false;   // the last snapshot that it tried to make was made
    bool writes_well = false;  // nothing keeps it from making writes durable
    std::optional<SealedBackup> sealed = {};  // it has just sealed that one
    bool seals_nothing = false;               // there was none that could be sealed
    std::string disagrees = {};               // it says one thing in two ways, in one line
  };
  // Does an answer to it say such a thing?
  virtual bool tells(std::string_view /*request*/) const { return false; }
  // Of an answer to one that does, which was asked behind operation `last`.
  virtual Told told(std::string_view /*reply*/, uint64_t /*last*/) const { return {}; }
  // What it asks of backups, if anything.
  virtual std::optional<BackupRequest> backup_request(std::string_view /*request*/) const {
    return std::nullopt;
  }
  // A request whose answer tells how the engine is, and which changes nothing. Empty: there is none.
  virtual std::string how_it_is() const { return {}; }

  // A request of several steps, which may be answered with an error and stay done up to the step that failed.
  virtual bool may_fail_halfway(std::string_view /*request*/) const { return false; }

  // What is wrong with the answer to the last of these requests, which a client sent one behind the other, whatever the
  // engine holds; in one line. Empty: nothing.
  virtual std::string wrong_answer(std::span<const std::string> /*requests*/,
                                   std::string_view /*reply*/) const {
    return {};
  }

  // One for a life, in some runs; null: there is none.
  virtual std::unique_ptr<Bystander> bystander() const { return nullptr; }

  // Why a run in which a client says this cannot be judged; empty: it can.
  virtual std::string not_modelled(const std::vector<std::string_view>& /*words*/) const {
    return {};
  }

  // Of two disks that no recovery has seen yet, and where they differ; `settings` of the start that comes upon it.
  virtual Testimony telling(const sim::Disk& /*intact*/, const sim::Disk& /*harmed*/,
                            std::span<const faults::Harm>, const sim::Settings&) const {
    return {};
  }

  // What can be restored of the backups that lie there; `wall_ms`: the clock of the digests. Changes nothing. Yields.
  virtual std::vector<FoundBackup> backups(engine::Os&, int64_t /*wall_ms*/) const { return {}; }

  // Starts told otherwise than its settings, or disturbed, on copies of what a life has left: what they come to that they must
  // not; and what is restored there, which must be states of the history.
  struct OtherStarts {
    std::optional<Violation> wrong = {};
    std::vector<FoundBackup::State> states = {};
    int64_t wall_ms = 0;  // the clock of their digests
  };
  // REQUIRES: the disk keeps its promise, and nobody has harmed it.
  virtual OtherStarts other_starts(const sim::WorldState&, const sim::Settings&,
                                   sim::Choices&) const {
    return {};
  }

  // A request as small as any that changes something; they differ by `number`. The shrinker tries it in
  // place of others. Empty: it does not.
  virtual std::string plain_request(size_t /*number*/) const { return {}; }
};

}  // namespace powercut::scenarios
