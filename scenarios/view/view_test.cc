// The page is one file that says what the run was: the same bytes each time, nothing of the run in its
// markup, and not larger than it has to be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "scenarios/view/page.h"
#include "scenarios/view/record.h"

namespace powercut::scenarios {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

ViewSubject scenario(const std::string& text) {
  ViewSubject subject;
  subject.title = "test.scn";
  subject.scenario = parse_scenario(text, "test.scn").value();
  return subject;
}

ViewSubject run(const char* id) {
  ViewSubject subject;
  subject.title = id;
  subject.recipe = parse_run_id(id).value();
  return subject;
}

const std::string kLost =
    "store policy=always persona=posix-min mutant=no-sync:segment.commit\n\n"
    "start cut@idle:0ns\nSET a 1\nSET b 2\n\ncut\nrest lost\n\nrecover\n";

TEST(View, IsTheSameBytesEachTime) {
  EXPECT_EQ(view_page(record_view(scenario(kLost)).value()),
            view_page(record_view(scenario(kLost)).value()));
}

TEST(View, HasTheRunTheVerdictAndTheRemedy) {
  const Json json = record_view(scenario(kLost)).value();
  const Json& column = json["columns"][0];
  EXPECT_EQ(column["verdict"]["code"], "LAW");
  EXPECT_EQ(json["remedies"][0]["path"], "appendonlydir/appendonly.aof.1.incr.aof");
  const Json& life = column["lives"][0];
  EXPECT_EQ(life["images"], "12");
  // The store believes what the planted bug tells it; the disk knows better.
  EXPECT_EQ(life["synced"], 2);
  uint64_t broken = 0;
  for (const Json& outcome : life["outcomes"])
    if (column["recoveries"][outcome["r"].get<size_t>()].contains("broken"))
      broken += std::stoull(outcome["i"].get<std::string>());
  EXPECT_EQ(broken, 10u);
  EXPECT_EQ(column["risk"].back()["b"], "10");
  EXPECT_EQ(column["risk"].front()["b"], "0");
}

// Down to its leaves: as many as there are images of what the slots say.
TEST(View, TheTreeOfChoicesLeadsToRecoveries) {
  const Json json = record_view(scenario(kLost)).value();
  const Json& column = json["columns"][0];
  size_t leaves = 0;
  const std::function<void(const Json&)> walk = [&](const Json& node) {
    if (node.is_number()) {
      EXPECT_LT(node.get<size_t>(), column["recoveries"].size());
      ++leaves;
      return;
    }
    for (const Json& next : node["next"]) walk(next);
  };
  walk(column["lives"][0]["tree"]);
  EXPECT_EQ(leaves, 18u);
}

TEST(View, OneRunEndsInAColumnForEachPersona) {
  ViewSubject subject = scenario(kLost);
  subject.personas = {faults::find_persona("xfs"), faults::find_persona("plp")};
  const Json json = record_view(subject).value();
  ASSERT_EQ(json["columns"].size(), 3u);
  EXPECT_EQ(json["columns"][0]["persona"], "posix-min");
  EXPECT_EQ(json["columns"][1]["persona"], "xfs");
  EXPECT_EQ(json["columns"][2]["verdict"]["held"], true);
}

TEST(View, WhatAClientSendsIsNeverMarkup) {
  const std::string page = view_page(
      record_view(scenario("store policy=always persona=xfs\n\nstart cut@idle:0ns\nSET "
                           "\"</script><script>alert(1)</script>\" \"<!-- \\xff\\x00 &amp;\"\n\n"
                           "recover\n"))
          .value());
  EXPECT_EQ(page.find("alert(1)</script>"), page.npos);
  EXPECT_THAT(page, HasSubstr("\\u003c/script\\u003e"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'; script-src 'sha256-"));
  EXPECT_EQ(page.find("unsafe"), page.npos);
  EXPECT_EQ(page.find("http://"), page.find("http://www.w3.org/2000/svg")) << "no address to load";
}

TEST(View, AThousandEventsTakeNoMoreThanTwoMegabytes) {
  const Json json = record_view(run("mixed:everysec:ext4-ordered:power-cut:1500:11")).value();
  // What the page steps through: calls, and what clients sent and were told.
  const size_t events = json["columns"][0]["frames"].size();
  const size_t bytes = view_page(json).size();
  EXPECT_GT(events, 1'000u);
  EXPECT_LT(bytes * 1000 / std::max<size_t>(events, 1), 2'000'000u) << events;
}

TEST(View, OfALongRunTheMiddleIsLeftOutAndItSaysSo) {
  ViewLimits limits;
  limits.frames_most = 20;
  const Json json = record_view(run("set100:always:xfs:power-cut:40:3"), limits).value();
  const Json& column = json["columns"][0];
  EXPECT_EQ(column["elided"]["from"], 10);
  EXPECT_TRUE(column["frames"][10].is_null());
  EXPECT_FALSE(column["frames"].back().is_null());
}

TEST(View, PerfettoGetsATrackATaskAndAClient) {
  const auto trace = Json::parse(perfetto_trace(record_view(scenario(kLost)).value()));
  std::string names;
  for (const Json& event : trace["traceEvents"])
    if (event["ph"] == "M") names += event["args"]["name"].get<std::string>() + ";";
  EXPECT_THAT(names, HasSubstr("client 0;"));
  EXPECT_THAT(names, HasSubstr("main;"));
}

}  // namespace
}  // namespace powercut::scenarios
