// Scenarios read: what is stated in them. What was seen is passed over.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "scenarios/run/names.h"
#include "scenarios/run/targets.h"
#include "scenarios/story/scenario.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  Result<Scenario> parse() {
    TRY(is_text());
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
  Result<void> is_text() const {
    size_t line = 1;
    for (const char c : rest_) {
      if (c == '\r') return bad("a carriage return; a line ends in a newline alone", line);
      if (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t')
        return bad("this is no text", line);
      line += c == '\n' ? 1 : 0;
    }
    return {};
  }

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

  // Of the first line, what has few values.
  bool take_word(std::string_view word) {
    Script& script = scenario_.script;
    if (word == "end=clean")
      script.clean_end = true;
    else if (word == "end=idle")
      script.lingers = true;
    else if (word == "log=on" || word == "log=late")
      script.log_late = word == "log=late";
    else if (word == "asks=starts")
      script.starts = true;
    else if (word == "asks=write")
      script.asks = true;
    else if (word == "asks=work")
      script.rests = true;
    else if (word == "twins=none")
      script.alone = true;
    else if (word == "cuts=nearest")
      scenario_.cuts_nearest = true;
    else
      return false;
    return true;
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
        if (scenario_.policy == nullptr) return unknown(Named::kPolicy, value);
      } else if (key == "persona") {
        scenario_.persona = faults::find_persona(value);
        if (scenario_.persona == nullptr) return unknown(Named::kPersona, value);
      } else if (key == "target") {
        scenario_.target = find_target(value);
        if (scenario_.target == nullptr) return unknown(Named::kTarget, value);
      } else if (key == "mutant") {
        scenario_.mutant = faults::find_mutant(value);
        if (scenario_.mutant == nullptr) return unknown(Named::kMutant, value);
      } else if (key == "rewrite") {
        scenario_.sizes.rewrite_bytes = number(value);
      } else if (key == "step") {
        scenario_.sizes.step_bytes = number(value);
      } else if (key == "script") {
        const uint64_t step = number(value);
        if (step > 1'000'000) return bad("store: script= is 1000000 at most");
        scenario_.sizes.script_step = static_cast<int>(step);
      } else if (key == "lag") {
        scenario_.sizes.lag = milliseconds(static_cast<int64_t>(number(value)));
      } else if (key == "write") {
        scenario_.write_latency = microseconds(static_cast<int64_t>(number(value)));
      } else if (key == "pipeline") {
        scenario_.script.pipeline = number(value);
      } else if (key == "seed") {
        scenario_.seed = number(value);
      } else if (key == "clock") {
        scenario_.wall_start_ms = static_cast<int64_t>(number(value));
      } else if (key == "off") {
        scenario_.off = seconds(static_cast<int64_t>(number(value)));
      } else if (key == "another") {
        scenario_.script.by_another = static_cast<uint32_t>(number(value));
      } else if (!take_word(word)) {
        return bad(fmt::format(
            "store: \"{}\" is none of policy= persona= target= mutant= rewrite= step= script= "
            "lag= write= pipeline= end=clean end=idle log=on log=late another= "
            "asks=starts asks=write asks=work twins=none cuts=nearest seed= clock= off=",
            word));
      }
    }
    if (scenario_.mutant != nullptr && !may_be_planted(*scenario_.mutant, scenario_.target))
      return bad("store: " + not_planted(*scenario_.mutant, scenario_.target));
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
      TRY(is_judged(*step, line));
      steps.push_back(std::move(step).value());
    }
    scenario_.script.lives.push_back(std::move(steps));
    scenario_.cuts.resize(++lives_);
    return {};
  }

  Result<void> is_judged(const Step& step, size_t line) const {
    for (const std::string& request : step.unit.requests)
      if (const auto why = target_or_store(scenario_.target).not_modelled(sim::words_of(request));
          !why.empty())
        return bad(fmt::format("{}: not judged: {}", print(step.unit), why), line);
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
  Error unknown(Named what, std::string_view name) const { return bad(no_such(what, name, true)); }
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

std::string unplanted(const Scenario& scenario) {
  if (scenario.mutant != nullptr) return {};
  for (const std::string& line : scenario.about)
    if (line.starts_with(kFailsWith))
      return line.substr(kFailsWith.size(), line.rfind(": ") - kFailsWith.size());
  return {};
}

Result<Scenario> parse_scenario(std::string_view text, const std::string& name) {
  return Parser(text, name).parse();
}

}  // namespace powercut::scenarios
