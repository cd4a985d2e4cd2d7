// Sorted sets: members in, out and looked up. Ranges, pops and algebra have files of their own.
#include <array>
#include <cmath>
#include <vector>

#include "engine/command/collection.h"
#include "engine/command/command_table.h"
#include "engine/command/scan.h"
#include "engine/command/sorted_set/sorted_set_commands.h"

namespace powercut::engine {

namespace {

constexpr Site kRandomMemberSite{"zrandmember.member"};

// --- ZADD and ZINCRBY ---

struct AddOptions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
  bool count_changed = false;
  bool increment = false;
};

// Moves `i` behind the options.
void parse_add_options(Call& call, size_t& i, AddOptions& options) {
  for (; i < call.argc(); ++i) {
    if (call.is(i, "NX"))
      options.nx = true;
    else if (call.is(i, "XX"))
      options.xx = true;
    else if (call.is(i, "GT"))
      options.gt = true;
    else if (call.is(i, "LT"))
      options.lt = true;
    else if (call.is(i, "CH"))
      options.count_changed = true;
    else if (call.is(i, "INCR"))
      options.increment = true;
    else
      return;
  }
}

// What ZADD makes of one pair, given the member's score so far.
struct Outcome {
  bool processed = false;  // an option did not stand against it
  double score = 0;
};

Outcome outcome_of(const AddOptions& options, std::optional<double> current, double given) {
  if (!current) return {!options.xx, given};
  const double score = options.increment ? *current + given : given;
  if (options.nx || (options.gt && score <= *current) || (options.lt && score >= *current)) {
    return {false, score};
  }
  return {true, score};
}

// Pairs of score and member begin at `first`.
void add_pairs(Call& call, size_t first, const AddOptions& options) {
  std::vector<double> scores;
  for (size_t i = first; i < call.argc(); i += 2) {
    if (!call.float_arg(i, scores.emplace_back())) return;
  }
  const Zset* zset = call.held<Zset>(call.arg(1));
  if (call.failed()) return;

  Zset* changing = nullptr;  // the door is passed only if something changes
  int64_t added = 0;
  int64_t updated = 0;
  Outcome outcome;
  for (size_t n = 0; n < scores.size(); ++n) {
    const std::string_view member = call.arg(first + 2 * n + 1);
    const auto current = zset == nullptr ? std::nullopt : zset->score(member);
    outcome = outcome_of(options, current, scores[n]);
    if (!outcome.processed || (current && *current == outcome.score)) continue;
    if (std::isnan(outcome.score)) {  // INCR only, which has one pair: nothing has changed yet
      return call.fail("ERR resulting score is not a number (NaN)");
    }
    if (changing == nullptr) {
      changing = call.write_or_create<Zset>(call.arg(1));
      zset = changing;
    }
    changing->set(member, outcome.score, call.keyspace.encoding_limits());
    ++(current ? updated : added);
  }
  CHECK((added + updated > 0) == (changing != nullptr));
  if (changing != nullptr) {
    call.changed();
    call.announce('z', options.increment ? "zincr" : "zadd", call.arg(1));
  }
  if (!options.increment) {
    call.reply.integer(options.count_changed ? added + updated : added);
  } else if (outcome.processed) {
    call.reply.number(outcome.score);
  } else {
    call.reply.null();
  }
}

}  // namespace

