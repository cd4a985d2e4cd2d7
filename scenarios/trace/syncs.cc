#include "scenarios/trace/syncs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/check.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kSyncsMost = 6;        // that are added
constexpr size_t kCandidatesMost = 64;  // that are tried each time: the last ones

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// Acknowledgements stand where they stood among the events that were there.
std::vector<Acknowledgement> moved(std::vector<Acknowledgement> acks, size_t from, ptrdiff_t by) {
  for (Acknowledgement& ack : acks)
    if (ack.event >= from) ack.event = static_cast<size_t>(static_cast<ptrdiff_t>(ack.event) + by);
  return acks;
}

// Behind each change to a file a sync of it, behind each change to names one of the directory.
std::vector<AddedSync> candidates(const Trace& trace) {
  std::vector<AddedSync> found;
  TraceNames names(trace);
  const auto& events = trace.events;
  for (size_t i = 0; i < events.size(); ++i) {
    const TraceEvent& event = events[i];
    names.follow(event);
    const auto add = [&](uint64_t file, const std::string& path) {
      const AddedSync one{i + 1, file, path};
      if (std::find(found.begin(), found.end(), one) == found.end()) found.push_back(one);
    };
    switch (event.kind) {
      case TraceEvent::kWrite:
      case TraceEvent::kZero:
      case TraceEvent::kTruncate: {
        // Of a run of writes, behind the last.
        const bool goes_on = i + 1 < events.size() && events[i + 1].kind == TraceEvent::kWrite &&
                             events[i + 1].file == event.file;
        if (!goes_on) add(event.file, names.of(event.file));
        break;
      }
      case TraceEvent::kRename:
      case TraceEvent::kExchange:
        add(0, directory_of(event.path));
        add(0, directory_of(event.other));
        break;
      case TraceEvent::kCreate:
      case TraceEvent::kMakeDirectory:
      case TraceEvent::kRemove:
      case TraceEvent::kLink:
      case TraceEvent::kSymlink:
        add(0, directory_of(event.path));
        break;
      default:
        break;
    }
  }
  if (found.size() > kCandidatesMost) found.erase(found.begin(), found.end() - kCandidatesMost);
  return found;
}

constexpr uint64_t kUnknown = UINT64_MAX;  // more than any count

struct Tried {
  uint64_t violations;
  bool complete;
};
Result<Tried> explored(const TraceSpec& spec, const Trace& trace, std::vector<Acknowledgement> acks,
                       ImageOutcomes& outcomes) {
  TraceSpec other = spec;
  other.trace = &trace;
  other.acks = std::move(acks);
  TRY_ASSIGN(const TraceExploration all, explore_trace(other, outcomes));
  // What was not looked at is not repaired.
  return Tried{all.stopped() ? kUnknown : all.violations(), all.complete()};
}

}  // namespace

Trace with_sync(const Trace& trace, const AddedSync& added) {
  uint64_t number = 0;
  for (const TraceEvent& event : trace.events)
    if (event.begins_sync()) number = std::max(number, event.number);
  CHECK(added.after >= 1 && added.after <= trace.events.size());
  TraceEvent begin = trace.events[added.after - 1];
  begin = {.kind = added.file != 0 ? TraceEvent::kSync : TraceEvent::kSyncDirectory,
           .ms = begin.ms,
           .process = begin.process,
           .file = added.file,
           .number = number + 1,
           .path = added.file != 0 ? "" : added.path,
           .other = "fsync"};
  TraceEvent end = {.kind = TraceEvent::kSynced,
                    .ms = begin.ms,
                    .process = begin.process,
                    .number = begin.number};
  Trace other = trace;
  const auto at = other.events.begin() + static_cast<ptrdiff_t>(added.after);
  other.events.insert(at, {std::move(begin), std::move(end)});
  return other;
}

Trace without_sync(const Trace& trace, size_t event) {
  CHECK(event < trace.events.size() && trace.events[event].begins_sync());
  const uint64_t number = trace.events[event].number;
  Trace other = trace;
  std::erase_if(other.events, [&](const TraceEvent& one) {
    return (one.begins_sync() || one.ends_sync()) && one.number == number;
  });
  return other;
}

