#include "scenarios/judge/oracle.h"

#include <fmt/format.h>

#include <algorithm>

namespace powercut::scenarios {

namespace {

constexpr int64_t kMsNs = 1'000'000;
// Between the syncs of a rotation or a heal stand calls that take microseconds each.
constexpr Duration kSlack = milliseconds(5);

// How long, between `from` and `to`, a sync or a slowed call was under way, or the log was blocked.
Duration busy_between(const Delays& delays, Instant from, Instant to) {
  std::vector<std::pair<Instant, Instant>> spans;
  const auto add = [&](Instant begin, Instant end) {
    begin = std::max(begin, from);
    end = std::min(end, to);
    if (begin < end) spans.emplace_back(begin, end);
  };
  for (const auto& wait : delays.waits) add(wait.begin, wait.end);
  for (const auto& span : delays.blocked) add(span.begin, span.end);
  std::sort(spans.begin(), spans.end());
  Duration busy;
  Instant done = from;
  for (const auto& [begin, end] : spans) {
    if (end <= done) continue;
    busy = busy + (end - std::max(begin, done));
    done = end;
  }
  return busy;
}

}  // namespace

const Policy& Oracle::in_force(const History& history, size_t changes) const {
  const Policy* policy = changes == 0 ? nullptr : history.policy_changes()[changes - 1].policy;
  return policy != nullptr ? *policy : policy_;
}

// What its acknowledgement is held against. A reply may have been released some time before the client
// took it: the weakest of those that were in force meanwhile. And whoever leaves everysec for `no` leaves
// to the kernel what it has not forced yet; not what it should have by then.
const Policy& Oracle::stands_under(const History& history, const Promised& promised,
                                   const Delays& delays, const Operation& operation) const {
  const auto& changes = history.policy_changes();
  size_t then = operation.policy_changes;
  const Policy* policy = &in_force(history, then);
  while (then > 0 && changes[then - 1].at >= operation.executed)
    if (const Policy& before = in_force(history, --then); before.weaker_than(*policy))
      policy = &before;
  if (!policy->everysec()) return *policy;
  for (size_t i = operation.policy_changes; i < changes.size() && changes[i].at <= promised.at;
       ++i) {
    const Policy& next = in_force(history, i + 1);
    if (next.kind != PolicyKind::kNo) continue;
    const Instant due = operation.acked + milliseconds(kEverysecMs) + kSlack +
                        busy_between(delays, operation.acked, changes[i].at);
    return changes[i].at < due ? next : *policy;
  }
  return *policy;
}

int64_t Oracle::bound_ms(const Policy& policy, const Promised& promised, const Delays& delays,
                         Instant oldest) const {
  const int64_t window_ms = promised.engine.window_ms;
  if (window_ms >= 0)
    return window_ms == 0 ? 0
                          : window_ms + (busy_between(delays, oldest, promised.at) + kSlack).ms();
  if (policy.always()) return 0;
  if (promised.kind == sim::CrashKind::kKill && policy.has_log() && !promised.engine.indeterminate)
    return 0;
  const auto busy = [&] { return (busy_between(delays, oldest, promised.at) + kSlack).ms(); };
  if (policy.everysec()) return kEverysecMs + busy();
  if (policy.kind == PolicyKind::kNo && promises_writeback_) return kKernelMs + busy();
  return -1;
}

// Of the acknowledged operations behind S(k), those of each policy that was in force.
std::vector<Oracle::Share> Oracle::measure(const History& history, const Promised& promised,
                                           const Delays& delays, uint64_t k) const {
  struct Lost {
    const Policy* policy;
    uint64_t operations;
    Instant oldest;
    Instant newest;
  };
  std::vector<Lost> lost;
  for (uint64_t lsn = k + 1; lsn <= promised.last; ++lsn) {
    const Operation& operation = history.operation(lsn);
    const Instant acked = operation.acked;
    if (acked > promised.at || operation.ack > promised.acks) continue;
    const Policy* policy = &stands_under(history, promised, delays, operation);
    // Whoever does not find what has expired learns nothing that a bound in time is about: the clock removes it again.
    if (operation.expiry_only && !policy->always()) continue;
    const auto known =
        std::find_if(lost.begin(), lost.end(), [&](const Lost& l) { return l.policy == policy; });
    Lost& one = known != lost.end()
                    ? *known
                    : lost.emplace_back(Lost{policy, 0, acked, operation.acked_from});
    ++one.operations;
    one.oldest = std::min(one.oldest, acked);
    one.newest = std::max(one.newest, operation.acked_from);
  }
  std::vector<Share> shares;
  for (const Lost& l : lost)
    shares.push_back(
        {l.policy,
         {l.operations, (promised.at - l.oldest).ns / kMsNs,
          std::max(l.newest - l.oldest, Duration{0}).ns / kMsNs,
          promised.engine.given ? bound_ms(*l.policy, promised, delays, l.oldest) : -1},
         promised.engine.window_ms});
  return shares;
}

std::optional<Violation> Oracle::floors(const Promised& promised, uint64_t k) const {
  const auto lost = [&](uint64_t floor, Breach breach,
                        std::string_view why) -> std::optional<Violation> {
    if (k >= floor) return std::nullopt;
    return Violation{breach, fmt::format("recovered operation {} of {}, but {} was {}", k,
                                         promised.last, floor, why)};
  };
  if (auto v =
          lost(promised.engine.confirmed, Breach::kReplica, "synced here, as a client was told"))
    return v;
  const bool database_alone = promised.engine.window_ms >= 0;
  if (policy_.kind == PolicyKind::kNone && promised.engine.snapshot == 0 && !database_alone)
    return std::nullopt;
  if (auto v = lost(std::min(served_, promised.served), Breach::kServedIsGone,
                    "served after an earlier recovery"))
    return v;
  if (database_alone)
    if (auto v = lost(promised.engine.behind, Breach::kBehind, "committed to the database"))
      return v;
  if (!policy_.has_log())
    return lost(promised.engine.snapshot, Breach::kLost, "in a published checkpoint");
  if (auto v =
          lost(promised.engine.synced, policy_.always() ? Breach::kLost : Breach::kBound, "synced"))
    return v;
  if (promised.kind == sim::CrashKind::kKill)
    return lost(promised.engine.written, Breach::kLost, "written before the kill");
  return std::nullopt;
}

std::optional<Violation> Oracle::bounds(const Share& share) {
  const Loss& loss = share.loss;
  if (loss.bound_ms >= 0 && loss.operations > 0 && loss.age_ms >= loss.bound_ms) {
    return Violation{
        loss.bound_ms == 0 ? Breach::kLost : Breach::kBound,
        fmt::format(
            "{} acknowledged operations lost, the oldest {} ms before the crash; the bound is "
            "{} ms",
            loss.operations, loss.age_ms, loss.bound_ms)};
  }
  const int64_t window_ms = share.window_ms >= 0       ? share.window_ms
                            : share.policy->everysec() ? kWindowMs
                                                       : INT64_MAX;
  if (loss.span_ms > window_ms) {
    return Violation{Breach::kBound,
                     fmt::format("the lost acknowledgements span {} ms; the window is {} ms",
                                 loss.span_ms, window_ms)};
  }
  return std::nullopt;
}

Verdict Oracle::judge(History& history, const Promised& promised, const Delays& delays,
                      const Recovered& recovered, bool contract_broken) {
  Verdict verdict;
  if (!recovered.refusal.empty()) {
    verdict.started = false;
    if (!contract_broken && keeps_synced_)
      verdict.violation = Violation{Breach::kNoStart, recovered.refusal};
    return verdict;
  }
  if (!recovered.died.empty()) {
    verdict.started = false;
    verdict.violation = Violation{Breach::kDies, recovered.died};
    return verdict;
  }
  if (recovered.hangs) {
    verdict.started = false;
    verdict.violation = Violation{Breach::kHangs, "a recovery does not end"};
    return verdict;
  }
  verdict = judge_state(history, promised, delays, recovered, contract_broken);
  if (!verdict.violation && recovered.failed != 0)
    verdict.violation = Violation{
        Breach::kNoPrefix,
        fmt::format("{} logged commands failed when they were replayed", recovered.failed)};
  if (!verdict.violation && recovered.behind && !contract_broken && keeps_synced_)
    verdict.violation = behind(history, promised, recovered);
  if (!verdict.violation && recovered.backups && !contract_broken && keeps_synced_) {
    const auto told = history.backups().at(promised.backups);
    verdict.violation =
        judge_backups(history, {told, recovered.wall_ms, false}, *recovered.backups);
  }
  return verdict;
}

std::optional<Violation> Oracle::behind(const History& history, const Promised& promised,
                                        const Recovered& recovered) {
  const uint64_t found = *recovered.behind;
  const auto wrong = [](std::string text) { return Violation{Breach::kBehind, std::move(text)}; };
  if (found > recovered.last)
    return wrong(fmt::format("the database is at operation {}, and the log ends with {}", found,
                             recovered.last));
  if (found < promised.engine.behind)
    return wrong(fmt::format("the database is at operation {}, and {} was committed", found,
                             promised.engine.behind));
  for (uint64_t lsn = found + 1; promised.engine.acked_behind && lsn <= promised.last; ++lsn) {
    const Operation& operation = history.operation(lsn);
    if (operation.acked > promised.at || operation.ack > promised.acks) continue;
    return wrong(
        fmt::format("operation {} was acknowledged, and the database is at {}", lsn, found));
  }
  if (!recovered.behind_differs.empty()) return wrong(recovered.behind_differs);
  return std::nullopt;
}

Verdict Oracle::judge_state(History& history, const Promised& promised, const Delays& delays,
                            const Recovered& recovered, bool contract_broken) const {
  const uint64_t digest = recovered.digest;
  const uint64_t claimed = recovered.last;
  Verdict verdict;
  const auto& digests = history.digests_at(recovered.wall_ms);
  const auto as_loaded = history.as_loaded_at(recovered.wall_ms);
  const auto was_state = [&](uint64_t lsn) {
    return digests[lsn] == digest ||
           (as_loaded && as_loaded->lsn == lsn && as_loaded->digest == digest);
  };
  // Under `none` there is what a client had saved, and nothing else.
  const sim::Promise& engine = promised.engine;
  const uint64_t highest =
      policy_.kind != PolicyKind::kNone || engine.saves || engine.window_ms >= 0
          ? promised.last
          : std::min(engine.snapshot, promised.last);
  uint64_t k = highest + 1;
  while (k > 0 && !was_state(k - 1)) --k;
  // What a recovery dropped, and what came to nothing with it, the history forgets. A device that lies takes back what
  // recovery did as well: then a state of the history as it was before that recovery is there, whole.
  if (k == 0 && (contract_broken || !keeps_synced_) &&
      history.was_forgotten(digest, recovered.wall_ms)) {
    verdict.k = highest;
    return verdict;
  }
  if (k == 0) {
    verdict.violation = Violation{
        Breach::kNoPrefix,
        fmt::format("the recovered state equals none of S(0)..S({}); recovery says it reached {}",
                    highest, claimed)};
    return verdict;
  }
  verdict.k = k - 1;
  verdict.ambiguous = !recovered.numbered && verdict.k > 0 &&
                      history.operation(verdict.k).expiry_only && was_state(verdict.k - 1);
  verdict.numbered = !recovered.numbered || (claimed <= highest && was_state(claimed));
  const std::vector<Share> shares = measure(history, promised, delays, verdict.k);
  // Of what was acknowledged under the run's own policy: what another loses is not this one's loss.
  verdict.loss.bound_ms = bound_ms(policy_, promised, delays, promised.at);
  for (const Share& share : shares)
    if (share.policy == &policy_) verdict.loss = share.loss;
  verdict.loss.lag_ms = engine.lag_ms;
  if (contract_broken || !keeps_synced_) return verdict;
  if (!verdict.numbered) {
    verdict.violation = Violation{
        Breach::kNoPrefix, fmt::format("the recovered state is S({}), but recovery numbers it {}",
                                       verdict.k, claimed)};
    return verdict;
  }
  verdict.violation = floors(promised, verdict.k);
  for (const Share& share : shares)
    if (!verdict.violation && engine.given) verdict.violation = bounds(share);
  return verdict;
}

}  // namespace powercut::scenarios
