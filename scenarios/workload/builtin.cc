// The built-in workloads.
#include <fmt/format.h>

#include "scenarios/workload/generated.h"
#include "scenarios/workload/workload.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

Workload set100() {
  Workload workload;
  workload.name = "set100";
  workload.cut_at_end = true;
  for (int i = 0; i < 100; ++i) {
    workload.units.push_back({0,
                              {sim::encode_request({"SET", fmt::format("key:{:03}", i),
                                                    fmt::format("value:{:06}", i * 7919)})}});
  }
  return workload;
}

using Needs = Unit::Needs;

// Shorter still, for crashes behind a crash.
Workload demo8() {
  Workload workload;
  workload.name = "demo8";
  const auto say = [&](std::vector<std::string> words, Needs needs = Needs::kNothing) {
    workload.units.push_back({0, {sim::encode_request(words)}, needs});
  };
  say({"SET", "s:1", "one"});
  say({"INCR", "n:1"});
  say({"BGREWRITEAOF"}, Needs::kLog);
  say({"RPUSH", "l:1", "a"});
  say({"BGSAVE"}, Needs::kCheckpoint);
  say({"SET", "s:2", "two", "EX", "86400"});
  say({"DEL", "s:1"});
  say({"INCR", "n:1"});
  return workload;
}

// Short, for exploring: every family, a transaction, a rewrite, a checkpoint.
Workload demo40() {
  Workload workload;
  workload.name = "demo40";
  const auto say = [&](std::vector<std::string> words, Needs needs = Needs::kNothing, int db = 0) {
    workload.units.push_back({db, {sim::encode_request(words)}, needs});
  };
  say({"SET", "s:1", "one"});
  say({"SET", "s:2", "two", "EX", "86400"});
  say({"APPEND", "s:1", "-more"});
  say({"INCR", "n:1"});
  say({"MSET", "s:3", "x", "s:4", "y"});
  say({"SETRANGE", "s:3", "4", "z"});
  say({"SETBIT", "b:1", "9", "1"});
  say({"RPUSH", "l:1", "a", "b", "c"});
  say({"LPUSH", "l:1", "z"});
  say({"LPOP", "l:1"});
  say({"HSET", "h:1", "f", "1", "g", "2"});
  say({"SET", "s:8", "other"}, Needs::kNothing, 1);
  say({"BGREWRITEAOF"}, Needs::kLog);
  say({"APPEND", "s:8", "-db"}, Needs::kNothing, 1);
  say({"HDEL", "h:1", "g"});
  say({"SADD", "t:1", "m1", "m2", "m3"});
  say({"SREM", "t:1", "m2"});
  say({"SMOVE", "t:1", "t:2", "m3"});
  say({"ZADD", "z:1", "1", "a", "2.5", "b"});
  say({"ZINCRBY", "z:1", "3", "a"});
  workload.units.push_back(
      {0,
       {sim::encode_request({"MULTI"}), sim::encode_request({"SET", "s:5", "in"}),
        sim::encode_request({"LPUSH", "l:2", "tx"}), sim::encode_request({"EXEC"})}});
  say({"EXPIRE", "s:5", "86400"});
  say({"PERSIST", "s:5"});
  say({"PFADD", "p:1", "a", "b"});
  say({"BGSAVE"}, Needs::kCheckpoint);
  say({"RENAME", "s:4", "s:6"});
  say({"GETDEL", "s:6"});
  say({"COPY", "s:1", "s:7"});
  say({"DEL", "s:2"});
  say({"HINCRBY", "h:1", "f", "10"});
  say({"MOVE", "s:8", "0"}, Needs::kNothing, 1);
  say({"SETEX", "s:9", "86400", "v"});
  say({"GETEX", "s:9", "EX", "9000"});
  say({"SUNIONSTORE", "t:3", "t:1", "t:2"});
  say({"ZUNIONSTORE", "z:2", "1", "z:1"});
  say({"SPOP", "t:3"});
  say({"RPOP", "l:2"});
  say({"SWAPDB", "0", "1"});
  say({"FLUSHALL"});
  say({"SET", "s:10", "last"});
  return workload;
}

}  // namespace

const std::vector<Builtin>& builtin_workloads() {
  static const std::vector<Builtin> list = [] {
    std::vector<Builtin> all = generated_workloads();
    all.push_back(
        {"demo8", "8 requests: a rewrite, a checkpoint; for explorations to depth 2 and 3"});
    all.push_back({"demo40", "40 requests: every family, a transaction, a rewrite, a checkpoint"});
    all.push_back({"set100", "one client, 100 SETs, all acknowledged, then one power cut"});
    return all;
  }();
  return list;
}

std::shared_ptr<const Workload> make_builtin(std::string_view name, uint64_t seed) {
  if (name == "demo8") return std::make_shared<Workload>(demo8());
  if (name == "demo40") return std::make_shared<Workload>(demo40());
  if (name == "set100") return std::make_shared<Workload>(set100());
  for (const Builtin& builtin : generated_workloads()) {
    if (builtin.name == name) return std::make_shared<Workload>(generate_workload(name, seed));
  }
  return nullptr;
}

}  // namespace powercut::scenarios
