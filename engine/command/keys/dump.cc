// DUMP and RESTORE: one value as a payload that Redis understands, and back.
#include <array>

#include "engine/checkpoint/rdb_dump.h"
#include "engine/command/call.h"
#include "engine/command/command_table.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kBusyKey = "BUSYKEY Target key name already exists.";
constexpr std::string_view kBadFooter = "ERR DUMP payload version or checksum are wrong";
constexpr std::string_view kBadData = "ERR Bad data format";
constexpr std::string_view kBadTtl = "ERR Invalid TTL value, must be >= 0";
constexpr std::string_view kBadIdle = "ERR Invalid IDLETIME value, must be >= 0";
constexpr std::string_view kBadFreq = "ERR Invalid FREQ value, must be >= 0 and <= 255";

void dump(Call& call) {
  const Object* object = call.find(call.arg(1));
  if (object == nullptr) return call.reply.null();
  call.reply.bulk(dump_payload(object->value));
}

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
  int64_t idle_s = -1;     // IDLETIME; -1: not given
  int64_t frequency = -1;  // FREQ
};

bool parse_options(Call& call, RestoreOptions& options) {
  for (size_t i = 4; i < call.argc(); ++i) {
    const bool more = i + 1 < call.argc();
    if (call.is(i, "REPLACE")) {
      options.replace = true;
    } else if (call.is(i, "ABSTTL")) {
      options.absolute = true;
    } else if (call.is(i, "IDLETIME") && more && options.frequency < 0) {
      if (!call.integer_arg(++i, options.idle_s)) return false;
      if (options.idle_s < 0) return call.fail(kBadIdle), false;
    } else if (call.is(i, "FREQ") && more && options.idle_s < 0) {
      if (!call.integer_arg(++i, options.frequency)) return false;
      if (options.frequency < 0 || options.frequency > 255) return call.fail(kBadFreq), false;
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

// It counts where keys are told apart by it now. Not logged: a crash forgets all uses.
void note_use(const Call& call, const RestoreOptions& options, Object& object) {
  const Accesses& accesses = call.keyspace.accesses();
  if (accesses.by_frequency() && options.frequency >= 0)
    object.access = accesses.counted(static_cast<uint8_t>(options.frequency)) & Accesses::kMask;
  if (!accesses.by_frequency() && options.idle_s >= 0)
    object.access = accesses.idle_since(options.idle_s);
}

// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n]
void restore(Call& call) {
  const std::string_view key = call.arg(1);
  RestoreOptions options;
  if (!parse_options(call, options)) return;
  if (!options.replace && call.keyspace.find(call.db, key) != nullptr) return call.fail(kBusyKey);
  int64_t ttl_ms;
  if (!call.integer_arg(2, ttl_ms)) return;
  if (ttl_ms < 0) return call.fail(kBadTtl);
  auto value = restore_payload(call.arg(3), call.keyspace.encoding_limits());
  if (!value.ok()) {
    return call.fail(dump_footer_fits(call.arg(3)) ? kBadData : kBadFooter);
  }
  int64_t expire_at_ms = ttl_ms;
  if (ttl_ms > 0 && !options.absolute &&
      __builtin_add_overflow(ttl_ms, call.now_ms(), &expire_at_ms)) {
    return call.fail(kBadTtl);
  }
  Object probe;
  probe.expire_at_ms = ttl_ms > 0 ? expire_at_ms : Object::kNoExpiry;
  if (call.keyspace.expired(probe)) {
    // It would be gone at once: all that shows is that what it replaces is gone.
    if (call.keyspace.remove(call.db, key)) call.log({"DEL", key});
    return call.reply.ok();
  }
  call.keyspace.remove(call.db, key);  // what comes is a new key, as listeners are told
  Object* object = call.keyspace.put(call.db, key, *std::move(value));
  if (probe.expires()) call.keyspace.set_expiry(call.db, key, object, probe.expire_at_ms);
  note_use(call, options, *object);
  const std::string at = std::to_string(expire_at_ms);
  call.log({"RESTORE", key, at, call.arg(3), "REPLACE", "ABSTTL"});
  call.reply.ok();
}

constexpr auto kDumpCommands = std::to_array<CommandSpec>({
    {"dump", dump, 2, kReadOnly, 1, 1, 1},
    {"restore", restore, -4, kWrite | kDenyOom, 1, 1, 1},
});

}  // namespace

std::span<const CommandSpec> dump_commands() { return kDumpCommands; }

}  // namespace powercut::engine
