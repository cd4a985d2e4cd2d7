#include "scenarios/store/starts/foreign_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/backup/restore.h"
#include "engine/checkpoint/rdb_encode.h"
#include "faults/personas.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/strike.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using engine::OnNewer;
using engine::RecoveryOptions;

constexpr std::string_view kTimestamp = "#TS:1700000000\r\n";
// How what another server wrote may begin.
constexpr std::string_view kBeginnings[] = {kOneCommand, kTimestamp, "REDIS0003", "VALKEY080"};

class ForeignStarts final : CopiedStarts {
 public:
  explicit ForeignStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  void expect_refused(const NamedFiles& files, std::string_view told, std::string_view named);
  void judge_cut_log();
  void judge_preamble();
  void judge_expired_in_base();
  void judge_without_manifest();
  void judge_under_another_name();
  void judge_checkpoint_beside();
  void judge_crash_amid_first_start();
};

void ForeignStarts::expect_refused(const NamedFiles& files, std::string_view told,
                                   std::string_view named) {
  const sim::Disk disk = world_of(files).disk;
  for (const bool log : {true, false}) {
    RecoveryOptions options = options_;
    options.append_only = log;
    if (!wrong_) expect_refusal(options, {}, told, named, disk);
  }
}

// A base and two logs, of commands alone, one of them cut: only where the last one ends it may be that nothing was lost.
void ForeignStarts::judge_cut_log() {
  constexpr size_t kFiles = 3;
  const size_t cut = choices_.choose("foreign.cut", 0, kFiles + 1);  // kFiles: none
  const std::string base = "appendonly.aof.1.base.aof";
  NamedFiles files;
  uint64_t whole = 0;
  for (size_t i = 0; i < kFiles; ++i) {
    std::string bytes(choices_.choose("foreign.dated", i, 2) == 0 ? kTimestamp : "");
    const uint64_t commands = 1 + choices_.choose("foreign.commands", i, 3);
    for (uint64_t n = 0; n < commands; ++n) bytes += kOneCommand;
    whole += commands - (i == cut ? 1 : 0);
    if (i == cut)
      bytes.resize(bytes.size() - 1 - choices_.choose("foreign.bytes", i, kOneCommand.size() - 1));
    files.emplace_back(engine::in_aof_directory(i == 0 ? base : engine::segment_name(i)),
                       std::move(bytes));
  }
  files.push_back(manifest_of(base, kFiles - 1));
  const std::string told = cut == kFiles ? "upon another server's log, which is whole"
                                         : fmt::format(
                                               "upon another server's log, whose file {} "
                                               "of {} is cut",
                                               cut + 1, kFiles);
  if (cut + 1 < kFiles) {
    const std::string& name = files[cut].first;
    return expect_refused(files, told, name.substr(name.find('/') + 1));
  }
  RecoveryOptions options = options_;
  options.append_only = true;
  sim::WorldState world = world_of(files);
  const Came came = start(world, options);
  if (!came.started()) return wrong(Breach::kNoStart, told, came.text());
  if (came.report.last_lsn != whole)
    wrong(Breach::kLost, told, fmt::format("{}, and {} were whole", came.text(), whole));
}

