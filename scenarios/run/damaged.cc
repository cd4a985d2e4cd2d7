#include "scenarios/run/damaged.h"

#include <algorithm>
#include <span>
#include <vector>

namespace powercut::scenarios {

namespace {

// A run is long, and one place that is harmed says little.
constexpr uint64_t kFurther = 12;
// Where the plan has no such fault: looked at after one life of so many, at so many places.
constexpr uint64_t kUnplannedOneIn = 4;
constexpr uint64_t kUnplanned = 6;

bool harms(const faults::Fault& fault, uint32_t life) {
  return fault.life == life && faults::target(fault.kind) == faults::Target::kDisk;
}

class Harming {
 public:
  Harming(RunState& run, uint32_t life, sim::Choices& choices, Legacy& heir)
      : run_(run),
        life_(life),
        choices_(choices),
        heir_(heir),
        plan_(run.result.plan),
        disk_(heir.world.disk) {
    sim::WorldState copy = heir.world;
    intact_ = recover_in(copy, run.opening, {choices});
  }

  // Of the faults that the plan has for the end of this life: if the next one will refuse, is that needed?
  void judge_refusal() {
    plan_ = run_.result.plan;
    judge_copy(true);
  }
  // Further draws of them.
  void judge_copies() {
    for (uint64_t draw = 1; draw <= kFurther && !run_.stopped; ++draw) {
      for (faults::Fault& fault : plan_.faults)
        if (harms(fault, life_)) fault.at = draw;
      judge_copy();
    }
  }

  // Of any that may be.
  void judge_unplanned(std::span<const faults::FaultKind> kinds) {
    faults::Fault& fault = plan_.faults.emplace_back();
    fault.life = life_;
    for (uint64_t draw = 1; draw <= kUnplanned && !run_.stopped; ++draw) {
      fault.kind = kinds[choices_.choose("unplanned.kind", draw, kinds.size())];
      fault.at = draw;
      judge_copy();
    }
  }

  void harm() {
    const auto hits =
        faults::apply_media_faults(run_.result.plan, life_, heir_.world.disk, choices_);
    if (hits.empty()) return;
    heir_.damage = weigh(hits, heir_.world.disk);
    heir_.contract_broken = true;
    for (const auto& hit : hits) {
      heir_.struck.set(index_of(heir_.state, hit.fault));
      run_.result.hits.push_back(
          {hit.fault, std::nullopt, run_.opening.type->roles()(hit.at.path), 1});
    }
  }

 private:
  void judge_copy(bool refusal_alone = false) {
    sim::WorldState harmed = heir_.world;
    const auto hits = faults::apply_media_faults(plan_, life_, harmed.disk, choices_);
    if (hits.empty()) return;
    const Damage damage = weigh(hits, harmed.disk);
    // Then an older file may be all there is, and no word of what was newer. (Judged as well it would change what a search
    // counts: the tables of e08 are of before.)
    if (hits[0].fault == faults::FaultClass::kFileLost && !damage.told.shows) return;
    const Recovered recovered = recover(harmed, run_.opening);
    if (!refusal_alone) run_.judge_damaged(heir_.promised, heir_.delays, damage, recovered);
    // A sector that cannot be read is not given up: it may be read again.
    const bool readable = std::none_of(hits.begin(), hits.end(), [](const faults::MediaHit& hit) {
      return hit.fault == faults::FaultClass::kUnreadable;
    });
    const bool refused = intact_.refusal.empty() && !recovered.refusal.empty();
    if (!run_.stopped && refused && damage.told.in_log && readable) judge_giving_up(damage, harmed);
    // So that the plan tells it.
    if (run_.stopped) run_.result.plan = plan_;
  }

  // The same again, told to keep what precedes the damage.
  void judge_giving_up(Damage damage, const sim::WorldState& harmed) {
    Opening opening = run_.opening;
    opening.settings.gives_up = true;
    const Recovered recovered = recover(harmed, opening);
    if (!recovered.refusal.empty())
      return run_.violate(
          {Breach::kNoStart, "told to give up what is damaged: " + recovered.refusal});
    damage.told.shows = false;
    run_.judge_damaged(heir_.promised, heir_.delays, damage, recovered);
  }

  Damage weigh(const std::vector<faults::MediaHit>& hits, const sim::Disk& harmed) const {
    std::vector<faults::Harm> harms;
    for (const auto& hit : hits)
      for (const faults::Harm* harm : {&hit.at, &hit.also})
        if (harm->length != 0) harms.push_back(*harm);
    return {intact_, run_.opening.type->telling(disk_, harmed, harms, run_.opening.settings)};
  }

  // By the clock of the recovery without harm.
  Recovered recover(sim::WorldState world, const Opening& opening) const {
    return recover_in(world, opening, {.choices = choices_, .wall_ms = intact_.wall_ms});
  }

  RunState& run_;
  const uint32_t life_;
  sim::Choices& choices_;
  Legacy& heir_;
  faults::Plan plan_;
  const sim::Disk disk_;  // without harm
  Recovered intact_;
};

bool damages_besides(const RunState& run) {
  return run.beside() != Beside::kNothing && run.stated.script == nullptr &&
         run.spec.faults.has_any(faults::FaultSet::violations());
}

}  // namespace

bool may_be_damaged(const RunState& run) {
  return run.result.plan.violates_contract() || damages_besides(run);
}

void harm(RunState& run, uint32_t life, sim::Choices& choices, Legacy& heir) {
  const auto& faults = run.result.plan.faults;
  const bool planned = std::any_of(faults.begin(), faults.end(),
                                   [&](const faults::Fault& fault) { return harms(fault, life); });
  // After a failed sync and a kill a page may read as it was before, or not: nobody can say what the files
  // told.
  const bool settled = !heir.errors || !heir.world.disk.anything_pending();
  const bool looks = settled && run.beside() != Beside::kNothing;
  if (planned) {
    Harming harming(run, life, choices, heir);
    if (looks) harming.judge_copies();
    if (settled && !run.stopped) harming.judge_refusal();
    if (!run.stopped) harming.harm();
    if (!settled) heir.damage.reset();
    return;
  }
  if (!looks || !damages_besides(run) || heir.contract_broken) return;
  if (choices.choose("unplanned", 0, kUnplannedOneIn) != 0) return;
  std::vector<faults::FaultKind> kinds;
  for (const faults::KindRow& kind : faults::kind_rows())
    if (faults::target(kind.kind) == faults::Target::kDisk && run.spec.faults.has(kind.fault))
      kinds.push_back(kind.kind);
  Harming(run, life, choices, heir).judge_unplanned(kinds);
}

}  // namespace powercut::scenarios
