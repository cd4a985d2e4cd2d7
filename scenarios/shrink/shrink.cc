#include "scenarios/shrink/shrink.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/base/chunks.h"
#include "scenarios/run/targets.h"
#include "scenarios/shrink/candidates.h"
#include "scenarios/shrink/order.h"
#include "sim/request.h"

namespace powercut::scenarios {

using faults::Fault;
using faults::FaultKind;
using faults::Trigger;
using sim::CrashKind;

namespace {

// So many that a crash should move with them while they are taken away.
constexpr size_t kManySteps = 8;

bool is_crash(const Fault& fault) { return fault.kind == FaultKind::kCrash; }

class Shrinker {
 public:
  Shrinker(Scenario scenario, const ShrinkOptions& options)
      : candidates_(std::move(scenario), options) {}

  Result<Shrunk> run() {
    Shrunk shrunk;
    shrunk.operations_before = operations(best());
    TRY(candidates_.begin());
    make_small();
    // That costs about as much again.
    if (!candidates_.half_spent() && state_order(candidates_)) make_small();
    shrunk.complete = !spent();
    leave_order_unsaid();
    shrunk.scenario = best();
    // What is stated must be legal as it stands; the search has bent it until now.
    TRY_ASSIGN(shrunk.account, run_scenario(shrunk.scenario));
    CHECK(shrunk.account.result.violation.has_value());
    shrunk.tries = candidates_.tries();
    return shrunk;
  }

 private:
  // Where it breaks in any order, and what that order is does not make it smaller by luck.
  void leave_order_unsaid() {
    const Scenario stated = best();
    if (spent() || !drop_schedules(candidates_)) return;
    const auto before = size();
    make_small();
    if (spent() || size() < before) candidates_.restore(stated);
  }

  void make_small() {
    for (auto before = size(); !spent(); before = size()) {
      for (const auto pass : {&Shrinker::pass_sizes, &Shrinker::pass_conditions,
                              &Shrinker::pass_lives, &Shrinker::pass_words, &Shrinker::pass_crash,
                              &Shrinker::pass_turns, &Shrinker::pass_steps, &Shrinker::pass_manners,
                              &Shrinker::pass_commands, &Shrinker::pass_survival})
        (this->*pass)();
      if (size() >= before) break;  // what a pass undid of another would go round for ever
    }
  }

  // Of the text; then of what is stated of the cuts.
  std::pair<size_t, size_t> size() const {
    size_t slots = 0;
    for (const auto& cut : best().cuts) slots += cut ? cut->slots.size() : 0;
    return {print(best(), {}).size(), slots};
  }
  const Scenario& best() const { return candidates_.best(); }
  bool accept(const Scenario& candidate) { return candidates_.accept(candidate); }
  bool spent() const { return candidates_.spent(); }

  // --- Passes: each true if it made something smaller ---

  // Every long word at once, so that what follows is fast.
  bool pass_sizes() {
    bool any = false;
    for (;;) {
      Scenario candidate = best();
      for (auto& life : candidate.script.lives)
        for (Step& step : life) shorten(step, 2);
      if (candidate.script == best().script || !candidates_.take(candidate)) return any;
      any = true;
    }
  }

  bool pass_conditions() {
    bool any = false;
    const auto vary = [&](auto change) {
      Scenario candidate = best();
      change(candidate);
      if (print(candidate, {}) != print(best(), {})) any |= accept(candidate);
    };
    vary([](Scenario& s) { s.script.pipeline = 1; });
    vary([](Scenario& s) { s.script.lingers = false; });
    vary([](Scenario& s) { s.script.clean_end = false; });
    vary([](Scenario& s) { s.script.starts = false; });
    vary([](Scenario& s) { s.script.asks = false; });
    vary([](Scenario& s) { s.script.rests = false; });
    vary([](Scenario& s) { s.script.by_another = 0; });
    vary([](Scenario& s) { s.seed = Scenario{}.seed; });
    vary([](Scenario& s) { s.off = Scenario{}.off; });
    vary([](Scenario& s) { s.wall_start_ms = Scenario{}.wall_start_ms; });
    vary([](Scenario& s) {
      s.sizes.rewrite_bytes = std::max(s.sizes.rewrite_bytes, sim::Sizes{}.rewrite_bytes);
    });
    vary([](Scenario& s) { s.sizes.step_bytes = 0; });
    vary([](Scenario& s) { s.sizes.script_step = 0; });
    vary([](Scenario& s) { s.sizes.lag = {}; });
    vary([](Scenario& s) { s.write_latency = Scenario{}.write_latency; });
    return any;
  }

