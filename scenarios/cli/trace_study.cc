#include "scenarios/cli/trace_study.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>

namespace powercut::scenarios {

using nlohmann::ordered_json;

namespace {

Result<std::vector<const faults::Persona*>> personas_of(const std::string& names) {
  CommonOptions common;
  common.persona = names;
  TRY_ASSIGN(const SweepOptions options, look_up(common));
  std::vector<const faults::Persona*> personas;
  for (const faults::Persona* persona : options.personas)
    if (names != "all" || persona->keeps_synced) personas.push_back(persona);
  return personas;
}

}  // namespace

void RecoveryPatience::count() {
  ++recoveries_;
  const double elapsed_s = watch_.seconds();
  if (elapsed_s < next_s_) return;
  next_s_ = 2 * elapsed_s;
  fmt::print(err_, "powercut: {:.0f} s: {} images and classes recovered\n", elapsed_s, recoveries_);
}

Result<std::optional<std::regex>> pattern_of(const std::string& ack) {
  if (ack.empty()) return std::optional<std::regex>();
  try {
    return std::optional<std::regex>(ack);
  } catch (const std::regex_error& wrong) {
    return Error{Errc::kInvalid, fmt::format("--ack: \"{}\" is no regular expression", ack)};
  }
}

TraceStudy::TraceStudy(std::FILE* err)
    : outcomes(
          [this](const sim::Disk& disk) {
            patience_.count();
            return process->run(disk);
          },
          [this](const sim::Disk& disk) {
            patience_.count();
            return process->recorded(disk);
          }),
      classes(outcomes.pool(),
              [this](sim::LazyDisk& lazy, sim::Disk disk) -> std::optional<uint32_t> {
                patience_.count();
                auto outcome = process->run(lazy, std::move(disk), symlinks_);
                if (!outcome) return std::nullopt;
                return outcomes.number_of(std::move(*outcome));
              }),
      patience_(err) {}

Result<void> TraceStudy::prepare(const TraceArguments& a, const std::string& persona) {
  if (a.recover.empty() && a.observe.empty() && a.check.empty())
    return Error{Errc::kInvalid,
                 "--recover CMD says how the program starts again, --observe CMD what is to be "
                 "seen then: at least one is needed"};
  if (a.depth > 2) return Error{Errc::kInvalid, "--depth: of a trace two crashes in a row at most"};
  TRY_ASSIGN(const std::optional<std::regex> pattern, pattern_of(a.ack));
  name_ = a.trace;
  TRY_ASSIGN(trace, read_trace(a.trace));
  TRY(check_modelled(trace, a.trace));
  symlinks_ = symlinks_of(trace);
  TRY_ASSIGN(spec.personas, personas_of(persona));
  spec.trace = &trace;
  spec.acks = acknowledgements(trace, pattern);
  spec.checked = !a.check.empty();
  spec.lost_most = a.lost_most;
  spec.window_ms = a.window_ms;
  spec.images_most = a.images_most;
  spec.recoveries_most = a.recoveries_most;
  spec.classes = &classes;
  spec.depth = a.depth;
  TRY_ASSIGN(RecoveryProcess made,
             RecoveryProcess::begin({a.recover, a.observe, a.check, a.limit_s * 1000, a.ignore},
                                    modes_of(trace)));
  process.emplace(std::move(made));
  return {};
}

Result<void> TraceStudy::explore() {
  auto explored = explore_trace(spec, outcomes);
  if (!explored.ok()) return Error{explored.error().code, name_ + ": " + explored.error().message};
  all = std::move(explored).value();
  TraceSpec broken = spec_where(false);
  if (broken.personas.empty()) return {};
  // The search is a quarter more at most.
  broken.recoveries_most = outcomes.executed() + classes.executed() + spec.recoveries_most / 4;
  TRY_ASSIGN(missing, missing_syncs(broken, outcomes));
  return {};
}

Result<std::vector<Failure>> TraceStudy::failures() {
  struct Group {
    const TraceViolation* first = nullptr;
    std::vector<const faults::Persona*> personas;
    uint64_t alike = 0;
  };
  std::map<std::pair<TraceBreach, std::string>, Group> groups;
  for (const TraceCertificate& one : all.by_persona)
    for (const TraceViolation& violation : one.first) {
      Group& group = groups[{violation.breach, std::string(persona_class(one.persona->name))}];
      if (group.first == nullptr) group.first = &violation;
      group.personas.push_back(one.persona);
      group.alike += one.by_breach[static_cast<size_t>(violation.breach)];
    }
  std::vector<Failure> found;
  for (const auto& [kind, group] : groups) {
    TraceSpec some = spec;
    some.personas = group.personas;
    some.recoveries_most = outcomes.executed() + classes.executed() + spec.recoveries_most / 4;
    TRY_ASSIGN(const auto cause, cause_of(some, kind.first, missing->syncs, outcomes));
    Failure failure;
    failure.signature = {std::string(code_of(kind.first)),
                         without_numbers(tell_cause(cause, trace)), kind.second};
    failure.alike = group.alike;
    failure.id =
        fmt::format("on {}, behind event {}", group.first->persona->name, group.first->event);
    found.push_back(std::move(failure));
  }
  return found;
}

const TraceViolation* TraceStudy::first_violation() const {
  for (const TraceCertificate& one : all.by_persona)
    if (!one.first.empty()) return &one.first.front();
  return nullptr;
}

TraceSpec TraceStudy::spec_where(bool held) const {
  TraceSpec some = spec;
  some.personas.clear();
  for (const TraceCertificate& one : all.by_persona)
    if (one.held() == held) some.personas.push_back(one.persona);
  return some;
}

int TraceStudy::status() const {
  return all.violations() > 0 ? kBroken : all.complete() ? kHeld : kIncomplete;
}

ordered_json to_json(const std::vector<AddedSync>& syncs) {
  ordered_json rows = ordered_json::array();
  for (const AddedSync& sync : syncs)
    rows.push_back({{"sync", sync.file != 0 ? "file" : "directory"},
                    {"path", sync.path},
                    {"after_event", sync.after}});
  return rows;
}

}  // namespace powercut::scenarios
