// DEBUG, as tests use it; enable-debug-command allows it. Whatever it is asked, what is stored and what was promised of
// it stay: RELOAD and LOADAOF read back what was written and compare; POPULATE writes as any client does.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/words.h"
#include "engine/command/client.h"
#include "engine/command/control.h"
#include "engine/command/encoding.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"
#include "engine/store/digest.h"

namespace powercut::engine {

namespace server {

namespace {

bool allowed(Call& call) {
  if (call.client == nullptr || call.control == nullptr) return false;
  if (call.control->debug_allowed(*call.client)) return true;
  call.fail(
      "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you "
      "can run it from a local connection, otherwise you need to set this option in the "
      "configuration file, and then restart the server.");
  return false;
}

// Each handler only where DEBUG is allowed at all.
template <void (*kHandler)(Call&)>
void if_allowed(Call& call) {
  if (allowed(call)) kHandler(call);
}

std::string hex(const Sha1& digest) {
  std::string text;
  for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

void answer(Call& call, const Result<void>& outcome) {
  if (outcome.ok()) return call.reply.ok();
  call.fail("ERR " + outcome.error().message);
}

// --- Of the data ---

// True if it is in memory, or in the warm tier and can be read; else that is answered.
bool is_had(Call& call, const Object& object) {
  const Away* away = object.value.away();
  if (away == nullptr) return true;
  if (!away->warm()) return call.fail(kUnnamedAway), false;
  const auto value = read_warm(*away, call.keyspace.encoding_limits());
  if (!value.ok()) call.fail("IOERR " + value.error().message);
  return value.ok();
}

bool all_had(Call& call) {
  for (int db = 0; db < call.keyspace.databases(); ++db) {
    const Table& table = call.keyspace.database(db).table();
    for (size_t i = 0; i < table.size(); ++i)
      if (!is_had(call, table.at(i).value)) return false;
  }
  return true;
}

void digest(Call& call) {
  if (!all_had(call)) return;
  call.reply.simple(hex(digest_of(call.keyspace)));
}

void digest_value(Call& call) {
  for (size_t i = 2; i < call.argc(); ++i) {
    const Object* object = call.keyspace.peek(call.db, call.arg(i));
    if (object != nullptr && !is_had(call, *object)) return;
  }
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) {
    const Object* object = call.keyspace.peek(call.db, call.arg(i));
    call.reply.simple(hex(object == nullptr ? Sha1{} : digest_of(*object)));
  }
}

void object(Call& call) {
  const Object* found = call.keyspace.peek(call.db, call.arg(2));
  if (found == nullptr) return call.fail(kNoSuchKey);
  const Accesses& accesses = call.keyspace.accesses();
  call.reply.simple(fmt::format(
      "Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
      fmt::ptr(found), encoding_of(found->value, call.keyspace.encoding_limits()),
      found->value.memory_bytes(), uint32_t{found->access},
      accesses.by_frequency() ? 0 : accesses.idle_s(found->access)));
}

// Strings "key:0", "key:1", ...: those that are not there yet. One operation of the log.
void populate(Call& call) {
  int64_t count = 0;
  int64_t size = 0;
  if (call.argc() > 5) return call.fail(kSyntaxError);
  if (!call.integer_arg(2, count)) return;
  if (call.argc() == 5 && !call.integer_arg(4, size)) return;
  if (count < 0 || size < 0) return call.fail("ERR value is out of range, must be positive");
  const std::string prefix(call.argc() > 3 ? call.arg(3) : "key");
  for (int64_t i = 0; i < count; ++i) {
    const std::string key = fmt::format("{}:{}", prefix, i);
    if (call.keyspace.find(call.db, key) != nullptr) continue;
    std::string value = fmt::format("value:{}", i);
    if (size > 0) value.resize(static_cast<size_t>(size), '\0');
    call.keyspace.put(call.db, key, value);
    call.keyspace.settle();
    call.log({"SET", key, value});
  }
  call.reply.ok();
}

void reload(Call& call) {
  if (call.argc() != 2)
    return call.fail(
        "ERR DEBUG RELOAD takes no options here: what is stored is never replaced by a file");
  answer(call, call.control->check_checkpoint());
}

void loadaof(Call& call) { answer(call, call.control->check_log()); }

// --- Of the process ---

void sleep(Call& call) {
  double seconds = 0;
  if (!call.float_arg(2, seconds)) return;
  if (!(seconds >= 0 && seconds <= 3600)) return call.fail("ERR at most an hour");
  answer(call, call.control->stall(Duration{static_cast<int64_t>(seconds * 1e9)}));
}

void log_message(Call& call) {
  call.control->log_line("DEBUG LOG: " + std::string(call.arg(2)));
  call.reply.ok();
}

// What expires in the background is all the background work that a client can see.
void set_active_expire(Call& call, bool on) {
  call.control->set_active_expire(on);
  call.reply.ok();
}
void active_expire(Call& call) { set_active_expire(call, call.arg(2) != "0"); }
void lax_scripts(Call& call) {
  call.control->set_lax_scripts(call.arg(2) != "0");
  call.reply.ok();
}
void pause_cron(Call& call) { set_active_expire(call, call.arg(2) == "0"); }

// A client's buffer is given back when it has been idle, and there is nothing to set.
void reply_buffer(Call& call) {
  if (!call.is(2, "RESIZING") && !call.is(2, "PEAK-RESET-TIME"))
    return call.fail("ERR unknown subcommand or wrong number of arguments for 'replybuffer'");
  call.reply.ok();
}

// Lists have no nodes here, so there is nothing to set; what is no size is still refused.
void packed_threshold(Call& call) {
  int64_t size = 0;
  std::string_view text = call.arg(2);
  if (text.ends_with('b') || text.ends_with('B')) text.remove_suffix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), size);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || size < 0 ||
      size >= int64_t{1} << 32)
    return call.fail("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  call.reply.ok();
}

// --- Of the protocol: one of each kind, for who tests a client ---

void collection(Call& call, std::string_view kind) {
  constexpr size_t kItems = 3;
  if (kind == "array") call.reply.array(kItems);
  if (kind == "set") call.reply.set(kItems);
  if (kind == "push") call.reply.push(kItems);
  if (kind == "map") call.reply.map(kItems);
  for (size_t i = 0; i < kItems; ++i) {
    call.reply.integer(static_cast<int64_t>(i));
    if (kind == "map") call.reply.boolean(i == 1);
  }
}

void attribute(Call& call) {
  if (call.reply.resp3()) {
    call.reply.attribute(1);
    call.reply.bulk("key-popularity");
    call.reply.array(2);
    call.reply.bulk("key:123");
    call.reply.integer(90);
  }
  call.reply.bulk("Some real reply following the attribute");
}

void protocol(Call& call) {
  const std::string kind = lower_case(call.arg(2));
  if (kind == "string") return call.reply.bulk("Hello World");
  if (kind == "integer") return call.reply.integer(12345);
  if (kind == "double") return call.reply.number(3.141);
  if (kind == "null") return call.reply.null();
  if (kind == "bignum") return call.reply.big_number("1234567999999999999999999999999999999");
  if (kind == "true" || kind == "false") return call.reply.boolean(kind == "true");
  if (kind == "verbatim") return call.reply.verbatim("This is a verbatim\nstring");
  if (kind == "attrib") return attribute(call);
  if (kind == "array" || kind == "set" || kind == "map" || kind == "push")
    return collection(call, kind);
  call.fail(
      "ERR Wrong protocol type name. Please use one of the following: "
      "string|integer|double|null|array|set|map|attrib|push|verbatim|true|false");
}

void debug(Call& call) {
  if (allowed(call)) dispatch(call);
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> debug_commands() {
  using namespace server;
  constexpr uint32_t kFlags = kAdmin | kLoading;
  static constexpr CommandSpec kSubcommands[] = {
      {"debug|digest", if_allowed<digest>, 2, kAdmin | kReadOnly | kWholeKeyspace},
      {"debug|digest-value", if_allowed<digest_value>, -2, kAdmin | kReadOnly, 2, -1, 1},
      {"debug|help", if_allowed<help>, 2, kFlags},
      {"debug|loadaof", if_allowed<loadaof>, 2, kAdmin | kNoMulti},
      {"debug|log", if_allowed<log_message>, 3, kFlags},
      {"debug|object", if_allowed<object>, 3, kAdmin | kReadOnly, 2, 2, 1},
      {"debug|pause-cron", if_allowed<pause_cron>, 3, kFlags},
      {"debug|populate", if_allowed<populate>, -3, kAdmin | kWrite | kDenyOom | kWholeKeyspace},
      {"debug|protocol", if_allowed<protocol>, 3, kFlags},
      {"debug|quicklist-packed-threshold", if_allowed<packed_threshold>, 3, kFlags},
      {"debug|reload", if_allowed<reload>, -2, kAdmin | kNoMulti},
      {"debug|replybuffer", if_allowed<reply_buffer>, 4, kFlags},
      {"debug|set-active-expire", if_allowed<active_expire>, 3, kFlags},
      {"debug|set-disable-deny-scripts", if_allowed<lax_scripts>, 3, kFlags},
      {"debug|sleep", if_allowed<server::sleep>, 3, kFlags},
  };
  static constexpr CommandSpec kCommands[] = {
      container("debug", debug, -2, kAdmin | kReadOnly | kLoading | kWholeKeyspace, kSubcommands)};
  return kCommands;
}

}  // namespace powercut::engine