Result<MissingSyncs> missing_syncs(const TraceSpec& spec, ImageOutcomes& outcomes) {
  MissingSyncs missing;
  Trace trace = *spec.trace;
  std::vector<Acknowledgement> acks = spec.acks;
  std::vector<std::pair<AddedSync, size_t>> added;  // and its place in the trace as it was
  TRY_ASSIGN(Tried best, explored(spec, trace, acks, outcomes));
  while (best.violations > 0 && added.size() < kSyncsMost) {
    std::optional<AddedSync> chosen;
    Tried with{};
    for (const AddedSync& one : candidates(trace)) {
      ++missing.tried;
      TRY_ASSIGN(const Tried tried,
                 explored(spec, with_sync(trace, one), moved(acks, one.after, 2), outcomes));
      if (tried.violations >= (chosen ? with.violations : best.violations)) continue;
      chosen = one;
      with = tried;
      if (tried.violations == 0) break;
    }
    if (!chosen) break;
    size_t place = chosen->after;  // less the events of those that were added before it
    for (const auto& [other, at] : added) place -= other.after < chosen->after ? 2 : 0;
    for (auto& [other, at] : added) other.after += other.after >= chosen->after ? 2 : 0;
    trace = with_sync(trace, *chosen);
    acks = moved(std::move(acks), chosen->after, 2);
    added.emplace_back(*chosen, place);
    best = with;
  }
  missing.hold = best.violations == 0;
  missing.complete = best.complete;
  for (auto& [sync, place] : added) missing.syncs.push_back({place, sync.file, sync.path});
  std::stable_sort(missing.syncs.begin(), missing.syncs.end(),
                   [](const AddedSync& a, const AddedSync& b) { return a.after < b.after; });
  return missing;
}

Result<TraceExploration> explore_with(const TraceSpec& spec, const AddedSync& added,
                                      ImageOutcomes& outcomes) {
  const Trace trace = with_sync(*spec.trace, added);
  TraceSpec other = spec;
  other.trace = &trace;
  other.acks = moved(spec.acks, added.after, 2);
  return explore_trace(other, outcomes);
}

Result<std::optional<AddedSync>> cause_of(const TraceSpec& spec, TraceBreach breach,
                                          const std::vector<AddedSync>& missing,
                                          ImageOutcomes& outcomes) {
  TRY_ASSIGN(const TraceExploration without, explore_trace(spec, outcomes));
  for (const AddedSync& sync : missing) {
    TRY_ASSIGN(const TraceExploration with, explore_with(spec, sync, outcomes));
    if (!with.stopped() && with.violations(breach) < without.violations(breach))
      return std::optional<AddedSync>(sync);
  }
  return std::optional<AddedSync>();
}

std::string tell_cause(const std::optional<AddedSync>& cause, const Trace& trace) {
  if (!cause) return "no single sync would have kept it";
  TraceNames names(trace);
  for (size_t i = 0; i + 1 < cause->after; ++i) names.follow(trace.events[i]);
  return fmt::format("no sync of {}{} after {}", cause->file != 0 ? "" : "the directory ",
                     cause->path.empty() ? "./" : cause->path,
                     tell(trace.events[cause->after - 1], names));
}

Result<std::vector<TriedSync>> try_without_each(const TraceSpec& spec, ImageOutcomes& outcomes) {
  std::vector<TriedSync> all;
  for (size_t i = 0; i < spec.trace->events.size(); ++i) {
    if (!spec.trace->events[i].begins_sync()) continue;
    const Trace trace = without_sync(*spec.trace, i);
    TraceSpec other = spec;
    other.trace = &trace;
    // What was acknowledged behind it stands further in front: by the sync, and by its end if that came
    // before.
    for (Acknowledgement& ack : other.acks) {
      size_t gone = 0;
      for (size_t e = 0; e < ack.event; ++e) {
        const TraceEvent& event = spec.trace->events[e];
        gone += e == i || (event.ends_sync() && event.number == spec.trace->events[i].number);
      }
      ack.event -= gone;
    }
    TRY_ASSIGN(const TraceExploration explored, explore_trace(other, outcomes));
    TriedSync tried{i, {}, explored.complete(), explored.stopped()};
    for (const TraceCertificate& one : explored.by_persona)
      if (!one.held()) tried.needed_by.push_back(one.persona);
    all.push_back(std::move(tried));
  }
  return all;
}

std::string tell(const AddedSync& added, const Trace& trace) {
  TraceNames names(trace);
  for (size_t i = 0; i + 1 < added.after; ++i) names.follow(trace.events[i]);
  const TraceEvent& before = trace.events[added.after - 1];
  std::string text =
      fmt::format("fsync of {}{} between event {} ({})", added.file != 0 ? "" : "the directory ",
                  added.path.empty() ? "./" : added.path, added.after, tell(before, names));
  names.follow(before);
  if (added.after < trace.events.size())
    text +=
        fmt::format(" and event {} ({})", added.after + 1, tell(trace.events[added.after], names));
  return text;
}

}  // namespace powercut::scenarios
