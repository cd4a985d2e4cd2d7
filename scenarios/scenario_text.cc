// Scenarios as text: a directive, `----`, what was seen.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "scenarios/scenario.h"

namespace powercut::scenarios {

using sim::CrashKind;
using sim::CrashPoint;

namespace {

constexpr std::string_view kSeen = "----";

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
  if (life.report) text += life.report->summary() + '\n';
  if (life.verdict && (!life.verdict->violation || life.verdict->violation->oracle != "NPX")) {
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
  if (scenario.mutant != nullptr) text += fmt::format(" mutant={}", scenario.mutant->name);
  const bool rewrites = scenario.policy->kind == PolicyKind::kHybridAlways ||
                        scenario.policy->kind == PolicyKind::kHybridEverysec;
  if (rewrites) text += fmt::format(" rewrite={}", scenario.rewrite_bytes);
  if (scenario.script.pipeline != 1) text += fmt::format(" pipeline={}", scenario.script.pipeline);
  if (scenario.script.lingers)
    text += " end=idle";
  else if (scenario.script.clean_end)
    text += " end=clean";
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

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  Result<Scenario> parse() {
    while (next_directive()) {
      TRY(directive());
    }
    TRY(number_error_);
    if (scenario_.policy == nullptr) return bad("there is no `store` directive");
    if (lives_ == 0) return bad("there is no `start` directive");
    const auto plan = faults::parse_plan(words_);
    if (!plan.ok()) return bad(plan.error().message);
    scenario_.plan = *plan;
    scenario_.cuts.resize(lives_);
    if (!scenario_.schedules.empty()) scenario_.schedules.resize(lives_);
    return std::move(scenario_);
  }

 private:
  // Reads a directive's first line, its body, and over what was seen.
  bool next_directive() {
    body_.clear();
    std::string_view line;
    do {
      if (!next_line(line)) return false;
      if (line.starts_with('#') && scenario_.policy == nullptr)
        scenario_.about.emplace_back(line.substr(std::min<size_t>(line.size(), 2)));
    } while (line.empty() || line.starts_with('#'));
    directive_ = line;
    directive_line_ = line_;
    while (next_line(line) && line != kSeen && !line.empty())
      if (!line.starts_with('#')) body_.push_back({line_, line});
    if (line == kSeen)
      while (next_line(line) && !line.empty()) {
      }
    return true;
  }

  bool next_line(std::string_view& line) {
    if (rest_.empty()) return false;
    line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(rest_.size(), line.size() + 1));
    ++line_;
    return true;
  }

  Result<void> directive() {
    std::string_view rest = directive_;
    const std::string_view word = take(rest);
    if (word == "store") return store(rest);
    if (word == "start" || word == "recover") return life(word == "start", rest);
    if (word == "schedule") return schedule(rest);
    if (word == "cut") return cut(rest);
    return bad(fmt::format("\"{}\" is no directive: store, start, schedule, cut, recover", word));
  }

  Result<void> store(std::string_view rest) {
    while (!rest.empty()) {
      const std::string_view word = take(rest);
      const size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      const std::string_view value =
          equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
      if (key == "policy") {
        scenario_.policy = find_policy(value);
        if (scenario_.policy == nullptr) return unknown("policy", value, "policies");
      } else if (key == "persona") {
        scenario_.persona = faults::find_persona(value);
        if (scenario_.persona == nullptr) return unknown("persona", value, "personas");
      } else if (key == "mutant") {
        scenario_.mutant = faults::find_mutant(value);
        if (scenario_.mutant == nullptr) return unknown("mutant", value, "mutants");
      } else if (key == "rewrite") {
        scenario_.rewrite_bytes = number(value);
      } else if (key == "pipeline") {
        scenario_.script.pipeline = number(value);
      } else if (key == "seed") {
        scenario_.seed = number(value);
      } else if (key == "clock") {
        scenario_.wall_start_ms = static_cast<int64_t>(number(value));
      } else if (key == "off") {
        scenario_.off = seconds(static_cast<int64_t>(number(value)));
      } else if (word == "end=clean") {
        scenario_.script.clean_end = true;
      } else if (word == "end=idle") {
        scenario_.script.lingers = true;
      } else if (word == "cuts=nearest") {
        scenario_.cuts_nearest = true;
      } else {
        return bad(
            fmt::format("store: \"{}\" is none of policy= persona= mutant= rewrite= "
                        "pipeline= end=clean end=idle cuts=nearest seed= clock= off=",
                        word));
      }
    }
    if (scenario_.policy == nullptr) return bad("store: policy= is missing");
    if (scenario_.persona == nullptr) return bad("store: persona= is missing");
    if (scenario_.script.pipeline == 0) return bad("store: pipeline= is 1 or more");
    return {};
  }

