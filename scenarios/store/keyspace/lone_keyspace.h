// A keyspace in which requests are done one by one, with no client that stays, no log and no clock that goes on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command/call.h"
#include "engine/command/command_table.h"
#include "engine/command/execute.h"

namespace powercut::scenarios {

// What may be packed is; nothing is.
inline constexpr engine::EncodingLimits kPacked{1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20};
inline constexpr engine::EncodingLimits kLoose{0, 0, 0, 0, 0};

struct LoneKeyspace : engine::Chance {
  uint64_t choose(Site, uint64_t n) override { return n - 1; }

  // In a database, which it may leave for another. False: it would wait. REQUIRES: it is `spec`, with as many words as that takes.
  bool run(std::span<const std::string_view> words, const engine::CommandSpec& spec, int& db) {
    reply.clear();
    effects.clear();
    engine::Reply out(reply);
    engine::Call call(words, keyspace, db, out, effects, *this);
    engine::execute(call, spec);
    db = call.db;
    return !call.waits();
  }
  bool run(std::span<const std::string_view> words, int db = 0) {
    return run(words, *engine::resolve(words), db);
  }
  // The words of a line, which stand apart by one blank each.
  bool say(std::string_view line, int& db) {
    std::vector<std::string_view> words;
    for (size_t at = 0; at <= line.size();) {
      const size_t end = std::min(line.find(' ', at), line.size());
      words.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    return run(words, *engine::resolve(words), db);
  }
  bool say(std::string_view line) {
    int db = 0;
    return say(line, db);
  }
  // The last request logs the same as the other's.
  bool logs_as(const LoneKeyspace& other) const {
    const auto& theirs = other.effects.items();
    return std::equal(effects.items().begin(), effects.items().end(), theirs.begin(), theirs.end(),
                      [&](const auto& a, const auto& b) {
                        return a.db == b.db && effects.bytes_of(a) == other.effects.bytes_of(b);
                      });
  }

  engine::Keyspace keyspace;
  engine::Effects effects;  // of the last request, as its reply
  std::string reply;
};

}  // namespace powercut::scenarios
