#include "scenarios/store/network_event.h"

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

Result<NetworkEvent> parse_network(std::span<const std::string_view> words) {
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
  const auto time =
      words.size() == 4 && words[1] == "partition" ? parse_time(words[3]) : std::nullopt;
  if (!time || (words[2] != "a|b" && words[2] != "a>b"))
    return bad("network partition a|b 300ms or network partition a>b 2s");
  event.kind = words[2] == "a|b" ? Kind::kPartition : Kind::kSilence;
  event.time = *time;
  return event;
}

Result<NetworkEvent> parse_node(std::span<const std::string_view> words) {
  const bool one = words.size() == 3 && words[2] == "b";
  if (one && words[1] == "anew") return NetworkEvent{Kind::kAnew, {}, {}};
  if (one && words[1] == "kill") return NetworkEvent{Kind::kKill, {}, {}};
  if (one && words[1] == "cut") return NetworkEvent{Kind::kCut, {}, {}};
  return bad("node anew b, node kill b or node cut b: the master, a, falls with the life");
}

Result<NetworkEvent> parse_question(std::span<const std::string_view> words) {
  // One replica; and of the log here there is one.
  const auto numbers = [&](std::initializer_list<uint64_t> most) {
    size_t i = 2;
    for (const uint64_t limit : most) {
      const auto number = i < words.size() ? number_of(words[i++]) : std::nullopt;
      if (!number || *number > limit) return false;
    }
    return i == words.size();
  };
  constexpr uint64_t kLongestMs = 3'600'000;
  const bool wait = words.size() > 1 && words[1] == "WAIT" && numbers({1, kLongestMs});
  const bool waitaof = words.size() > 1 && words[1] == "WAITAOF" && numbers({1, 1, kLongestMs});
  if (!wait && !waitaof)
    return bad("another client asks WAIT 0|1 MS or WAITAOF 0|1 0|1 MS, and no more");
  return NetworkEvent{Kind::kAsk, {}, fmt::format("{}", fmt::join(words.subspan(1), " "))};
}

}  // namespace

bool is_network_event(std::span<const std::string_view> words) {
  const auto is = [&](std::string_view word) { return sim::same_word(words[0], word); };
  return !words.empty() && (is("NETWORK") || is("NODE") || is("ANOTHER"));
}

Result<NetworkEvent> parse_network_event(std::span<const std::string_view> words) {
  if (!is_network_event(words)) return bad("no event of the network");
  if (words[0] == "network") return parse_network(words);
  if (words[0] == "node") return parse_node(words);
  if (words[0] == "another") return parse_question(words);
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

std::span<const std::string_view> network_events() { return kEvents; }
std::span<const std::string_view> network_breaks() { return kSoon; }
std::span<const std::string_view> network_questions() { return kQuestions; }

std::string in_words(const NetworkEvent& event) {
  switch (event.kind) {
    case Kind::kBreak:
      return event.time.ns == 0 ? "the links between master and replica break"
                                : fmt::format("the links between master and replica break {} later",
                                              text_of(event.time));
    case Kind::kForget:
      return "the links break, and the master keeps nothing of what the replica misses";
    case Kind::kPartition:
      return fmt::format("for {} neither of the two reaches the other", text_of(event.time));
    case Kind::kSilence:
      return fmt::format("for {} nothing that the master says reaches the replica",
                         text_of(event.time));
    case Kind::kAnew:
      return "the replica is promoted, and told to follow the master again";
    case Kind::kKill:
      return "the replica's process is killed, and starts again with its own log";
    case Kind::kCut:
      return "the replica loses its power, and starts again with what its disk kept";
    case Kind::kAsk:
      break;
  }
  return fmt::format("another client, which has seen all of this, asks {}", event.question);
}

}  // namespace powercut::scenarios
