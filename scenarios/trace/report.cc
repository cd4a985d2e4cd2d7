#include "scenarios/trace/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/base/table.h"
#include "scenarios/trace/replay.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kSlotsMost = 12;  // that a story states
constexpr size_t kTextMost = 300;

std::string of_file(const std::string& path, const std::string& found, const std::string& live) {
  if (symlink_target(found) || symlink_target(live)) return path + ": leads elsewhere";
  const size_t common = std::min(found.size(), live.size());
  const auto at = static_cast<size_t>(
      std::mismatch(found.begin(), found.begin() + static_cast<ptrdiff_t>(common), live.begin())
          .first -
      found.begin());
  std::string text = path + ": ";
  if (found.size() != live.size()) text += fmt::format("{} bytes of {}", found.size(), live.size());
  if (at == common) return text;
  const bool nul = std::all_of(found.begin() + static_cast<ptrdiff_t>(at), found.end(),
                               [](char c) { return c == '\0'; });
  return text + fmt::format("{}{} from byte {} on", found.size() != live.size() ? ", " : "",
                            nul ? "NUL" : "other bytes", at);
}

std::string event_at(const Trace& trace, size_t number) {
  TraceNames names(trace);
  for (size_t i = 0; i + 1 < number; ++i) names.follow(trace.events[i]);
  return fmt::format("event {} ({})", number, tell(trace.events[number - 1], names));
}

std::string came_to(const ImageOutcome& outcome) {
  if (outcome.hangs) return "The recovery does not end in its time.";
  if (outcome.unsteady) return "The recovery, run twice, comes to two things.";
  std::string text = outcome.status == 0
                         ? "The recovery prints " + quoted(outcome.observed, kTextMost)
                         : fmt::format("The recovery ends with status {}", outcome.status);
  if (outcome.status != 0 && !outcome.said.empty()) text += ": " + quoted(outcome.said, kTextMost);
  return text + ".";
}

std::string why(const TraceViolation& violation, const TraceSpec& spec, const TraceExploration& all,
                const ImageOutcomes& outcomes) {
  const ImageOutcome& was = outcomes[all.states[std::min(violation.acked, all.states.size() - 1)]];
  switch (violation.breach) {
    case TraceBreach::kLost:
      return fmt::format(
          "That is the state of {}: {} of {} acknowledgements are lost, the first of them {}.",
          violation.reached == 0 ? "the beginning"
                                 : fmt::format("acknowledgement {}", violation.reached),
          violation.acked - violation.reached, violation.acked,
          quoted(spec.acks[violation.reached].text, kTextMost));
    case TraceBreach::kNoPrefix:
    case TraceBreach::kNoStart:
      return fmt::format(
          "No acknowledgement ever came with that. {}: {}.",
          violation.acked == 0 ? "What was there before" : "The last one came with this state",
          was.status == 0 ? quoted(was.observed, kTextMost) : fmt::format("status {}", was.status));
    case TraceBreach::kCheckFails:
      return "The check does not accept it.";
    default:
      return "";
  }
}

std::string indented(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += folded("  " + line, 4);
  return lines.empty() ? "  nothing: all of it\n" : text;
}

std::string slot_by_slot(const sim::Survival& survival) {
  const auto& slots = survival.slots;
  std::string text;
  for (size_t i = 0; i < std::min(slots.size(), kSlotsMost); ++i)
    text += "  " + sim::print(slots[i]) + "\n";
  if (slots.size() > kSlotsMost) text += fmt::format("  and {} more\n", slots.size() - kSlotsMost);
  return slots.empty() ? "  nothing was undecided\n" : text;
}

std::string tell(const SecondCut& second, const sim::Disk& before) {
  return folded(fmt::format("The recovery from that is cut {}.",
                            second.event == 0
                                ? "before its first event"
                                : "behind its " + event_at(second.recovery, second.event))) +
         "The disk held what the first cut had left, but\n" +
         indented(differences(sim::image_of(second.image), sim::image_of(before)));
}

}  // namespace

