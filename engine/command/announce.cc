#include "engine/command/announce.h"

#include <algorithm>
#include <iterator>

namespace powercut::engine {

namespace {

enum class IfGone : uint8_t {
  kAlso,     // the event, and that the key went
  kInstead,  // only that
};

struct Row {
  std::string_view command;
  char kind;
  std::string_view event;
  IfGone if_gone = IfGone::kAlso;
};

constexpr Row kRows[] = {
    {"append", '$', "append"},
    {"bitfield", '$', "setbit"},
    {"bitop", '$', "set", IfGone::kInstead},
    {"decr", '$', "incrby"},
    {"decrby", '$', "incrby"},
    {"hdel", 'h', "hdel"},
    {"hincrby", 'h', "hincrby"},
    {"hincrbyfloat", 'h', "hincrbyfloat"},
    {"hmset", 'h', "hset"},
    {"hset", 'h', "hset"},
    {"hsetnx", 'h', "hset"},
    {"incr", '$', "incrby"},
    {"incrby", '$', "incrby"},
    {"incrbyfloat", '$', "incrbyfloat"},
    {"linsert", 'l', "linsert"},
    {"lpop", 'l', "lpop"},
    {"lpush", 'l', "lpush"},
    {"lpushx", 'l', "lpush"},
    {"lrem", 'l', "lrem"},
    {"lset", 'l', "lset"},
    {"persist", 'g', "persist"},
    {"pfadd", '$', "pfadd"},
    {"pfmerge", '$', "pfadd"},
    {"restore", 'g', "restore", IfGone::kInstead},
    {"rpop", 'l', "rpop"},
    {"rpush", 'l', "rpush"},
    {"rpushx", 'l', "rpush"},
    {"sadd", 's', "sadd"},
    {"sdiffstore", 's', "sdiffstore", IfGone::kInstead},
    {"setbit", '$', "setbit"},
    {"setrange", '$', "setrange"},
    {"sinterstore", 's', "sinterstore", IfGone::kInstead},
    {"spop", 's', "spop"},
    {"srem", 's', "srem"},
    {"sunionstore", 's', "sunionstore", IfGone::kInstead},
    {"xdel", 't', "xdel"},
    {"xgroup|create", 't', "xgroup-create"},
    {"xgroup|createconsumer", 't', "xgroup-createconsumer"},
    {"xgroup|delconsumer", 't', "xgroup-delconsumer"},
    {"xgroup|destroy", 't', "xgroup-destroy"},
    {"xgroup|setid", 't', "xgroup-setid"},
    {"xsetid", 't', "xsetid"},
    {"xtrim", 't', "xtrim"},
    {"zdiffstore", 'z', "zdiffstore", IfGone::kInstead},
    {"zinterstore", 'z', "zinterstore", IfGone::kInstead},
    {"zpopmax", 'z', "zpopmax"},
    {"zpopmin", 'z', "zpopmin"},
    {"zrangestore", 'z', "zrangestore", IfGone::kInstead},
    {"zrem", 'z', "zrem"},
    {"zremrangebylex", 'z', "zremrangebylex"},
    {"zremrangebyrank", 'z', "zremrangebyrank"},
    {"zremrangebyscore", 'z', "zremrangebyscore"},
    {"zunionstore", 'z', "zunionstore", IfGone::kInstead},
};
constexpr auto kBefore = [](const Row& a, const Row& b) { return a.command < b.command; };
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows), kBefore));

}  // namespace

void announce_by_name(Call& call, const CommandSpec& spec) {
  const Row wanted{spec.name, 0, {}};
  const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), wanted, kBefore);
  if (row == std::end(kRows) || row->command != spec.name) return;
  CHECK(spec.first_key > 0);
  const std::string_view key = call.arg(static_cast<size_t>(spec.first_key));
  if (row->if_gone == IfGone::kInstead && call.keyspace.peek(call.db, key) == nullptr)
    return call.announce('g', "del", key);
  call.announce_taken(row->kind, row->event, key);
}

}  // namespace powercut::engine
