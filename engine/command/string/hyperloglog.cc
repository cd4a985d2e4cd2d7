// PFADD, PFCOUNT, PFMERGE: strings that count what was added to them (sketch.h).
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/command/call.h"
#include "engine/command/command_table.h"
#include "engine/command/control.h"
#include "engine/command/number.h"
#include "engine/command/string/sketch.h"

namespace powercut::engine {

namespace strings {

namespace {

using sketch::Outcome;

constexpr std::string_view kNoSketch = "WRONGTYPE Key is not a valid HyperLogLog string value.";
constexpr std::string_view kCorrupt = "INVALIDOBJ Corrupted HLL object detected";

// Null and not failed: no such key.
const String* checked_sketch(Call& call, const String* text) {
  if (text == nullptr || sketch::is_sketch(*text)) return text;
  call.fail(kNoSketch);
  return nullptr;
}

// hll-sparse-max-bytes. A replay knows only what it is by default.
uint64_t sparse_most(Call& call) {
  return call.control == nullptr ? sketch::kSparseMost : call.control->sparse_sketch_most();
}

// Logged as it was given, where a replay comes to the same bytes: it would not where another limit than the default
// decided that the sketch stays sparse, or that it does not.
void log_sketch(Call& call, std::string_view key, bool was_sparse) {
  if (!was_sparse || sparse_most(call) == sketch::kSparseMost) return call.changed();
  call.log({"SET", key, *call.held<String>(key), "KEEPTTL"});
}

void pfadd_dense(Call& call, const String& old) {
  const auto raises = [&](std::string_view element) {
    return sketch::is_below(old, sketch::place_of(element));
  };
  const auto elements = call.args.subspan(2);
  if (std::none_of(elements.begin(), elements.end(), raises)) return call.reply.integer(0);
  String* sketch = call.write<String>(call.arg(1));
  for (const std::string_view element : elements)
    (void)sketch::raise(*sketch, sketch::place_of(element), 0);
  call.changed();
  call.reply.integer(1);
}

void pfadd(Call& call) {
  const std::string_view key = call.arg(1);
  const String* old = checked_sketch(call, call.held<String>(key));
  if (call.failed()) return;
  if (old != nullptr && !sketch::is_sparse(*old)) return pfadd_dense(call, *old);
  // On a copy: what turns out to be corrupt at the third element has not changed at the first.
  String sketch = old == nullptr ? sketch::empty() : *old;
  const uint64_t most = sparse_most(call);
  bool changes = old == nullptr;
  for (const std::string_view element : call.args.subspan(2)) {
    const Outcome outcome = sketch::raise(sketch, sketch::place_of(element), most);
    if (outcome == Outcome::kCorrupt) return call.fail(kCorrupt);
    changes |= outcome == Outcome::kRaised;
  }
  call.reply.integer(changes ? 1 : 0);
  if (!changes) return;
  sketch::outdate_count(sketch);
  *call.write_or_create<String>(key) = std::move(sketch);
  log_sketch(call, key, true);
}

// False: answered. What none of the keys has is 0.
bool merge_keys(Call& call, sketch::Registers& most, bool& any_dense) {
  for (const std::string_view key : call.args.subspan(1)) {
    const String* sketch = checked_sketch(call, call.read<String>(key));
    if (call.failed()) return false;
    if (sketch == nullptr) continue;
    any_dense |= !sketch::is_sparse(*sketch);
    if (sketch::merge(most, *sketch)) continue;
    call.fail(kCorrupt);
    return false;
  }
  return true;
}

void pfcount_union(Call& call) {
  sketch::Registers most{};
  bool any_dense = false;
  if (merge_keys(call, most, any_dense))
    call.reply.integer(static_cast<int64_t>(sketch::count(most)));
}

// Of one key, keeps the count in it. That is a change like another: whoever reads the string sees it.
void pfcount(Call& call) {
  if (call.argc() > 2) return pfcount_union(call);
  const std::string_view key = call.arg(1);
  const String* sketch = checked_sketch(call, call.read<String>(key));
  if (call.failed()) return;
  if (sketch == nullptr) return call.reply.integer(0);
  if (const auto kept = sketch::kept_count(*sketch))
    return call.reply.integer(static_cast<int64_t>(*kept));
  const auto count = sketch::count(*sketch);
  if (!count) return call.fail(kCorrupt);
  if (call.may_keep()) {
    sketch::keep_count(*call.keyspace.find_for_write(call.db, key)->value.string(), *count);
    call.changed();
  }
  call.reply.integer(static_cast<int64_t>(*count));
}

void pfmerge(Call& call) {
  const std::string_view key = call.arg(1);
  sketch::Registers most{};
  bool any_dense = false;
  if (!merge_keys(call, most, any_dense)) return;
  const String* old = checked_sketch(call, call.held<String>(key));
  String sketch = old == nullptr ? sketch::empty() : *old;
  const bool was_sparse = sketch::is_sparse(sketch) && !any_dense;
  // What was merged is not corrupt.
  if (any_dense) CHECK(sketch::make_dense(sketch));
  CHECK(sketch::raise_all(sketch, most, sparse_most(call)));
  sketch::outdate_count(sketch);
  *call.write_or_create<String>(key) = std::move(sketch);
  log_sketch(call, key, was_sparse);
  call.reply.ok();
}

// --- What is inside ---

// False: answered.
bool make_dense(Call& call, const String& old) {
  if (!sketch::is_sparse(old)) return true;
  String dense = old;
  if (!sketch::make_dense(dense)) {
    call.fail(kCorrupt);
    return false;
  }
  *call.write<String>(call.arg(2)) = std::move(dense);
  call.changed();
  return true;
}

void pfdebug(Call& call) {
  const std::string_view key = call.arg(2);
  const String* found = checked_sketch(call, call.held<String>(key));
  if (call.failed()) return;
  if (found == nullptr) return call.fail("ERR The specified key does not exist");
  const bool sparse = sketch::is_sparse(*found);
  if (call.is(1, "GETREG")) {
    if (!make_dense(call, *found)) return;
    sketch::Registers registers{};
    sketch::merge(registers, *call.held<String>(key));
    call.reply.array(registers.size());
    for (const uint8_t rank : registers) call.reply.integer(rank);
  } else if (call.is(1, "DECODE")) {
    if (!sparse) return call.fail("ERR HLL encoding is not sparse");
    call.reply.bulk(sketch::shown(*found));
  } else if (call.is(1, "ENCODING")) {
    call.reply.simple(sparse ? "sparse" : "dense");
  } else if (call.is(1, "TODENSE")) {
    if (make_dense(call, *found)) call.reply.integer(sparse ? 1 : 0);
  } else {
    call.fail("ERR Unknown PFDEBUG subcommand '" + std::string(call.arg(1)) + "'");
  }
}

// Adds a million numbers to a sparse sketch and a dense one: they must agree, and be as near as the method promises.
// Nothing is drawn, so that it passes everywhere or nowhere.
void pfselftest(Call& call) {
  String grown = sketch::empty();
  String dense = sketch::empty();
  CHECK(sketch::make_dense(dense));
  const double standard_error = 1.04 / std::sqrt(static_cast<double>(sketch::kRegisters));
  uint64_t looked_at = 1;
  for (uint64_t n = 1; n <= 1'000'000; ++n) {
    char element[sizeof n];
    std::memcpy(element, &n, sizeof n);
    const sketch::Place place = sketch::place_of({element, sizeof element});
    (void)sketch::raise(grown, place, sketch::kSparseMost);
    (void)sketch::raise(dense, place, sketch::kSparseMost);
    if (n != looked_at) continue;
    looked_at *= 10;
    if (n < sketch::kSparseMost / 2 && !sketch::is_sparse(grown))
      return call.fail("ERR TESTFAILED sparse encoding not used");
    const uint64_t count = *sketch::count(dense);
    if (sketch::count(grown) != count) return call.fail("ERR TESTFAILED dense/sparse disagree");
    const double off = std::abs(static_cast<double>(count) - static_cast<double>(n));
    if (off > std::ceil(6 * standard_error * static_cast<double>(n)))
      return call.fail("ERR TESTFAILED Too big error. card:" +
                       format_integer(static_cast<int64_t>(n)));
  }
  call.reply.ok();
}

}  // namespace

}  // namespace strings

std::span<const CommandSpec> hyperloglog_commands() {
  using namespace strings;
  static constexpr CommandSpec kCommands[] = {
      {"pfadd", pfadd, -2, kWrite | kDenyOom, 1, 1, 1},
      {"pfcount", pfcount, -2, kReadOnly | kMayWrite, 1, -1, 1},
      {"pfmerge", pfmerge, -2, kWrite | kDenyOom, 1, -1, 1},
      {"pfdebug", pfdebug, 3, kWrite | kDenyOom | kAdmin, 2, 2, 1},
      {"pfselftest", pfselftest, 1, kAdmin},
  };
  return kCommands;
}

}  // namespace powercut::engine
