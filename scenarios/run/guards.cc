#include "scenarios/run/guards.h"

#include <fmt/format.h>

#include "scenarios/run/catalog.h"

namespace powercut::scenarios {

namespace {

struct Lines final : sim::TraceListener {
  void on_event(const sim::Event& event) override { lines.push_back(event_line(event)); }
  std::vector<std::string> lines;
};

}  // namespace

std::optional<std::string> find_canary(const Canary& canary) {
  const auto workload = make_builtin("set100", 1);
  RunSpec spec;
  spec.workload = workload.get();
  spec.policy = find_policy("always");
  spec.persona = faults::find_persona("ext4-ordered");
  spec.faults = {faults::FaultClass::kPowerCut};
  spec.mutant = canary.mutant;
  for (spec.seed = 1; spec.seed <= canary.seeds; ++spec.seed) {
    if (run_once(spec).violation) return run_id(spec);
  }
  return std::nullopt;
}

std::optional<std::string> run_differs(const RunSpec& spec, const RunResult& result) {
  if (run_once(spec).trace_hash == result.trace_hash) return std::nullopt;
  // The events of the run that `result` came from are gone: two more runs stand in for it.
  Lines first;
  Lines second;
  run_once(spec, {}, {.trace = &first});
  run_once(spec, {}, {.trace = &second});
  return fmt::format("seed {} is not deterministic: {}", spec.seed,
                     first_difference(first.lines, second.lines));
}

std::string first_difference(const std::vector<std::string>& first,
                             const std::vector<std::string>& second) {
  for (size_t i = 0; i < first.size() || i < second.size(); ++i) {
    const std::string a = i < first.size() ? first[i] : "nothing";
    const std::string b = i < second.size() ? second[i] : "nothing";
    if (a != b) return fmt::format("event {} is \"{}\" and then \"{}\"", i, a, b);
  }
  return "all events are equal; replies, recovered states or verdicts differ";
}

std::string event_line(const sim::Event& event) {
  return fmt::format("{:6} {:14.6f} ms  {:16} {:44} {:>10} {:>10} {}", event.number,
                     static_cast<double>(event.at.ns) / 1e6, event.what, event.path, event.a,
                     event.b, event.ok ? "ok" : "error");
}

}  // namespace powercut::scenarios