void zadd_command(Call& call) {
  AddOptions options;
  size_t first = 2;
  parse_add_options(call, first, options);
  CHECK(first <= call.argc());
  const size_t words = call.argc() - first;
  if (words == 0 || words % 2 != 0) return call.fail(kSyntaxError);
  if (options.nx && options.xx) {
    return call.fail("ERR XX and NX options at the same time are not compatible");
  }
  if ((options.gt && options.nx) || (options.lt && options.nx) || (options.gt && options.lt)) {
    return call.fail("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if (options.increment && words > 2) {
    return call.fail("ERR INCR option supports a single increment-element pair");
  }
  add_pairs(call, first, options);
}

namespace {

void zincrby(Call& call) { add_pairs(call, 2, {.increment = true}); }

// --- The rest ---

void zrem(Call& call) {
  const Zset* zset = call.held<Zset>(call.arg(1));
  if (call.failed()) return;
  Zset* changing = nullptr;
  int64_t removed = 0;
  for (size_t i = 2; zset != nullptr && i < call.argc(); ++i) {
    if (changing == nullptr) {
      if (!zset->score(call.arg(i))) continue;
      changing = call.write<Zset>(call.arg(1));
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

void zcard(Call& call) {
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(zset == nullptr ? 0 : static_cast<int64_t>(zset->size()));
}

void reply_score(Call& call, const Zset* zset, std::string_view member) {
  const auto score = zset == nullptr ? std::nullopt : zset->score(member);
  if (score) {
    call.reply.number(*score);
  } else {
    call.reply.null();
  }
}

void zscore(Call& call) {
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  reply_score(call, zset, call.arg(2));
}

void zmscore(Call& call) {
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) reply_score(call, zset, call.arg(i));
}

void reply_rank(Call& call, bool reverse) {
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  const auto rank = zset == nullptr ? std::nullopt : zset->rank(call.arg(2));
  if (!rank) return call.reply.null();
  call.reply.integer(static_cast<int64_t>(reverse ? zset->size() - 1 - *rank : *rank));
}

void zrank(Call& call) { reply_rank(call, false); }
void zrevrank(Call& call) { reply_rank(call, true); }

void zrandmember(Call& call) {
  const bool has_count = call.argc() >= 3;
  const bool with_scores = call.argc() == 4;
  int64_t count = 1;
  if (has_count && !random_count_arg(call, 2, count)) return;
  if (call.argc() > 4 || (with_scores && !call.is(3, "WITHSCORES"))) {
    return call.fail(kSyntaxError);
  }
  if (with_scores && (count < -INT64_MAX / 2 || count > INT64_MAX / 2)) {
    return call.fail("ERR value is out of range");
  }
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  if (!has_count) {
    if (zset == nullptr) return call.reply.null();
    return call.reply.bulk(zset->entries().at(call.choose(kRandomMemberSite, zset->size())).key);
  }
  if (zset == nullptr) return call.reply.array(0);

  const auto begin = [&](size_t members) {
    with_scores ? call.reply.pairs(members) : call.reply.array(members);
  };
  const auto emit = [&](std::string_view member, double score) {
    if (with_scores) call.reply.pair();
    call.reply.bulk(member);
    if (with_scores) call.reply.number(score);
  };
  const auto& entries = zset->entries();
  if (count < 0) {
    begin(static_cast<size_t>(-count));
    for (; count < 0; ++count) {
      const auto& entry = entries.at(call.choose(kRandomMemberSite, entries.size()));
      emit(entry.key, entry.value);
    }
  } else if (static_cast<uint64_t>(count) >= entries.size()) {
    begin(entries.size());
    zset->for_ranks(0, entries.size() - 1, false, [&](Zset::Item item) {
      emit(item.member, item.score);
      return true;
    });
  } else {
    begin(static_cast<size_t>(count));
    for (const size_t i :
         sample(call, kRandomMemberSite, entries.size(), static_cast<size_t>(count))) {
      emit(entries.at(i).key, entries.at(i).value);
    }
  }
}

void zscan(Call& call) {
  scan_collection<Zset>(call, [&](const auto& entry) {
    call.reply.bulk(entry.key);
    call.reply.bulk(format_double(entry.value));  // a text in RESP3 as well
    return 2;
  });
}

constexpr uint32_t kStore = kWrite | kDenyOom;
constexpr auto kSortedSetCommands = std::to_array<CommandSpec>({
    {"zadd", zadd_command, -4, kWrite | kDenyOom, 1, 1, 1},
    {"zincrby", zincrby, 4, kWrite | kDenyOom, 1, 1, 1},
    {"zrem", zrem, -3, kWrite, 1, 1, 1},
    {"zcard", zcard, 2, kReadOnly, 1, 1, 1},
    {"zscore", zscore, 3, kReadOnly, 1, 1, 1},
    {"zmscore", zmscore, -3, kReadOnly, 1, 1, 1},
    {"zrank", zrank, 3, kReadOnly, 1, 1, 1},
    {"zrevrank", zrevrank, 3, kReadOnly, 1, 1, 1},
    {"zrandmember", zrandmember, -2, kReadOnly, 1, 1, 1},
    {"zscan", zscan, -3, kReadOnly, 1, 1, 1},

    {"zcount", zcount_command, 4, kReadOnly, 1, 1, 1},
    {"zlexcount", zlexcount_command, 4, kReadOnly, 1, 1, 1},
    {"zrange", zrange_command, -4, kReadOnly, 1, 1, 1},
    {"zrevrange", zrevrange_command, -4, kReadOnly, 1, 1, 1},
    {"zrangebyscore", zrangebyscore_command, -4, kReadOnly, 1, 1, 1},
    {"zrevrangebyscore", zrevrangebyscore_command, -4, kReadOnly, 1, 1, 1},
    {"zrangebylex", zrangebylex_command, -4, kReadOnly, 1, 1, 1},
    {"zrevrangebylex", zrevrangebylex_command, -4, kReadOnly, 1, 1, 1},
    {"zrangestore", zrangestore_command, -5, kStore, 1, 2, 1},
    {"zremrangebyrank", zremrangebyrank_command, 4, kWrite, 1, 1, 1},
    {"zremrangebyscore", zremrangebyscore_command, 4, kWrite, 1, 1, 1},
    {"zremrangebylex", zremrangebylex_command, 4, kWrite, 1, 1, 1},

    {"zpopmin", zpopmin_command, -2, kWrite, 1, 1, 1},
    {"zpopmax", zpopmax_command, -2, kWrite, 1, 1, 1},
    {"zmpop", zmpop_command, -4, kWrite | kMovableKeys, 0, 0, 0, counted_keys<1, false>},
    {"bzpopmin", bzpopmin_command, -3, kWrite, 1, -2, 1},
    {"bzpopmax", bzpopmax_command, -3, kWrite, 1, -2, 1},
    {"bzmpop", bzmpop_command, -5, kWrite | kMovableKeys, 0, 0, 0, counted_keys<2, false>},

    {"zunion", zunion_command, -3, kReadOnly | kMovableKeys, 0, 0, 0, counted_keys<1, false>},
    {"zinter", zinter_command, -3, kReadOnly | kMovableKeys, 0, 0, 0, counted_keys<1, false>},
    {"zdiff", zdiff_command, -3, kReadOnly | kMovableKeys, 0, 0, 0, counted_keys<1, false>},
    {"zintercard", zintercard_command, -3, kReadOnly | kMovableKeys, 0, 0, 0,
     counted_keys<1, false>},
    {"zunionstore", zunionstore_command, -4, kStore | kMovableKeys, 1, 1, 1, counted_keys<2, true>},
    {"zinterstore", zinterstore_command, -4, kStore | kMovableKeys, 1, 1, 1, counted_keys<2, true>},
    {"zdiffstore", zdiffstore_command, -4, kStore | kMovableKeys, 1, 1, 1, counted_keys<2, true>},
});

}  // namespace

std::span<const CommandSpec> sorted_set_commands() { return kSortedSetCommands; }

}  // namespace powercut::engine