  Result<void> life(bool first, std::string_view rest) {
    if (scenario_.policy == nullptr) return bad("`store` must come first");
    if (first != (lives_ == 0))
      return bad(first ? "`start` is the first life; the next are `recover`"
                       : "`start` must come before `recover`");
    while (!rest.empty()) {
      const std::string_view word = take(rest);
      if (const auto alone = faults::parse_plan(word); !alone.ok() && !needs_others(word))
        return bad(alone.error().message);
      words_ += fmt::format("{}{}{}", words_.empty() ? "" : " ",
                            lives_ == 0 ? "" : fmt::format("life:{}/", lives_), word);
    }
    std::vector<Step> steps;
    for (const auto& [line, text] : body_) {
      auto step = parse_step(text);
      if (!step.ok()) return bad(step.error().message, line);
      steps.push_back(std::move(step).value());
    }
    scenario_.script.lives.push_back(std::move(steps));
    scenario_.cuts.resize(++lives_);
    return {};
  }

  // A hang is no plan without a crash word: that is looked at when all are there.
  static bool needs_others(std::string_view word) { return word.starts_with("hang@"); }

  Result<void> schedule(std::string_view rest) {
    if (!rest.empty()) return bad("schedule: its turns stand in the lines below it");
    if (lives_ == 0) return bad("`start` must come before `schedule`");
    scenario_.schedules.resize(lives_);
    auto& turns = scenario_.schedules[lives_ - 1];
    if (turns) return bad("this life has a schedule already");
    turns.emplace();
    for (const auto& [line, text] : body_) {
      auto turn = parse_turn(text);
      if (!turn.ok()) return bad(turn.error().message, line);
      if (!turns->empty() && turn->decision <= turns->back().decision)
        return bad(fmt::format("decision {} comes before {}: turns stand in order", turn->decision,
                               turns->back().decision),
                   line);
      turns->push_back(std::move(turn).value());
    }
    return {};
  }

  Result<void> cut(std::string_view rest) {
    if (!rest.empty()) return bad("cut: what it left stands in the lines below it");
    if (lives_ == 0) return bad("`start` must come before `cut`");
    if (body_.empty()) return {};  // the seed draws
    sim::Survival survival;
    for (const auto& [line, text] : body_) {
      const auto parsed = sim::parse_survival(text);
      if (!parsed.ok()) return bad(parsed.error().message, line);
      if (parsed->slots.empty()) survival.rest_kept = parsed->rest_kept;
      for (const sim::Slot& slot : parsed->slots) survival.slots.push_back(slot);
    }
    scenario_.cuts[lives_ - 1] = std::move(survival);
    return {};
  }

  static std::string_view take(std::string_view& rest) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return word;
  }
  uint64_t number(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = !text.empty() && error == std::errc() && end == text.data() + text.size();
    if ((!whole || value > INT64_MAX) && number_error_.ok())
      number_error_ = bad(fmt::format("store: \"{}\" is no number", text));
    return value;
  }
  Error unknown(std::string_view what, std::string_view name, std::string_view list) const {
    return bad(
        fmt::format("there is no {} \"{}\"; `powercut list {}` names them all", what, name, list));
  }
  Error bad(std::string_view what) const { return bad(what, std::max(directive_line_, size_t{1})); }
  Error bad(std::string_view what, size_t line) const {
    return {Errc::kInvalid, fmt::format("{}:{}: {}", name_, line, what)};
  }

  std::string_view rest_;
  std::string name_;
  size_t line_ = 0;
  std::string_view directive_;
  size_t directive_line_ = 0;
  struct Line {
    size_t number;
    std::string_view text;
  };
  std::vector<Line> body_;
  Scenario scenario_;
  std::string words_;
  uint32_t lives_ = 0;
  Result<void> number_error_;
};

}  // namespace

std::string strike_text(const faults::PlanInjector::Strike& strike) {
  using faults::FaultClass;
  const bool crash = strike.fault == FaultClass::kPowerCut || strike.fault == FaultClass::kKill;
  const std::string what =
      strike.fault == FaultClass::kPowerCut ? "power cut" : std::string(name(strike.fault));
  if (!strike.op) return crash ? what + " between calls" : what;
  constexpr std::string_view kPoints[] = {"before", "inside", "after"};
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
    return fmt::format("broken: {} ({}): {}", oracle_name(v->oracle), v->oracle, v->text);
  if (result.refused) return "held: outside the contract, and it refused to start";
  if (result.contract_broken) return "held: outside the contract, and it recovered a prefix";
  return "held";
}

std::string print(const Scenario& scenario, const Account& account) {
  std::string text;
  for (const std::string& line : scenario.about) text += line.empty() ? "#\n" : "# " + line + '\n';
  text +=
      fmt::format("{}\n{}\npromised: {}\n", print_store(scenario), kSeen, scenario.policy->promise);
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

Result<Scenario> parse_scenario(std::string_view text, const std::string& name) {
  return Parser(text, name).parse();
}

}  // namespace powercut::scenarios
