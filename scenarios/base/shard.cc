#include "scenarios/base/shard.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace powercut::scenarios {

namespace {

// A million parts are more than anybody has cores; beyond, it is a slip of the pen.
constexpr uint64_t kShardsMost = 1'000'000;

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

struct Numbering {
  const char* variable;
  uint64_t first;
};
constexpr Numbering kNumberings[] = {
    {"SLURM_ARRAY_TASK_ID", 1}, {"JOB_COMPLETION_INDEX", 0}, {"PARALLEL_SEQ", 1}};

Result<uint64_t> variable_of(const char* name, const char* value) {
  const auto number = number_of(value);
  if (!number || *number > kShardsMost)
    return Error{Errc::kInvalid, fmt::format("shard: {}=\"{}\" is no number", name, value)};
  return *number;
}

Result<Shard> checked(const Shard& shard, const std::string& from) {
  if (shard.count >= 1 && shard.count <= kShardsMost && shard.number >= 1 &&
      shard.number <= shard.count)
    return shard;
  return Error{Errc::kInvalid, fmt::format("shard: {} ({}) is none of 1/{} to {}/{}", print(shard),
                                           from, shard.count, shard.count, shard.count)};
}

Result<Shard> from_environment(const Environment& environment) {
  const Numbering* by = nullptr;
  for (const Numbering& one : kNumberings) {
    if (environment(one.variable) == nullptr) continue;
    if (by != nullptr)
      return Error{Errc::kInvalid, fmt::format("shard: {} and {} are both set; say --shard i/N",
                                               by->variable, one.variable)};
    by = &one;
  }
  if (by == nullptr)
    return Error{Errc::kInvalid,
                 "shard: auto, and none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX and "
                 "PARALLEL_SEQ is set; say --shard i/N"};
  const char* count_variable = "POWERCUT_SHARDS";
  const char* count = environment(count_variable);
  if (count == nullptr && by == &kNumberings[0]) {
    count_variable = "SLURM_ARRAY_TASK_COUNT";
    count = environment(count_variable);
  }
  if (count == nullptr)
    return Error{Errc::kInvalid,
                 fmt::format("shard: {} says which; set POWERCUT_SHARDS to how many there are",
                             by->variable)};
  TRY_ASSIGN(const uint64_t number, variable_of(by->variable, environment(by->variable)));
  TRY_ASSIGN(const uint64_t of, variable_of(count_variable, count));
  return checked({number + 1 - by->first, of},
                 fmt::format("{}={}, {}={}", by->variable, number, count_variable, of));
}

}  // namespace

std::string print(const Shard& shard) { return fmt::format("{}/{}", shard.number, shard.count); }

Result<Shard> parse_shard(const std::string& text, const Environment& environment) {
  if (text == "auto") return from_environment(environment);
  const size_t slash = text.find('/');
  const auto number = number_of(text.substr(0, slash));
  const auto count = slash == text.npos ? std::nullopt : number_of(text.substr(slash + 1));
  if (!number || !count)
    return Error{Errc::kInvalid,
                 fmt::format("shard: \"{}\" is neither i/N, as 2/8, nor auto", text)};
  return checked({*number, *count}, "i/N, from 1");
}

Result<Shard> parse_shard(const std::string& text) {
  return parse_shard(text, [](const char* variable) { return std::getenv(variable); });
}

}  // namespace powercut::scenarios
