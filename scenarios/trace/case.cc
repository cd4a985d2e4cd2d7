#include "scenarios/trace/case.h"

#include <fmt/format.h>

#include <charconv>

#include "scenarios/trace/replay.h"
#include "scenarios/trace/report.h"

namespace powercut::scenarios {

namespace {

constexpr std::string_view kBegins = "trace ";
constexpr std::string_view kPersona = " persona=";
constexpr std::string_view kSeenLine = "----";

// Of a file: the lines that state something.
class Lines {
 public:
  Lines(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  // None: at the end of what is stated together.
  std::optional<std::string_view> stated() {
    if (seen_ || rest_.empty()) return std::nullopt;
    const std::string_view line = next();
    seen_ = line == kSeenLine;
    return seen_ || line.empty() ? std::nullopt : std::optional(line);
  }
  // Over what was seen, to the next statement. False: there is none.
  bool skip_seen() {
    while (seen_ && !rest_.empty()) seen_ = !next().empty();
    seen_ = false;
    while (rest_.starts_with('\n')) (void)next();
    return !rest_.empty();
  }
  Error wrong(const std::string& what) const {
    return {Errc::kInvalid, fmt::format("{}:{}: {}", name_, number_, what)};
  }

 private:
  std::string_view next() {
    ++number_;
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return line;
  }
  std::string_view rest_;
  const std::string& name_;
  size_t number_ = 0;
  bool seen_ = false;
};

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

Result<void> read_first_line(std::string_view line, Lines& lines, TraceCase& read) {
  const size_t persona = line.rfind(kPersona);
  if (!line.starts_with(kBegins) || persona == std::string_view::npos)
    return lines.wrong("a case begins with: trace FILE persona=NAME");
  read.first.trace = line.substr(kBegins.size(), persona - kBegins.size());
  const std::string_view name = line.substr(persona + kPersona.size());
  read.persona = faults::find_persona(name);
  if (read.persona == nullptr) return lines.wrong(faults::no_such_persona(name, true));
  return {};
}

Result<void> read_setting(std::string_view line, Lines& lines, TraceCase& read) {
  const size_t blank = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, blank);
  const std::string_view value = line.substr(std::min(blank + 1, line.size()));
  const std::pair<std::string_view, std::string*> texts[] = {{"recover", &read.recover},
                                                             {"observe", &read.observe},
                                                             {"check", &read.check},
                                                             {"ack", &read.ack}};
  const std::pair<std::string_view, uint64_t*> numbers[] = {
      {"floor", &read.lost_most}, {"window", &read.window_ms}, {"limit", &read.limit_s}};
  for (const auto& [name, to] : texts) {
    if (word != name || value.empty()) continue;
    *to = value;
    return {};
  }
  for (const auto& [name, to] : numbers)
    if (word == name && read_number(value, *to)) return {};
  return lines.wrong(
      fmt::format("\"{}\": recover, observe, check, ack, floor, window or limit, "
                  "each with its value",
                  line));
}

// "cut 5+2", and what survives.
Result<void> read_cut(Lines& lines, TraceCut& cut) {
  auto line = lines.stated();
  const std::string_view word = "cut ";
  if (!line || !line->starts_with(word)) return lines.wrong("here stands where it is cut: cut N");
  const std::string_view place = line->substr(word.size());
  const size_t plus = std::min(place.find('+'), place.size());
  const std::string_view within = place.substr(std::min(plus + 1, place.size()));
  if (!read_number(place.substr(0, plus), cut.event) ||
      (plus < place.size() && !read_number(within, cut.within)))
    return lines.wrong(fmt::format("\"{}\": cut N or cut N+M, of events", *line));
  std::string survival;
  while ((line = lines.stated())) survival += std::string(*line) + '\n';
  auto parsed = sim::parse_survival(survival);
  if (!parsed.ok()) return lines.wrong(parsed.error().message);
  cut.survival = std::move(parsed).value();
  return {};
}

std::string print_cut(const TraceCut& cut) {
  return fmt::format("cut {}{}\n{}", cut.event,
                     cut.within > 0 ? fmt::format("+{}", cut.within) : "",
                     sim::print(cut.survival));
}

// The disk as it is cut there.
Result<sim::Disk> played(const Trace& trace, const sim::PersonaRules& rules, const TraceCut& cut) {
  const auto no_such = [&] {
    return Error{
        Errc::kInvalid,
        fmt::format("there is no place {}{} in a trace of {} events", cut.event,
                    cut.within > 0 ? fmt::format("+{}", cut.within) : "", trace.events.size())};
  };
  if (cut.event + (cut.within > 0 ? 1 : 0) > trace.events.size()) return no_such();
  TRY_ASSIGN(Replay replay, Replay::begin(trace, rules));
  for (size_t i = 0; i < cut.event; ++i) TRY(replay.step(trace.events[i]));
  if (cut.within == 0) return replay.disk();
  std::optional<sim::Disk> found;
  size_t within = 0;
  TRY(replay.step(trace.events[cut.event], [&] {
    if (++within == cut.within) found = replay.disk();
  }));
  if (!found) return no_such();
  return *std::move(found);
}

std::string lines_of(const std::vector<std::string>& differences) {
  std::string text;
  for (const std::string& line : differences) text += line + '\n';
  return differences.empty() ? "all of it is there\n" : text;
}

}  // namespace

bool is_trace_case(std::string_view text) {
  while (text.starts_with('#')) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  return text.starts_with(kBegins);
}

Result<TraceCase> parse_trace_case(std::string_view text, const std::string& name) {
  TraceCase read;
  Lines lines(text, name);
  bool begun = false;
  for (auto line = lines.stated(); line; line = lines.stated()) {
    if (!begun && line->starts_with('#')) {
      read.about.emplace_back(line->substr(std::min<size_t>(line->size(), 2)));
    } else if (!begun) {
      TRY(read_first_line(*line, lines, read));
      begun = true;
    } else {
      TRY(read_setting(*line, lines, read));
    }
  }
  if (!begun) return lines.wrong("a case begins with: trace FILE persona=NAME");
  if (!lines.skip_seen()) return lines.wrong("where it is cut is not said: cut N");
  TRY(read_cut(lines, read.first));
  if (!lines.skip_seen()) return read;
  const auto line = lines.stated();
  const std::string_view word = "recovery ";
  if (!line || !line->starts_with(word))
    return lines.wrong("behind the cut only the one of its recovery may stand: recovery FILE");
  read.second.emplace();
  read.second->trace = line->substr(word.size());
  TRY(read_cut(lines, *read.second));
  if (lines.skip_seen()) return lines.wrong("there are two cuts at most");
  return read;
}

Result<CaseAccount> run_case(const TraceCase& of, const TraceSpec& spec, const Trace* recovery,
                             ImageOutcomes& outcomes) {
  CaseAccount account;
  TRY_ASSIGN(account.all.states, legal_states(spec, outcomes));
  TraceViolation& cut = account.cut;
  cut.persona = of.persona;
  cut.event = of.first.event;
  cut.within = of.first.within;
  cut.survival = of.first.survival;
  TRY_ASSIGN(cut.live, played(*spec.trace, of.persona->rules, of.first));
  TRY_ASSIGN(cut.image, cut.live.after_power_cut(of.first.survival));
  const sim::Disk* recovered = &cut.image;
  if (of.second) {
    cut.second =
        SecondCut{*recovery, of.second->event, of.second->within, of.second->survival, sim::Disk()};
    TRY_ASSIGN(const sim::Disk live, played(*recovery, of.persona->rules, *of.second));
    TRY_ASSIGN(cut.second->image, live.after_power_cut(of.second->survival));
    recovered = &cut.second->image;
  }
  cut.outcome = *outcomes.of(*recovered);
  cut.acked = floor_at(spec, *of.persona, cut.event);
  cut.reached = place_of(account.all.states, cut.outcome).value_or(0);
  const auto breach = breach_of(spec, outcomes, account.all.states, cut.outcome, cut.acked);
  account.broken = breach.has_value();
  cut.breach = breach.value_or(TraceBreach::kLost);
  return account;
}

std::string print(const TraceCase& of, const CaseAccount& account, const TraceSpec& spec,
                  const ImageOutcomes& outcomes) {
  std::string text;
  for (const std::string& line : of.about) text += line.empty() ? "#\n" : "# " + line + '\n';
  text += fmt::format("{}{}{}{}\n", kBegins, of.first.trace, kPersona, of.persona->name);
  const auto add = [&](std::string_view word, const std::string& value) {
    if (!value.empty()) text += fmt::format("{} {}\n", word, value);
  };
  add("recover", of.recover);
  add("observe", of.observe);
  add("check", of.check);
  add("ack", of.ack);
  if (of.lost_most > 0) add("floor", std::to_string(of.lost_most));
  if (of.window_ms > 0) add("window", std::to_string(of.window_ms));
  if (of.limit_s != TraceCase{}.limit_s) add("limit", std::to_string(of.limit_s));
  const TraceViolation& cut = account.cut;
  text += fmt::format("{}\nof {} acknowledgements {} must be kept\n\n{}{}\n{}", kSeenLine,
                      spec.acks.size(), cut.acked, print_cut(of.first), kSeenLine,
                      lines_of(differences(sim::image_of(cut.image), sim::image_of(cut.live))));
  if (cut.second)
    text += fmt::format(
        "\nrecovery {}\n{}{}\n{}", of.second->trace, print_cut(*of.second), kSeenLine,
        lines_of(differences(sim::image_of(cut.second->image), sim::image_of(cut.image))));
  if (!account.broken) return text + "held\n";
  return text + tell_outcome(cut, spec, account.all, outcomes) +
         fmt::format("\nbroken: {}\n", code_of(cut.breach));
}

}  // namespace powercut::scenarios
