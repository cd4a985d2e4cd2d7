// For tests of the command families: one keyspace, one client, a clock that stands still until it is set.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command/execute.h"

namespace powercut::engine {

// --- Replies in RESP2 ---

inline constexpr std::string_view kWrongTypeReply =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

inline constexpr std::string_view kSyntaxReply = "-ERR syntax error\r\n";

inline std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
inline std::string array(std::initializer_list<std::string_view> items) {
  std::string out = "*" + std::to_string(items.size()) + "\r\n";
  for (const std::string_view item : items) out += bulk(item);
  return out;
}
// The bulk strings of a reply, however they nest.
inline std::vector<std::string> bulks(std::string_view reply) {
  std::vector<std::string> items;
  while (!reply.empty()) {
    const size_t end = reply.find("\r\n") + 2;
    const bool is_bulk = reply[0] == '$';
    const size_t length = is_bulk ? std::stoul(std::string(reply.substr(1))) : 0;
    if (is_bulk) items.emplace_back(reply.substr(end, length));
    reply.remove_prefix(end + (is_bulk ? length + 2 : 0));
  }
  return items;
}

class CommandHarness : public Chance, public ExpiryListener {
 public:
  CommandHarness() {
    keyspace.set_now({1'700'000'000'000});
    keyspace.set_expiry_listener(this);
  }

  // The raw RESP reply. What was logged stands in `log`, a line each: "db: WORD WORD".
  std::string run(std::span<const std::string_view> args) {
    std::string out;
    Reply reply(out, protocol);
    effects.clear();
    log.clear();
    const CommandSpec* spec = find_command(args[0]);
    if (spec == nullptr) {
      reply.error(unknown_command_error(args));
      return out;
    }
    if (!arity_fits(*spec, args.size())) {
      reply.error(wrong_arity_error(*spec));
      return out;
    }
    Call call(args, keyspace, db, reply, effects, *this);
    execute(call, *spec);
    EXPECT_TRUE(reply.complete()) << args[0] << " answered " << out;
    db = call.db;
    for (const auto& item : effects.items()) {
      log.push_back(std::to_string(item.db) + ":" + words(effects.bytes_of(item)));
    }
    return out;
  }
  std::string run(std::initializer_list<std::string_view> args) {
    return run(std::span<const std::string_view>(args.begin(), args.size()));
  }
  // Splits at spaces: convenient, but no empty or spaced arguments.
  std::string operator()(std::string_view line) {
    std::vector<std::string_view> args;
    while (!line.empty()) {
      const size_t space = line.find(' ');
      args.push_back(line.substr(0, space));
      line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    }
    return run(args);
  }
  void advance_ms(int64_t ms) { keyspace.set_now({keyspace.now().unix_ms + ms}); }

  uint64_t choose(Site, uint64_t n) override { return next_draw++ * 7919 % n; }
  void on_expired(int expired_db, std::string_view key) override {
    effects.add(expired_db, {"DEL", key});
  }

  Keyspace keyspace;
  Effects effects;
  std::vector<std::string> log;
  int db = 0;
  int protocol = 2;
  uint64_t next_draw = 0;

 private:
  static std::string words(std::string_view resp) {
    std::string joined;
    size_t i = resp.find("\r\n") + 2;
    while (i < resp.size()) {
      const size_t length = std::stoul(std::string(resp.substr(i + 1)));
      i = resp.find("\r\n", i) + 2;
      joined += " ";
      joined += resp.substr(i, length);
      i += length + 2;
    }
    return joined;
  }
};

}  // namespace powercut::engine
