// The built-in workloads.
#include <fmt/format.h>

#include "scenarios/workload/generated.h"
#include "scenarios/workload/script_texts.h"
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

// Backups that are made while writes go on: sealed, given up, replaced by a newer one, removed.
Workload demo_backups() {
  Workload workload;
  workload.name = "demo-backups";
  const auto say = [&](std::vector<std::string> words, Needs needs = Needs::kNothing) {
    workload.units.push_back({0, {sim::encode_request(words)}, needs});
  };
  const auto backup = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "BACKUP");
    say(std::move(words), Needs::kLog);
  };
  say({"SET", "s:1", "one"});
  backup({"START", "monday"});
  say({"INCR", "n:1"});
  backup({"SEAL"});
  say({"BGREWRITEAOF"}, Needs::kLog);
  say({"SET", "s:2", "two", "EX", "86400"});
  backup({"START", "tuesday"});
  say({"APPEND", "s:1", "-more"});
  say({"CONFIG", "SET", "backup-retain-count", "1"});
  backup({"SEAL"});
  backup({"START", "wednesday"});
  say({"DEL", "s:2"});
  backup({"ABORT"});
  say({"INCR", "n:1"});
  backup({"REMOVE", "tuesday"});
  say({"SET", "s:3", "three"});
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

struct Said {
  std::vector<std::string> words;
  Needs needs = Needs::kNothing;
};

std::vector<std::string> script(std::string_view text, std::vector<std::string> rest) {
  rest.insert(rest.begin(), {"EVAL", std::string(text)});
  return rest;
}

// What demo40 has not. First what clients wait for, places, sketches, bit fields, keys that make room for others, and
// streams with their groups.
std::vector<Said> said_of_families() {
  return {
      {{"BITFIELD", "b:1", "SET", "u8", "0", "200", "INCRBY", "i5", "8", "-3"}},
      {{"BITFIELD", "b:1", "OVERFLOW", "SAT", "INCRBY", "u2", "100", "9"}},
      {{"PFADD", "p:1", "a", "b"}},
      {{"PFADD", "p:2", "c"}},
      {{"PFMERGE", "p:3", "p:1", "p:2"}},
      {{"PFCOUNT", "p:3"}},
      {{"BLPOP", "q:1", "0"}},
      {{"RPUSH", "q:1", "j1", "j2", "j3"}},
      {{"BLMOVE", "q:1", "q:2", "LEFT", "RIGHT", "0"}},
      {{"BRPOPLPUSH", "q:3", "q:2", "0"}},
      {{"LPUSH", "q:3", "j4", "j5"}},
      {{"BLMPOP", "0.05", "2", "q:1", "q:3", "LEFT", "COUNT", "2"}},
      {{"BZPOPMIN", "z:1", "z:2", "0"}},
      {{"ZADD", "z:2", "1", "a", "2", "b", "3.5", "c"}},
      {{"BZMPOP", "0.05", "1", "z:2", "MAX"}},
      {{"LREM", "q:2", "1", "j2"}},
      {{"GEOADD", "g:1", "13.361", "38.115", "P", "15.087", "37.502", "C"}},
      {{"GEOSEARCHSTORE", "g:2", "g:1", "FROMLONLAT", "15", "37", "BYRADIUS", "99", "km"}},
      {{"GEORADIUS", "g:1", "15", "37", "400", "km", "STOREDIST", "g:3"}},
      {{"GEOADD", "g:1", "XX", "CH", "13.4", "38.2", "P"}},
      {{"CONFIG", "SET", "maxmemory", "257kb", "maxmemory-policy", "allkeys-lru"}},
      {{"SET", "s:8", std::string(150, 'e')}},
      {{"HSET", "h:2", "f", "1", "g", "2"}},
      {{"CONFIG", "SET", "maxmemory", "0"}},
      {{"BGREWRITEAOF"}, Needs::kLog},
      {{"XADD", "x:1", "1-1", "f", "a"}},
      {{"XADD", "x:1", "1-2", "f", "b", "g", "c"}},
      {{"XGROUP", "CREATE", "x:1", "g", "0"}},
      {{"XREADGROUP", "GROUP", "g", "c1", "COUNT", "1", "STREAMS", "x:1", ">"}},
      {{"XADD", "x:2", "*", "f", "clock"}},
      {{"XADD", "x:1", "1-*", "f", "d"}},
      {{"XREADGROUP", "GROUP", "g", "c2", "STREAMS", "x:1", ">"}},
      {{"XREADGROUP", "GROUP", "g", "c2", "BLOCK", "0", "STREAMS", "x:1", ">"}},
      {{"XADD", "x:1", "2-0", "f", "e"}},
      {{"XACK", "x:1", "g", "1-1"}},
      {{"XCLAIM", "x:1", "g", "c3", "0", "1-2", "RETRYCOUNT", "4"}},
      {{"XAUTOCLAIM", "x:1", "g", "c1", "0", "1-3", "COUNT", "1"}},
      {{"XDEL", "x:1", "1-2"}},
      {{"XGROUP", "DELCONSUMER", "x:1", "g", "c2"}},
      {{"XGROUP", "CREATECONSUMER", "x:1", "g", "c4"}},
      {{"XGROUP", "CREATE", "x:3", "h", "$", "MKSTREAM"}},
      {{"BGSAVE"}, Needs::kCheckpoint},
      {{"XADD", "x:2", "MAXLEN", "=", "1", "*", "f", "late"}},
      {{"XTRIM", "x:1", "MINID", "=", "1-3"}},
      {{"XSETID", "x:1", "3-0"}},
      {{"XGROUP", "SETID", "x:1", "g", "1-3"}},
      {{"XGROUP", "DESTROY", "x:3", "h"}},
  };
}

