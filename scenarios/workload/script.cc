#include "scenarios/workload/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/request.h"

namespace powercut::scenarios {

namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:/*=()[]{}<>$%&?!|^~#'";

std::string in_quotes(std::string_view word) {
  std::string text = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text + '"';
}

// A long word of one character is written "c"*N.
constexpr size_t kRepeated = 24;
constexpr uint64_t kRepeatedMost = 1 << 24;

std::string quoted(std::string_view word) {
  const bool one = word.size() > kRepeated && word.find_first_not_of(word[0]) == word.npos;
  if (one) return fmt::format("{}*{}", in_quotes(word.substr(0, 1)), word.size());
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(word);
  return in_quotes(word);
}

std::string print(Duration duration) {
  if (duration.ns % 1'000'000 == 0) return fmt::format("{}ms", duration.ns / 1'000'000);
  if (duration.ns % 1'000 == 0) return fmt::format("{}us", duration.ns / 1'000);
  return fmt::format("{}ns", duration.ns);
}

bool parse_number(std::string_view text, uint64_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() &&
         *number < 1'000'000'000'000;
}

bool parse_duration(std::string_view text, Duration* duration) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}};
  for (const auto& [name, ns] : kUnits) {
    uint64_t number = 0;
    if (!text.ends_with(name)) continue;
    if (!parse_number(text.substr(0, text.size() - name.size()), &number)) return false;
    *duration = nanoseconds(static_cast<int64_t>(number) * ns);
    return number < 1'000'000'000;
  }
  return false;
}

Error bad(std::string_view what) { return {Errc::kInvalid, std::string(what)}; }

// Takes the next word off `rest`; `separator`: an unquoted ';' stood there instead.
Result<std::string> take_word(std::string_view& rest, bool* separator) {
  *separator = rest.starts_with(';');
  if (*separator) {
    rest.remove_prefix(1);
    return std::string();
  }
  std::string word;
  if (!rest.starts_with('"')) {
    const size_t end = std::min(rest.find_first_of(" ;"), rest.size());
    word = rest.substr(0, end);
    rest.remove_prefix(end);
    if (word.find('"') != std::string::npos) return bad("a quote in the middle of a word");
    return word;
  }
  for (rest.remove_prefix(1); !rest.starts_with('"'); rest.remove_prefix(1)) {
    if (rest.empty()) return bad("a quoted word has no end");
    if (rest[0] != '\\') {
      word += rest[0];
      continue;
    }
    rest.remove_prefix(1);
    const char escaped = rest.empty() ? '\0' : rest[0];
    constexpr std::string_view kFrom = "\"\\nrt";
    constexpr std::string_view kTo = "\"\\\n\r\t";
    if (const size_t at = kFrom.find(escaped); escaped != '\0' && at != std::string_view::npos) {
      word += kTo[at];
      continue;
    }
    unsigned value = 0;
    if (escaped != 'x' || rest.size() < 3 ||
        std::from_chars(rest.data() + 1, rest.data() + 3, value, 16).ptr != rest.data() + 3)
      return bad("a backslash before something other than \" \\ n r t xHH");
    word += static_cast<char>(value);
    rest.remove_prefix(2);
  }
  rest.remove_prefix(1);
  if (!rest.starts_with('*')) return word;
  rest.remove_prefix(1);
  const size_t end = std::min(rest.find_first_of(" ;"), rest.size());
  uint64_t times = 0;
  if (word.size() != 1 || !parse_number(rest.substr(0, end), &times) || times > kRepeatedMost)
    return bad("a word of one character is written \"c\"*N, with N up to 16777216");
  rest.remove_prefix(end);
  return std::string(times, word[0]);
}

}  // namespace

namespace {

// "YES" or "NO", if that is all that it sets.
bool sets_append_only(const Unit& unit, std::string_view value) {
  if (unit.requests.size() != 1) return false;
  const auto words = sim::words_of(unit.requests[0]);
  return words.size() == 4 && sim::same_word(words[0], "CONFIG") &&
         sim::same_word(words[1], "SET") && sim::same_word(words[2], "APPENDONLY") &&
         sim::same_word(words[3], value);
}

}  // namespace

bool Step::turns_log_on() const { return sets_append_only(unit, "YES"); }

uint64_t Script::clients(size_t life) const {
  uint64_t clients = 1;
  if (life < lives.size())
    for (const Step& step : lives[life]) clients = std::max(clients, step.client + 1);
  return clients;
}

bool Script::begins_without_log() const {
  if (log_late) return *log_late;
  if (lives.empty()) return false;
  for (const Step& step : lives[0]) {
    if (step.turns_log_on()) return true;
    if (sets_append_only(step.unit, "NO")) return false;
  }
  return false;
}

std::string print(const Unit& unit) {
  std::string text;
  for (const std::string& request : unit.requests) {
    if (!text.empty()) text += ';';
    for (const std::string_view word : sim::words_of(request))
      text += (text.empty() ? "" : " ") + quoted(word);
  }
  return text;
}

std::string print(const Step& step) {
  std::string text;
  if (step.client != 0) text += fmt::format("@{} ", step.client);
  if (step.think.ns != 0) text += '+' + print(step.think) + ' ';
  if (step.unit.db != 0) text += fmt::format("db{} ", step.unit.db);
  if (step.wait) text += "wait ";
  return text + print(step.unit);
}

Result<Step> parse_step(std::string_view line) {
  Step step;
  std::vector<std::string> words;
  const auto end_request = [&] {
    if (!words.empty()) {
      step.unit.requests.push_back(sim::encode_request(words));
      step.unit.leaves_database |= leaves_database({words.begin(), words.end()});
    }
    words.clear();
  };
  for (std::string_view rest = line; !rest.empty();) {
    if (rest[0] == ' ') {
      rest.remove_prefix(1);
      continue;
    }
    bool separator = false;
    const bool plain = rest[0] != '"';
    TRY_ASSIGN(std::string word, take_word(rest, &separator));
    if (separator) {
      end_request();
    } else if (const bool before = words.empty() && step.unit.requests.empty() && plain;
               before && word.starts_with('@')) {
      if (!parse_number(std::string_view(word).substr(1), &step.client) || step.client > 63)
        return bad(fmt::format("\"{}\": a client is @0 to @63", word));
    } else if (before && word.starts_with('+')) {
      if (!parse_duration(std::string_view(word).substr(1), &step.think))
        return bad(fmt::format("\"{}\": a time to think is +1500ms, +20us or +7ns", word));
    } else if (uint64_t db = 0; before && word.starts_with("db") &&
                                parse_number(std::string_view(word).substr(2), &db)) {
      if (db > 15) return bad(fmt::format("\"{}\": there are databases 0 to 15", word));
      step.unit.db = static_cast<int>(db);
    } else if (before && word == "wait") {
      step.wait = true;
    } else {
      words.push_back(std::move(word));
    }
  }
  end_request();
  if (step.unit.requests.empty()) return bad("there is no command in it");
  return step;
}

}  // namespace powercut::scenarios
