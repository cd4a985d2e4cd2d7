// The laws of putting shards together: whatever the order, however often, the whole comes out; and what does
// not belong together is refused by its name.
#include "scenarios/campaign/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "scenarios/base/json_text.h"
#include "scenarios/explore/certificate.h"
#include "scenarios/sweep/campaign.h"
#include "scenarios/sweep/subject.h"
#include "scenarios/sweep/sweep.h"
#include "scenarios/zoo/report.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using testing::HasSubstr;

SweepOptions small(bool steer) {
  SweepOptions options;
  options.workloads = {make_builtin("mixed", 1)};
  for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
  for (const auto& persona : faults::all_personas()) options.personas.push_back(&persona);
  options.operations = 20;
  options.seeds = 700;
  options.steer = steer;
  options.mutant = faults::find_mutant("no-sync:segment.commit");
  options.jobs = 2;
  return options;
}

Tally swept(const SweepOptions& options) {
  Tally tally;
  SweepHooks hooks;
  hooks.on_chunk = [&](uint64_t, const Tally& chunk) { tally.merge(chunk); };
  run_sweep(options, 0, {}, 0, hooks);
  return tally;
}

Results one_shard(const std::string& verb, const NamedValues& build, const NamedValues& options,
                  const Shard& shard, nlohmann::json result) {
  Results results{"shard" + std::to_string(shard.number), verb, build, options, shard.count, {}};
  results.results.emplace(shard.number, std::move(result));
  // As a file.
  return parse_results(print(results), results.name).value();
}

std::vector<Results> sweep_shards(SweepOptions options, uint64_t count) {
  const NamedValues build = named_build(options);
  std::vector<Results> all;
  for (uint64_t number = 1; number <= count; ++number) {
    options.shard = {number, count};
    all.push_back(one_shard("sweep", build, named_options(options), options.shard,
                            result_of(swept(options))));
  }
  return all;
}

Results both(Results a, const Results& b) {
  const auto done = merge(a, b);
  EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
  return a;
}

Tally sum_of(const Results& results) {
  Tally sum;
  for (const auto& [shard, result] : results.results) sum.merge(tally_from_json(result));
  return sum;
}

