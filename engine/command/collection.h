// What the commands on sets and sorted sets share: arguments with bounds, key lists behind a count,
// samples.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/command/call.h"

namespace powercut::engine {

// As Call::integer_arg, within [min, max]. With a message, that is the answer to everything that is
// wrong.
bool bounded_arg(Call& call, size_t i, int64_t min, int64_t max, int64_t& out,
                 std::string_view message = {});
// A count that is not negative.
bool count_arg(Call& call, size_t i, int64_t& out);
// A blocking command's timeout, in seconds.
bool timeout_arg(Call& call, size_t i, int64_t& out_ms);
// Where there is nothing to take: the client waits, or is told so where nobody may.
void wait_or_null_array(Call& call, const Call::Wait& wait);

// How SRANDMEMBER and ZRANDMEMBER are asked: [count]. Negative counts may repeat members.
bool random_count_arg(Call& call, size_t i, int64_t& out);

// `count` different positions below `size`, drawn one by one. REQUIRES: count <= size.
std::vector<size_t> sample(Call& call, Site site, size_t size, size_t count);

// For CommandSpec::keys_of: args[kNumkeys] counts the keys behind it; kStores: args[1] is a key
// too.
template <size_t kNumkeys, bool kStores>
void counted_keys(std::span<const std::string_view> args, std::vector<size_t>& positions);

// Makes `result` the value of `key`, or removes the key if it is empty; answers the size.
template <class T>
void store_result(Call& call, std::string_view key, T result) {
  const size_t size = result.size();
  if (size > 0) {
    call.keyspace.put(call.db, key, Value(std::move(result)));
    call.changed();
  } else if (call.keyspace.remove(call.db, key)) {
    call.changed();
  }
  call.reply.integer(static_cast<int64_t>(size));
}

}  // namespace powercut::engine
