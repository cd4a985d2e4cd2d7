#include "scenarios/store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/command/call.h"
#include "engine/command/command_table.h"
#include "engine/config.h"
#include "scenarios/store/files/redis_layout.h"
#include "scenarios/store/files/roles.h"
#include "scenarios/store/keyspace/twins.h"
#include "scenarios/store/not_modelled.h"
#include "scenarios/store/read_through_target.h"
#include "scenarios/store/replicas/replicated_target.h"
#include "scenarios/store/starts/changing_roles.h"
#include "scenarios/store/starts/found_backups.h"
#include "scenarios/store/starts/other_starts.h"
#include "scenarios/store/starts/sent_starts.h"
#include "scenarios/store/starts/sunk_starts.h"
#include "scenarios/store/starts/tiered_starts.h"
#include "scenarios/store/store_history.h"
#include "scenarios/store/store_target.h"
#include "scenarios/store/telling.h"
#include "scenarios/store/told.h"
#include "scenarios/workload/generated.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

// What operators say; jobs stand here several times, since they are said more often.
const std::vector<std::vector<std::string>> kAdministration = {
    {"BGREWRITEAOF"},
    {"BGREWRITEAOF"},
    {"BGREWRITEAOF"},
    {"BGREWRITEAOF"},
    {"BGSAVE"},
    {"BGSAVE"},
    {"BGSAVE"},
    {"SAVE"},
    {"CONFIG", "SET", "appendfsync", "always"},
    {"CONFIG", "SET", "appendfsync", "everysec"},
    {"CONFIG", "SET", "appendfsync", "no"},
    {"CONFIG", "SET", "appendonly", "no"},
    {"CONFIG", "SET", "appendonly", "yes"},
    {"CONFIG", "SET", "save", "1 1"},
    {"CONFIG", "SET", "save", "3600 1"},  // until then nothing but a failure has it save again
    {"CONFIG", "SET", "save", ""},
    {"CONFIG", "SET", "stop-writes-on-bgsave-error", "yes"},
    {"CONFIG", "SET", "aof-timestamp-enabled", "yes"},
    {"CONFIG", "SET", "auto-aof-rewrite-percentage", "20"},
    {"CONFIG", "SET", "auto-aof-rewrite-min-size", "256"},
    {"CONFIG", "SET", "maxmemory", "600kb"},
    {"CONFIG", "SET", "maxmemory", "264kb", "maxmemory-policy", "allkeys-lru"},
    {"CONFIG", "SET", "maxmemory", "272kb", "maxmemory-policy", "volatile-ttl"},
    {"CONFIG", "SET", "maxmemory", "264kb", "maxmemory-policy", "allkeys-lfu"},
    {"CONFIG", "SET", "maxmemory", "260kb", "maxmemory-policy", "allkeys-random"},
    {"CONFIG", "SET", "maxmemory-policy", "noeviction"},
    {"CONFIG", "SET", "maxmemory", "0"},
    {"CONFIG", "RESETSTAT"},
    {"INFO"},
    {"LASTSAVE"},
    {"DBSIZE"},
    {"SWAPDB", "0", "1"},  // whole databases, in the middle of whatever walks through them
    {"FLUSHDB"},
    {"SHUTDOWN", "SAVE"},
};

// `always`: what is said in every run.
std::vector<TargetType::Administration> administration(std::string_view always) {
  std::vector<TargetType::Administration> all;
  for (const auto& words : kAdministration) {
    const std::string& name = words[0];
    auto& one = all.emplace_back();
    one.request = sim::encode_request(words);
    if (name == always) one.one_in = 1;
    if (name == "SHUTDOWN") one.one_in = 8;                     // it ends the life
    if (name == "SWAPDB" || name == "FLUSHDB") one.one_in = 6;  // little is left behind them
  }
  return all;
}

