#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "engine/command/collection.h"
#include "engine/command/sorted_set/sorted_set_commands.h"

namespace powercut::engine {

namespace {

// A set or sorted set to combine. Members of a set have score 1; an absent key has no members.
struct Input {
  const Set* set = nullptr;
  const Zset* zset = nullptr;
  double weight = 1;

  size_t size() const { return zset != nullptr ? zset->size() : set != nullptr ? set->size() : 0; }
  std::optional<double> score(std::string_view member) const {
    if (zset != nullptr) return zset->score(member);
    if (set != nullptr && set->contains(member)) return 1.0;
    return std::nullopt;
  }
  // Calls f(member, score) for each, until f returns false.
  template <class F>
  void for_each(F&& f) const {
    for (size_t i = 0, n = size(); i < n; ++i) {
      const bool more = zset != nullptr ? f(zset->entries().at(i).key, zset->entries().at(i).value)
                                        : f(set->entries().at(i).key, 1.0);
      if (!more) return;
    }
  }
};
using Inputs = std::vector<Input>;

enum class Aggregate { kSum, kMin, kMax };

struct Options {
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  int64_t limit = 0;  // 0: none
};

// Infinity times 0, and infinity minus infinity, count as 0.
double or_zero(double score) { return std::isnan(score) ? 0 : score; }

double aggregated(Aggregate how, double a, double b) {
  switch (how) {
    case Aggregate::kSum:
      return or_zero(a + b);
    case Aggregate::kMin:
      return b < a ? b : a;
    case Aggregate::kMax:
      return b > a ? b : a;
  }
  return a;
}

// The smallest first. A total order, so that sums of the same state are the same to the last bit.
void sort_by_size(Inputs& inputs) {
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const Input& a, const Input& b) { return a.size() < b.size(); });
}

using Operation = Zset (*)(Inputs& inputs, Aggregate aggregate, const EncodingLimits& limits);

Zset union_of(Inputs& inputs, Aggregate aggregate, const EncodingLimits& limits) {
  sort_by_size(inputs);
  SlabMap<double> scores;
  for (const Input& input : inputs) {
    input.for_each([&](std::string_view member, double score) {
      const double weighted = or_zero(score * input.weight);
      auto [entry, is_new] = scores.insert(member);
      entry->value = is_new ? weighted : aggregated(aggregate, entry->value, weighted);
      return true;
    });
  }
  Zset result;
  for (size_t i = 0; i < scores.size(); ++i)
    result.set(scores.at(i).key, scores.at(i).value, limits);
  CHECK(result.size() == scores.size());
  return result;
}

// Calls f(member, aggregated score) for what all inputs have, until f returns false.
template <class F>
void for_common(Inputs& inputs, Aggregate aggregate, F&& f) {
  CHECK(!inputs.empty());
  sort_by_size(inputs);
  inputs[0].for_each([&](std::string_view member, double score) {
    double combined = or_zero(score * inputs[0].weight);
    for (size_t i = 1; i < inputs.size(); ++i) {
      const auto other = inputs[i].score(member);
      if (!other) return true;
      combined = aggregated(aggregate, combined, *other * inputs[i].weight);
    }
    return f(member, combined);
  });
}

Zset intersection(Inputs& inputs, Aggregate aggregate, const EncodingLimits& limits) {
  Zset result;
  for_common(inputs, aggregate, [&](std::string_view member, double score) {
    result.set(member, score, limits);
    return true;
  });
  return result;
}

Zset difference(Inputs& inputs, Aggregate, const EncodingLimits& limits) {
  CHECK(!inputs.empty());
  Zset result;
  inputs[0].for_each([&](std::string_view member, double score) {
    const bool elsewhere = std::any_of(inputs.begin() + 1, inputs.end(), [&](const Input& input) {
      return input.score(member).has_value();
    });
    if (!elsewhere) result.set(member, score, limits);
    return true;
  });
  return result;
}

// --- Arguments ---

enum Accepts : unsigned { kNothing = 0, kWeights = 1, kWithScores = 2, kLimit = 4 };