  bool pass_lives() {
    bool any = false;
    for (size_t life = 0; life + 1 < best().script.lives.size();) {
      const size_t lives = best().script.lives.size();
      (void)without_life(life);
      // Unless it was cut again all the same.
      if (best().script.lives.size() < lives)
        any = true;
      else
        ++life;
    }
    return any;
  }
  bool without_life(size_t life) {
    Scenario candidate = best();
    candidate.script.lives.erase(candidate.script.lives.begin() + static_cast<ptrdiff_t>(life));
    candidate.cuts.erase(candidate.cuts.begin() + static_cast<ptrdiff_t>(life));
    if (life < candidate.schedules.size())
      candidate.schedules.erase(candidate.schedules.begin() + static_cast<ptrdiff_t>(life));
    auto& words = candidate.plan.faults;
    std::erase_if(words, [&](const Fault& fault) { return fault.life == life; });
    for (Fault& fault : words) fault.life -= fault.life > life ? 1 : 0;
    if (accept(candidate)) return true;
    // What was said in it may still be needed.
    auto& next = candidate.script.lives[life];
    const auto& said = best().script.lives[life];
    next.insert(next.begin(), said.begin(), said.end());
    for (Fault& fault : words) {
      if (fault.life != life || !counts_operations(fault)) continue;
      fault.at += said.size();
      fault.extra += spans_operations(fault) ? said.size() : 0;
    }
    return accept(candidate);
  }

  bool pass_words() {
    bool any = false;
    for (size_t i = 0; i < best().plan.faults.size();) {
      const size_t words = best().plan.faults.size();
      Scenario candidate = best();
      candidate.plan.faults.erase(candidate.plan.faults.begin() + static_cast<ptrdiff_t>(i));
      if (accept(candidate) && best().plan.faults.size() < words) {
        any = true;
        continue;
      }
      any |= one_call_without_space(i) || earlier(i);
      ++i;
    }
    return any;
  }
  // A disk that is full once says more than one that is full for a while.
  bool one_call_without_space(size_t word) {
    constexpr uint64_t kWrites = 12;
    if (best().plan.faults[word].kind != FaultKind::kNoSpace) return false;
    for (uint64_t at = 0; at < kWrites; ++at) {
      Scenario candidate = best();
      Fault fault;
      fault.kind = FaultKind::kEnospc;
      fault.op = sim::Op::kWrite;
      fault.life = candidate.plan.faults[word].life;
      fault.at = at;
      candidate.plan.faults[word] = fault;
      if (accept(candidate)) return true;
    }
    return false;
  }
  // The least number for a word that counts calls.
  bool earlier(size_t word) {
    if (!counts_calls(best().plan.faults[word]) || is_crash(best().plan.faults[word])) return false;
    const uint64_t at = best().plan.faults[word].at;
    for (uint64_t less = 0; less < std::min<uint64_t>(at, 64); ++less) {
      Scenario candidate = best();
      candidate.plan.faults[word].at = less;
      if (accept(candidate)) return true;
    }
    return false;
  }

  // A crash that moves with the operations while these are taken away; at last, a simple one.
  bool pass_crash() {
    bool any = false;
    for (size_t i = 0; i < best().plan.faults.size(); ++i) {
      const Fault fault = best().plan.faults[i];
      if (!is_crash(fault)) continue;
      Fault idle;
      idle.life = fault.life;
      idle.crash = fault.crash;
      idle.trigger = Trigger::kIdle;
      if (fault == idle) continue;
      if (with_word(i, idle)) {
        any = true;
      } else if (fault.trigger == Trigger::kCall && operations(best()) > kManySteps) {
        any |= by_operation(i);
      }
    }
    return any;
  }
  bool with_word(size_t word, const Fault& fault) {
    Scenario candidate = best();
    candidate.plan.faults[word] = fault;
    return candidates_.take(candidate);
  }
  bool by_operation(size_t word) {
    Fault fault = best().plan.faults[word];
    const LifeAccount& life = candidates_.account().lives[fault.life];
    if (life.said.empty()) return false;
    fault.trigger = Trigger::kOperationCall;
    fault.at = life.said.back().step;
    for (fault.extra = 0; fault.extra < 64; ++fault.extra)
      if (with_word(word, fault)) return true;
    return false;
  }

  bool pass_turns() { return drop_turns(candidates_); }

  bool pass_steps() {
    return leave_out_in_chunks(
        operations(best()) / 2, [&] { return operations(best()); },
        [&](size_t first, size_t count) { return without_steps(first, count); },
        [&] { return spent(); });
  }
  bool without_steps(size_t first, size_t count) {
    Scenario candidate = best();
    size_t number = 0;
    size_t gone = 0;
    for (uint32_t life = 0; life < candidate.script.lives.size(); ++life) {
      auto& steps = candidate.script.lives[life];
      for (size_t at = 0, here = steps.size(), next = 0; at < here; ++at, ++number) {
        if (number < first || number >= first + count) {
          ++next;
          continue;
        }
        steps.erase(steps.begin() + static_cast<ptrdiff_t>(next));
        ++gone;
        for (Fault& fault : candidate.plan.faults) {
          if (fault.life != life || !counts_operations(fault)) continue;
          fault.at -= fault.at > next ? 1 : 0;
          fault.extra -= spans_operations(fault) && fault.extra > next ? 1 : 0;
        }
      }
    }
    if (gone == 0) return false;
    for (Fault& fault : candidate.plan.faults)
      if (spans_operations(fault) && fault.extra <= fault.at) fault.extra = fault.at + 1;
    if (accept(candidate)) return true;
    // Calls that are counted have become fewer, too.
    bool moved = false;
    for (Fault& fault : candidate.plan.faults) {
      if (!counts_calls(fault) || fault.at == 0) continue;
      fault.at -= std::min<uint64_t>(fault.at, gone);
      moved = true;
    }
    return moved && accept(candidate);
  }