std::string tell_trace(const Trace& trace) {
  std::string text = fmt::format("in {}: {}\n", trace.directory, fmt::join(trace.command, " "));
  uint64_t bytes = 0, files = 0;
  for (const TraceFile& file : trace.initial) {
    bytes += file.content.size();
    files += file.kind != TraceFile::kDirectory ? 1 : 0;
  }
  text += fmt::format("before: {} files, {} bytes\n", files, bytes);
  text += " event      ms   thread  what\n";
  TraceNames names(trace);
  for (size_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    const bool new_name = event.kind == TraceEvent::kCreate || event.kind == TraceEvent::kLink;
    if (new_name) names.follow(event);
    text += fmt::format("{:6} {:7} {:8}  {}\n", i + 1, event.ms, event.process, tell(event, names));
    if (!new_name) names.follow(event);
  }
  return text;
}

std::vector<std::string> differences(const sim::Image& image, const sim::Image& live) {
  std::map<std::string, std::string> found, seen;
  for (const sim::FoundFile& file : image) found[file.path] = file.content;
  for (const sim::FoundFile& file : live) seen[file.path] = file.content;
  std::vector<std::string> lines;
  for (const auto& [path, content] : seen) {
    const auto at = found.find(path);
    if (at == found.end())
      lines.push_back(path + ": is not there");
    else if (at->second != content)
      lines.push_back(of_file(path, at->second, content));
  }
  for (const auto& [path, content] : found)
    if (!seen.contains(path))
      lines.push_back(fmt::format("{}: is there again, {} bytes", path, content.size()));
  return lines;
}

std::string tell_outcome(const TraceViolation& violation, const TraceSpec& spec,
                         const TraceExploration& all, const ImageOutcomes& outcomes) {
  return came_to(outcomes[violation.outcome]) + " " + why(violation, spec, all, outcomes);
}

std::string tell(const TraceViolation& violation, const TraceSpec& spec,
                 const TraceExploration& all, const ImageOutcomes& outcomes) {
  const Trace& trace = *spec.trace;
  std::string text = fmt::format("{}, on {}\n", code_of(violation.breach), violation.persona->name);
  const std::string behind = violation.event == 0 ? "before the first event"
                                                  : "behind " + event_at(trace, violation.event);
  text +=
      folded(fmt::format("The power is cut {}.{}", behind,
                         violation.event < trace.events.size()
                             ? " Next would have been " + event_at(trace, violation.event + 1) + "."
                             : ""));
  text += folded(violation.acked == 0
                     ? "Nothing was acknowledged until then."
                     : fmt::format("Acknowledged until then: {}, the last {}.", violation.acked,
                                   quoted(spec.acks[violation.acked - 1].text, kTextMost)));
  text += "The disk held what the program had seen, but\n";
  const std::vector<std::string> lines =
      differences(sim::image_of(violation.image), sim::image_of(violation.live));
  text += indented(lines);
  if (violation.second) text += tell(*violation.second, violation.image);
  text += folded(tell_outcome(violation, spec, all, outcomes));
  text += "Slot by slot (sim/survival.h):\n" + slot_by_slot(violation.survival);
  if (violation.second)
    text += "And behind the second cut:\n" + slot_by_slot(violation.second->survival);
  return text;
}

std::string tell(const MissingSyncs& missing, const Trace& trace) {
  if (missing.syncs.empty())
    return fmt::format("Of {} places for one more sync none makes it hold.\n", missing.tried);
  std::string text = missing.hold
                         ? fmt::format("What would have kept it: {} ({}, of {} that were tried):\n",
                                       missing.syncs.size() == 1
                                           ? "one more sync"
                                           : fmt::format("{} more syncs", missing.syncs.size()),
                                       missing.complete ? "with that everything holds, exhaustive"
                                                        : "with that everything holds, sampled",
                                       missing.tried)
                         : "No syncs that were tried make it hold. These help:\n";
  text = folded(text.substr(0, text.size() - 1));
  for (const AddedSync& sync : missing.syncs) text += folded("  " + tell(sync, trace), 4);
  return text;
}

}  // namespace powercut::scenarios