bool read_inputs(Call& call, size_t numkeys, std::string_view name, Inputs& inputs) {
  int64_t count = 0;
  if (!call.integer_arg(numkeys, count)) return false;
  if (count < 1) {
    std::string message = "ERR at least 1 input key is needed for '";
    call.fail(message.append(name) + "' command");
    return false;
  }
  if (static_cast<uint64_t>(count) > call.argc() - numkeys - 1) {
    call.fail(kSyntaxError);
    return false;
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const Object* object = call.find(call.arg(numkeys + 1 + i));
    Input& input = inputs.emplace_back();
    if (object == nullptr) continue;
    input.set = object->value.set();
    input.zset = object->value.zset();
    if (input.set == nullptr && input.zset == nullptr) {
      call.fail(kWrongType);
      return false;
    }
  }
  return true;
}

bool parse_weights(Call& call, size_t first, Inputs& inputs) {
  for (size_t n = 0; n < inputs.size(); ++n) {
    if (!call.float_arg(first + n, inputs[n].weight, "ERR weight value is not a float")) {
      return false;
    }
  }
  return true;
}

bool parse_aggregate(Call& call, size_t i, Aggregate& aggregate) {
  if (call.is(i, "SUM"))
    aggregate = Aggregate::kSum;
  else if (call.is(i, "MIN"))
    aggregate = Aggregate::kMin;
  else if (call.is(i, "MAX"))
    aggregate = Aggregate::kMax;
  else
    call.fail(kSyntaxError);
  return !call.failed();
}

// The options from argument `i` on; `accepts` says which the command knows.
bool parse_options(Call& call, size_t i, unsigned accepts, Inputs& inputs, Options& options) {
  while (i < call.argc()) {
    const size_t behind = call.argc() - i - 1;
    if ((accepts & kWeights) != 0 && behind >= inputs.size() && call.is(i, "WEIGHTS")) {
      if (!parse_weights(call, i + 1, inputs)) return false;
      i += 1 + inputs.size();
    } else if ((accepts & kWeights) != 0 && behind >= 1 && call.is(i, "AGGREGATE")) {
      if (!parse_aggregate(call, i + 1, options.aggregate)) return false;
      i += 2;
    } else if ((accepts & kWithScores) != 0 && call.is(i, "WITHSCORES")) {
      options.with_scores = true;
      ++i;
    } else if ((accepts & kLimit) != 0 && behind >= 1 && call.is(i, "LIMIT")) {
      if (!bounded_arg(call, i + 1, 0, INT64_MAX, options.limit, "ERR LIMIT can't be negative")) {
        return false;
      }
      i += 2;
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

bool parse(Call& call, size_t numkeys, std::string_view name, unsigned accepts, Inputs& inputs,
           Options& options) {
  return read_inputs(call, numkeys, name, inputs) &&
         parse_options(call, numkeys + 1 + inputs.size(), accepts, inputs, options);
}

void reply_result(Call& call, std::string_view name, unsigned accepts, Operation operation) {
  Inputs inputs;
  Options options;
  if (!parse(call, 1, name, accepts | kWithScores, inputs, options)) return;
  const Zset result = operation(inputs, options.aggregate, call.keyspace.encoding_limits());
  options.with_scores ? call.reply.pairs(result.size()) : call.reply.array(result.size());
  if (result.size() == 0) return;
  result.for_ranks(0, result.size() - 1, false, [&](Zset::Item item) {
    if (options.with_scores) call.reply.pair();
    call.reply.bulk(item.member);
    if (options.with_scores) call.reply.number(item.score);
    return true;
  });
}

void store(Call& call, std::string_view name, unsigned accepts, Operation operation) {
  Inputs inputs;
  Options options;
  if (!parse(call, 2, name, accepts, inputs, options)) return;
  store_result(call, call.arg(1),
               operation(inputs, options.aggregate, call.keyspace.encoding_limits()));
}

}  // namespace

void zunion_command(Call& call) { reply_result(call, "zunion", kWeights, union_of); }
void zinter_command(Call& call) { reply_result(call, "zinter", kWeights, intersection); }
void zdiff_command(Call& call) { reply_result(call, "zdiff", kNothing, difference); }
void zunionstore_command(Call& call) { store(call, "zunionstore", kWeights, union_of); }
void zinterstore_command(Call& call) { store(call, "zinterstore", kWeights, intersection); }
void zdiffstore_command(Call& call) { store(call, "zdiffstore", kNothing, difference); }

void zintercard_command(Call& call) {
  Inputs inputs;
  Options options;
  if (!parse(call, 1, "zintercard", kLimit, inputs, options)) return;
  int64_t common = 0;
  for_common(inputs, Aggregate::kSum,
             [&](std::string_view, double) { return ++common != options.limit; });
  call.reply.integer(common);
}

}  // namespace powercut::engine