class StoreType : public TargetType {
 public:
  std::string_view name() const override { return "store"; }
  bool runs_under_each() const override { return true; }
  std::string_view about() const override {
    return "powercut's own store: AOF, checkpoints, hybrid recovery";
  }
  bool is_store() const override { return true; }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                            const sim::Settings& settings) const override {
    return StoreTarget::open(os, settings);
  }
  std::unique_ptr<History> history() const override { return std::make_unique<StoreHistory>(); }

  faults::RoleOfFile roles() const override { return role_of_store_file; }
  std::string task_in_words(std::string_view task) const override {
    if (task == "aof.writer") return "the writer of the log";
    if (task == "aof.syncer") return "the syncer of the log";
    if (task == "keeper") return "the keeper of rewrites and checkpoints";
    if (task == "expirer") return "the expirer of keys";
    if (task == "archiver") return "the mover of segments to the archive";
    if (task == "tier") return "the mover of values to the cold tier";
    if (task == "sink") return "the writer of the database behind it";
    return {};
  }

  std::span<const Administration> administer(const Policy& policy) const override {
    // Without them the policy would be another.
    static const auto rewrites = administration("BGREWRITEAOF");
    static const auto saves = administration("BGSAVE");
    static const auto neither = administration("");
    if (policy.hybrid()) return rewrites;
    return policy.kind == PolicyKind::kCheckpoint ? saves : neither;
  }
  bool rewritten_by_another(sim::Disk& disk, sim::Choices& choices) const override {
    return rewrite_as_redis(disk, choices);
  }
  std::string harmless_write() const override {
    return sim::encode_request({"DEL", "a key that nobody names"});
  }
  bool tells(std::string_view request) const override { return tells_of_store(request); }
  std::optional<BackupRequest> backup_request(std::string_view request) const override {
    return backup_request_of_store(request);
  }
  Told told(std::string_view reply, uint64_t last) const override {
    return told_by_store(reply, last);
  }
  bool may_fail_halfway(std::string_view request) const override {
    const auto words = sim::words_of(request);
    const engine::CommandSpec* spec = words.empty() ? nullptr : engine::resolve(words);
    return spec != nullptr && (spec->flags & engine::kRunsScript) != 0;
  }
  // Where a value lies is nobody's business: none is missed but by what reads keys that it does not name.
  std::string wrong_answer(std::span<const std::string> requests,
                           std::string_view reply) const override {
    if (reply.find(engine::kUnnamedAway) == reply.npos) return {};
    const bool unnamed =
        std::any_of(requests.begin(), requests.end(), [](const std::string& request) {
          const auto words = sim::words_of(request);
          const engine::CommandSpec* spec = words.empty() ? nullptr : engine::resolve(words);
          return spec != nullptr &&
                 ((spec->flags & engine::kRunsScript) != 0 || spec->name.starts_with("sort"));
        });
    return unnamed ? std::string() : "a value that was named is said not to have been";
  }
  std::unique_ptr<Bystander> bystander() const override { return std::make_unique<Twins>(); }
  std::string how_it_is() const override { return sim::encode_request({"INFO", "persistence"}); }
  std::string turn_log_on() const override {
    return sim::encode_request({"CONFIG", "SET", "appendonly", "yes"});
  }
  std::string select(int db) const override {
    return sim::encode_request({"SELECT", std::to_string(db)});
  }
  std::string not_modelled(const std::vector<std::string_view>& words) const override {
    return not_modelled_of_store(words);
  }
  Testimony telling(const sim::Disk& intact, const sim::Disk& harmed,
                    std::span<const faults::Harm> harms,
                    const sim::Settings& settings) const override {
    return telling_of_store(intact, harmed, harms, config_of(settings).recovery.append_only);
  }
  std::vector<FoundBackup> backups(engine::Os& os, int64_t wall_ms) const override {
    return found_backups(os, wall_ms);
  }
  std::string plain_request(size_t number) const override {
    const std::string key(1, static_cast<char>('a' + number % 26));
    return sim::encode_request({"SET", key, std::to_string(number + 1)});
  }
};