// Every order of all shards, each as a chain and as a tree, and with some of them twice.
void expect_laws(const std::vector<Results>& shards, const std::string& whole) {
  std::vector<size_t> order(shards.size());
  std::iota(order.begin(), order.end(), 0);
  size_t orders = 0;
  do {
    Results chain = shards[order[0]];
    for (size_t i = 1; i < order.size(); ++i) chain = both(chain, shards[order[i]]);
    EXPECT_EQ(print(chain), whole);
    Results right = shards[order.back()];
    for (size_t i = order.size() - 1; i-- > 0;) right = both(shards[order[i]], right);
    EXPECT_EQ(print(right), whole);
    // Halves that overlap.
    Results first = both(shards[order[0]], shards[order[1]]);
    Results second = shards[order[1]];
    for (size_t i = 2; i < order.size(); ++i) second = both(second, shards[order[i]]);
    EXPECT_EQ(print(both(first, second)), whole);
    EXPECT_EQ(print(both(second, first)), whole);
    EXPECT_EQ(print(both(chain, chain)), whole);
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_GE(orders, 6u);
}

Results all_of(const std::vector<Results>& shards) {
  Results all = shards[0];
  for (const Results& shard : shards) all = both(all, shard);
  return all;
}

TEST(Results, ASweepOfShardsIsTheWholeInEveryOrder) {
  for (const uint64_t count : {3u, 4u}) {
    const auto shards = sweep_shards(small(false), count);
    const Results all = all_of(shards);
    EXPECT_TRUE(all.missing().empty());
    expect_laws(shards, print(all));
    EXPECT_EQ(to_json(sum_of(all)), to_json(swept(small(false)))) << count;
  }
}

// Each shard is steered by what it has seen itself: so they are no parts of one sweep, and still a function
// of build, options and shard.
TEST(Results, ASteeredShardIsTheSameWheneverItIsMade) {
  const auto shards = sweep_shards(small(true), 3);
  const auto again = sweep_shards(small(true), 3);
  for (size_t i = 0; i < shards.size(); ++i) EXPECT_EQ(print(shards[i]), print(again[i]));
  expect_laws(shards, print(all_of(again)));
  EXPECT_EQ(sum_of(all_of(shards)).runs, 700u);
}

TEST(Results, WhatDoesNotBelongTogetherIsRefusedByTheDifference) {
  const auto shards = sweep_shards(small(false), 3);
  const auto why = [&](auto change) {
    Results into = shards[0];
    Results other = shards[1];
    change(other);
    const auto done = merge(into, std::move(other));
    EXPECT_EQ(print(into), print(shards[0])) << "a refusal changed it";
    EXPECT_FALSE(done.ok());
    return done.ok() ? "" : done.error().message;
  };
  EXPECT_THAT(
      why([](Results& r) { r.build["version"] = "0.0.9"; }),
      HasSubstr("shard1 and shard2: by other builds: version: " POWERCUT_VERSION " and 0.0.9"));
  EXPECT_THAT(why([](Results& r) { r.options["operations"] = "21"; }),
              HasSubstr("with other options: operations: 20 and 21"));
  EXPECT_THAT(why([](Results& r) { r.options.erase("seeds"); }),
              HasSubstr("seeds: 700 and nothing"));
  EXPECT_THAT(why([](Results& r) { r.verb = "zoo"; }), HasSubstr("sweep and zoo"));
  EXPECT_THAT(why([](Results& r) { r.shards = 4; }),
              HasSubstr("of another number of shards: 3 and 4"));
  EXPECT_THAT(why([&](Results& r) {
                r.results = shards[0].results;
                r.results.at(1)["policies"]["always"][0] = 7;
              }),
              HasSubstr("shard 1 is not the same in both: /policies/always/0"));
}

TEST(Results, WhatIsNoFileOfResultsSaysWhere) {
  const std::string text = print(sweep_shards(small(false), 3)[1]);
  const size_t second = text.find('\n') + 1;
  const auto why = [](const std::string& bytes) {
    const auto parsed = parse_results(bytes, "f");
    return parsed.ok() ? "it is one" : parsed.error().message;
  };
  EXPECT_THAT(why(""), HasSubstr("f:0: no results of powercut"));
  EXPECT_THAT(why("{}\n"), HasSubstr("f:1: "));
  EXPECT_THAT(why("hello\n"), HasSubstr("f:1: "));
  EXPECT_THAT(why(text.substr(0, second)), HasSubstr("it has no shard"));
  EXPECT_THAT(why(text.substr(0, text.size() / 2)), HasSubstr("f:2: "));
  EXPECT_THAT(why(text + text.substr(second)), HasSubstr("f:3: no results of powercut: shard 2"));
}

// --- Certificates ---

std::vector<ExploreSpec> demo(const Workload& workload, unsigned depth,
                              const faults::MutantInfo* mutant) {
  std::vector<ExploreSpec> specs;
  for (const char* policy : {"always", "everysec"}) {
    ExploreSpec spec;
    spec.workload = &workload;
    spec.policy = find_policy(policy);
    spec.personas = {faults::find_persona("xfs"), faults::find_persona("posix")};
    spec.mutant = mutant;
    spec.depth = depth;
    specs.push_back(std::move(spec));
  }
  return specs;
}

ExploreOutcome explored(std::vector<ExploreSpec> specs, const Shard& shard) {
  std::vector<Exploration> all;
  for (ExploreSpec& spec : specs) {
    spec.shard = shard;
    all.push_back(explore(spec));
  }
  return outcome_of(specs, all);
}

ExploreOutcome sum_of_certificates(const Results& results) {
  std::map<uint64_t, ExploreOutcome> shards;
  for (const auto& [shard, result] : results.results)
    shards.emplace(shard, explore_outcome_from_json(result));
  return together(shards, results.shards);
}

// All but how often recovery ran: shards do not share.
std::string told(ExploreOutcome outcome) {
  outcome.recoveries_run = 0;
  return json_text(outcome_json(outcome, "explore", {}));
}

TEST(Certificates, OfShardsAreThoseOfTheWholeInEveryOrder) {
  Workload workload = *make_builtin("demo8", 1);
  workload.units.push_back({0, {sim::encode_request({"FLUSHALL"})}});
  // The last of them shows without a crash.
  for (const char* bug : {"", "no-sync:segment.commit", "flush-not-logged"}) {
    const auto* mutant = faults::find_mutant(bug);
    ASSERT_EQ(mutant == nullptr, *bug == '\0') << bug;
    for (const unsigned depth : {1u, 2u}) {
      const auto specs = demo(workload, depth, mutant);
      std::vector<Results> shards;
      for (uint64_t number = 1; number <= 3; ++number)
        shards.push_back(one_shard("explore", named_build(specs), named_options(specs, ""),
                                   {number, 3}, to_json(explored(specs, {number, 3}))));
      const Results all = all_of(shards);
      expect_laws(shards, print(all));
      const ExploreOutcome whole = explored(specs, {});
      EXPECT_EQ(told(sum_of_certificates(all)), told(whole)) << bug << " " << depth;
      EXPECT_EQ(whole.complete(), std::string_view(bug) != "flush-not-logged");
      EXPECT_EQ(whole.violations() > 0, mutant != nullptr) << bug;
    }
  }
}

TEST(Certificates, AreCompleteOnlyIfTheShardsPartitionTheCrashPoints) {
  const auto workload = make_builtin("demo8", 1);
  const auto specs = demo(*workload, 1, nullptr);
  std::map<uint64_t, ExploreOutcome> shards;
  for (uint64_t number = 1; number <= 3; ++number)
    shards.emplace(number, explored(specs, {number, 3}));
  EXPECT_TRUE(together(shards, 3).complete());
  auto two = shards;
  two.erase(2);
  EXPECT_FALSE(together(two, 3).complete());
  EXPECT_EQ(together(two, 3).certificates[0].because, "2 of 3 shards");
  // Three files that call themselves shards, and are not.
  auto twice = shards;
  twice.at(3) = shards.at(1);
  EXPECT_FALSE(together(twice, 3).complete());
  EXPECT_THAT(together(twice, 3).certificates[0].because, HasSubstr("crash points"));
  auto unfinished = shards;
  unfinished.at(3).certificates[1].complete = false;
  unfinished.at(3).certificates[1].because = "more than 9 classes";
  EXPECT_TRUE(together(unfinished, 3).certificates[0].complete);
  EXPECT_EQ(together(unfinished, 3).certificates[1].because, "more than 9 classes");
}

// --- The zoo ---

TEST(ZooShards, AreTheWhole) {
  ZooOptions options;
  options.sweep = look_up({}).value();
  options.sweep.jobs = 2;
  for (const char* name : {"ack-first", "stale-epoch"})
    options.mutants.push_back(faults::find_mutant(name));
  options.starts = 2;
  options.seeds_most = 60;
  const auto made = [](const ZooOptions& part) {
    return to_json(report_of(run_zoo(part, {}), part));
  };
  std::vector<Results> shards;
  for (uint64_t number = 1; number <= 3; ++number) {
    ZooOptions part = options;
    take_part(part, {number, 3});
    shards.push_back(one_shard("zoo", named_build(options.sweep), named_options(options),
                               {number, 3}, made(part)));
  }
  const Results all = all_of(shards);
  expect_laws(shards, print(all));
  std::map<uint64_t, ZooReport> parts;
  for (const auto& [shard, result] : all.results)
    parts.emplace(shard, zoo_report_from_json(result));
  EXPECT_EQ(to_json(together(parts)), made(options));
}

}  // namespace
}  // namespace powercut::scenarios
