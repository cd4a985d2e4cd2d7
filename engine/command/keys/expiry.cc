// When keys expire. What is logged is always the absolute time.
#include <algorithm>

#include "engine/command/keys/key_commands.h"
#include "engine/command/number.h"

namespace powercut::engine::keys {

namespace {

struct Condition {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
};

bool parse_condition(Call& call, Condition& condition) {
  for (size_t i = 3; i < call.argc(); ++i) {
    if (call.is(i, "NX")) {
      condition.nx = true;
    } else if (call.is(i, "XX")) {
      condition.xx = true;
    } else if (call.is(i, "GT")) {
      condition.gt = true;
    } else if (call.is(i, "LT")) {
      condition.lt = true;
    } else {
      call.fail("ERR Unsupported option " + std::string(call.arg(i)));
      return false;
    }
  }
  if (condition.nx && (condition.xx || condition.gt || condition.lt)) {
    call.fail("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (condition.gt && condition.lt) {
    call.fail("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// A key that does not expire counts as one that expires at the end of time.
bool holds(const Condition& condition, const Object& object, int64_t at_ms) {
  if (condition.nx && object.expires()) return false;
  if (condition.xx && !object.expires()) return false;
  if (condition.gt && (!object.expires() || at_ms <= object.expire_at_ms)) return false;
  if (condition.lt && object.expires() && at_ms >= object.expire_at_ms) return false;
  return true;
}

void set_expiry(Call& call, std::string_view name, int64_t unit_ms, int64_t base_ms) {
  Condition condition;
  int64_t at_ms = 0;
  if (!parse_condition(call, condition) || !call.integer_arg(2, at_ms)) return;
  if (__builtin_mul_overflow(at_ms, unit_ms, &at_ms) ||
      __builtin_add_overflow(at_ms, base_ms, &at_ms)) {
    return call.fail("ERR invalid expire time in '" + std::string(name) + "' command");
  }
  const std::string_view key = call.arg(1);
  const Object* found = call.keyspace.find(call.db, key);
  if (found == nullptr || !holds(condition, *found, at_ms)) return call.reply.integer(0);

  if (at_ms <= call.now_ms() && !call.keyspace.done_again()) {
    call.keyspace.remove(call.db, key);
    call.log({"DEL", key});
    call.announce('g', "del", key);
    return call.reply.integer(1);
  }
  // Below 0 only while a log is loaded that another server wrote.
  const int64_t stored_ms = std::max<int64_t>(at_ms, 0);
  call.keyspace.set_expiry(call.db, key, call.keyspace.find_for_write(call.db, key), stored_ms);
  call.log({"PEXPIREAT", key, format_integer(at_ms)});
  call.announce('g', "expire", key);
  call.reply.integer(1);
}

// The expiry of the key, or kNoExpiry; false if there is no such key, answered with -2.
bool read_expiry(Call& call, int64_t& at_ms) {
  const Object* object = call.look(call.arg(1));
  if (object == nullptr) {
    call.reply.integer(-2);
    return false;
  }
  at_ms = object->expire_at_ms;
  return true;
}

int64_t rounded_seconds(int64_t ms) { return ms / 1000 + (ms % 1000 >= 500 ? 1 : 0); }

}  // namespace

void expire(Call& call) { set_expiry(call, "expire", 1000, call.now_ms()); }
void pexpire(Call& call) { set_expiry(call, "pexpire", 1, call.now_ms()); }
void expireat(Call& call) { set_expiry(call, "expireat", 1000, 0); }
void pexpireat(Call& call) { set_expiry(call, "pexpireat", 1, 0); }

void ttl(Call& call) {
  int64_t at_ms = 0;
  if (!read_expiry(call, at_ms)) return;
  const bool expires = at_ms != Object::kNoExpiry;
  call.reply.integer(expires ? rounded_seconds(std::max<int64_t>(at_ms - call.now_ms(), 0)) : -1);
}

void pttl(Call& call) {
  int64_t at_ms = 0;
  if (!read_expiry(call, at_ms)) return;
  const bool expires = at_ms != Object::kNoExpiry;
  call.reply.integer(expires ? std::max<int64_t>(at_ms - call.now_ms(), 0) : -1);
}

void expiretime(Call& call) {
  int64_t at_ms = 0;
  if (!read_expiry(call, at_ms)) return;
  call.reply.integer(at_ms == Object::kNoExpiry ? -1 : rounded_seconds(at_ms));
}

void pexpiretime(Call& call) {
  int64_t at_ms = 0;
  if (read_expiry(call, at_ms)) call.reply.integer(at_ms);
}

void persist(Call& call) {
  const std::string_view key = call.arg(1);
  const Object* object = call.keyspace.find(call.db, key);
  if (object == nullptr || !object->expires()) return call.reply.integer(0);
  call.keyspace.set_expiry(call.db, key, call.keyspace.find_for_write(call.db, key),
                           Object::kNoExpiry);
  call.changed();
  call.reply.integer(1);
}

}  // namespace powercut::engine::keys
