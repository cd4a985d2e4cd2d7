// Ranges of sorted sets by rank, score and member: every one becomes a range of ranks.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "engine/command/collection.h"
#include "engine/command/sorted_set/sorted_set_commands.h"

namespace powercut::engine {

namespace {

enum class By { kRank, kScore, kLex };

// Ranks [begin, end).
struct Ranks {
  size_t begin = 0;
  size_t end = 0;
  bool empty() const { return begin >= end; }
  size_t size() const { return empty() ? 0 : end - begin; }
};

struct ScoreBound {
  double score = 0;
  bool exclusive = false;
};

struct LexBound {
  enum class Kind { kLowest, kHighest, kMember };
  Kind kind = Kind::kMember;
  std::string_view member;
  bool exclusive = false;
};

// A range as it was asked for, from low to high.
struct Bounds {
  By by = By::kRank;
  int64_t first = 0;  // ranks; negative: from the end
  int64_t last = 0;
  ScoreBound min_score, max_score;
  LexBound min_lex, max_lex;
};

// --- Bounds ---

// Redis takes what strtod takes, up to the first NUL: leading spaces, and nothing at all as 0.
bool parse_score_bound(std::string_view text, ScoreBound& bound) {
  bound.exclusive = !text.empty() && text[0] == '(';
  const std::string number(text.substr(bound.exclusive ? 1 : 0));
  char* end = nullptr;
  bound.score = std::strtod(number.c_str(), &end);
  return *end == '\0' && !std::isnan(bound.score);
}

bool parse_lex_bound(std::string_view text, LexBound& bound) {
  if (text == "-" || text == "+") {
    bound.kind = text == "-" ? LexBound::Kind::kLowest : LexBound::Kind::kHighest;
    return true;
  }
  if (text.empty() || (text[0] != '[' && text[0] != '(')) return false;
  bound.exclusive = text[0] == '(';
  bound.member = text.substr(1);
  return true;
}

// The range whose lower bound is argument `low` and whose upper one is `high`.
bool parse_range(Call& call, By by, size_t low, size_t high, Bounds& wanted) {
  wanted.by = by;
  switch (by) {
    case By::kRank:
      return call.integer_arg(low, wanted.first) && call.integer_arg(high, wanted.last);
    case By::kScore:
      if (parse_score_bound(call.arg(low), wanted.min_score) &&
          parse_score_bound(call.arg(high), wanted.max_score)) {
        return true;
      }
      call.fail("ERR min or max is not a float");
      return false;
    case By::kLex:
      if (parse_lex_bound(call.arg(low), wanted.min_lex) &&
          parse_lex_bound(call.arg(high), wanted.max_lex)) {
        return true;
      }
      call.fail("ERR min or max not valid string range item");
      return false;
  }
  return false;
}

// How many items are before a lower bound, or up to an upper one.
size_t items_before(const Zset& zset, const LexBound& bound, bool upper) {
  if (bound.kind == LexBound::Kind::kLowest) return 0;
  if (bound.kind == LexBound::Kind::kHighest) return zset.size();
  return zset.count_below_lex(bound.member, bound.exclusive != upper);
}

Ranks ranks_of(const Zset& zset, const Bounds& wanted) {
  switch (wanted.by) {
    case By::kRank: {
      const auto size = static_cast<int64_t>(zset.size());
      const auto from_end = [&](int64_t n) { return n < 0 ? std::max<int64_t>(n + size, -1) : n; };
      const int64_t first = std::max<int64_t>(from_end(wanted.first), 0);
      const int64_t last = std::min(from_end(wanted.last), size - 1);
      if (first > last) return {};
      return {static_cast<size_t>(first), static_cast<size_t>(last) + 1};
    }
    case By::kScore:
      return {zset.count_below(wanted.min_score.score, wanted.min_score.exclusive),
              zset.count_below(wanted.max_score.score, !wanted.max_score.exclusive)};
    case By::kLex:
      return {items_before(zset, wanted.min_lex, false), items_before(zset, wanted.max_lex, true)};
  }
  return {};
}

// By name there is an order among equal scores alone. With others, what a search comes to is nobody's promise and depends on
// how the set is held: a log is told the ranks, which do not.
bool logs_ranks(By by, const Zset* zset) {
  return by == By::kLex && zset != nullptr &&
         zset->at_rank(0).score != zset->at_rank(zset->size() - 1).score;
}

// As arguments: the first and the last.
std::pair<std::string, std::string> in_words(Ranks ranks) {
  if (ranks.empty()) return {"1", "0"};
  return {std::to_string(ranks.begin), std::to_string(ranks.end - 1)};
}

// --- The ZRANGE commands ---

struct RangeOptions {
  bool with_scores = false;
  int64_t offset = 0;
  int64_t limit = -1;  // negative: none
};

// What the command's name leaves open.
enum RangeOption : unsigned {
  kNoOption = 0,
  kByOption = 1,
  kReverseOption = 2,
  kWithScoresOption = 4
};

bool parse_range_options(Call& call, size_t i, unsigned accepts, By& by, bool& reverse,
                         RangeOptions& options) {
  for (; i < call.argc(); ++i) {
    if ((accepts & kWithScoresOption) != 0 && call.is(i, "WITHSCORES")) {
      options.with_scores = true;
    } else if (call.is(i, "LIMIT") && call.argc() - i - 1 >= 2) {
      if (!call.integer_arg(i + 1, options.offset) || !call.integer_arg(i + 2, options.limit)) {
        return false;
      }
      i += 2;
    } else if ((accepts & kReverseOption) != 0 && call.is(i, "REV")) {
      reverse = true;
      accepts &= ~unsigned{kReverseOption};  // once only
    } else if ((accepts & kByOption) != 0 && (call.is(i, "BYLEX") || call.is(i, "BYSCORE"))) {
      by = call.is(i, "BYLEX") ? By::kLex : By::kScore;
      accepts &= ~unsigned{kByOption};
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  if (options.limit != -1 && by == By::kRank) {
    call.fail(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (options.with_scores && by == By::kLex) {
    call.fail("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  return true;
}

// Cuts LIMIT's part out, counted from the end a reverse walk starts at.
Ranks limited(Ranks ranks, const RangeOptions& options, bool reverse) {
  if (options.offset < 0 || static_cast<uint64_t>(options.offset) >= ranks.size()) return {};
  const auto offset = static_cast<size_t>(options.offset);
  size_t count = ranks.size() - offset;
  if (options.limit >= 0) count = std::min<uint64_t>(count, static_cast<uint64_t>(options.limit));
  CHECK(offset + count <= ranks.size());
  if (reverse) return {ranks.end - offset - count, ranks.end - offset};
  return {ranks.begin + offset, ranks.begin + offset + count};
}

// Ranks counted from the highest.
Ranks mirrored(Ranks ranks, size_t size) {
  if (ranks.empty()) return {};
  CHECK(ranks.end <= size);
  return {size - ranks.end, size - ranks.begin};
}

void reply_range(Call& call, const Zset* zset, Ranks ranks, bool reverse, bool with_scores) {
  with_scores ? call.reply.pairs(ranks.size()) : call.reply.array(ranks.size());
  if (ranks.empty()) return;
  zset->for_ranks(ranks.begin, ranks.end - 1, reverse, [&](Zset::Item item) {
    if (with_scores) call.reply.pair();
    call.reply.bulk(item.member);
    if (with_scores) call.reply.number(item.score);
    return true;
  });
}

void store_range(Call& call, const Zset* zset, Ranks ranks) {
  Zset result;
  if (!ranks.empty()) {
    zset->for_ranks(ranks.begin, ranks.end - 1, false, [&](Zset::Item item) {
      result.set(item.member, item.score, call.keyspace.encoding_limits());
      return true;
    });
  }
  store_result(call, call.arg(1), std::move(result));
}

// `key` is the argument of the source; the two bounds follow it, then the options.
void range(Call& call, size_t key, bool stores, By by, bool reverse, unsigned accepts) {
  RangeOptions options;
  if (!parse_range_options(call, key + 3, accepts, by, reverse, options)) return;
  // Reverse ranges by score or member name the upper bound first.
  const bool swapped = reverse && by != By::kRank;
  Bounds wanted;
  if (!parse_range(call, by, key + (swapped ? 2 : 1), key + (swapped ? 1 : 2), wanted)) return;
  const Zset* zset = call.read<Zset>(call.arg(key));
  if (call.failed()) return;

  Ranks ranks;
  if (zset != nullptr) {
    ranks = ranks_of(*zset, wanted);
    if (by != By::kRank) {
      ranks = limited(ranks, options, reverse);
    } else if (reverse) {
      ranks = mirrored(ranks, zset->size());
    }
  }
  if (stores) {
    const bool by_rank = logs_ranks(by, zset);
    store_range(call, zset, ranks);
    const auto& [first, last] = in_words(ranks);
    if (by_rank && call.dirty()) call.log({"ZRANGESTORE", call.arg(1), call.arg(key), first, last});
  } else {
    reply_range(call, zset, ranks, reverse, options.with_scores);
  }
}

// --- Counting and removing ---

void count(Call& call, By by) {
  Bounds wanted;
  if (!parse_range(call, by, 2, 3, wanted)) return;
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(zset == nullptr ? 0 : static_cast<int64_t>(ranks_of(*zset, wanted).size()));
}

void remove_range(Call& call, By by) {
  Bounds wanted;
  if (!parse_range(call, by, 2, 3, wanted)) return;
  const Zset* zset = call.held<Zset>(call.arg(1));
  if (call.failed()) return;
  const Ranks ranks = zset == nullptr ? Ranks() : ranks_of(*zset, wanted);
  call.reply.integer(static_cast<int64_t>(ranks.size()));
  if (ranks.empty()) return;
  CHECK(ranks.end <= zset->size());
  const auto& [first, last] = in_words(ranks);
  if (logs_ranks(by, zset))
    call.log({"ZREMRANGEBYRANK", call.arg(1), first, last});
  else
    call.changed();
  if (ranks.size() == zset->size()) {
    call.keyspace.remove(call.db, call.arg(1));
    return;
  }
  Zset* changing = call.write<Zset>(call.arg(1));
  for (size_t n = ranks.size(); n > 0; --n) {
    const bool erased = changing->erase(changing->at_rank(ranks.begin).member);
    CHECK(erased);
  }
}

}  // namespace

void zrange_command(Call& call) {
  range(call, 1, false, By::kRank, false, kByOption | kReverseOption | kWithScoresOption);
}
void zrangestore_command(Call& call) {
  range(call, 2, true, By::kRank, false, kByOption | kReverseOption);
}
void zrevrange_command(Call& call) { range(call, 1, false, By::kRank, true, kWithScoresOption); }
void zrangebyscore_command(Call& call) {
  range(call, 1, false, By::kScore, false, kWithScoresOption);
}
void zrevrangebyscore_command(Call& call) {
  range(call, 1, false, By::kScore, true, kWithScoresOption);
}
void zrangebylex_command(Call& call) { range(call, 1, false, By::kLex, false, kWithScoresOption); }
void zrevrangebylex_command(Call& call) {
  range(call, 1, false, By::kLex, true, kWithScoresOption);
}
void zcount_command(Call& call) { count(call, By::kScore); }
void zlexcount_command(Call& call) { count(call, By::kLex); }
void zremrangebyrank_command(Call& call) { remove_range(call, By::kRank); }
void zremrangebyscore_command(Call& call) { remove_range(call, By::kScore); }
void zremrangebylex_command(Call& call) { remove_range(call, By::kLex); }

}  // namespace powercut::engine
