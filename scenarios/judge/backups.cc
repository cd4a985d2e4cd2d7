#include "scenarios/judge/backups.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/judge/history.h"

namespace powercut::scenarios {

namespace {

std::optional<Violation> broken(std::string_view name, std::string_view why) {
  return Violation{Breach::kBackup, fmt::format("backup {}: {}", name, why)};
}

}  // namespace

void BackupLedger::ask(const BackupRequest& request) {
  ++steps_;
  switch (request.kind) {
    case BackupRequest::Kind::kStart:
      starts_.push_back(request.name);
      for (Kept& kept : kept_)
        if (kept.asked != kNever) note_reuse(kept);
      break;
    case BackupRequest::Kind::kSeal:
      ++unknown_;
      ++under_way_;
      retain();
      break;
    case BackupRequest::Kind::kRemove:
      removals_.push_back({request.name, steps_});
      for (Kept& kept : kept_)
        if (kept.backup.name == request.name) may_go(kept);
      break;
    case BackupRequest::Kind::kRetain:
      // It may be refused, or done later: the least of what was asked for counts.
      if (request.retain != 0)
        retained_ = retained_ == 0 ? request.retain : std::min(retained_, request.retain);
      if (under_way_ != 0) retain();
      break;
  }
}

// Beside the one that is sealed, which stays, the newest by the clock do; one that nobody was told of may be among them.
void BackupLedger::retain() {
  if (retained_ == 0) return;
  const auto age = [](const Kept* kept) {
    return std::pair(kept->backup.unix_s, kept->backup.last);
  };
  std::vector<Kept*> others;
  for (Kept& kept : kept_)
    if (kept.gone == kNever) others.push_back(&kept);
  std::sort(others.begin(), others.end(),
            [&](const Kept* a, const Kept* b) { return age(a) > age(b); });
  const uint64_t stay = retained_ - std::min(retained_, unknown_);
  if (stay >= others.size()) return;
  const auto oldest = age(others[stay]);
  for (Kept* kept : others)
    if (age(kept) <= oldest) may_go(*kept);  // of two as old as one another either goes
}

void BackupLedger::may_go(Kept& kept) {
  kept.asked = std::min(kept.asked, steps_);
  note_reuse(kept);
}

// What is begun may be so only when that one is gone, though it was asked for before.
void BackupLedger::note_reuse(Kept& kept) {
  const std::string& name = kept.backup.name;
  const bool made_up = name[0] >= '0' && name[0] <= '9';
  for (const std::string& start : starts_)
    if (start.empty() ? made_up : name == start) kept.reused = std::min(kept.reused, steps_);
}

void BackupLedger::start(const std::string& name) {
  const auto asked = std::find(starts_.begin(), starts_.end(), name);
  if (asked != starts_.end()) starts_.erase(asked);
}

void BackupLedger::seal(SealedBackup backup) {
  kept_.push_back({std::move(backup), ++steps_});
  seal_nothing();
  if (under_way_ != 0) retain();
  // It may have been asked for, and answered, before the client of the sealing looked.
  Kept& kept = kept_.back();
  for (const Removal& removal : removals_)
    if (removal.name == kept.backup.name) may_go(kept);
  if (under_way_ == 0) std::erase_if(removals_, [](const Removal& one) { return one.answered; });
}

void BackupLedger::seal_nothing() {
  unknown_ -= std::min<uint64_t>(unknown_, 1);
  under_way_ -= std::min<uint64_t>(under_way_, 1);
}

void BackupLedger::remove(const std::string& name, bool done) {
  ++steps_;
  const auto asked = std::find_if(removals_.begin(), removals_.end(), [&](const Removal& one) {
    return one.name == name && !one.answered;
  });
  if (asked == removals_.end()) return;
  for (Kept& kept : kept_)
    if (done && kept.backup.name == name && kept.sealed < asked->step && kept.reused == kNever)
      kept.gone = std::min(kept.gone, steps_);
  asked->answered = true;
  if (under_way_ == 0) removals_.erase(asked);
}

void BackupLedger::begin(uint64_t k) {
  std::erase_if(kept_, [&](const Kept& kept) { return kept.backup.last > k; });
  retained_ = under_way_ = 0;
  starts_.clear();
  removals_.clear();
}

std::vector<BackupLedger::Entry> BackupLedger::at(size_t moment) const {
  moment = std::min(moment, steps_);
  std::vector<Entry> entries;
  for (const Kept& kept : kept_)
    if (kept.sealed <= moment && kept.reused > moment)
      entries.push_back({kept.backup, kept.asked > moment, kept.gone <= moment});
  return entries;
}

std::optional<Violation> judge_sealed(const SealedBackup& sealed, uint64_t before, uint64_t now) {
  if (sealed.last >= before && sealed.last <= now && sealed.first <= sealed.last)
    return std::nullopt;
  return broken(sealed.name,
                fmt::format("sealed with operations {} to {}; {} were done before, and {} when the "
                            "answer came",
                            sealed.first, sealed.last, before, now));
}

std::optional<Violation> judge_backups(History& history, const BackupsAsked& asked,
                                       std::span<const FoundBackup> found) {
  for (const BackupLedger::Entry& told : asked.told) {
    const SealedBackup& sealed = told.backup;
    const auto there = std::find_if(found.begin(), found.end(), [&](const FoundBackup& one) {
      return one.sealed && one.name == sealed.name;
    });
    if (there != found.end() && told.gone)
      return broken(sealed.name, "it was removed, and is there again");
    if (there == found.end() && told.owed)
      return broken(sealed.name, "it was sealed, and is not there");
    if (there == found.end()) continue;
    if (there->trouble.empty() && !(there->says == sealed))
      return broken(sealed.name,
                    fmt::format("it has operations {} to {}, and was sealed with {} "
                                "to {}",
                                there->says.first, there->says.last, sealed.first, sealed.last));
  }
  if (found.empty()) return std::nullopt;
  const auto& digests = history.digests_at(asked.wall_ms);
  const auto as_loaded = history.as_loaded_at(asked.wall_ms);
  for (const FoundBackup& one : found) {
    if (!one.sealed && !asked.errors) return broken(one.name, "a start has left half of it");
    if (!one.sealed) continue;
    if (!one.trouble.empty()) return broken(one.name, one.trouble);
    if (history.is_disowned(one.name)) continue;
    for (const FoundBackup::State& state : one.states) {
      const bool loaded =
          as_loaded && as_loaded->lsn == state.lsn && as_loaded->digest == state.digest;
      if (state.lsn >= digests.size() || (digests[state.lsn] != state.digest && !loaded))
        return broken(one.name, fmt::format("restored up to operation {} it is not S({})",
                                            state.lsn, state.lsn));
    }
  }
  return std::nullopt;
}

}  // namespace powercut::scenarios