  // --- Steps made simpler ---

  template <class Change>
  bool vary_steps(Change change) {
    bool any = false;
    for (size_t life = 0; life < best().script.lives.size(); ++life) {
      for (size_t at = 0; at < best().script.lives[life].size(); ++at) {
        Scenario candidate = best();
        Step& step = candidate.script.lives[life][at];
        change(step, at);
        if (step == best().script.lives[life][at]) continue;
        any |= candidates_.take(candidate) || candidates_.search(candidate);
        if (life >= best().script.lives.size()) break;
      }
    }
    return any;
  }
  bool pass_manners() {
    bool any = vary_steps([](Step& step, size_t) { step.think = {}; });
    any |= vary_steps([](Step& step, size_t) { step.client = 0; });
    any |= vary_steps([](Step& step, size_t) { step.wait = false; });
    return any;
  }
  // The plainest command there is, or shorter words.
  bool pass_commands() {
    bool any = plain_commands();
    for (const size_t part : {2, 8, 64})
      while (!spent() && vary_steps([part](Step& step, size_t) { shorten(step, part); }))
        any = true;
    return any;
  }
  // Takes the `part`-th part off every long word.
  static void shorten(Step& step, size_t part) {
    constexpr size_t kLong = 24;
    for (std::string& request : step.unit.requests) {
      const auto views = sim::words_of(request);
      if (views.empty()) continue;
      std::vector<std::string> words(views.begin(), views.end());
      for (std::string& word : words) {
        const size_t less = word.size() / part;
        if (word.size() > kLong && less > 0) word = std::string(word.size() - less, 'x');
      }
      request = sim::encode_request(words);
    }
  }
  bool plain_commands() {
    const TargetType& target = target_or_store(best().target);
    return vary_steps([&](Step& step, size_t at) {
      const std::string plain = target.plain_request(at);
      if (plain.empty()) return;
      const bool is_plain = step.unit.requests.size() == 1 && step.unit.db == 0 &&
                            step.unit.requests[0].size() <= plain.size();
      if (!is_plain) step.unit = {0, {plain}};
    });
  }

  // --- What the cuts left ---

  bool pass_survival() {
    bool any = false;
    for (size_t life = best().cuts.size(); life-- > 0;) {
      if (life >= best().cuts.size() || !best().cuts[life]) continue;
      any |= fewest_slots(life);
    }
    return any;
  }
  bool with_survival(size_t life, const sim::Survival& survival) {
    Scenario candidate = best();
    candidate.cuts[life] = survival;
    return candidates_.take(candidate, sim::Illegal::kProblem);
  }
  bool fewest_slots(size_t life) {
    const sim::Survival given = *best().cuts[life];
    const Scenario start = best();
    drop_slots(life);
    const Scenario one = best();
    candidates_.restore(start);
    // The other way round: all is to be stated first.
    sim::Survival other = *candidates_.account().lives[life].survival;
    other.rest_kept = !given.rest_kept;
    if (with_survival(life, other)) drop_slots(life);
    const auto slots = [life](const Scenario& scenario) {
      return scenario.cuts[life]->slots.size();
    };
    const bool turned = best().cuts[life]->rest_kept != given.rest_kept;
    if (!turned || slots(one) <= slots(best())) candidates_.restore(one);
    return slots(best()) < given.slots.size();
  }
  void drop_slots(size_t life) {
    const auto slots = [&]() -> size_t { return best().cuts[life]->slots.size(); };
    (void)leave_out_in_chunks(
        slots(), slots,
        [&](size_t first, size_t count) { return without_slots(life, first, count); },
        [&] { return spent(); });
  }
  bool without_slots(size_t life, size_t first, size_t count) {
    sim::Survival survival = *best().cuts[life];
    const size_t before = survival.slots.size();
    if (first >= before) return false;
    const auto begin = survival.slots.begin() + static_cast<ptrdiff_t>(first);
    survival.slots.erase(begin, begin + static_cast<ptrdiff_t>(std::min(count, before - first)));
    return with_survival(life, survival) && best().cuts[life]->slots.size() < before;
  }

  Candidates candidates_;
};

}  // namespace

size_t operations(const Scenario& scenario) {
  size_t count = 0;
  for (const auto& life : scenario.script.lives) count += life.size();
  return count;
}

Result<Shrunk> shrink(const Scenario& scenario, const ShrinkOptions& options) {
  return Shrinker(scenario, options).run();
}

}  // namespace powercut::scenarios
