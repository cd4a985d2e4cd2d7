#include "scenarios/store/starts/shown_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/command/session.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/store_target.h"
#include "sim/request.h"

namespace powercut::scenarios {

const std::string_view kOneOfEach =
    "SET %s 5; SET %t abc EX 10000; RPUSH %l 3 1 2; HSET %h f 1 g 2; ZADD %z 1 a 2 b 3 c; "
    "SADD %e a b c; XADD %x 1-1 f v; XADD %x 2-1 f v; XADD %x 3-1 f v; XGROUP CREATE %x g 0; "
    "XGROUP CREATE %x w $; XREADGROUP GROUP g one COUNT 1 STREAMS %x >; GEOADD %g 13 38 a 15 37 b; "
    "PFADD %p a b; SET %w1 3; SET %w2 1; SET %w3 2";

std::vector<std::string_view> lines_in(std::string_view text) {
  constexpr std::string_view kBetween = "; ";
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find(kBetween), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + kBetween.size(), text.size()));
  }
  return lines;
}

std::vector<std::string> words_in(std::string_view line, std::string_view prefix) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    std::string& word = words.emplace_back();
    for (const char c : line.substr(0, end))
      if (c == '%')
        word += prefix;
      else
        word += c == '~' ? ' ' : c;
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

std::string held_under(engine::Session& session, std::string_view names, std::string_view prefix) {
  std::string all;
  for (const std::string_view name : lines_in(names)) {
    const std::string key = words_in(name, prefix)[0];
    all += fmt::format("{}={} {}", name, ask(session, {"DUMP", key}),
                       ask(session, {"PEXPIRETIME", key}).starts_with(":-"));
  }
  return all;
}

std::string take(engine::Session& session, size_t count) {
  std::string said;
  for (; count != 0; --count) {
    const std::string_view ready = session.wait_ready();
    const size_t length = reply_length(ready);
    CHECK(length != 0);  // each leaves whole
    said += ready.substr(0, length);
    session.consume(length);
  }
  return said;
}

std::string wrapped(const std::vector<std::string>& words, uint64_t way, size_t& replies) {
  replies = 1;
  if (way == 0) return sim::encode_request(words);
  if (way == 1) {
    replies = 3;
    return sim::encode_request({"MULTI"}) + sim::encode_request(words) +
           sim::encode_request({"EXEC"});
  }
  std::vector<std::string> eval{"EVAL", "return redis.pcall(unpack(ARGV))", "0"};
  eval.insert(eval.end(), words.begin(), words.end());
  return sim::encode_request(eval);
}

}  // namespace powercut::scenarios
