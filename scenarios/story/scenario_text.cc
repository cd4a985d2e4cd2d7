// Scenarios printed: a directive, `----`, what was seen.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/run/targets.h"
#include "scenarios/story/scenario.h"
#include "sim/crash_images.h"

namespace powercut::scenarios {

using sim::CrashKind;
using sim::CrashPoint;

namespace {

// --- What was seen ---

std::string said_text(const LifeAccount& life, size_t step, const Said* said) {
  constexpr size_t kMost = 60;
  std::string text = print(life.steps[step].unit);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  const bool changed = said != nullptr && said->lsn != 0;
  const bool acked = changed && said->lsn <= life.acked.size() && life.acked[said->lsn - 1];
  const std::string_view what = said == nullptr                 ? "not sent"
                                : said->answered && said->error ? "error"
                                : acked                         ? "acknowledged"
                                : !said->answered               ? "no answer"
                                : changed                       ? "not promised"
                                                                : "answered";
  return fmt::format("{:<4}{:<14}{}", changed ? std::to_string(said->lsn) : "", what, text);
}

std::string print_life(const LifeAccount& life) {
  std::string text;
  if (life.refusal) return "does not start: " + life.refusal->message + '\n';
  if (life.summary) text += *life.summary + '\n';
  if (life.verdict &&
      (!life.verdict->violation || life.verdict->violation->breach != Breach::kNoPrefix)) {
    text += fmt::format("recovered operation {} of {}; {} acknowledged lost\n", life.verdict->k,
                        life.known, life.verdict->loss.operations);
  }
  for (size_t step = 0; step < life.steps.size(); ++step) {
    // A transaction counts as its last command.
    const Said* said = nullptr;
    for (const Said& one : life.said)
      if (one.step == step && (said == nullptr || one.lsn != 0 || said->lsn == 0)) said = &one;
    text += said_text(life, step, said) + '\n';
  }
  for (const auto& [strike, times] : strikes_of(life))
    text += strike_text(strike) + (times > 1 ? fmt::format(", {} times\n", times) : "\n");
  if (life.crash == CrashKind::kNone && life.served) text += "shut down, then a power cut\n";
  return text;
}

std::string print_cut(const LifeAccount& life) {
  std::map<std::string, std::pair<const std::string*, const std::string*>> files;
  const sim::Image before = image_of(*life.before);
  const sim::Image after = image_of(*life.after);
  for (const auto& file : before) files[file.path].first = &file.content;
  for (const auto& file : after) files[file.path].second = &file.content;
  std::string text;
  for (const auto& [path, contents] : files) {
    const auto& [was, is] = contents;
    const bool directory = path.ends_with('/');
    if (is == nullptr) {
      text += path + " is gone\n";
    } else if (was == nullptr) {
      text += fmt::format("{} is back{}\n", path,
                          directory ? "" : fmt::format(", {} bytes", is->size()));
    } else if (directory) {
      text += path + '\n';
    } else if (was->size() != is->size()) {
      text += fmt::format("{} {} bytes, of {}\n", path, is->size(), was->size());
    } else {
      text += fmt::format("{} {} bytes{}\n", path, is->size(),
                          *was == *is ? "" : ", not those that were written");
    }
  }
  return files.empty() ? "nothing\n" : text;
}

std::string print_turns(const LifeAccount& life) {
  std::string text = fmt::format("{} decisions\n", life.decisions);
  for (const TurnTaken& one : life.turns) text += print(one) + '\n';
  return text;
}

// --- What is stated ---

std::string print_store(const Scenario& scenario) {
  const Scenario plain;
  std::string text =
      fmt::format("store policy={} persona={}", scenario.policy->name, scenario.persona->name);
  if (scenario.target != nullptr && scenario.target != &store())
    text += fmt::format(" target={}", scenario.target->name());
  if (scenario.mutant != nullptr) text += fmt::format(" mutant={}", scenario.mutant->name);
  if (scenario.policy->hybrid()) text += fmt::format(" rewrite={}", scenario.sizes.rewrite_bytes);
  if (scenario.sizes.step_bytes != 0) text += fmt::format(" step={}", scenario.sizes.step_bytes);
  if (scenario.sizes.script_step != 0)
    text += fmt::format(" script={}", scenario.sizes.script_step);
  if (scenario.sizes.lag.ns != 0) text += fmt::format(" lag={}", scenario.sizes.lag.ms());
  if (scenario.write_latency != plain.write_latency)
    text += fmt::format(" write={}", scenario.write_latency.ns / 1000);
  if (scenario.script.pipeline != 1) text += fmt::format(" pipeline={}", scenario.script.pipeline);
  if (scenario.script.lingers)
    text += " end=idle";
  else if (scenario.script.clean_end)
    text += " end=clean";
  Script untold = scenario.script;
  untold.log_late.reset();
  if (scenario.script.log_late && *scenario.script.log_late != untold.begins_without_log())
    text += *scenario.script.log_late ? " log=late" : " log=on";
  if (scenario.script.by_another != 0)
    text += fmt::format(" another={}", scenario.script.by_another);
  if (scenario.script.starts) text += " asks=starts";
  if (scenario.script.asks) text += " asks=write";
  if (scenario.script.rests) text += " asks=work";
  if (scenario.script.alone) text += " twins=none";
  if (scenario.cuts_nearest) text += " cuts=nearest";
  if (scenario.seed != plain.seed) text += fmt::format(" seed={}", scenario.seed);
  if (scenario.wall_start_ms != plain.wall_start_ms)
    text += fmt::format(" clock={}", scenario.wall_start_ms);
  if (scenario.off != plain.off) text += fmt::format(" off={}", scenario.off.ms() / 1000);
  return text;
}

// The words of one life, as if it were the first.
std::string print_words(const faults::Plan& plan, uint32_t life) {
  faults::Plan own;
  for (faults::Fault fault : plan.faults) {
    if (fault.life != life) continue;
    fault.life = 0;
    own.faults.push_back(fault);
  }
  return print(own);
}

}  // namespace

std::string strike_text(const faults::PlanInjector::Strike& strike) {
  const bool crash = row(strike.fault).target == faults::Target::kAnywhere;
  const std::string what =
      strike.fault == faults::FaultClass::kPowerCut ? "power cut" : std::string(name(strike.fault));
  if (!strike.op) return crash ? what + " between calls" : what;
  constexpr std::string_view kPoints[] = {"before", "inside", "after", "at the end of"};
  return fmt::format(
      "{} {} {}{}{}", what, crash ? kPoints[static_cast<size_t>(strike.point)] : "at",
      sim::op_site(*strike.op).name, strike.path.empty() ? " of the root" : " ", strike.path);
}

std::vector<std::pair<faults::PlanInjector::Strike, uint64_t>> strikes_of(const LifeAccount& life) {
  std::vector<std::pair<faults::PlanInjector::Strike, uint64_t>> strikes;
  for (const auto& strike : life.strikes) {
    const auto same = std::find_if(strikes.begin(), strikes.end(), [&](const auto& other) {
      return strike_text(other.first) == strike_text(strike);
    });
    if (same != strikes.end())
      ++same->second;
    else
      strikes.emplace_back(strike, 1);
  }
  return strikes;
}

std::string verdict_line(const RunResult& result) {
  if (!result.harness_fault.empty()) return "the harness is at fault: " + result.harness_fault;
  if (const auto& v = result.violation)
    return fmt::format("broken: {} ({}): {}", sentence_of(v->breach), code_of(v->breach), v->text);
  if (result.refused) return "held: outside the contract, and it refused to start";
  if (result.contract_broken) return "held: outside the contract, and it recovered a prefix";
  return "held";
}

std::string print(const Scenario& scenario, const Account& account) {
  std::string text;
  for (const std::string& line : scenario.about) text += line.empty() ? "#\n" : "# " + line + '\n';
  text += fmt::format("{}\n{}\npromised: {}\n", print_store(scenario), kSeen,
                      target_or_store(scenario.target).promise(*scenario.policy));
  const size_t lives = std::max(scenario.script.lives.size(), account.lives.size());
  for (uint32_t life = 0; life < lives; ++life) {
    const bool lived = life < account.lives.size();
    const std::string words = print_words(scenario.plan, life);
    text +=
        fmt::format("\n{}{}{}\n", life == 0 ? "start" : "recover", words.empty() ? "" : " ", words);
    if (life < scenario.script.lives.size())
      for (const Step& step : scenario.script.lives[life]) text += print(step) + '\n';
    text += fmt::format("{}\n{}", kSeen, lived ? print_life(account.lives[life]) : "never began\n");
    if (life < scenario.schedules.size() && scenario.schedules[life])
      text += fmt::format("\nschedule\n{}{}\n{}", print(*scenario.schedules[life]), kSeen,
                          lived ? print_turns(account.lives[life]) : "never began\n");
    if (!lived || !account.lives[life].after) continue;
    text += "\ncut\n";
    if (life < scenario.cuts.size() && scenario.cuts[life]) text += print(*scenario.cuts[life]);
    text += fmt::format("{}\n{}", kSeen, print_cut(account.lives[life]));
  }
  return text + verdict_line(account.result) + '\n';
}

}  // namespace powercut::scenarios
