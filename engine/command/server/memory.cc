// MEMORY: what keys and the store take.
#include <fmt/format.h>

#include "engine/command/control.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

void memory_usage(Call& call) {
  for (size_t i = 3; i < call.argc(); i += 2) {
    int64_t samples = 0;
    if (!call.is(i, "SAMPLES") || i + 1 == call.argc()) return call.fail(kSyntaxError);
    if (!call.integer_arg(i + 1, samples)) return;
    if (samples < 0) return call.fail(kSyntaxError);
  }
  const Object* object = call.keyspace.look(call.db, call.arg(2));
  if (object == nullptr) return call.reply.null();
  call.reply.integer(
      static_cast<int64_t>(sizeof(Object) + call.arg(2).size() + object->value.memory_bytes()));
}

// The allocator gives back by itself: see the events of the process.
void memory_purge(Call& call) {
  if (call.control != nullptr) call.control->purge();
  call.reply.ok();
}

// Names and values as INFO has them, but in bytes, by part.
void memory_stats(Call& call) {
  if (call.control == nullptr) return call.reply.map(0);
  const MemoryReport report = call.control->memory_report();
  const size_t mark_count = 7 + report.databases.size();
  call.reply.map(mark_count);
  const auto add = [&](std::string_view name, uint64_t value) {
    call.reply.bulk(name);
    call.reply.integer(static_cast<int64_t>(value));
  };
  add("peak.allocated", report.peak);
  add("total.allocated", report.total);
  add("startup.allocated", report.startup);
  add("clients.normal", report.clients);
  add("aof.buffer", report.aof_buffer);
  for (const auto& [db, tables] : report.databases) {
    call.reply.bulk(fmt::format("db.{}", db));
    call.reply.map(2);
    add("overhead.hashtable.main", tables.first);
    add("overhead.hashtable.expires", tables.second);
  }
  add("keys.count", report.keys);
  add("dataset.bytes", report.dataset);
}

void memory_doctor(Call& call) {
  if (call.control == nullptr) return call.reply.verbatim("");
  const MemoryReport report = call.control->memory_report();
  std::string text;
  if (report.total > 0 && report.clients > report.total / 2)
    text += "More than half is clients' buffers: CLIENT LIST says whose (tot-mem).\n";
  if (report.peak > report.total + report.total / 2)
    text += "It was half as much again at its peak; the allocator may keep some of that.\n";
  if (report.aof_buffer > (64u << 20))
    text += "Much waits to be written to the log: the disk is slow (INFO persistence).\n";
  call.reply.verbatim(text.empty() ? "Nothing is out of the ordinary.\n" : text);
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> memory_commands() {
  using namespace server;
  static constexpr CommandSpec kSubcommands[] = {
      {"memory|doctor", memory_doctor, 2, 0},
      {"memory|help", help, 2, kLoading},
      {"memory|purge", memory_purge, 2, 0},
      {"memory|stats", memory_stats, 2, 0},
      {"memory|usage", memory_usage, -3, kReadOnly, 2, 2, 1}};
  static constexpr CommandSpec kCommands[] = {
      container("memory", dispatch, -2, kReadOnly, kSubcommands, 2)};
  return kCommands;
}

}  // namespace powercut::engine
