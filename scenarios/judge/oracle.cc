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

Loss Oracle::measure(const History& history, const Promised& promised, const Delays& delays,
                     uint64_t k) const {
  Loss loss;
  Instant oldest = kNever;
  Instant newest{INT64_MIN};
  for (uint64_t lsn = k + 1; lsn <= promised.last; ++lsn) {
    const Instant acked = history.operation(lsn).acked;
    if (acked > promised.at || history.operation(lsn).ack > promised.acks) continue;
    ++loss.operations;
    oldest = std::min(oldest, acked);
    newest = std::max(newest, acked);
  }
  const Instant since = loss.operations == 0 ? promised.at : oldest;
  if (loss.operations != 0) {
    loss.age_ms = (promised.at - oldest).ns / kMsNs;
    loss.span_ms = (newest - oldest).ns / kMsNs;
  }
  if (policy_.always()) {
    loss.bound_ms = 0;
  } else if (promised.kind == sim::CrashKind::kKill && policy_.has_log() &&
             !promised.engine.indeterminate) {
    loss.bound_ms = 0;
  } else if (policy_.everysec()) {
    loss.bound_ms = kEverysecMs + (busy_between(delays, since, promised.at) + kSlack).ms();
  } else if (policy_.kind == PolicyKind::kNo && promises_writeback_) {
    loss.bound_ms = kKernelMs + (busy_between(delays, since, promised.at) + kSlack).ms();
  } else {
    loss.bound_ms = -1;
  }
  return loss;
}

std::optional<Violation> Oracle::floors(const Promised& promised, const Verdict& verdict) const {
  const uint64_t k = verdict.k;
  const auto lost = [&](uint64_t floor, Breach breach,
                        std::string_view why) -> std::optional<Violation> {
    if (k >= floor) return std::nullopt;
    return Violation{breach, fmt::format("recovered operation {} of {}, but {} was {}", k,
                                         promised.last, floor, why)};
  };
  if (policy_.kind == PolicyKind::kNone) return std::nullopt;
  if (auto v = lost(std::min(served_, promised.served), Breach::kServedIsGone,
                    "served after an earlier recovery"))
    return v;
  if (policy_.kind == PolicyKind::kCheckpoint) {
    return lost(promised.engine.snapshot, Breach::kLost, "in a published checkpoint");
  }
  if (auto v =
          lost(promised.engine.synced, policy_.always() ? Breach::kLost : Breach::kBound, "synced"))
    return v;
  if (promised.kind == sim::CrashKind::kKill) {
    if (auto v = lost(promised.engine.written, Breach::kLost, "written before the kill")) return v;
  }
  const Loss& loss = verdict.loss;
  if (loss.bound_ms >= 0 && loss.operations > 0 && loss.age_ms >= loss.bound_ms) {
    return Violation{
        loss.bound_ms == 0 ? Breach::kLost : Breach::kBound,
        fmt::format(
            "{} acknowledged operations lost, the oldest {} ms before the crash; the bound is "
            "{} ms",
            loss.operations, loss.age_ms, loss.bound_ms)};
  }
  if (policy_.everysec() && loss.span_ms > kWindowMs) {
    return Violation{Breach::kBound,
                     fmt::format("the lost acknowledgements span {} ms; the window is {} ms",
                                 loss.span_ms, kWindowMs)};
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
  return verdict;
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
  const uint64_t highest = policy_.kind == PolicyKind::kNone ? 0 : promised.last;
  uint64_t k = highest + 1;
  while (k > 0 && !was_state(k - 1)) --k;
  if (k == 0) {
    verdict.violation = Violation{
        Breach::kNoPrefix,
        fmt::format("the recovered state equals none of S(0)..S({}); recovery says it reached {}",
                    highest, claimed)};
    return verdict;
  }
  verdict.k = k - 1;
  verdict.loss = measure(history, promised, delays, verdict.k);
  if (contract_broken || !keeps_synced_) return verdict;
  if (claimed > highest || !was_state(claimed)) {
    verdict.violation = Violation{
        Breach::kNoPrefix, fmt::format("the recovered state is S({}), but recovery numbers it {}",
                                       verdict.k, claimed)};
    return verdict;
  }
  verdict.violation = floors(promised, verdict);
  return verdict;
}

}  // namespace powercut::scenarios
