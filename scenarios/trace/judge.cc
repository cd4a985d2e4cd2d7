#include "scenarios/trace/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "scenarios/trace/replay.h"

namespace powercut::scenarios {

using sim::Disk;

std::string_view code_of(TraceBreach breach) {
  switch (breach) {
    case TraceBreach::kLost:
      return "lost";
    case TraceBreach::kNoPrefix:
      return "not a prefix";
    case TraceBreach::kNoStart:
      return "does not start";
    case TraceBreach::kHangs:
      return "hangs";
    case TraceBreach::kUnsteady:
      return "not deterministic";
    case TraceBreach::kCheckFails:
      return "check fails";
  }
  return "";
}

// --- Acknowledgements ---

std::vector<Acknowledgement> acknowledgements(const Trace& trace,
                                              const std::optional<std::regex>& pattern) {
  std::vector<Acknowledgement> acks;
  std::map<std::string, std::string> begun;  // lines, by stream
  for (size_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    if (event.kind == TraceEvent::kExit && !pattern && event.number == 0)
      acks.push_back({i, event.ms, "the end of the command"});
    if (event.kind != TraceEvent::kOut) continue;
    if (pattern ? event.other == kStderr : event.other != kStdout) continue;
    std::string& line = begun[event.other];
    for (const char c : event.bytes) {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (!pattern || std::regex_search(line, *pattern)) acks.push_back({i, event.ms, line});
      line.clear();
    }
  }
  return acks;
}

// --- Outcomes ---

// Exact: paths, which of them are one file, and contents by their numbers in the pool.
std::string ImageOutcomes::key_of(const Disk& disk) {
  std::string key;
  const auto add = [&key](uint64_t number) {
    key.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  std::map<sim::InodeId, uint64_t> first;  // by inode: which of the paths
  for (const sim::FoundFile& file : sim::image_of(disk)) {
    add(pool_.intern(file.path));
    if (file.path.back() != '/')
      add(first.try_emplace(disk.lookup(file.path).value(), first.size()).first->second);
    add(file.content.size());
    const std::string_view content = file.content;
    for (size_t at = 0; at < content.size(); at += sim::kBlockBytes)
      add(pool_.intern(content.substr(at, sim::kBlockBytes)));
  }
  return key;
}

std::optional<uint32_t> ImageOutcomes::of(const Disk& disk, bool may_run) {
  std::string key = key_of(disk);
  if (const auto at = known_.find(key); at != known_.end()) return at->second;
  if (!may_run) return std::nullopt;
  const uint32_t outcome = number_of(recover_(disk));
  known_.emplace(std::move(key), outcome);
  return outcome;
}

const Result<Trace>& ImageOutcomes::recording_of(const Disk& disk) {
  CHECK(record_ != nullptr);
  std::string key = key_of(disk);
  const auto at = recorded_.find(key);
  if (at != recorded_.end()) return at->second;
  return recorded_.emplace(std::move(key), record_(disk)).first->second;
}

uint32_t ImageOutcomes::number_of(ImageOutcome outcome) {
  const auto known = std::find_if(outcomes_.begin(), outcomes_.end(),
                                  [&](const ImageOutcome& one) { return one.same_as(outcome); });
  const auto number = static_cast<uint32_t>(known - outcomes_.begin());
  if (known == outcomes_.end()) outcomes_.push_back(std::move(outcome));
  return number;
}

// --- Exploring ---

size_t floor_at(const TraceSpec& spec, const faults::Persona& persona, size_t events) {
  if (!persona.keeps_synced) return 0;
  const auto& all = spec.trace->events;
  if (all.empty()) return 0;
  const uint64_t now = events < all.size() ? all[events].ms : all.back().ms;
  size_t floor = 0;
  while (floor < spec.acks.size() && spec.acks[floor].event < events &&
         spec.acks[floor].ms + spec.window_ms <= now)
    ++floor;
  return floor - std::min<size_t>(floor, spec.lost_most);
}

std::optional<size_t> place_of(const std::vector<uint32_t>& states, uint32_t outcome) {
  for (size_t j = states.size(); j-- > 0;)
    if (states[j] == outcome) return j;
  return std::nullopt;
}

std::optional<TraceBreach> breach_of(const TraceSpec& spec, const ImageOutcomes& outcomes,
                                     const std::vector<uint32_t>& states, uint32_t number,
                                     size_t floor) {
  const ImageOutcome& outcome = outcomes[number];
  if (outcome.unsteady) return TraceBreach::kUnsteady;
  if (spec.checked) {
    if (outcome.hangs) return TraceBreach::kHangs;
    const bool as_before = floor == 0 && number == states.front();
    if (outcome.status == 0 || as_before) return std::nullopt;
    return TraceBreach::kCheckFails;
  }
  const std::optional<size_t> place = place_of(states, number);
  if (place && *place >= floor) return std::nullopt;
  if (place) return TraceBreach::kLost;
  if (outcome.hangs) return TraceBreach::kHangs;
  return outcome.status != 0 ? TraceBreach::kNoStart : TraceBreach::kNoPrefix;
}

namespace {

// What a mere kill leaves, at the beginning, at each acknowledgement, and at the end.
Result<std::vector<uint32_t>> kill_states(const TraceSpec& spec, ImageOutcomes& outcomes) {
  TRY_ASSIGN(Replay replay, Replay::begin(*spec.trace, sim::PersonaRules{}));
  std::vector<uint32_t> states{*outcomes.of(replay.disk())};
  for (size_t i = 0; i < spec.trace->events.size(); ++i) {
    TRY(replay.step(spec.trace->events[i]));
    while (states.size() <= spec.acks.size() && spec.acks[states.size() - 1].event == i)
      states.push_back(*outcomes.of(replay.disk()));
  }
  CHECK(states.size() == spec.acks.size() + 1);
  states.push_back(*outcomes.of(replay.disk()));
  return states;
}

// A judgement that could not fail says nothing.
Result<void> check_states(const TraceSpec& spec, const ImageOutcomes& outcomes,
                          const std::vector<uint32_t>& states) {
  const auto nothing = [](const std::string& why) {
    return Error{Errc::kCorrupt, "nothing is judged: " + why};
  };
  if (spec.acks.empty() && !spec.checked)
    return nothing("nothing was acknowledged; --ack REGEX says what is a promise");
  for (size_t j = 1; j < states.size(); ++j) {
    const ImageOutcome& outcome = outcomes[states[j]];
    const std::string where = fmt::format("what a mere kill leaves at acknowledgement {}", j);
    if (outcome.hangs) return nothing(where + " hangs: --limit gives it more time");
    if (outcome.unsteady) return nothing(where + " does not come to the same thing twice");
    if (spec.checked && outcome.status != 0)
      return nothing(where + fmt::format(" does not pass the check: status {}{}{}", outcome.status,
                                         outcome.said.empty() ? "" : ": ", outcome.said));
  }
  if (spec.checked) return {};
  const auto fails = [&](uint32_t state) { return outcomes[state].status != 0; };
  if (std::all_of(states.begin() + 1, states.end(), fails))
    return nothing(fmt::format(
        "the recovery ends with status {} after each acknowledgement, also "
        "where no power was cut{}{}",
        outcomes[states.back()].status, outcomes[states.back()].said.empty() ? "" : ": ",
        outcomes[states.back()].said));
  const bool same =
      std::all_of(states.begin(), states.end(), [&](uint32_t state) { return state == states[0]; });
  if (same)
    return nothing(
        "what is observed is the same before the first acknowledgement and after the "
        "last");
  return {};
}

}  // namespace

bool TraceExploration::complete() const {
  return std::all_of(by_persona.begin(), by_persona.end(),
                     [](const TraceCertificate& one) { return one.complete; });
}

bool TraceExploration::stopped() const {
  return std::any_of(by_persona.begin(), by_persona.end(),
                     [](const TraceCertificate& one) { return one.stopped; });
}

uint64_t TraceExploration::violations() const {
  uint64_t sum = 0;
  for (const TraceCertificate& one : by_persona) sum += one.violations;
  return sum;
}

uint64_t TraceExploration::violations(TraceBreach breach) const {
  uint64_t sum = 0;
  for (const TraceCertificate& one : by_persona) sum += one.by_breach[static_cast<size_t>(breach)];
  return sum;
}

Result<std::vector<uint32_t>> legal_states(const TraceSpec& spec, ImageOutcomes& outcomes) {
  TRY_ASSIGN(std::vector<uint32_t> states, kill_states(spec, outcomes));
  TRY(check_states(spec, outcomes, states));
  return states;
}

}  // namespace powercut::scenarios
