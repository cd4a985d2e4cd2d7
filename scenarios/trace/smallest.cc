#include "scenarios/trace/smallest.h"

#include <algorithm>
#include <map>
#include <set>

namespace powercut::scenarios {

namespace {

bool changes(const TraceEvent& event) { return event.kind < TraceEvent::kSync; }

// What is left of a trace: of its events, and of the files before them.
struct Kept {
  std::vector<bool> events;
  std::vector<bool> files;
};

class Shrinking {
 public:
  Shrinking(const TraceSpec& spec, const TraceViolation& violation,
            const std::optional<AddedSync>& cause, const AcksOf& acks_of, ImageOutcomes& outcomes,
            uint64_t tries_most)
      : whole_(*spec.trace),
        breach_(violation.breach),
        cause_(cause),
        acks_of_(acks_of),
        outcomes_(outcomes),
        tries_most_(tries_most),
        spec_(spec),
        kept_{std::vector<bool>(whole_.events.size(), true),
              std::vector<bool>(whole_.initial.size(), true)},
        tail_(whole_.events.size()) {
    spec_.personas = {violation.persona};
  }

  Result<SmallTrace> run(const TraceViolation& violation) {
    TRY_ASSIGN(const std::vector<uint32_t> states, legal_states(spec_, outcomes_));
    begins_well_ = outcomes_[states.front()].status == 0;
    cut_tail(violation.event + (violation.within > 0 ? 1 : 0));
    for (bool less = true; less && minimal_;) {
      less = fewer(&Kept::events);
      less = fewer(&Kept::files) || less;
    }
    SmallTrace small;
    small.trace = trace_of(kept_);
    small.acks = acks_of_(small.trace);
    small.cause = cause_in(kept_);
    spec_.trace = &small.trace;
    spec_.acks = small.acks;
    TRY_ASSIGN(small.all, explore_trace(spec_, outcomes_));
    for (const TraceViolation& one : small.all.by_persona.front().first)
      if (one.breach == breach_) small.violation = one;
    if (small.violation.persona == nullptr)
      return Error{Errc::kCorrupt, "the recoveries were used up: --recoveries allows more"};
    take_less(small);
    small.tries = tries_;
    small.minimal = minimal_;
    return small;
  }

 private:
  Trace trace_of(const Kept& kept) const {
    Trace trace;
    trace.directory = whole_.directory;
    trace.command = whole_.command;
    for (size_t i = 0; i < whole_.initial.size(); ++i)
      if (kept.files[i]) trace.initial.push_back(whole_.initial[i]);
    for (size_t i = 0; i < whole_.events.size(); ++i)
      if (kept.events[i]) trace.events.push_back(whole_.events[i]);
    return trace;
  }

  // The missing sync, where it belongs among what is left.
  std::optional<AddedSync> cause_in(const Kept& kept) const {
    if (!cause_) return std::nullopt;
    AddedSync cause = *cause_;
    cause.after = static_cast<size_t>(std::count(
        kept.events.begin(), kept.events.begin() + static_cast<ptrdiff_t>(cause_->after), true));
    return cause;
  }

  // Nothing is left that a sync which is gone had covered, and of a sync that is left its end is left: but of one that
  // was under way at the cut.
  bool syncs_stay(const Kept& kept) const {
    bool dirty = false;
    std::map<uint64_t, bool> begun;
    for (size_t i = 0; i < whole_.events.size(); ++i) {
      const TraceEvent& event = whole_.events[i];
      if (event.begins_sync()) {
        begun[event.number] = kept.events[i];
        if (!kept.events[i] && dirty) return false;
        dirty = dirty && !kept.events[i];
      } else if (event.ends_sync()) {
        if (kept.events[i] != begun[event.number] && (kept.events[i] || i < tail_)) return false;
      } else {
        dirty = dirty || (kept.events[i] && changes(event));
      }
    }
    return true;
  }