// A checkpoint with commands behind it, as a server before Redis 7 kept its log, and as Redis 7 takes that for its base: what a
// start says of it is what there is.
void ForeignStarts::judge_preamble() {
  engine::Keyspace keyspace;
  keyspace.put(0, "p", "v");
  keyspace.settle();
  std::string bytes = engine::encode_rdb(keyspace);
  uint64_t whole = choices_.choose("foreign.behind", 0, 4);
  for (uint64_t n = 0; n < whole; ++n) bytes += kOneCommand;
  const bool single = choices_.choose("foreign.single", 0, 2) == 0;
  uint64_t dropped = 0;
  if (single && whole > 0 && choices_.choose("foreign.torn", 0, 2) == 0) {
    const size_t cut = 1 + choices_.choose("foreign.torn", 1, kOneCommand.size() - 1);
    bytes.resize(bytes.size() - cut);
    dropped = kOneCommand.size() - cut;
    --whole;
  }
  NamedFiles files{{std::string(engine::kSingleLog), bytes}};
  if (!single)
    files = {{engine::in_aof_directory(engine::base_name(1)), bytes},
             {engine::in_aof_directory(engine::segment_name(1)), ""},
             manifest_of(engine::base_name(1), 1)};
  const std::string told = fmt::format("upon {} that begins with a checkpoint, with {} commands",
                                       single ? "a single log" : "a base", whole);
  for (const bool drops : {true, false}) {
    RecoveryOptions options = options_;
    options.append_only = true;
    options.drops_torn_end = drops;
    sim::WorldState world = world_of(files);
    if (wrong_) return;
    if (!drops && dropped != 0)
      return expect_refusal(options, {}, told, "nothing was changed", world.disk);
    const Came came = start(world, options);
    if (!came.started()) return wrong(Breach::kNoStart, told, came.text());
    const engine::RecoveryReport& report = came.report;
    if (report.base_keys != 1 || report.entries != whole || report.dropped_bytes != dropped)
      wrong(Breach::kUntrue, told,
            fmt::format("it says {} keys, {} entries, and {} bytes dropped of {}", report.base_keys,
                        report.entries, report.dropped_bytes, dropped));
  }
}

