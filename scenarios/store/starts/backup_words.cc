#include "scenarios/store/starts/backup_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backup/backups.h"
#include "engine/engine.h"
#include "engine/os/forwarding_os.h"
#include "faults/personas.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/found_backups.h"

namespace powercut::scenarios {

namespace {

// Its wall clock is set.
class SetClockOs final : public engine::ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;
  WallTime wall_now() override { return {inner_.wall_now().unix_ms + ahead_s * 1'000}; }
  int64_t ahead_s = 0;
};

class BackupWords final : CopiedStarts {
 public:
  explicit BackupWords(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  void say_on(engine::Os& os, engine::Engine& engine);
  void say(engine::Os& os, engine::Engine& engine, uint64_t number);
  void look(engine::Os& os, engine::Engine& engine);
  void judge_retention();
  void seal_on(SetClockOs& os, engine::Engine& engine);
  void seal_one(SetClockOs& os, engine::Engine& engine, const engine::Retention& kept, uint64_t n);
  void amiss(std::string text) {
    if (amiss_.empty()) amiss_ = std::move(text);
  }
  uint64_t draw(Site site, uint64_t number, uint64_t n) { return choices_.choose(site, number, n); }

  struct Sealed {
    uint64_t lsn;
    uint64_t digest;
  };
  std::set<std::string> before_;          // that lay there
  std::map<std::string, Sealed> sealed_;  // since
  std::string open_;                      // the one under way; empty: none
  std::string said_;
  std::string amiss_;
};

void BackupWords::say_on(engine::Os& os, engine::Engine& engine) {
  engine.set_active_expire(false);
  const auto names = os.list(engine::kBackupsDirectory);
  if (names.ok()) before_.insert(names->begin(), names->end());
  const uint64_t words = 8 + draw("backup.words", 0, 12);
  for (uint64_t n = 0; n < words && amiss_.empty(); ++n) {
    say(os, engine, n);
    if (amiss_.empty()) look(os, engine);
  }
}

void BackupWords::say(engine::Os& os, engine::Engine& engine, uint64_t number) {
  static constexpr std::string_view kWords[] = {"START", "START",  "SEAL",         "SEAL",
                                                "ABORT", "REMOVE", "BGREWRITEAOF", "SET otherwise"};
  const std::string_view word = kWords[draw("backup.word", number, std::size(kWords))];
  const std::string name = draw("backup.name", number, 2) == 0 ? "said-1" : "said-2";
  const bool names = word == "START" || word == "REMOVE";
  std::string line(word);
  if (names) line += " " + name;
  if (word == "SET otherwise") line += fmt::format(" {}", number);
  const bool of_backups = names || word == "SEAL" || word == "ABORT";
  if (of_backups) line = "BACKUP " + line;
  said_ += (said_.empty() ? "" : ", ") + line;
  const auto session = engine.connect();
  const std::string reply = reply_to(*session, line + "\r\n");
  wait_for_jobs(os, engine);
  if (!of_backups) return;
  const bool may = word == "START"    ? open_.empty() && !sealed_.contains(name)
                   : word == "REMOVE" ? sealed_.contains(name)
                                      : !open_.empty();
  const bool done = !reply.starts_with('-');
  if (done != may)
    return amiss(fmt::format("it is answered {}", reply.substr(0, reply.find('\r'))));
  if (!done) return;
  if (word == "START") open_ = name;
  if (word == "REMOVE") sealed_.erase(name);
  if (word == "SEAL")
    sealed_[open_] = {engine.applied_lsn(), keyspace_digest(engine.keyspace(), wall_ms_)};
  if (word == "SEAL" || word == "ABORT") open_.clear();
}

void BackupWords::look(engine::Os& os, engine::Engine& engine) {
  std::set<std::string> wanted = before_, there, told;
  for (const auto& [name, sealed] : sealed_) wanted.insert(name);
  const auto all = engine.sealed_backups();
  if (!all.ok()) return amiss("LIST is answered " + all.error().message);
  for (const engine::BackupFacts& facts : *all)
    if (!before_.contains(facts.id)) told.insert(facts.id);
  const auto is_told = [&](const auto& one) { return told.contains(one.first); };
  if (told.size() != sealed_.size() || !std::all_of(sealed_.begin(), sealed_.end(), is_told))
    return amiss("LIST tells of others than are sealed");
  const auto under_way = engine.backup_under_way();
  if ((under_way ? under_way->id : std::string()) != open_)
    return amiss("STATUS tells of another than is under way");
  if (!open_.empty()) wanted.insert(open_);
  const auto names = os.list(engine::kBackupsDirectory);
  if (names.ok()) there.insert(names->begin(), names->end());
  if (there == wanted) return;
  amiss(there.size() > wanted.size() ? "the folder of one that is none lies about"
                                     : "the folder of one is not there");
}

// --- Retention ---

// The others go by the wall clock: what is too old, and the oldest beyond the count.
std::set<std::string> to_stay(std::vector<engine::BackupFacts> others, const std::string& newest,
                              const engine::Retention& kept, int64_t now_s) {
  if (kept.age_s != 0)
    std::erase_if(others, [&](const auto& one) { return now_s - one.sealed_unix_s > kept.age_s; });
  std::sort(others.begin(), others.end(), [](const auto& a, const auto& b) {
    return std::pair(a.sealed_unix_s, a.last_lsn) > std::pair(b.sealed_unix_s, b.last_lsn);
  });
  if (kept.count != 0 && others.size() >= kept.count) others.resize(kept.count - 1);
  std::set<std::string> names{newest};
  for (const engine::BackupFacts& one : others) names.insert(one.id);
  return names;
}

void BackupWords::seal_one(SetClockOs& os, engine::Engine& engine, const engine::Retention& kept,
                           uint64_t n) {
  constexpr int64_t kSteps[] = {-100'000, -100, -3, 0, 0, 2, 50, 4'000};
  os.ahead_s += kSteps[draw("retained.step", n, std::size(kSteps))];
  const std::string name = fmt::format("kept-{}", draw("retained.name", n, 8));
  const auto before = engine.sealed_backups();
  if (!before.ok()) return amiss("LIST is answered " + before.error().message);
  const auto is_it = [&](const engine::BackupFacts& one) { return one.id == name; };
  if (std::any_of(before->begin(), before->end(), is_it)) return;
  const auto session = engine.connect();
  (void)reply_to(*session, fmt::format("SET kept {}\r\n", n));
  for (const std::string& words : {"BACKUP START " + name, std::string("BACKUP SEAL")}) {
    const std::string reply = reply_to(*session, words + "\r\n");
    if (reply.starts_with('-'))
      return amiss(fmt::format("{} is answered {}", words, reply.substr(0, reply.find('\r'))));
  }
  const auto behind = engine.sealed_backups();
  if (!behind.ok()) return amiss("LIST is answered " + behind.error().message);
  std::set<std::string> there;
  for (const engine::BackupFacts& one : *behind) there.insert(one.id);
  const auto wanted = to_stay(*before, name, kept, os.wall_now().unix_ms / 1'000);
  if (!there.contains(name)) return amiss("the one that was sealed last is removed");
  if (there != wanted)
    amiss(fmt::format("{} are there, and {} are to stay", there.size(), wanted.size()));
}

void BackupWords::seal_on(SetClockOs& os, engine::Engine& engine) {
  constexpr int64_t kAges[] = {0, 0, 10, 1'000};
  engine.set_active_expire(false);
  const engine::Retention kept{draw("retained.count", 0, 4),
                               kAges[draw("retained.age", 0, std::size(kAges))]};
  const auto session = engine.connect();
  (void)ask(*session, {"CONFIG", "SET", "backup-retain-count", std::to_string(kept.count),
                       "backup-retain-seconds", std::to_string(kept.age_s)});
  const uint64_t seals = 3 + draw("retained.seals", 0, 4);
  for (uint64_t n = 0; n < seals && amiss_.empty(); ++n) seal_one(os, engine, kept, n);
}

void BackupWords::judge_retention() {
  SetClockOs* clock = nullptr;
  const auto over = [&](engine::Os& os) {
    auto made = std::make_unique<SetClockOs>(os);
    clock = made.get();
    return made;
  };
  sim::WorldState copy = world_;
  const Came came =
      open_over(copy, over, [&](engine::Os&, engine::Engine& engine) { seal_on(*clock, engine); });
  constexpr std::string_view kTold = "that keeps some backups, by a clock that is set";
  expect_same(came, kTold);
  if (!wrong_ && !amiss_.empty()) wrong(Breach::kBackup, kTold, amiss_);
}

std::optional<Violation> BackupWords::judge() {
  if (!options_.append_only || !manifest_ || !ours_) return std::nullopt;
  sim::WorldState copy = world_;
  const Came came =
      open(copy, nullptr, [this](engine::Os& os, engine::Engine& engine) { say_on(os, engine); });
  const std::string told = "with " + said_;
  expect_same(came, told);
  if (!wrong_ && !amiss_.empty()) wrong(Breach::kBackup, told, amiss_);
  if (wrong_) return wrong_;
  const auto found = expect_backups(world_.disk, copy.disk, told);
  for (const auto& [name, sealed] : sealed_) {
    const FoundBackup* one = backup_of(found, name);
    if (one == nullptr || !one->sealed || !one->trouble.empty() || one->states.empty())
      wrong(Breach::kBackup, told, "what was sealed is not whole");
    else if (one->states.front().lsn != sealed.lsn || one->states.front().digest != sealed.digest)
      wrong(Breach::kBackup, told,
            fmt::format("what was sealed goes to operation {}, and is not what the store held",
                        one->states.front().lsn));
  }
  if (!wrong_) judge_retention();
  // Every filesystem promises what this one does.
  const sim::Disk least(faults::find_persona("posix-min")->rules);
  const sim::WorldState fresh{least, world_.now, world_.wall_offset_ms};
  const bool anew = choices_.choose("removed.least", 0, 4) != 0;
  if (!wrong_)
    judge_removal(anew ? fresh : world_, [this](sim::WorldState& world, sim::Injector* injector,
                                                auto requests) {
      Answered said;
      said.came = open(world, injector, [&](engine::Os&, engine::Engine& engine) {
        const auto session = engine.connect();
        for (const std::string_view request : requests)
          said.sealed = !reply_to(*session, std::string(request) + "\r\n").starts_with('-');
        said.calls = sim_os_->calls();
      });
      return said;
    });
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_backup_words(const CopiedStarts& as) {
  return BackupWords(as).judge();
}

}  // namespace powercut::scenarios
