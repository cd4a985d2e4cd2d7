// The shrinker's other half: is a candidate still broken, and the best one so far. A room of
// shrink.h; nobody else includes it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "scenarios/shrink/shrink.h"

namespace powercut::scenarios {

class Candidates {
 public:
  Candidates(Scenario scenario, const ShrinkOptions& options)
      : options_(options), best_(std::move(scenario)) {}

  // Runs the first one. Errors: kInvalid: it breaks nothing, or states what cannot be.
  Result<void> begin();
  const Scenario& best() const { return best_; }
  const Account& account() const { return account_; }
  uint64_t tries() const { return tries_; }
  bool spent() const { return tries_ >= options_.tries_max; }
  bool half_spent() const { return tries_ >= options_.tries_max / 2; }

  // Takes the candidate if it breaks the same promise: as it stands; or with another survival of
  // its last cut; or cut elsewhere.
  bool accept(const Scenario& candidate);
  // ... as it stands only; what is stated of cuts is bent to what is legal, or must be legal.
  bool take(const Scenario& candidate, sim::Illegal illegal = sim::Illegal::kBent);
  // ... cut at any call, with one of several survivals.
  bool search(const Scenario& candidate);
  // ... in another order: first in, first out with at most so many delays (the first few thousand
  // of those orders), cut as `beside` says.
  bool reorder(const Scenario& candidate, uint64_t delays, Beside beside);
  // ... in orders drawn by priorities (PCT), a few dozen of them, cut at any call.
  bool reorder_at_random(const Scenario& candidate);
  // Whatever the seed draws of order and latencies: it breaks. A few seeds are tried.
  bool breaks_for_other_seeds(const Scenario& candidate);
  // Goes back to an earlier best.
  void restore(const Scenario& scenario);

 private:
  bool take_order(const Scenario& candidate, sim::Scheduler& scheduler, Beside beside);
  bool take_site(Scenario candidate, const Account& account);
  bool broke(const Account& account) const;
  std::optional<Account> attempt(const Scenario& candidate, const CutManner& manner);
  bool adopt(Scenario scenario, const Account& account);

  const ShrinkOptions& options_;
  Scenario best_;
  Account account_;  // of best_
  Breach breach_ = Breach::kLost;
  uint64_t tries_ = 0;
};

}  // namespace powercut::scenarios
