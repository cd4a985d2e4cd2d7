#include "scenarios/run/schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "scenarios/run/fingerprint.h"
#include "scenarios/run/run.h"

namespace powercut::scenarios {

namespace {

// Takes a number off the front of `text`.
bool take_number(std::string_view& text, uint64_t& number) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string print(const Schedule& schedule) {
  if (schedule.kind == ScheduleKind::kRandom) return "random";
  if (schedule.kind == ScheduleKind::kPct) return "pct";
  std::string text = "fifo";
  for (const auto& [decision, choice] : schedule.deviations)
    text += fmt::format("+{}.{}", decision, choice);
  return text;
}

std::optional<Schedule> parse_schedule(std::string_view text) {
  if (text == "random") return Schedule{};
  if (text == "pct") return Schedule{ScheduleKind::kPct, {}};
  if (!text.starts_with("fifo")) return std::nullopt;
  text.remove_prefix(4);
  Schedule schedule{ScheduleKind::kFifo, {}};
  while (!text.empty()) {
    sim::Deviation one{};
    if (!take(text, '+') || !take_number(text, one.decision) || !take(text, '.') ||
        !take_number(text, one.choice))
      return std::nullopt;
    if (!schedule.deviations.empty() && one.decision <= schedule.deviations.back().decision)
      return std::nullopt;
    schedule.deviations.push_back(one);
  }
  return schedule;
}

std::unique_ptr<sim::Scheduler> make_scheduler(const Schedule& schedule, sim::Choices& choices) {
  if (schedule.kind == ScheduleKind::kFifo)
    return std::make_unique<sim::FifoScheduler>(schedule.deviations);
  if (schedule.kind == ScheduleKind::kRandom) return nullptr;
  const uint64_t depth = 2 + choices.choose("pct.depth", 0, 3);
  const uint64_t steps = uint64_t{32} << choices.choose("pct.steps", 0, 7);
  return std::make_unique<sim::PctScheduler>(choices, depth, steps);
}

ScheduleCertificate walk_schedules(RunSpec spec, const Stated& as_stated, uint64_t delays,
                                   uint64_t most) {
  ScheduleCertificate certificate;
  certificate.delays = delays;
  sim::ScheduleWalk walk(delays);
  spec.schedule = {ScheduleKind::kFifo, {}};
  Stated stated = as_stated;
  stated.scheduler_of = [&walk](uint32_t) { return &walk; };
  std::set<uint64_t> traces;
  bool more = true;
  while (more && certificate.schedules < most) {
    const RunResult result = run_once(spec, stated);
    ++certificate.schedules;
    certificate.recoveries += result.recoveries;
    certificate.sent += result.sent;
    certificate.operations += result.operations;
    certificate.decisions = std::max(certificate.decisions, walk.decisions());
    traces.insert(result.trace_hash);
    if (result.violation && ++certificate.violations == 1) {
      spec.schedule.deviations = walk.deviations();
      certificate.first_violation = replay_id(spec, result);
      certificate.violation = result.violation;
    }
    more = walk.next();
  }
  certificate.traces = traces.size();
  certificate.complete = !more;
  return certificate;
}

}  // namespace powercut::scenarios
