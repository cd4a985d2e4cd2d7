// Commands on keys of any type: existence and iteration. expiry.cc, move.cc and
// object.cc have the rest.
#include "engine/base/words.h"
#include "engine/command/command_table.h"
#include "engine/command/keys/key_commands.h"
#include "engine/command/scan.h"

namespace powercut::engine {

namespace keys {

namespace {

void del(Call& call) {
  int64_t removed = 0;
  for (size_t i = 1; i < call.argc(); ++i) {
    if (!call.keyspace.remove(call.db, call.arg(i))) continue;
    call.announce('g', "del", call.arg(i));
    ++removed;
  }
  if (removed > 0) call.changed();
  call.reply.integer(removed);
}

// A key given twice counts twice.
template <const Object* (Call::*look)(std::string_view)>
void count_those(Call& call) {
  int64_t found = 0;
  for (size_t i = 1; i < call.argc(); ++i)
    if ((call.*look)(call.arg(i)) != nullptr) ++found;
  call.reply.integer(found);
}

void type(Call& call) {
  const Object* object = call.look(call.arg(1));
  call.reply.simple(object == nullptr ? "none" : type_name(object->value.kind()));
}

void keys(Call& call) {
  const std::string_view pattern = call.arg(1);
  const Table& table = call.keyspace.database(call.db).table();
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (size_t i = 0; i < table.size(); ++i) {
    const auto& entry = table.at(i);
    if (call.keyspace.expired(entry.value)) continue;
    if (pattern != "*" && !glob_match(pattern, entry.key)) continue;
    call.reply.bulk(entry.key);
    ++count;
  }
  call.reply.end_deferred(mark, count);
}

bool is_type(const Value& value, std::string_view name) {
  return equals_ignoring_case(type_name(value.kind()), upper_case(name));
}

void scan(Call& call) {
  uint64_t cursor = 0;
  ScanOptions options;
  if (!parse_cursor(call, 1, cursor) || !parse_scan_options(call, 2, true, options)) return;
  const Table& table = call.keyspace.database(call.db).table();
  scan_reply(call, table, cursor, options, [&](const Table::Entry& entry) {
    if (call.keyspace.expired(entry.value)) return 0;
    if (options.type) call.note_look_up(entry.key, true);
    if (options.type && !is_type(entry.value.value, *options.type)) return 0;
    call.reply.bulk(entry.key);
    return 1;
  });
}

constexpr int kRandomTries = 100;

void randomkey(Call& call) {
  // An expired one is removed, so this ends; while they are kept, after some tries.
  for (int tries = 0; call.keyspace.size(call.db) > 0; ++tries) {
    if (call.keyspace.keeps_expired() && tries == kRandomTries) break;
    const Table& table = call.keyspace.database(call.db).table();
    const auto& entry = table.at(call.choose("randomkey", table.size()));
    if (call.keyspace.find(call.db, entry.key) != nullptr) return call.reply.bulk(entry.key);
  }
  call.reply.null();
}

void dbsize(Call& call) { call.reply.integer(static_cast<int64_t>(call.keyspace.size(call.db))); }

}  // namespace

}  // namespace keys

std::span<const CommandSpec> key_commands() {
  using namespace keys;
  static constexpr CommandSpec kCommands[] = {
      {"del", del, -2, kWrite | kNoValue, 1, -1, 1},
      {"unlink", del, -2, kWrite | kNoValue, 1, -1, 1},
      {"exists", count_those<&Call::look>, -2, kReadOnly | kNoValue, 1, -1, 1},
      {"touch", count_those<&Call::find>, -2, kReadOnly | kNoValue, 1, -1, 1},
      {"type", type, 2, kReadOnly | kNoValue, 1, 1, 1},
      {"expire", expire, -3, kWrite | kNoValue, 1, 1, 1},
      {"pexpire", pexpire, -3, kWrite | kNoValue, 1, 1, 1},
      {"expireat", expireat, -3, kWrite | kNoValue, 1, 1, 1},
      {"pexpireat", pexpireat, -3, kWrite | kNoValue, 1, 1, 1},
      {"ttl", ttl, 2, kReadOnly | kNoValue, 1, 1, 1},
      {"pttl", pttl, 2, kReadOnly | kNoValue, 1, 1, 1},
      {"expiretime", expiretime, 2, kReadOnly | kNoValue, 1, 1, 1},
      {"pexpiretime", pexpiretime, 2, kReadOnly | kNoValue, 1, 1, 1},
      {"persist", persist, 2, kWrite | kNoValue, 1, 1, 1},
      {"rename", rename, 3, kWrite | kNoValue, 1, 2, 1},
      {"renamenx", renamenx, 3, kWrite | kNoValue, 1, 2, 1},
      {"copy", copy, -3, kWrite | kDenyOom, 1, 2, 1},
      {"move", move, 3, kWrite | kNoValue, 1, 1, 1},
      {"select", select, 2, 0},
      {"keys", keys::keys, 2, kReadOnly | kWholeKeyspace},
      {"scan", scan, -2, kReadOnly | kWholeKeyspace},
      {"randomkey", randomkey, 1, kReadOnly | kWholeKeyspace},
      {"dbsize", dbsize, 1, kReadOnly | kWholeKeyspace},
      {"swapdb", swapdb, 3, kWrite | kWholeKeyspace},
      {"flushdb", flushdb, -1, kWrite | kWholeKeyspace},
      {"flushall", flushall, -1, kWrite | kWholeKeyspace},
  };
  return kCommands;
}

}  // namespace powercut::engine
