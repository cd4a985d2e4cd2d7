#include <algorithm>
#include <optional>

#include "engine/command/collection.h"
#include "engine/command/number.h"
#include "engine/command/sorted_set/sorted_set_commands.h"

namespace powercut::engine {

namespace {

// Takes `count` items from one end of the set at `key` and calls f(item) for each.
// REQUIRES: 0 < count <= size of the set.
template <class F>
void pop(Call& call, std::string_view key, size_t count, bool max, F&& f) {
  const Zset* zset = call.held<Zset>(key);
  CHECK(zset != nullptr && count > 0 && count <= zset->size());
  if (count == zset->size()) {
    zset->for_ranks(0, count - 1, max, [&](Zset::Item item) {
      f(item);
      return true;
    });
    call.keyspace.remove(call.db, key);
    return;
  }
  Zset* changing = call.write<Zset>(key);
  for (; count > 0; --count) {
    const Zset::Item item = changing->at_rank(max ? changing->size() - 1 : 0);
    f(item);
    const bool erased = changing->erase(item.member);
    CHECK(erased);
  }
}

void pop_one_key(Call& call, bool max) {
  if (call.argc() > 3) return call.fail(kSyntaxError);
  int64_t count = 1;
  if (call.argc() == 3 && !count_arg(call, 2, count)) return;
  const Zset* zset = call.held<Zset>(call.arg(1));
  if (call.failed()) return;
  if (zset == nullptr || count == 0) return call.reply.array(0);
  const size_t popped = std::min<uint64_t>(static_cast<uint64_t>(count), zset->size());
  const bool nested = call.argc() == 3;  // one without a count is no list of pairs
  nested ? call.reply.pairs(popped) : call.reply.array(2 * popped);
  pop(call, call.arg(1), popped, max, [&](Zset::Item item) {
    if (nested) call.reply.pair();
    call.reply.bulk(item.member);
    call.reply.number(item.score);
  });
  call.changed();
}

// The argument of the first key that exists; nullopt if none does, or after WRONGTYPE.
std::optional<size_t> first_present(Call& call, size_t first, size_t count) {
  for (size_t i = first; i < first + count; ++i) {
    const Zset* zset = call.held<Zset>(call.arg(i));
    if (call.failed()) return std::nullopt;
    if (zset != nullptr) return i;
  }
  return std::nullopt;
}

void zpop_blocking(Call& call, bool max) {
  const size_t last = call.argc() - 1;
  int64_t timeout_ms = 0;
  if (!timeout_arg(call, last, timeout_ms)) return;
  const auto found = first_present(call, 1, last - 1);
  if (call.failed()) return;
  if (!found) return wait_or_null_array(call, {Type::kZset, 1, last - 1, timeout_ms});
  const std::string_view key = call.arg(*found);
  call.reply.array(3);
  call.reply.bulk(key);
  pop(call, key, 1, max, [&](Zset::Item item) {
    call.reply.bulk(item.member);
    call.reply.number(item.score);
  });
  call.log({max ? "ZPOPMAX" : "ZPOPMIN", key});
  call.announce_taken('z', max ? "zpopmax" : "zpopmin", key);
}

// [timeout] numkeys key [key ...] MIN | MAX [COUNT count]; `numkeys` is its argument.
void pop_first_of(Call& call, size_t numkeys) {
  int64_t keys = 0;
  if (!bounded_arg(call, numkeys, 1, INT64_MAX, keys, "ERR numkeys should be greater than 0"))
    return;
  const size_t first = numkeys + 1;
  if (static_cast<uint64_t>(keys) >= call.argc() - first) return call.fail(kSyntaxError);
  const size_t where = first + static_cast<size_t>(keys);
  const bool max = call.is(where, "MAX");
  if (!max && !call.is(where, "MIN")) return call.fail(kSyntaxError);
  int64_t count = 0;  // 0: not given
  for (size_t i = where + 1; i < call.argc(); i += 2) {
    if (count != 0 || !call.is(i, "COUNT") || i + 1 == call.argc()) return call.fail(kSyntaxError);
    if (!bounded_arg(call, i + 1, 1, INT64_MAX, count, "ERR count should be greater than 0"))
      return;
  }
  // Redis looks at the timeout last.
  const bool blocking = numkeys > 1;
  int64_t timeout_ms = 0;
  if (blocking && !timeout_arg(call, 1, timeout_ms)) return;

  const auto found = first_present(call, first, static_cast<size_t>(keys));
  if (call.failed()) return;
  if (!found && blocking)
    return wait_or_null_array(call, {Type::kZset, first, static_cast<size_t>(keys), timeout_ms});
  if (!found) return call.reply.null_array();
  const std::string_view key = call.arg(*found);
  const size_t size = call.held<Zset>(key)->size();
  const size_t popped =
      std::min<uint64_t>(static_cast<uint64_t>(std::max<int64_t>(count, 1)), size);
  call.reply.array(2);
  call.reply.bulk(key);
  call.reply.array(popped);
  pop(call, key, popped, max, [&](Zset::Item item) {
    call.reply.array(2);
    call.reply.bulk(item.member);
    call.reply.number(item.score);
  });
  call.log({max ? "ZPOPMAX" : "ZPOPMIN", key, format_integer(static_cast<int64_t>(popped))});
  call.announce_taken('z', max ? "zpopmax" : "zpopmin", key);
}

}  // namespace

void zpopmin_command(Call& call) { pop_one_key(call, false); }
void zpopmax_command(Call& call) { pop_one_key(call, true); }
void bzpopmin_command(Call& call) { zpop_blocking(call, false); }
void bzpopmax_command(Call& call) { zpop_blocking(call, true); }
void zmpop_command(Call& call) { pop_first_of(call, 1); }
void bzmpop_command(Call& call) { pop_first_of(call, 2); }

}  // namespace powercut::engine
