// Requests: the same commands come out, and the same refusal, in whatever pieces the bytes arrive.
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/command/request_parser.h"
#include "engine/fuzz/target.h"

namespace {

using powercut::engine::RequestParser;

std::vector<std::string> parsed(std::string_view bytes, size_t piece) {
  std::vector<std::string> all;
  RequestParser parser;
  while (!bytes.empty()) {
    const std::string_view fed = bytes.substr(0, piece);
    bytes.remove_prefix(fed.size());
    parser.feed(fed);
    powercut::engine::Sought room[powercut::engine::kFetchedAtOnce];
    for (const auto& sought : parser.ahead(room))
      CHECK(sought.key.size() + sought.member.size() <= parser.buffered());
    for (;;) {
      const auto outcome = parser.next();
      if (outcome == RequestParser::Outcome::kNeedMore) break;
      if (outcome == RequestParser::Outcome::kProtocolError) {
        all.push_back(parser.error());
        return all;
      }
      for (const std::string_view word : parser.args()) all.emplace_back(word);
      all.emplace_back("");
    }
  }
  return all;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = parsed(bytes, bytes.size() + 1);
  CHECK(whole == parsed(bytes, 1));
  CHECK(whole == parsed(bytes, 7));
  return 0;
}