// The store alone.
class AloneType final : public StoreType {
 public:
  OtherStarts other_starts(const sim::WorldState& world, const sim::Settings& settings,
                           sim::Choices& choices) const override {
    return other_starts_of_store(world, settings, choices);
  }
};

// The store with a database behind it: SQLite on the same disk, or one on another machine.
class BehindType : public StoreType {
 public:
  BehindType(std::string_view name, std::string_view about, Behind behind)
      : name_(name), about_(about), behind_(behind) {}

  std::string_view name() const override { return name_; }
  std::string_view about() const override { return about_; }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                            const sim::Settings& settings) const override {
    return StoreTarget::open(os, settings, behind_);
  }
  std::string turn_log_on() const override { return {}; }
  bool rewritten_by_another(sim::Disk&, sim::Choices&) const override { return false; }
  OtherStarts other_starts(const sim::WorldState& world, const sim::Settings& settings,
                           sim::Choices& choices) const override {
    return sunk_starts_of_store(world, settings, behind_, reads(), choices);
  }

 protected:
  virtual bool reads() const { return false; }  // rows of others
  engine::SinkMode mode() const { return behind_.mode; }
  bool waits() const { return mode() == engine::SinkMode::kThrough; }

 private:
  const std::string_view name_;
  const std::string_view about_;
  const Behind behind_;
};

// ... and a log, which it follows.
class SinkType : public BehindType {
 public:
  using BehindType::BehindType;

  // It follows no log that is not synced.
  std::vector<std::string_view> policies() const override {
    return {"always", "everysec", "hybrid-always", "hybrid-everysec"};
  }
  std::string promise(const Policy& policy) const override {
    return fmt::format("{}; the database behind it {}", policy.promise,
                       waits() ? "has all that was acknowledged"
                               : "is never ahead of the log, and goes on where it was");
  }
};

// ... where another program writes in the same tables.
class ReadThroughType final : public SinkType {
 public:
  using SinkType::SinkType;

  Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                            const sim::Settings& settings) const override {
    return ReadThroughTarget::open(os, settings, mode());
  }
  std::unique_ptr<History> history() const override {
    return std::make_unique<ReadThroughHistory>();
  }
  std::vector<std::shared_ptr<const Workload>> workloads() const override {
    static const auto shared = std::make_shared<const Workload>(generate_shared_rows(1));
    return {shared};
  }
  // What others wrote stands in no log: no store can write it anew where its bytes are harmed.
  bool answers_lies() const override { return false; }
  faults::FaultSet faults() const override {
    return faults::FaultSet::legal() | faults::FaultSet{faults::FaultClass::kUnreadable};
  }
  std::string promise(const Policy& policy) const override {
    return fmt::format(
        "{}; rows that others wrote in the database are shown as they were a moment "
        "ago, and touched only by who changes their keys",
        policy.promise);
  }
  bool reads() const override { return true; }
  // A whole database is never emptied: of the rows that are kept none may go.
  std::span<const Administration> administer(const Policy& policy) const override {
    static const auto rewrites = without_flush("BGREWRITEAOF");
    static const auto neither = without_flush("");
    return policy.hybrid() ? rewrites : neither;
  }

 private:
  static std::vector<Administration> without_flush(std::string_view always) {
    auto all = administration(always);
    std::erase_if(all, [](const Administration& one) {
      return one.request == sim::encode_request({"FLUSHDB"});
    });
    return all;
  }
};

// ... and no log: the database is all that a crash leaves.
class UnloggedType final : public BehindType {
 public:
  using BehindType::BehindType;

  // What it makes has rows.
  std::vector<std::shared_ptr<const Workload>> workloads() const override {
    static const auto rows = std::make_shared<const Workload>(generate_rows(1));
    return {rows};
  }
  std::vector<std::string_view> policies() const override { return {"none"}; }
  // Its pages have no checksums: other bytes in a row are another value, and what a lost journal was to take back stays.
  bool answers_lies() const override { return false; }
  faults::FaultSet faults() const override {
    return faults::FaultSet::legal() | faults::FaultSet{faults::FaultClass::kUnreadable};
  }
  std::string promise(const Policy&) const override {
    return waits()
               ? "nothing acknowledged is lost, though there is no log: the database has it"
               : "without a log, what is lost was acknowledged within one window of 500 ms, and "
                 "earlier only by the time in which the database could not be written";
  }
};

