// An ID in another build: what is unrelated changes nothing, what is related is told.
#include "scenarios/run/fingerprint.h"

#include <gtest/gtest.h>

#include "scenarios/run/catalog.h"
#include "scenarios/run/guards.h"
#include "scenarios/run/run.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

struct Lines final : sim::TraceListener {
  void on_event(const sim::Event& event) override { lines.push_back(event_line(event)); }
  std::vector<std::string> lines;
};

RunSpec failing(const Workload& workload, uint64_t seed) {
  RunSpec spec;
  spec.workload = &workload;
  spec.policy = find_policy("always");
  spec.persona = faults::find_persona("ext4-ordered");
  spec.mutant = faults::find_mutant("ack-before-sync");
  spec.operations = 60;
  spec.seed = seed;
  return spec;
}

// Stands for a build that draws at one more site: a command that changes nothing, and draws, rides
// with every third unit. (Of keys that expire a look may delete one, and who waits for a key goes by the clock: those
// are left out.)
TEST(LayoutStability, ADrawAtAnotherSiteLeavesAFailureAsItWas) {
  Workload plain = *make_builtin("hashes", 1);
  std::erase_if(plain.units, [](const Unit& unit) {
    return unit.requests[0].find("PEXPIRE") != std::string::npos;
  });
  Workload more = plain;
  for (size_t i = 0; i < more.units.size(); i += 3)
    more.units[i].requests.insert(more.units[i].requests.begin(),
                                  sim::encode_request({"RANDOMKEY"}));
  uint64_t failures = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    RunSpec spec = failing(plain, seed);
    // One client, no pipeline: a reply that waits for another client's write would be related.
    Stated stated;
    stated.manners = Manners{};
    stated.manners->think = milliseconds(2);
    RunSpec changed = spec;
    changed.workload = &more;
    const RunResult before = run_once(spec, stated);
    const RunResult after = run_once(changed, stated);
    ASSERT_EQ(before.violation.has_value(), after.violation.has_value()) << run_id(spec);
    EXPECT_EQ(before.events, after.events) << run_id(spec);
    if (!before.violation) continue;
    ++failures;
    EXPECT_EQ(before.violation->text, after.violation->text) << run_id(spec);
  }
  EXPECT_GT(failures, 10u);
}

TEST(Fingerprint, ARelatedChangeIsToldWithItsEvent) {
  const auto workload = make_builtin("mixed", 1);
  uint64_t departures = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const RunSpec spec = failing(*workload, seed);
    Lines before;
    const RunResult recorded = run_once(spec, {}, {.trace = &before});
    Workload other = *workload;
    for (size_t i = seed; i < other.units.size(); i += 40)
      other.units[i].requests.push_back(sim::encode_request({"SET", "new", "value"}));
    RunSpec changed = spec;
    changed.workload = &other;
    Lines after;
    const RunResult seen = run_once(changed, {}, {.trace = &after});
    const auto told = departure(recorded.fingerprint, seen.fingerprint);
    ASSERT_EQ(told.has_value(), recorded.trace_hash != seen.trace_hash);
    if (!told) continue;
    ++departures;
    size_t event = 0;
    while (event < before.lines.size() && event < after.lines.size() &&
           before.lines[event] == after.lines[event])
      ++event;
    // Replies are part of the trace: the hash may part before the events do, never after.
    EXPECT_LE(told->first, event) << run_id(spec);
  }
  EXPECT_GT(departures, 10u);
}

TEST(Fingerprint, TheFirstCheckpointThatDiffersBoundsTheEvent) {
  const Fingerprint a{9, {1, 2, 3, 4}, 99};
  EXPECT_FALSE(departure(a, a).has_value());
  EXPECT_EQ(departure_text(*departure(a, {9, {7, 8, 9, 9}, 98})), "at event 0");
  EXPECT_EQ(departure_text(*departure(a, {9, {1, 2, 9, 9}, 98})), "between events 2 and 3");
  EXPECT_EQ(departure_text(*departure(a, {12, {1, 2, 3, 4}, 98})), "between events 8 and 12");
  EXPECT_EQ(departure_text(*departure(a, {3, {1, 2}, 98})), "between events 2 and 9");
}

TEST(Fingerprint, ItsTextParsesBack) {
  const auto workload = make_builtin("mixed", 1);
  const RunSpec spec = failing(*workload, 3);
  const RunResult result = run_once(spec);
  const auto recipe = parse_run_id(replay_id(spec, result));
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_EQ(run_id(recipe->spec), run_id(spec));
  EXPECT_EQ(recipe->fingerprint, result.fingerprint);
  EXPECT_FALSE(parse_run_id(run_id(spec))->fingerprint.has_value());  // as older builds print it
  for (const char* text :
       {"", ".", "1.", "1.0000", "2.00000000", "x.000000000000", "1.00000000000g"})
    EXPECT_FALSE(parse_fingerprint(text).has_value()) << text;
}

}  // namespace
}  // namespace powercut::scenarios
