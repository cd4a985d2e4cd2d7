#include "scenarios/shrink/candidates.h"

#include <algorithm>

#include "sim/crash_images.h"

namespace powercut::scenarios {

using faults::Fault;
using sim::CrashKind;

namespace {

// A workload longer than this is made shorter first, before cuts are looked for at every call.
constexpr size_t kSearchedSteps = 16;
constexpr uint64_t kDraws = 6;

CutManner bent() {
  CutManner manner;
  manner.illegal = sim::Illegal::kBent;
  return manner;
}

// Does what is stated, as it stands, lead to the disk that was seen?
bool leads_there(const sim::Survival& stated, const LifeAccount& life) {
  const auto after = life.before->after_power_cut(stated);
  return after.ok() && image_of(*after) == image_of(*life.after);
}

}  // namespace

Result<void> Candidates::begin() {
  TRY_ASSIGN(Account account, run_scenario(best_));
  if (!account.result.violation)
    return Error{Errc::kInvalid, "every promise held: there is nothing to shrink"};
  breach_ = account.result.violation->breach;
  adopt(best_, account);
  return {};
}

bool Candidates::broke(const Account& account) const {
  return account.result.harness_fault.empty() && account.result.violation &&
         account.result.violation->breach == breach_;
}

std::optional<Account> Candidates::attempt(const Scenario& candidate, const CutManner& manner) {
  if (spent() || !faults::parse_plan(print(candidate.plan)).ok()) return std::nullopt;
  ++tries_;
  auto account = run_scenario(candidate, manner);
  if (account.ok()) tries_ += account->result.recoveries;
  if (!account.ok() || !broke(*account)) return std::nullopt;
  return std::move(account).value();
}

bool Candidates::take(const Scenario& candidate, sim::Illegal illegal) {
  CutManner manner;
  manner.illegal = illegal;
  const auto account = attempt(candidate, manner);
  return account && adopt(candidate, *account);
}

bool Candidates::accept(const Scenario& candidate) {
  if (take(candidate)) return true;
  const uint32_t crashes = candidate.plan.crashes();
  if (crashes > 0) {
    Scenario other = candidate;
    other.cuts.resize(std::max<size_t>(other.cuts.size(), crashes));
    for (const bool kept : {true, false}) {
      other.cuts[crashes - 1] = sim::Survival{kept, {}};
      if (take(other)) return true;
    }
    CutManner drawn = bent();
    drawn.drawn_life = crashes - 1;
    for (drawn.drawn_key = 0; drawn.drawn_key < kDraws; ++drawn.drawn_key)
      if (auto account = attempt(candidate, drawn)) return adopt(candidate, *account);
  }
  return search(candidate);
}

bool Candidates::search(const Scenario& candidate) {
  if (operations(candidate) > kSearchedSteps) return false;
  CutManner manner = bent();
  manner.beside = Beside::kEverything;
  const auto account = attempt(candidate, manner);
  return account && account->result.beside && take_site(candidate, *account);
}

bool Candidates::reorder(const Scenario& candidate, uint64_t delays, Beside beside) {
  constexpr uint64_t kOrdersMost = 3'000;
  if (operations(candidate) > kSearchedSteps) return false;
  uint64_t orders = 0;
  sim::ScheduleWalk walk(delays);
  do {
    if (take_order(candidate, walk, beside)) return true;
  } while (walk.next() && ++orders < kOrdersMost && !spent());
  return false;
}

bool Candidates::reorder_at_random(const Scenario& candidate) {
  constexpr uint64_t kOrders = 48;
  if (operations(candidate) > kSearchedSteps) return false;
  for (uint64_t order = 0; order < kOrders && !spent(); ++order) {
    sim::SeededChoices seed(order);
    const auto scheduler = make_scheduler({ScheduleKind::kPct, {}}, seed);
    if (take_order(candidate, *scheduler, Beside::kEverything)) return true;
  }
  return false;
}

// The candidate as the scheduler orders it, with those turns.
bool Candidates::take_order(const Scenario& candidate, sim::Scheduler& scheduler, Beside beside) {
  CutManner manner = bent();
  manner.beside = beside;
  manner.scheduler = &scheduler;
  const auto account = attempt(candidate, manner);
  if (!account) return false;
  Scenario other = candidate;
  other.schedules.clear();
  for (const LifeAccount& life : account->lives) other.schedules.emplace_back(turns_of(life.turns));
  return account->result.beside ? take_site(other, *account) : take(other);
}

bool Candidates::breaks_for_other_seeds(const Scenario& candidate) {
  constexpr uint64_t kSeeds = 8;
  Scenario other = candidate;
  for (other.seed = 1; other.seed <= kSeeds; ++other.seed)
    if (!attempt(other, bent())) return false;
  return true;
}

// Cut where the violation was seen beside the run.
bool Candidates::take_site(Scenario cut, const Account& account) {
  const auto& site = *account.result.beside;
  std::erase_if(cut.plan.faults, [&](const Fault& fault) {
    return fault.life > site.life || (fault.life == site.life && ends_life(fault));
  });
  Fault word;
  word.life = site.life;
  word.crash = CrashKind::kPowerCut;
  word.trigger = faults::Trigger::kCall;
  word.at = site.call;
  word.point = site.point;
  cut.plan.faults.push_back(word);
  cut.cuts.resize(site.life + 1);
  cut.cuts[site.life] = account.beside;
  return take(cut);
}

void Candidates::restore(const Scenario& scenario) {
  auto account = run_scenario(scenario, bent());
  CHECK(account.ok());
  best_ = scenario;
  account_ = std::move(account).value();
}

// Without what was never reached, with the turns that were taken, and every survival in full.
bool Candidates::adopt(Scenario scenario, const Account& account) {
  const size_t lives = account.lives.size();
  scenario.script.lives.resize(lives);
  if (lives > 1 && !account.lives.back().served) scenario.script.lives.back().clear();
  std::erase_if(scenario.plan.faults, [&](const Fault& fault) { return fault.life >= lives; });
  scenario.cuts.resize(lives);
  if (!scenario.schedules.empty()) scenario.schedules.resize(lives);
  for (size_t life = 0; life < scenario.schedules.size(); ++life)
    if (scenario.schedules[life]) scenario.schedules[life] = turns_of(account.lives[life].turns);
  for (size_t life = 0; life < lives; ++life) {
    const auto& survival = account.lives[life].survival;
    if (!survival || !scenario.cuts[life] ||
        !leads_there(*scenario.cuts[life], account.lives[life]))
      scenario.cuts[life] = survival;
  }
  best_ = std::move(scenario);
  account_ = account;
  if (options_.progress) options_.progress(tries_, operations(best_));
  return true;
}

}  // namespace powercut::scenarios
