// Sets: members in, out and looked up. Random draws and set algebra have files of their own.
#include <array>

#include "engine/command/collection.h"
#include "engine/command/command_table.h"
#include "engine/command/scan.h"
#include "engine/command/set/set_commands.h"

namespace powercut::engine {

namespace {

void sadd(Call& call) {
  const Set* set = call.held<Set>(call.arg(1));
  if (call.failed()) return;
  Set* changing = nullptr;  // the door is passed only if something changes
  int64_t added = 0;
  for (size_t i = 2; i < call.argc(); ++i) {
    if (changing == nullptr) {
      if (set != nullptr && set->contains(call.arg(i))) continue;
      changing = call.write_or_create<Set>(call.arg(1));
    }
    if (changing->add(call.arg(i), call.keyspace.encoding_limits())) ++added;
  }
  CHECK((added > 0) == (changing != nullptr));
  if (added > 0) call.changed();
  call.reply.integer(added);
}

void srem(Call& call) {
  const Set* set = call.held<Set>(call.arg(1));
  if (call.failed()) return;
  Set* changing = nullptr;
  int64_t removed = 0;
  for (size_t i = 2; set != nullptr && i < call.argc(); ++i) {
    if (changing == nullptr) {
      if (!set->contains(call.arg(i))) continue;
      changing = call.write<Set>(call.arg(1));
    }
    if (changing->erase(call.arg(i))) ++removed;
  }
  CHECK((removed > 0) == (changing != nullptr));
  if (removed > 0) {
    call.changed();
    if (changing->size() == 0) call.keyspace.remove(call.db, call.arg(1));
  }
  call.reply.integer(removed);
}

void smove(Call& call) {
  const Set* source = call.held<Set>(call.arg(1));
  if (call.failed()) return;
  // Without a source Redis does not look at the destination's type.
  if (source == nullptr) return call.reply.integer(0);
  const Set* target = call.held<Set>(call.arg(2));
  if (call.failed()) return;
  const std::string_view member = call.arg(3);
  if (!source->contains(member)) return call.reply.integer(0);
  if (source != target) {
    const bool new_there = target == nullptr || !target->contains(member);
    if (source->size() == 1) {
      call.keyspace.remove(call.db, call.arg(1));
    } else {
      call.write<Set>(call.arg(1))->erase(member);
    }
    call.announce_taken('s', "srem", call.arg(1));
    if (new_there) {
      call.write_or_create<Set>(call.arg(2))->add(member, call.keyspace.encoding_limits());
      call.announce('s', "sadd", call.arg(2));
    }
    call.changed();
  }
  call.reply.integer(1);
}

void sismember(Call& call) {
  const Set* set = call.read<Set>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(set != nullptr && set->contains(call.arg(2)) ? 1 : 0);
}

void smismember(Call& call) {
  const Set* set = call.read<Set>(call.arg(1));
  if (call.failed()) return;
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) {
    call.reply.integer(set != nullptr && set->contains(call.arg(i)) ? 1 : 0);
  }
}

void scard(Call& call) {
  const Set* set = call.read<Set>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(set == nullptr ? 0 : static_cast<int64_t>(set->size()));
}

void smembers(Call& call) {
  const Set* set = call.read<Set>(call.arg(1));
  if (call.failed()) return;
  if (set == nullptr) return call.reply.set(0);
  call.reply.set(set->size());
  for (size_t i = 0; i < set->size(); ++i) call.reply.bulk(set->entries().at(i).key);
}

void sscan(Call& call) {
  scan_collection<Set>(call, [&](const auto& entry) {
    call.reply.bulk(entry.key);
    return 1;
  });
}

constexpr auto kSetCommands = std::to_array<CommandSpec>({
    {"sadd", sadd, -3, kWrite | kDenyOom, 1, 1, 1},
    {"srem", srem, -3, kWrite, 1, 1, 1},
    {"smove", smove, 4, kWrite, 1, 2, 1},
    {"sismember", sismember, 3, kReadOnly, 1, 1, 1},
    {"smismember", smismember, -3, kReadOnly, 1, 1, 1},
    {"scard", scard, 2, kReadOnly, 1, 1, 1},
    {"smembers", smembers, 2, kReadOnly, 1, 1, 1},
    {"sscan", sscan, -3, kReadOnly, 1, 1, 1},
    {"spop", spop_command, -2, kWrite, 1, 1, 1},
    {"srandmember", srandmember_command, -2, kReadOnly, 1, 1, 1},
    {"sinter", sinter_command, -2, kReadOnly, 1, -1, 1},
    {"sintercard", sintercard_command, -3, kReadOnly | kMovableKeys, 0, 0, 0,
     counted_keys<1, false>},
    {"sinterstore", sinterstore_command, -3, kWrite | kDenyOom, 1, -1, 1},
    {"sunion", sunion_command, -2, kReadOnly, 1, -1, 1},
    {"sunionstore", sunionstore_command, -3, kWrite | kDenyOom, 1, -1, 1},
    {"sdiff", sdiff_command, -2, kReadOnly, 1, -1, 1},
    {"sdiffstore", sdiffstore_command, -3, kWrite | kDenyOom, 1, -1, 1},
});

}  // namespace

std::span<const CommandSpec> set_commands() { return kSetCommands; }

}  // namespace powercut::engine
