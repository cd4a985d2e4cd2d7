// Strings as values: SET, GET and their relatives. edit.cc and bits.cc change them in
// place.
#include <optional>

#include "engine/command/command_table.h"
#include "engine/command/number.h"
#include "engine/command/string/string_commands.h"

namespace powercut::engine {

namespace strings {

namespace {

enum class Unit : uint8_t { kSeconds, kMilliseconds, kUnixSeconds, kUnixMilliseconds };

struct Options {
  bool nx = false;
  bool xx = false;
  bool get = false;
  bool keep_ttl = false;
  bool persist = false;
  std::optional<Unit> unit;
  std::string_view time;
};

void reply_value(Call& call, const String* value) {
  if (value == nullptr) {
    call.reply.null();
  } else {
    call.reply.bulk(*value);
  }
}

Object* store(Call& call, std::string_view key, std::string_view value,
              int64_t expire_at_ms = Object::kNoExpiry) {
  Object* object = call.keyspace.put(call.db, key, value);
  call.announce('$', "set", key);
  if (expire_at_ms != Object::kNoExpiry) {
    call.keyspace.set_expiry(call.db, key, object, expire_at_ms);
    call.announce('g', "expire", key);
  }
  return object;
}

// One unit only; given again, the last time counts.
bool parse_unit(Call& call, size_t i, Options& options) {
  if (options.keep_ttl || options.persist || i + 1 >= call.argc()) return false;
  Unit unit = Unit::kSeconds;
  if (call.is(i, "PX")) {
    unit = Unit::kMilliseconds;
  } else if (call.is(i, "EXAT")) {
    unit = Unit::kUnixSeconds;
  } else if (call.is(i, "PXAT")) {
    unit = Unit::kUnixMilliseconds;
  } else if (!call.is(i, "EX")) {
    return false;
  }
  if (options.unit && *options.unit != unit) return false;
  options.unit = unit;
  options.time = call.arg(i + 1);
  return true;
}

bool parse_set_options(Call& call, Options& options) {
  for (size_t i = 3; i < call.argc(); ++i) {
    if (call.is(i, "NX") && !options.xx) {
      options.nx = true;
    } else if (call.is(i, "XX") && !options.nx) {
      options.xx = true;
    } else if (call.is(i, "GET")) {
      options.get = true;
    } else if (call.is(i, "KEEPTTL") && !options.unit) {
      options.keep_ttl = true;
    } else if (parse_unit(call, i, options)) {
      ++i;
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

bool parse_getex_options(Call& call, Options& options) {
  for (size_t i = 2; i < call.argc(); ++i) {
    if (call.is(i, "PERSIST") && !options.unit) {
      options.persist = true;
    } else if (parse_unit(call, i, options)) {
      ++i;
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

// When a key that is given `time` now expires. False: answered. `name` is the command's, for the
// error.
bool expiry_time(Call& call, std::string_view name, Unit unit, std::string_view time,
                 int64_t& at_ms) {
  const auto given = parse_integer(time);
  if (!given) {
    call.fail(kNotInteger);
    return false;
  }
  const bool in_seconds = unit == Unit::kSeconds || unit == Unit::kUnixSeconds;
  const bool relative = unit == Unit::kSeconds || unit == Unit::kMilliseconds;
  if (*given <= 0 || __builtin_mul_overflow(*given, in_seconds ? 1000 : 1, &at_ms) ||
      __builtin_add_overflow(at_ms, relative ? call.now_ms() : 0, &at_ms)) {
    call.fail("ERR invalid expire time in '" + std::string(name) + "' command");
    return false;
  }
  return true;
}

void set_with_options(Call& call) {
  Options options;
  if (!parse_set_options(call, options)) return;
  int64_t at_ms = Object::kNoExpiry;
  if (options.unit && !expiry_time(call, "set", *options.unit, options.time, at_ms)) return;

  const std::string_view key = call.arg(1);
  const std::string_view value = call.arg(2);
  const Object* old = call.keyspace.find(call.db, key);
  if (options.get) {
    const String* text = call.read<String>(key);
    if (call.failed()) return;
    reply_value(call, text);
  }
  if ((options.nx && old != nullptr) || (options.xx && old == nullptr)) {
    if (!options.get) call.reply.null();
    return;
  }
  if (options.keep_ttl && old != nullptr) {
    call.keyspace.find_for_write(call.db, key)->value = Value(String(value));
    call.announce('$', "set", key);
  } else {
    store(call, key, value, at_ms);
  }
  if (options.unit) {
    call.log({"SET", key, value, "PXAT", format_integer(at_ms)});
  } else if (options.get && options.keep_ttl) {
    call.log({"SET", key, value, "KEEPTTL"});
  } else if (options.get) {
    call.log({"SET", key, value});
  } else {
    call.changed();
  }
  if (!options.get) call.reply.ok();
}

void set(Call& call) {
  if (call.argc() > 3) return set_with_options(call);
  store(call, call.arg(1), call.arg(2));
  call.changed();
  call.reply.ok();
}

void set_expiring(Call& call, std::string_view name, Unit unit) {
  int64_t at_ms = 0;
  if (!expiry_time(call, name, unit, call.arg(2), at_ms)) return;
  store(call, call.arg(1), call.arg(3), at_ms);
  call.log({"SET", call.arg(1), call.arg(3), "PXAT", format_integer(at_ms)});
  call.reply.ok();
}

void setex(Call& call) { set_expiring(call, "setex", Unit::kSeconds); }
void psetex(Call& call) { set_expiring(call, "psetex", Unit::kMilliseconds); }

void setnx(Call& call) {
  const bool absent = call.keyspace.find(call.db, call.arg(1)) == nullptr;
  if (absent) {
    store(call, call.arg(1), call.arg(2));
    call.changed();
  }
  call.reply.integer(absent ? 1 : 0);
}

void get(Call& call) {
  const String* value = call.read<String>(call.arg(1));
  if (!call.failed()) reply_value(call, value);
}

void getset(Call& call) {
  const String* old = call.read<String>(call.arg(1));
  if (call.failed()) return;
  reply_value(call, old);
  store(call, call.arg(1), call.arg(2));
  call.log({"SET", call.arg(1), call.arg(2)});
}

void getdel(Call& call) {
  const std::string_view key = call.arg(1);
  const String* value = call.read<String>(key);
  if (call.failed()) return;
  reply_value(call, value);
  if (value == nullptr) return;
  call.keyspace.remove(call.db, key);
  call.log({"DEL", key});
  call.announce('g', "del", key);
}

void getex(Call& call) {
  Options options;
  if (!parse_getex_options(call, options)) return;
  const std::string_view key = call.arg(1);
  const String* value = call.read<String>(key);
  if (call.failed()) return;
  if (value == nullptr) return call.reply.null();
  int64_t at_ms = Object::kNoExpiry;
  if (options.unit && !expiry_time(call, "getex", *options.unit, options.time, at_ms)) return;
  call.reply.bulk(*value);

  if (options.unit && at_ms <= call.now_ms() && !call.keyspace.done_again()) {
    call.keyspace.remove(call.db, key);
    call.log({"DEL", key});
    call.announce('g', "del", key);
  } else if (options.unit) {
    call.keyspace.set_expiry(call.db, key, call.keyspace.find_for_write(call.db, key), at_ms);
    call.log({"PEXPIREAT", key, format_integer(at_ms)});
    call.announce('g', "expire", key);
  } else if (options.persist && call.keyspace.find(call.db, key)->expires()) {
    call.keyspace.set_expiry(call.db, key, call.keyspace.find_for_write(call.db, key), at_ms);
    call.log({"PERSIST", key});
    call.announce('g', "persist", key);
  }
}

void mget(Call& call) {
  call.reply.array(call.argc() - 1);
  for (size_t i = 1; i < call.argc(); ++i) {
    const Object* object = call.find(call.arg(i));
    reply_value(call, object == nullptr ? nullptr : object->value.string());
  }
}

bool pairs_complete(Call& call, std::string_view name) {
  if (call.argc() % 2 == 1) return true;
  call.fail("ERR wrong number of arguments for '" + std::string(name) + "' command");
  return false;
}

void store_pairs(Call& call) {
  for (size_t i = 1; i < call.argc(); i += 2) store(call, call.arg(i), call.arg(i + 1));
  call.changed();
}

void mset(Call& call) {
  if (!pairs_complete(call, "mset")) return;
  store_pairs(call);
  call.reply.ok();
}

void msetnx(Call& call) {
  if (!pairs_complete(call, "msetnx")) return;
  for (size_t i = 1; i < call.argc(); i += 2) {
    if (call.keyspace.find(call.db, call.arg(i)) != nullptr) return call.reply.integer(0);
  }
  store_pairs(call);
  call.reply.integer(1);
}

}  // namespace

}  // namespace strings

std::span<const CommandSpec> string_commands() {
  using namespace strings;
  constexpr uint32_t kStores = kWrite | kDenyOom;
  static constexpr CommandSpec kCommands[] = {
      {"get", get, 2, kReadOnly, 1, 1, 1},
      {"set", set, -3, kStores, 1, 1, 1},
      {"getset", getset, 3, kStores, 1, 1, 1},
      {"getdel", getdel, 2, kWrite, 1, 1, 1},
      {"getex", getex, -2, kWrite, 1, 1, 1},
      {"setnx", setnx, 3, kStores, 1, 1, 1},
      {"setex", setex, 4, kStores | kNoValue, 1, 1, 1},
      {"psetex", psetex, 4, kStores | kNoValue, 1, 1, 1},
      {"mget", mget, -2, kReadOnly, 1, -1, 1},
      {"mset", mset, -3, kStores | kNoValue, 1, -1, 2},
      {"msetnx", msetnx, -3, kStores, 1, -1, 2},
      {"append", append, 3, kStores, 1, 1, 1},
      {"strlen", strlen, 2, kReadOnly, 1, 1, 1},
      {"getrange", getrange, 4, kReadOnly, 1, 1, 1},
      {"substr", getrange, 4, kReadOnly, 1, 1, 1},
      {"setrange", setrange, 4, kStores, 1, 1, 1},
      {"incr", incr, 2, kStores, 1, 1, 1},
      {"decr", decr, 2, kStores, 1, 1, 1},
      {"incrby", incrby, 3, kStores, 1, 1, 1},
      {"decrby", decrby, 3, kStores, 1, 1, 1},
      {"incrbyfloat", incrbyfloat, 3, kStores, 1, 1, 1},
      {"setbit", setbit, 4, kStores, 1, 1, 1},
      {"getbit", getbit, 3, kReadOnly, 1, 1, 1},
      {"bitcount", bitcount, -2, kReadOnly, 1, 1, 1},
      {"bitpos", bitpos, -3, kReadOnly, 1, 1, 1},
      {"bitop", bitop, -4, kStores, 2, -1, 1},
      {"bitfield", bitfield, -2, kStores, 1, 1, 1},
      {"bitfield_ro", bitfield_ro, -2, kReadOnly, 1, 1, 1},
      {"lcs", lcs, -3, kReadOnly, 1, 2, 1},
  };
  return kCommands;
}

}  // namespace powercut::engine
