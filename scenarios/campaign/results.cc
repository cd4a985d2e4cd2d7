#include "scenarios/campaign/results.h"

#include <fmt/format.h>

#include <sstream>

#include "scenarios/base/json_text.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/sweep/campaign.h"

namespace powercut::scenarios {

using nlohmann::json;

namespace {

constexpr int kFormat = 1;

Error not_results(const std::string& name, size_t line, const std::string& why) {
  return {Errc::kCorrupt, fmt::format("{}:{}: no results of powercut: {}", name, line, why)};
}

Result<Results> results_of_campaign(const std::string& path) {
  TRY_ASSIGN(const KeptCampaign kept, read_campaign(path));
  if (kept.chunks != kept.chunks_all)
    return Error{Errc::kCorrupt,
                 fmt::format("campaign {}: {} of {} chunks; the command that began it goes on "
                             "with it, and then it can be merged",
                             path, kept.chunks, kept.chunks_all)};
  Results results{path, "sweep", kept.build, kept.options, kept.shard.count, {}};
  results.results.emplace(kept.shard.number, result_of(kept.tally));
  return results;
}

// The first place where they differ, as a path: "/policies/always/0".
std::string first_difference_in(const json& a, const json& b) {
  const json patch = json::diff(a, b);
  return patch.empty() ? "" : patch.front().at("path").get<std::string>();
}

}  // namespace

std::vector<uint64_t> Results::missing() const {
  std::vector<uint64_t> missing;
  for (uint64_t shard = 1; shard <= shards; ++shard)
    if (results.count(shard) == 0) missing.push_back(shard);
  return missing;
}

std::string print(const Results& results) {
  std::string text = json_text(json{{"powercut", "results"},
                                    {"format", kFormat},
                                    {"verb", results.verb},
                                    {"build", results.build},
                                    {"options", results.options},
                                    {"shards", results.shards}},
                               -1) +
                     '\n';
  for (const auto& [shard, result] : results.results)
    text += json_text(json{{"shard", shard}, {"result", result}}, -1) + '\n';
  return text;
}

Result<Results> parse_results(const std::string& text, const std::string& name) {
  Results results;
  results.name = name;
  std::istringstream in(text);
  size_t number = 0;
  try {
    for (std::string line; std::getline(in, line);) {
      ++number;
      const json j = json::parse(line);
      if (number == 1) {
        if (j.at("powercut") != "results") return not_results(name, number, "another header");
        if (j.at("format") != kFormat)
          return not_results(name, number,
                             fmt::format("format {}, and this powercut knows {}",
                                         json_text(j.at("format"), -1), kFormat));
        j.at("verb").get_to(results.verb);
        j.at("build").get_to(results.build);
        j.at("options").get_to(results.options);
        j.at("shards").get_to(results.shards);
      } else {
        const uint64_t shard = j.at("shard");
        if (shard == 0 || shard > results.shards || results.results.count(shard) != 0)
          return not_results(name, number,
                             fmt::format("shard {} of {}, or again", shard, results.shards));
        results.results.emplace(shard, j.at("result"));
      }
    }
  } catch (const json::parse_error&) {
    return not_results(name, number,
                       number == 1 ? "it does not begin with JSON" : "cut off, or damaged");
  } catch (const json::exception&) {
    return not_results(name, number, "a key is missing, or its value is of another kind");
  }
  if (number < 2) return not_results(name, number, "it has no shard; was the disk full?");
  return results;
}

Result<Results> read_results(const std::string& path) {
  if (is_campaign(path)) return results_of_campaign(path);
  TRY_ASSIGN(const std::string text, read_file(path));
  return parse_results(text, path);
}

Result<void> merge(Results& into, Results other) {
  const auto refused = [&](const std::string& what, const std::string& difference) {
    return Error{Errc::kRefused,
                 fmt::format("{} and {}: {}: {}", into.name, other.name, what, difference)};
  };
  if (into.verb != other.verb) return refused("of other verbs", into.verb + " and " + other.verb);
  if (const std::string found = difference(into.options, other.options); !found.empty())
    return refused("with other options", found);
  if (into.shards != other.shards)
    return refused("of another number of shards",
                   fmt::format("{} and {}", into.shards, other.shards));
  // Last: what is run tells builds apart, and with other options it is another run.
  if (const std::string found = difference(into.build, other.build); !found.empty())
    return refused("by other builds", found);
  for (const auto& [shard, result] : other.results) {
    const auto at = into.results.find(shard);
    if (at != into.results.end() && at->second != result)
      return refused(fmt::format("shard {} is not the same in both", shard),
                     first_difference_in(at->second, result));
  }
  into.results.merge(other.results);
  return {};
}

json result_of(const Tally& tally) {
  json result = to_json(tally);
  result.erase("yields");
  return result;
}

}  // namespace powercut::scenarios
