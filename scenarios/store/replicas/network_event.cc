#include "scenarios/store/replicas/network_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>

#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using Kind = NetworkEvent::Kind;

constexpr std::string_view kEvents[] = {
    "network break",
    "network break forgotten",
    "network partition a|b 30ms",
    "network partition a|b 2s",
    "network partition a>b 300ms",
    "network partition a>b 2s",
    "node anew b",
    "node kill b",
    "node cut b",
    "node cut b",
};
// Of two replicas: of either, and of both.
constexpr std::string_view kEventsOfTwo[] = {
    "network break",
    "network break forgotten",
    "network partition a|b 30ms",
    "network partition a|b 2s",
    "network partition a>b 300ms",
    "network partition a|c 30ms",
    "network partition a|c 2s",
    "network partition a>c 300ms",
    "network partition c>a 300ms",
    "network partition b>a 300ms",
    "network partition b|c 300ms",
    "network half-open b",
    "network half-open b",
    "network half-open c",
    "network half-open c",
    "node anew b",
    "node anew c",
    "node kill b",
    "node kill c",
    "node cut b",
    "node cut c",
};
// While what is said next is under way.
constexpr std::string_view kSoon[] = {
    "network break 150us",
    "network break 400us",
    "network break 900us",
    "network break 2ms",
};
constexpr std::string_view kQuestions[] = {
    "another WAIT 1 500",
    "another WAITAOF 0 1 2000",
    "another WAITAOF 1 1 2000",
    "another WAITAOF 1 0 1000",
};
constexpr std::string_view kQuestionsOfTwo[] = {
    "another WAIT 1 500",       "another WAIT 2 50",        "another WAIT 2 500",
    "another WAITAOF 0 1 2000", "another WAITAOF 1 2 2000", "another WAITAOF 0 2 2000",
    "another WAITAOF 1 0 1000",
};

Error bad(std::string_view why) { return {Errc::kInvalid, std::string(why)}; }

std::optional<Duration> parse_time(std::string_view text) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  constexpr int64_t kMost = 3'600'000;
  if (error != std::errc() || count < 0 || count > kMost) return std::nullopt;
  if (unit == "us") return microseconds(count);
  if (unit == "ms") return milliseconds(count);
  if (unit == "s") return seconds(count);
  return std::nullopt;
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string text_of(Duration time) {
  if (time.ns % 1'000'000 != 0) return fmt::format("{} us", time.ns / 1'000);
  return fmt::format("{} ms", time.ms());
}

// "a|b", "a>b": two of the machines.
bool parse_sides(std::string_view text, size_t replicas, NetworkEvent& event) {
  constexpr std::string_view kNodes = "abc";
  const auto is_node = [&](char c) {
    return kNodes.substr(0, replicas + 1).find(c) != kNodes.npos;
  };
  if (text.size() != 3 || !is_node(text[0]) || !is_node(text[2])) return false;
  if (replicas == 1 ? text[0] != 'a' || text[2] != 'b' : text[0] == text[2]) return false;
  if (text[1] != '|' && text[1] != '>') return false;
  event.kind = text[1] == '|' ? Kind::kPartition : Kind::kSilence;
  event.from = text[0];
  event.to = text[2];
  return true;
}

Result<NetworkEvent> parse_network(std::span<const std::string_view> words, size_t replicas) {
  NetworkEvent event;
  if (words.size() < 2) return bad("the network: break, or partition");
  if (words[1] == "break") {
    if (words.size() == 2) return event;
    if (words.size() == 3 && words[2] == "forgotten") {
      event.kind = Kind::kForget;
      return event;
    }
    const auto time = words.size() == 3 ? parse_time(words[2]) : std::nullopt;
    if (!time) return bad("network break, network break 400us or network break forgotten");
    event.time = *time;
    return event;
  }
  if (words.size() == 3 && words[1] == "half-open" && replicas > 1 &&
      (words[2] == "b" || words[2] == "c")) {
    event.kind = NetworkEvent::Kind::kHalfOpen;
    event.node = words[2][0];
    return event;
  }
  const auto time =
      words.size() == 4 && words[1] == "partition" ? parse_time(words[3]) : std::nullopt;
  if (!time || !parse_sides(words[2], replicas, event))
    return bad("network partition a|b 300ms or network partition a>b 2s");
  event.time = *time;
  return event;
}

Result<NetworkEvent> parse_node(std::span<const std::string_view> words, size_t replicas) {
  const bool one = words.size() == 3 && (words[2] == "b" || (replicas > 1 && words[2] == "c"));
  NetworkEvent event;
  event.node = one ? words[2][0] : 'b';
  if (one && words[1] == "anew") event.kind = Kind::kAnew;
  if (one && words[1] == "kill") event.kind = Kind::kKill;
  if (one && words[1] == "cut") event.kind = Kind::kCut;
  if (event.kind != Kind::kBreak) return event;
  return bad("node anew b, node kill b or node cut b: the master, a, falls with the life");
}

// In a story.
const char* called(char node) {
  return node == 'a' ? "the master" : node == 'b' ? "the replica" : "the other replica";
}

Result<NetworkEvent> parse_question(std::span<const std::string_view> words, size_t replicas) {
  // Of the log here there is one.
  const auto numbers = [&](std::initializer_list<uint64_t> most) {
    size_t i = 2;
    for (const uint64_t limit : most) {
      const auto number = i < words.size() ? number_of(words[i++]) : std::nullopt;
      if (!number || *number > limit) return false;
    }
    return i == words.size();
  };
  constexpr uint64_t kLongestMs = 3'600'000;
  const bool wait = words.size() > 1 && words[1] == "WAIT" && numbers({replicas, kLongestMs});
  const bool waitaof =
      words.size() > 1 && words[1] == "WAITAOF" && numbers({1, replicas, kLongestMs});
  if (!wait && !waitaof)
    return bad(fmt::format(
        "another client asks WAIT 0..{0} MS or WAITAOF 0|1 0..{0} MS, and no more", replicas));
  return NetworkEvent{.kind = Kind::kAsk,
                      .question = fmt::format("{}", fmt::join(words.subspan(1), " "))};
}

}  // namespace

