#include <cmath>
#include <optional>

#include "engine/command/call.h"
#include "engine/command/command_table.h"
#include "engine/command/hash/hash_commands.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

std::optional<std::string_view> value_of(const Hash* hash, std::string_view field) {
  return hash == nullptr ? std::nullopt : hash->find(field);
}

// --- Setting ---

// The fields that were new; -1 after an error.
int64_t set_pairs(Call& call, std::string_view arity_error) {
  if (call.argc() % 2 != 0) return call.fail(arity_error), -1;
  Hash* hash = call.write_or_create<Hash>(call.arg(1));
  if (call.failed()) return -1;
  int64_t created = 0;
  for (size_t i = 2; i < call.argc(); i += 2)
    created += hash->set(call.arg(i), call.arg(i + 1), call.keyspace.encoding_limits());
  CHECK(created <= static_cast<int64_t>(hash->size()));
  call.changed();
  return created;
}

// The field of the second argument.
void set_one(Call& call, std::string_view value) {
  call.write_or_create<Hash>(call.arg(1))->set(call.arg(2), value, call.keyspace.encoding_limits());
}

void hset(Call& call) {
  const int64_t created = set_pairs(call, "ERR wrong number of arguments for 'hset' command");
  if (created >= 0) call.reply.integer(created);
}

void hmset(Call& call) {
  const int64_t created = set_pairs(call, "ERR wrong number of arguments for 'hmset' command");
  if (created >= 0) call.reply.ok();
}

void hsetnx(Call& call) {
  const Hash* found = call.held<Hash>(call.arg(1));
  if (call.failed()) return;
  if (found != nullptr && found->contains(call.arg(2))) return call.reply.integer(0);
  set_one(call, call.arg(3));
  call.changed();
  call.reply.integer(1);
}

void hdel(Call& call) {
  const Hash* found = call.held<Hash>(call.arg(1));
  if (call.failed()) return;
  bool any = false;
  for (size_t i = 2; found != nullptr && i < call.argc(); ++i) {
    any = any || found->contains(call.arg(i));
  }
  if (!any) return call.reply.integer(0);
  Hash* hash = call.write<Hash>(call.arg(1));
  int64_t removed = 0;
  for (size_t i = 2; i < call.argc(); ++i) removed += hash->erase(call.arg(i));
  CHECK(removed > 0);
  if (hash->size() == 0) call.keyspace.remove(call.db, call.arg(1));
  call.changed();
  call.reply.integer(removed);
}

// --- Counting up ---

void hincrby(Call& call) {
  int64_t increment = 0;
  if (!call.integer_arg(3, increment)) return;
  const Hash* found = call.held<Hash>(call.arg(1));
  if (call.failed()) return;
  const auto text = value_of(found, call.arg(2));
  int64_t value = 0;
  if (text) {
    const auto parsed = parse_integer(*text);
    if (!parsed) return call.fail("ERR hash value is not an integer");
    value = *parsed;
  }
  if (__builtin_add_overflow(value, increment, &value)) {
    return call.fail("ERR increment or decrement would overflow");
  }
  set_one(call, format_integer(value));
  call.changed();
  call.reply.integer(value);
}

void hincrbyfloat(Call& call) {
  const auto increment = parse_long_double(call.arg(3));
  if (!increment) return call.fail(kNotFloat);
  if (!std::isfinite(*increment)) return call.fail("ERR value is NaN or Infinity");
  const Hash* found = call.held<Hash>(call.arg(1));
  if (call.failed()) return;
  const auto text = value_of(found, call.arg(2));
  long double value = 0;
  if (text) {
    const auto parsed = parse_long_double(*text);
    if (!parsed) return call.fail("ERR hash value is not a float");
    value = *parsed;
  }
  value += *increment;
  if (!std::isfinite(value)) return call.fail("ERR increment would produce NaN or Infinity");
  const std::string result = format_long_double(value);
  set_one(call, result);
  // The sum, not the increment: a reader with another long double must come to the same.
  call.log({"HSET", call.arg(1), call.arg(2), result});
  call.reply.bulk(result);
}

// --- Reading ---

void bulk_or_null(Call& call, const std::optional<std::string_view>& value) {
  value ? call.reply.bulk(*value) : call.reply.null();
}

void hget(Call& call) {
  const Hash* hash = call.read<Hash>(call.arg(1));
  if (call.failed()) return;
  bulk_or_null(call, value_of(hash, call.arg(2)));
}

void hmget(Call& call) {
  const Hash* hash = call.read<Hash>(call.arg(1));
  if (call.failed()) return;
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) {
    bulk_or_null(call, value_of(hash, call.arg(i)));
  }
}

void list_entries(Call& call, bool fields, bool values) {
  const Hash* hash = call.read<Hash>(call.arg(1));
  if (call.failed()) return;
  const size_t size = hash == nullptr ? 0 : hash->size();
  fields&& values ? call.reply.map(size) : call.reply.array(size);
  for (size_t i = 0; i < size; ++i) {
    const auto& entry = hash->entries().at(i);
    if (fields) call.reply.bulk(entry.key);
    if (values) call.reply.bulk(entry.value);
  }
}

void hgetall(Call& call) { list_entries(call, true, true); }
void hkeys(Call& call) { list_entries(call, true, false); }
void hvals(Call& call) { list_entries(call, false, true); }

void hlen(Call& call) {
  const Hash* hash = call.read<Hash>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(hash == nullptr ? 0 : static_cast<int64_t>(hash->size()));
}

void hstrlen(Call& call) {
  const Hash* hash = call.read<Hash>(call.arg(1));
  if (call.failed()) return;
  const auto value = value_of(hash, call.arg(2));
  call.reply.integer(value ? static_cast<int64_t>(value->size()) : 0);
}

void hexists(Call& call) {
  const Hash* hash = call.read<Hash>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(hash != nullptr && hash->contains(call.arg(2)) ? 1 : 0);
}

constexpr CommandSpec kHashCommands[] = {
    {"hset", hset, -4, kWrite | kDenyOom, 1, 1, 1},
    {"hmset", hmset, -4, kWrite | kDenyOom, 1, 1, 1},
    {"hsetnx", hsetnx, 4, kWrite | kDenyOom, 1, 1, 1},
    {"hget", hget, 3, kReadOnly, 1, 1, 1},
    {"hmget", hmget, -3, kReadOnly, 1, 1, 1},
    {"hgetall", hgetall, 2, kReadOnly, 1, 1, 1},
    {"hdel", hdel, -3, kWrite, 1, 1, 1},
    {"hlen", hlen, 2, kReadOnly, 1, 1, 1},
    {"hstrlen", hstrlen, 3, kReadOnly, 1, 1, 1},
    {"hexists", hexists, 3, kReadOnly, 1, 1, 1},
    {"hkeys", hkeys, 2, kReadOnly, 1, 1, 1},
    {"hvals", hvals, 2, kReadOnly, 1, 1, 1},
    {"hincrby", hincrby, 4, kWrite | kDenyOom, 1, 1, 1},
    {"hincrbyfloat", hincrbyfloat, 4, kWrite | kDenyOom, 1, 1, 1},
    {"hrandfield", hrandfield_command, -2, kReadOnly, 1, 1, 1},
    {"hscan", hscan_command, -3, kReadOnly, 1, 1, 1},
};

}  // namespace

std::span<const CommandSpec> hash_commands() { return kHashCommands; }

}  // namespace powercut::engine