std::vector<std::string_view> with_a_log() {
  std::vector<std::string_view> names;
  for (const Policy& policy : all_policies())
    if (policy.has_log()) names.push_back(policy.name);
  return names;
}

// The store with a cold tier, to which values leave behind each operation.
class TieredType final : public StoreType {
 public:
  explicit TieredType(Tiers tiers) : tiers_(tiers) {}

  std::string_view name() const override {
    return tiers_ == Tiers::kArchived ? "tiered-archive"
           : tiers_ == Tiers::kWarm   ? "tiered-warm"
                                      : "tiered";
  }
  std::string_view about() const override {
    return tiers_ == Tiers::kArchived
               ? "the same, with segments that move on to an object store which is not always "
                 "reached"
           : tiers_ == Tiers::kWarm
               ? "the same, with a warm tier in scratch memory before the cold one"
               : "the store, with values in the cold tier that its bases rest on";
  }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                            const sim::Settings& settings) const override {
    return StoreTarget::open_tiered(os, settings, tiers_);
  }
  OtherStarts other_starts(const sim::WorldState& world, const sim::Settings& settings,
                           sim::Choices& choices) const override {
    return tiered_starts_of_store(world, settings, tiers_, choices);
  }
  std::span<const Administration> administer(const Policy& policy) const override {
    if (tiers_ != Tiers::kWarm) return StoreType::administer(policy);
    static const auto by_policy = [this] {
      std::map<std::string_view, std::vector<Administration>> all;
      for (const Policy& one : all_policies()) {
        const auto plain = StoreType::administer(one);
        auto& told = all[one.name];
        told.assign(plain.begin(), plain.end());
        for (const char* size : {"0", "1mb", "2mb"})
          told.emplace_back().request =
              sim::encode_request({"CONFIG", "SET", "warm-tier-size", size});
      }
      return all;
    }();
    return by_policy.at(policy.name);
  }
  // Without the log there are no tiers.
  std::vector<std::string_view> policies() const override { return with_a_log(); }
  std::string turn_log_on() const override { return {}; }
  bool rewritten_by_another(sim::Disk&, sim::Choices&) const override { return false; }

 private:
  const Tiers tiers_;
};

// A master and its replicas, each on a machine of its own.
class ReplicatedType final : public StoreType {
 public:
  explicit ReplicatedType(size_t replicas) : replicas_(replicas) {}