  bool is_like(const Kept& kept) {
    if (cause_ && !kept.events[cause_->after - 1]) return false;
    if (!syncs_stay(kept)) return false;
    if (++tries_ > tries_most_) minimal_ = false;
    if (!minimal_) return false;
    const Trace trace = trace_of(kept);
    TraceSpec spec = spec_;
    spec.trace = &trace;
    spec.acks = acks_of_(trace);
    const auto all = explore_trace(spec, outcomes_);
    if (!all.ok()) return false;
    if (all->stopped()) minimal_ = false;
    if (!minimal_ || all->violations(breach_) == 0) return false;
    if ((outcomes_[all->states.front()].status == 0) != begins_well_) return false;
    const auto cause = cause_in(kept);
    if (!cause) return true;
    const auto with = explore_with(spec, *cause, outcomes_);
    return with.ok() && with->violations(breach_) < all->violations(breach_);
  }

  bool take(const Kept& kept) {
    if (!is_like(kept)) return false;
    kept_ = kept;
    return true;
  }

  void cut_tail(size_t events) {
    tail_ = events;
    Kept kept = kept_;
    std::fill(kept.events.begin() + static_cast<ptrdiff_t>(events), kept.events.end(), false);
    if (!take(kept)) tail_ = kept.events.size();
  }

  // Takes groups away, from the last on; a sync goes with its end. True: something went.
  bool fewer(std::vector<bool> Kept::*part) {
    bool less = false;
    size_t size = std::max<size_t>((kept_.*part).size() / 2, 1);
    for (;; size /= 2) {
      for (size_t end = (kept_.*part).size(); end > 0;) {
        const size_t begin = end - std::min(end, size);
        less = without(part, begin, end) || less;
        end = begin;
      }
      if (size == 1) return less;
    }
  }

  bool without(std::vector<bool> Kept::*part, size_t begin, size_t end) {
    Kept kept = kept_;
    bool any = false;
    for (size_t i = begin; i < end; ++i) {
      any = any || (kept.*part)[i];
      (kept.*part)[i] = false;
    }
    if (!any) return false;
    if (part == &Kept::events) {
      std::set<uint64_t> gone;
      for (size_t i = begin; i < end; ++i)
        if (whole_.events[i].begins_sync()) gone.insert(whole_.events[i].number);
      for (size_t i = 0; i < kept.events.size(); ++i)
        if (whole_.events[i].ends_sync() && gone.contains(whole_.events[i].number))
          kept.events[i] = false;
    }
    return take(kept);
  }

  // Of what the cut took, only what matters.
  void take_less(SmallTrace& small) {
    TraceViolation& violation = small.violation;
    if (violation.second) return;
    const auto breaks = [&](const sim::Survival& survival) {
      const auto image = violation.live.after_power_cut(survival);
      if (!image.ok()) return false;
      const auto outcome = outcomes_.of(*image);
      if (breach_of(spec_, outcomes_, small.all.states, *outcome, violation.acked) != breach_)
        return false;
      violation.image = *image;
      violation.survival = survival;
      violation.outcome = *outcome;
      violation.reached = place_of(small.all.states, *outcome).value_or(0);
      return true;
    };
    sim::Survival all = violation.survival;
    all.rest_kept = true;
    if (!breaks(all)) return;
    for (size_t i = violation.survival.slots.size(); i-- > 0;) {
      sim::Survival less = violation.survival;
      less.slots.erase(less.slots.begin() + static_cast<ptrdiff_t>(i));
      (void)breaks(less);
    }
  }

  const Trace& whole_;
  const TraceBreach breach_;
  const std::optional<AddedSync> cause_;
  const AcksOf& acks_of_;
  ImageOutcomes& outcomes_;
  const uint64_t tries_most_;
  TraceSpec spec_;
  Kept kept_;
  bool begins_well_ = true;  // there is something to recover from the start
  size_t tail_;              // from here on all events went first
  uint64_t tries_ = 0;
  bool minimal_ = true;
};

}  // namespace

Result<SmallTrace> smallest_like(const TraceSpec& spec, const TraceViolation& violation,
                                 const std::optional<AddedSync>& cause, const AcksOf& acks_of,
                                 ImageOutcomes& outcomes, uint64_t tries_most) {
  return Shrinking(spec, violation, cause, acks_of, outcomes, tries_most).run(violation);
}

}  // namespace powercut::scenarios