bool is_network_event(std::span<const std::string_view> words) {
  const auto is = [&](std::string_view word) { return sim::same_word(words[0], word); };
  return !words.empty() && (is("NETWORK") || is("NODE") || is("ANOTHER"));
}

Result<NetworkEvent> parse_network_event(std::span<const std::string_view> words, size_t replicas) {
  if (!is_network_event(words)) return bad("no event of the network");
  if (words[0] == "network") return parse_network(words, replicas);
  if (words[0] == "node") return parse_node(words, replicas);
  if (words[0] == "another") return parse_question(words, replicas);
  return bad("network, node and another are written in small letters");
}

std::string request_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return sim::encode_request(words);
}

std::span<const std::string_view> network_events(size_t replicas) {
  if (replicas > 1) return kEventsOfTwo;
  return kEvents;
}
std::span<const std::string_view> network_breaks() { return kSoon; }
std::span<const std::string_view> network_questions(size_t replicas) {
  if (replicas > 1) return kQuestionsOfTwo;
  return kQuestions;
}

std::string in_words(const NetworkEvent& event) {
  switch (event.kind) {
    case Kind::kBreak:
      return event.time.ns == 0 ? "the links between master and replica break"
                                : fmt::format("the links between master and replica break {} later",
                                              text_of(event.time));
    case Kind::kForget:
      return "the links break, and the master keeps nothing of what the replica misses";
    case Kind::kHalfOpen:
      return fmt::format("the links of {} break, and whom it follows does not notice",
                         called(event.node));
    case Kind::kPartition:
      return fmt::format("for {} neither of {} and {} reaches the other", text_of(event.time),
                         called(event.from), called(event.to));
    case Kind::kSilence:
      return fmt::format("for {} nothing that {} says reaches {}", text_of(event.time),
                         called(event.from), called(event.to));
    case Kind::kAnew:
      return fmt::format("{} is promoted, and told to follow the master again", called(event.node));
    case Kind::kKill:
      return fmt::format("{}'s process is killed, and starts again with its own log",
                         called(event.node));
    case Kind::kCut:
      return fmt::format("{} loses its power, and starts again with what its disk kept",
                         called(event.node));
    case Kind::kAsk:
      break;
  }
  return fmt::format("another client, which has seen all of this, asks {}", event.question);
}

}  // namespace powercut::scenarios