  std::string_view name() const override {
    return replicas_ == 1 ? "replicated-2" : "replicated-3";
  }
  std::string_view about() const override {
    return replicas_ == 1 ? "the store and a replica of it, which is what is left of the two"
                          : "the store and two replicas of it, one of which is what is left";
  }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                            const sim::Settings& settings) const override {
    return ReplicatedTarget::open(os, settings, replicas_);
  }
  // What recovery comes to stands in the log: a checkpoint forgets what has expired, and a master does not.
  std::vector<std::string_view> policies() const override { return with_a_log(); }
  std::string promise(const Policy&) const override {
    return "with its master gone for good, a replica comes up with all that its own log had "
           "written, and, behind a power cut, synced. An acknowledgement alone promises nothing "
           "of it";
  }
  std::span<const Administration> administer(const Policy&) const override {
    static const auto one = events_of(1), two = events_of(2);
    return replicas_ == 1 ? one : two;
  }
  uint64_t administer_one_in() const override { return 2; }
  std::string event_in_words(const std::vector<std::string_view>& words) const override {
    const auto event = parse_network_event(words, replicas_);
    return event.ok() ? in_words(*event) : std::string();
  }
  std::string not_modelled(const std::vector<std::string_view>& words) const override {
    if (!is_network_event(words)) return not_modelled_of_store(words);
    const auto event = parse_network_event(words, replicas_);
    return event.ok() ? std::string() : event.error().message;
  }
  // What the master says of itself is not what is left.
  bool tells(std::string_view) const override { return false; }
  std::string how_it_is() const override { return {}; }
  std::string turn_log_on() const override { return {}; }
  bool rewritten_by_another(sim::Disk&, sim::Choices&) const override { return false; }
  std::vector<FoundBackup> backups(engine::Os&, int64_t) const override { return {}; }
  OtherStarts other_starts(const sim::WorldState& world, const sim::Settings& settings,
                           sim::Choices& choices) const override {
    OtherStarts found = changing_roles_of_store(world, settings, choices);
    if (!found.wrong) found = sent_starts_of_store(world, settings, choices);
    return found;
  }

 private:
  static std::vector<Administration> events_of(size_t replicas) {
    std::vector<Administration> made(3);
    made[0].request = sim::encode_request({"DBSIZE"});
    made[1].request = sim::encode_request({"SWAPDB", "0", "1"});
    made[2].request = sim::encode_request({"FLUSHDB"});
    made[1].one_in = made[2].one_in = 6;
    for (const std::string_view event : network_events(replicas))
      made.push_back({request_of(event), 2});
    for (const auto always : {network_breaks(), network_questions(replicas)})
      for (const std::string_view line : always) made.push_back({request_of(line), 1});
    return made;
  }

  const size_t replicas_;
};

}  // namespace

const TargetType& tiered_type() {
  static const TieredType type(Tiers::kCold);
  return type;
}

const TargetType& tiered_warm_type() {
  static const TieredType type(Tiers::kWarm);
  return type;
}

const TargetType& tiered_archive_type() {
  static const TieredType type(Tiers::kArchived);
  return type;
}

std::span<const TargetType* const> replicated_types() {
  static const ReplicatedType two(1), three(2);
  static const TargetType* const all[] = {&two, &three};
  return all;
}

std::span<const TargetType* const> store_types_with_sink() {
  using engine::SinkMode;
  static const SinkType behind("write-behind", "the store, with a database that follows its log",
                               {SinkMode::kBehind});
  static const SinkType through("write-through",
                                "the store, with a database that replies to writes wait for",
                                {SinkMode::kThrough});
  static const SinkType remote("remote-behind",
                               "the store, with a database on another machine that follows its log",
                               {SinkMode::kBehind, true});
  static const SinkType both("remote-through",
                             "the store, with a database on another machine that replies wait for",
                             {SinkMode::kThrough, true});
  static const UnloggedType behind_alone(
      "write-behind-unlogged",
      "the store without a log, and a database that follows it in a window",
      {SinkMode::kBehind, false, true});
  static const UnloggedType through_alone(
      "write-through-unlogged", "the store without a log, and a database that replies wait for",
      {SinkMode::kThrough, false, true});
  static const UnloggedType remote_alone(
      "remote-behind-unlogged",
      "the store without a log, and a database on another machine that follows it in a window",
      {SinkMode::kBehind, true, true});
  static const UnloggedType both_alone(
      "remote-through-unlogged",
      "the store without a log, and a database on another machine that replies wait for",
      {SinkMode::kThrough, true, true});
  static const ReadThroughType read_behind(
      "read-through", "the store, with a database behind it in which another program writes too",
      {SinkMode::kBehind});
  static const ReadThroughType read_both("read-write-through",
                                         "the same, and replies to writes wait for the database",
                                         {SinkMode::kThrough});
  static const TargetType* const all[] = {&behind,       &through,       &remote,       &both,
                                          &behind_alone, &through_alone, &remote_alone, &both_alone,
                                          &read_behind,  &read_both};
  return all;
}

const TargetType& store_type() {
  static const AloneType type;
  return type;
}

}  // namespace powercut::scenarios
