// HRANDFIELD and HSCAN.
#include <algorithm>

#include "engine/command/call.h"
#include "engine/command/collection.h"
#include "engine/command/hash/hash_commands.h"
#include "engine/command/scan.h"

namespace powercut::engine {

namespace {

constexpr Site kDraw{"hrandfield"};

void answer(Call& call, const Hash& hash, size_t position, bool with_values) {
  const auto& entry = hash.entries().at(position);
  if (with_values) call.reply.pair();
  call.reply.bulk(entry.key);
  if (with_values) call.reply.bulk(entry.value);
}

bool parse_count(Call& call, int64_t& count, bool& with_values) {
  if (!random_count_arg(call, 2, count)) return false;
  with_values = call.argc() == 4 && call.is(3, "WITHVALUES");
  if (call.argc() > 4 || (call.argc() == 4 && !with_values)) {
    call.fail(kSyntaxError);
    return false;
  }
  if (with_values && (count < -(INT64_MAX / 2) || count > INT64_MAX / 2)) {
    call.fail("ERR value is out of range");
    return false;
  }
  return true;
}

}  // namespace

void hrandfield_command(Call& call) {
  const bool single = call.argc() == 2;
  int64_t count = 1;
  bool with_values = false;
  if (!single && !parse_count(call, count, with_values)) return;
  const Hash* hash = call.read<Hash>(call.arg(1));
  if (call.failed()) return;
  if (hash == nullptr) return single ? call.reply.null() : call.reply.array(0);
  const size_t size = hash->size();
  if (single) return answer(call, *hash, call.choose(kDraw, size), false);

  const auto begin = [&](size_t answers) {
    with_values ? call.reply.pairs(answers) : call.reply.array(answers);
  };
  if (count < 0) {  // with repetitions
    const size_t draws = static_cast<size_t>(-count);
    begin(draws);
    for (size_t i = 0; i < draws; ++i) {
      answer(call, *hash, call.choose(kDraw, size), with_values);
    }
    return;
  }
  const size_t answers = std::min(static_cast<size_t>(count), size);
  begin(answers);
  if (answers == size) {
    for (size_t i = 0; i < size; ++i) answer(call, *hash, i, with_values);
    return;
  }
  for (const size_t position : sample(call, kDraw, size, answers)) {
    answer(call, *hash, position, with_values);
  }
}

void hscan_command(Call& call) {
  scan_collection<Hash>(call, [&](const auto& entry) {
    call.reply.bulk(entry.key);
    call.reply.bulk(entry.value);
    return 2;
  });
}

}  // namespace powercut::engine