// A base has keys whose time is over by the start, and the log behind it says what became of them before: that counts.
void ForeignStarts::judge_expired_in_base() {
  engine::Keyspace base, held;
  std::string log;
  const auto say = [&](const std::vector<std::string>& words) {
    log += sim::encode_request(words);
  };
  for (uint64_t n = 0; n < 6; ++n) {
    const std::string key = fmt::format("p{}", n), other = fmt::format("q{}", n);
    const uint64_t became = choices_.choose("foreign.became", n, 5);
    base.set_expiry(0, key, base.put(0, key, "v"), 1'000 + static_cast<int64_t>(n));
    if (became == 0) say({"PERSIST", key});
    if (became == 1) say({"PEXPIREAT", key, std::to_string(4 * kDate)});
    if (became == 2) say({"RENAME", key, other}), say({"PERSIST", other});
    if (became == 3) say({"SET", key, "v", "KEEPTTL"}), say({"PERSIST", key});
    const std::string& name = became == 2 ? other : key;
    if (became != 4)
      held.set_expiry(0, name, held.put(0, name, "v"),
                      became == 1 ? 4 * kDate : engine::Object::kNoExpiry);
  }
  sim::WorldState world =
      world_of({{engine::in_aof_directory(engine::base_name(1)), engine::encode_rdb(base)},
                {engine::in_aof_directory(engine::segment_name(1)), log},
                manifest_of(engine::base_name(1), 1)});
  RecoveryOptions options = options_;
  options.append_only = true;
  const std::string_view told =
      "upon another server's base, with keys whose time is over, and a log that keeps some";
  const Came came = start(world, options);
  if (!came.started()) return wrong(Breach::kNoStart, told, came.text());
  if (came.digest != keyspace_digest(held, wall_ms_))
    wrong(Breach::kLost, told, came.text() + ", and not what the log has kept is there");
}

void ForeignStarts::judge_without_manifest() {
  for (const std::string_view begins : kBeginnings) {
    const std::string name = engine::in_aof_directory(begins == kOneCommand || begins == kTimestamp
                                                          ? engine::segment_name(1)
                                                          : engine::base_name(1));
    const std::string bytes = std::string(begins) + std::string(kOneCommand);
    if (!wrong_)
      expect_refused({{name, bytes}}, "upon another server's log without its manifest", name);
  }
}

void ForeignStarts::judge_under_another_name() {
  constexpr std::string_view kName = "kept-elsewhere";
  for (const std::string_view begins : kBeginnings)
    if (!wrong_)
      expect_refused({{std::string(kName), std::string(begins) + std::string(kOneCommand)}},
                     "upon another server's file under another name", kName);
}

// One of the last operations beside the log: a start without the log is refused unless it is the last one.
void ForeignStarts::judge_checkpoint_beside() {
  if (!options_.append_only || plain_.report.dropped_bytes != 0 || !ours_ || single_) return;
  constexpr uint64_t kNear = 4;
  const uint64_t last = plain_.report.last_lsn;
  const uint64_t lsn =
      last - choices_.choose("foreign.beside", 0, std::min(plain_.report.entries, kNear) + 1);
  engine::Keyspace keyspace;
  sim::WorldState copy = world_;
  const Came loaded = in_world(copy, nullptr, [&](engine::Os& os, Came& came) {
    if (const auto state = engine::load_state(os, keyspace, {lsn, {}}); !state.ok())
      came.refusal = state.error();
  });
  if (!loaded.started()) return;  // is judged elsewhere
  sim::WorldState other{sim::Disk(world_.disk.rules()), world_.now, world_.wall_offset_ms};
  const Came written = in_world(other, nullptr, [&](engine::Os& os, Came& came) {
    if (const auto done = engine::write_restored(os, keyspace, lsn); !done.ok())
      came.refusal = done.error();
  });
  const auto bytes = file_content(other.disk, engine::kCheckpointName);
  if (!written.started() || !bytes) return;
  sim::WorldState beside = world_;
  put(beside.disk, std::string(engine::kCheckpointName), *bytes);
  RecoveryOptions options = options_;
  options.append_only = false;
  options.on_newer = OnNewer::kRefuse;
  const std::string told =
      fmt::format("without the log, which has {} more operations than the checkpoint", last - lsn);
  if (lsn < last) return expect_refusal(options, {}, told, "the log in", beside.disk);
  expect_same(start(beside, options), told);
}

// The first start upon another server's files dies, wherever that is: what they hold is there behind the next one.
void ForeignStarts::judge_crash_amid_first_start() {
  if (!options_.append_only) return;
  engine::Keyspace keyspace;
  keyspace.put(0, "p", "v");
  keyspace.settle();
  const std::string checkpoint = engine::encode_rdb(keyspace), log(kOneCommand);
  const NamedFiles all[] = {{{std::string(engine::kSingleLog), log}},
                            {{std::string(engine::kSingleLog), checkpoint + log}},
                            {{std::string(engine::kCheckpointName), checkpoint}},
                            {{engine::in_aof_directory(engine::base_name(1)), checkpoint},
                             {engine::in_aof_directory(engine::segment_name(1)), log},
                             {engine::in_aof_directory(engine::segment_name(2)), log},
                             manifest_of(engine::base_name(1), 2)}};
  const NamedFiles& files = all[choices_.choose("foreign.first", 0, std::size(all))];
  sim::WorldState world = world_of(files);
  // Every filesystem promises what this one does.
  const auto& least = faults::find_persona("posix-min")->rules;
  if (choices_.choose("foreign.least", 0, 2) == 0) world = world_of(files, least);
  sim::WorldState undisturbed = world;
  Strike none(choices_);
  const Came plain = open(undisturbed, &none);
  const std::string told = fmt::format("upon another server's {}", files[0].first);
  if (!plain.started()) return wrong(Breach::kNoStart, told, plain.text());
  for (uint64_t draw = 80; draw < 84 && !wrong_; ++draw) {
    const auto call = Strike::draw(none.kinds, 0, plain.calls, draw, choices_);
    if (!call) return;
    Strike strike(choices_, *call, true);
    sim::WorldState copy = world;
    (void)open(copy, &strike);
    copy.disk = choices_.choose("starts.cut", draw, 3) != 0
                    ? copy.disk.after_power_cut(choices_, draw)
                    : copy.disk.after_kill();
    const Came came = open(copy, nullptr);
    const std::string behind = fmt::format("behind one {}, with {}", told, strike.met);
    if (!came.started()) return wrong(Breach::kNoStart, behind, came.text());
    if (came.digest != plain.digest)
      wrong(Breach::kLost, behind, came.text() + ", and not all that they hold is there");
  }
}

std::optional<Violation> ForeignStarts::judge() {
  judge_cut_log();
  if (!wrong_) judge_preamble();
  if (!wrong_) judge_expired_in_base();
  if (!wrong_) judge_without_manifest();
  if (!wrong_) judge_under_another_name();
  if (!wrong_) judge_checkpoint_beside();
  if (!wrong_) judge_crash_amid_first_start();
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_foreign_starts(const CopiedStarts& as) {
  return ForeignStarts(as).judge();
}

}  // namespace powercut::scenarios