// Then scripts, libraries of functions, and what changes its form.
std::vector<Said> said_in_scripts() {
  return {
      {script(kSeveralWrites, {"3", "s:1", "l:1", "n:1", "v", "w"})},
      {script(kFailsHalfway, {"2", "s:2", "s:1", "half"})},
      {script(kRaisesHalfway, {"1", "t:1", "m:2"})},
      {script(kExpires, {"2", "s:3", "n:1", "soon", "90"})},
      {script(kIfAbsent, {"0", "e:1", "mine", "60"})},
      {script(kByChance, {"3", "h:1", "t:1", "t:2"})},
      {script(kCatches, {"2", "t:2", "n:2"})},
      {script(kOtherDatabase, {"2", "s:4", "s:5", "there"})},
      {{"SCRIPT", "LOAD", std::string(kPushes)}},
      {{"BRPOP", "q:4", "0"}},
      {{"EVALSHA", digest_of_script(kPushes), "2", "q:4", "l:1", "pushed"}},
      {{"XREADGROUP", "GROUP", "g", "c4", "NOACK", "STREAMS", "x:1", ">"}},
      {{"FUNCTION", "LOAD", library_text(0, 1)}},
      {{"FCALL", function_name(0), "2", "s:6", "n:3", "called"}},
      {{"FUNCTION", "LOAD", "REPLACE", library_text(0, 2)}},
      {{"FCALL", function_name(0), "2", "s:6", "n:3", "again"}},
      {{"FUNCTION", "RESTORE", libraries_payload({library_text(1, 1)})}},
      {{"FUNCTION", "DELETE", library_name(0)}},
      {{"FCALL", function_name(1), "2", "s:7", "n:3", "other"}},
      {{"SADD", "t:3", "1", "2", "30000", "-70000"}},
      {{"SADD", "t:3", "text"}},
      {{"SETEX", "s:9", "1", "gone soon"}},
      {{"LMPOP", "1", "q:2", "RIGHT"}},
      {{"ZRANGESTORE", "z:3", "g:1", "0", "-1"}},
      {{"SORT", "t:3", "ALPHA", "STORE", "l:2"}},
      {{"RESTORE", "s:10", "0",
        std::string("\x00\xc0\x0a\x0a\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb", 13)}},
      {{"INCRBYFLOAT", "s:10", "0.5"}},
      {{"LMOVE", "l:2", "l:3", "RIGHT", "LEFT"}},
      {{"COPY", "x:1", "x:4"}},
      {{"XADD", "x:4", "*", "f", "copied"}},
      {{"FUNCTION", "FLUSH"}},
      {{"UNLINK", "x:1", "x:2"}},
      {{"SET", "s:11", "last"}},
  };
}

Workload demo80() {
  Workload workload;
  workload.name = "demo80";
  workload.clients_at_least = 2;  // or nobody would push what is waited for
  for (const auto& part : {said_of_families(), said_in_scripts()})
    for (const Said& said : part)
      workload.units.push_back({0, {sim::encode_request(said.words)}, said.needs});
  return workload;
}

}  // namespace

const std::vector<Builtin>& builtin_workloads() {
  static const std::vector<Builtin> list = [] {
    std::vector<Builtin> all = generated_workloads();
    all.push_back(
        {"demo8", "8 requests: a rewrite, a checkpoint; for explorations to depth 2 and 3"});
    all.push_back({"demo40", "40 requests: every family, a transaction, a rewrite, a checkpoint"});
    all.push_back(
        {"demo80",
         "80 requests of two clients: waits, streams, places, scripts, functions, eviction"});
    all.push_back({"demo-backups",
                   "16 requests: backups sealed, given up, replaced by a newer one, removed"});
    all.push_back({"set100", "one client, 100 SETs, all acknowledged, then one power cut"});
    return all;
  }();
  return list;
}

std::shared_ptr<const Workload> make_builtin(std::string_view name, uint64_t seed) {
  if (name == "demo8") return std::make_shared<Workload>(demo8());
  if (name == "demo40") return std::make_shared<Workload>(demo40());
  if (name == "demo80") return std::make_shared<Workload>(demo80());
  if (name == "demo-backups") return std::make_shared<Workload>(demo_backups());
  if (name == "set100") return std::make_shared<Workload>(set100());
  for (const Builtin& builtin : generated_workloads()) {
    if (builtin.name == name) return std::make_shared<Workload>(generate_workload(name, seed));
  }
  return nullptr;
}

}  // namespace powercut::scenarios
