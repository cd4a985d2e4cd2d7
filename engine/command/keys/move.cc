// Objects that change their key or their database, and databases that change as a whole.
#include <utility>

#include "engine/command/keys/key_commands.h"
#include "engine/command/number.h"

namespace powercut::engine::keys {

namespace {

constexpr std::string_view kSameObject = "ERR source and destination objects are the same";
constexpr std::string_view kNoSuchDatabase = "ERR DB index is out of range";

bool valid_database(const Call& call, int64_t number) {
  return number >= 0 && number < call.keyspace.databases();
}

// A database's number. False: answered.
bool database_arg(Call& call, size_t i, int& db) {
  int64_t number = 0;
  if (!call.integer_arg(i, number)) return false;
  if (number < INT32_MIN || number > INT32_MAX) {
    call.fail("ERR value is out of range, value must between -2147483648 and 2147483647");
    return false;
  }
  if (!valid_database(call, number)) {
    call.fail(kNoSuchDatabase);
    return false;
  }
  db = static_cast<int>(number);
  return true;
}

void place(Call& call, int db, std::string_view key, Value value, int64_t expire_at_ms) {
  CHECK(!value.is_empty_collection());
  if (call.keyspace.peek(db, key) != nullptr) call.announce_in(db, 'n', "new", key);
  Object* placed = call.keyspace.put(db, key, std::move(value));
  if (expire_at_ms != Object::kNoExpiry) call.keyspace.set_expiry(db, key, placed, expire_at_ms);
}

// Answers and returns false if the source is absent.
bool rename_source(Call& call) {
  if (call.keyspace.find(call.db, call.arg(1)) != nullptr) return true;
  call.fail(kNoSuchKey);
  return false;
}

void rename_object(Call& call) {
  Object object = call.keyspace.take(call.db, call.arg(1));
  place(call, call.db, call.arg(2), std::move(object.value), object.expire_at_ms);
  call.announce('g', "rename_from", call.arg(1));
  call.announce('g', "rename_to", call.arg(2));
  call.changed();
}

}  // namespace

void rename(Call& call) {
  if (!rename_source(call)) return;
  if (call.arg(1) != call.arg(2)) rename_object(call);
  call.reply.ok();
}

void renamenx(Call& call) {
  if (!rename_source(call)) return;
  if (call.keyspace.find(call.db, call.arg(2)) != nullptr) return call.reply.integer(0);
  rename_object(call);
  call.reply.integer(1);
}

void copy(Call& call) {
  int db = call.db;
  bool replace = false;
  for (size_t i = 3; i < call.argc(); ++i) {
    if (call.is(i, "REPLACE")) {
      replace = true;
    } else if (call.is(i, "DB") && i + 1 < call.argc()) {
      if (!database_arg(call, ++i, db)) return;
    } else {
      return call.fail(kSyntaxError);
    }
  }
  const std::string_view from = call.arg(1);
  const std::string_view to = call.arg(2);
  if (db == call.db && from == to) return call.fail(kSameObject);
  const Object* object = call.find(from);
  if (object == nullptr) return call.reply.integer(0);
  if (!replace && call.keyspace.find(db, to) != nullptr) return call.reply.integer(0);
  place(call, db, to, object->value.clone(), object->expire_at_ms);
  call.announce_in(db, 'g', "copy_to", to);
  call.changed();
  call.reply.integer(1);
}

void move(Call& call) {
  int db = 0;
  if (!database_arg(call, 2, db)) return;
  if (db == call.db) return call.fail(kSameObject);
  const std::string_view key = call.arg(1);
  if (call.keyspace.find(call.db, key) == nullptr || call.keyspace.find(db, key) != nullptr) {
    return call.reply.integer(0);
  }
  Object object = call.keyspace.take(call.db, key);
  place(call, db, key, std::move(object.value), object.expire_at_ms);
  call.announce('g', "move_from", key);
  call.announce_in(db, 'g', "move_to", key);
  call.changed();
  call.reply.integer(1);
}

void select(Call& call) {
  if (!database_arg(call, 1, call.db)) return;
  call.reply.ok();
}

void swapdb(Call& call) {
  const auto a = parse_integer(call.arg(1));
  if (!a || !std::in_range<int>(*a)) return call.fail("ERR invalid first DB index");
  const auto b = parse_integer(call.arg(2));
  if (!b || !std::in_range<int>(*b)) return call.fail("ERR invalid second DB index");
  if (!valid_database(call, *a) || !valid_database(call, *b)) return call.fail(kNoSuchDatabase);
  if (*a != *b) call.keyspace.swap(static_cast<int>(*a), static_cast<int>(*b));
  call.changed();
  call.reply.ok();
}

namespace {

// Both words mean the same here.
bool flush_options_fit(Call& call) {
  if (call.argc() == 1) return true;
  if (call.argc() == 2 && (call.is(1, "SYNC") || call.is(1, "ASYNC"))) return true;
  call.fail(kSyntaxError);
  return false;
}

void flushed(Call& call) {
  call.changed();
  call.reply.ok();
}

}  // namespace

void flushdb(Call& call) {
  if (!flush_options_fit(call)) return;
  call.keyspace.flush(call.db);
  flushed(call);
}

void flushall(Call& call) {
  if (!flush_options_fit(call)) return;
  for (int db = 0; db < call.keyspace.databases(); ++db) call.keyspace.flush(db);
  flushed(call);
}

}  // namespace powercut::engine::keys
