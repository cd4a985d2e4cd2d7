// What is printed says what it means: every word in the head of a table is explained, the glossary is the
// program's, tables fit a terminal, and a wrong name is answered with the right one.
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "scenarios/base/glossary.h"
#include "scenarios/base/table.h"
#include "scenarios/cli/cli_testing.h"
#include "scenarios/judge/policy.h"

namespace powercut::scenarios {
namespace {

std::vector<std::string> all_lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

const std::string kTree = POWERCUT_SOURCE_DIR "/";

// Tables, and how their heads begin.
struct Shown {
  std::string command;
  std::vector<std::string> heads;
};
const std::vector<Shown> kShown = {
    {"sweep --workload set100 --ops 20 --seeds 91 --persona ext4,posix,xfs --policy all",
     {"policy", "nearest on"}},
    {"explore --workload demo8 --policy always,hybrid-everysec --persona ext4,lying", {"policy"}},
    {"run --workload set100 --ops 4 --trace", {" event"}},
    {"calibrate " + kTree + "faults/testdata/kernel-6.18/observed.jsonl", {"filesystem"}},
    {"calibrate " + kTree + "faults/testdata/kernel-6.18/failed-sync.jsonl", {"filesystem"}},
    {"zoo --from " + kTree + "results/zoo/zoo.json", {"mutant"}},
};

bool is_known(const std::string& word) {
  return find_term(word) != nullptr || find_policy(word) != nullptr;
}

// What of a head is no term, nor several.
std::string unknown_in(const std::string& head) {
  std::istringstream in(head);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  for (size_t begin = 0; begin < words.size();) {
    size_t end = words.size();
    for (; end > begin; --end) {
      std::string name;
      for (size_t i = begin; i < end; ++i) name += (i == begin ? "" : " ") + words[i];
      if (is_known(name)) break;
    }
    if (end == begin) return words[begin];
    begin = end;
  }
  return "";
}

class Words : public Cli {};

TEST_F(Words, EveryTermInTheHeadOfATableIsExplained) {
  for (const Shown& shown : kShown) {
    const Ran ran = run(shown.command);
    for (const std::string& head : shown.heads) {
      size_t found = 0;
      for (const std::string& line : all_lines(ran.out)) {
        if (!line.starts_with(head)) continue;
        ++found;
        EXPECT_EQ(unknown_in(line), "") << shown.command << ": " << line;
      }
      EXPECT_GT(found, 0u) << shown.command << ": no table that begins with " << head;
    }
  }
}

TEST_F(Words, TheGlossaryIsThePage) {
  std::ifstream file(kTree + "scenarios/GLOSSARY.md", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(run("explain").out, page) << "build/powercut explain > scenarios/GLOSSARY.md";
  for (const Term& term : all_terms())
    EXPECT_EQ(run(fmt::format("explain '{}'", term.name)).status, 0) << term.name;
  for (const char* name : {"LAW", "everysec", "ext4", "bit-rot", "ack-first", "Lost ops"})
    EXPECT_EQ(run(fmt::format("explain {}", name)).status, 0) << name;
  refused("explain sapn", 2, "did you mean span?");
}

// But for what is to be copied: the ID of a run stays whole.
TEST_F(Words, TablesAndStoriesFitATerminal) {
  for (const char* command :
       {"sweep --workload set100 --ops 20 --seeds 91 --persona all --policy all",
        "explore --workload demo8 --policy always,hybrid-everysec --persona all",
        "explore --workload demo8 --policy always --persona ext4 --mutant no-sync:segment.commit",
        "run --workload set100 --ops 4 --trace --persona xfs", "list mutants", "list personas",
        "list scenarios", "list faults",
        "zoo --mutant ack-first,acked-in-buffer --starts 2 --seeds 20",
        "calibrate " POWERCUT_SOURCE_DIR "/faults/testdata/kernel-6.18/failed-sync.jsonl"})
    for (const std::string& line : all_lines(run(command).out)) {
      const bool copied =
          line.find(":power-cut:") != line.npos || line.find(" replay ") != line.npos;
      const bool story = line.starts_with("   ");  // what a client said stays whole
      EXPECT_TRUE(copied || story || line.size() <= kColumns) << command << ": " << line;
    }
}

TEST_F(Words, AWrongNameIsAnsweredWithTheRightOne) {
  refused("sweep --persona exf4", 2, "did you mean ext4?");
  refused("sweep --policy evrysec", 2, "did you mean everysec?");
  refused("sweep --faults powercut", 2, "did you mean power-cut?");
  refused("sweep --mutant ack-frist", 2, "did you mean ack-first?");
  refused("sweep --workload mixd", 2, "did you mean mixed?");
  refused("sweep --target sotre", 2, "did you mean store?");
  refused("swep", 2, "did you mean sweep?");
  refused("replay set100:always:xsf:all:100:1", 2, "did you mean xfs?");
  refused("replay " + write("a.scn", "store policy=alwas persona=xfs\n\nstart\nSET a 1\n"), 3,
          "did you mean always?");
}

TEST_F(Words, TheThreeFiguresAreToldApart) {
  const std::string options =
      "--workload set100 --policy everysec,none --persona ext4/sync=50ms --seeds 80";
  const auto json = nlohmann::json::parse(run("sweep --json " + options).out);
  for (const auto& policy : json["policies"]) {
    ASSERT_TRUE(policy["most"].is_object());
    EXPECT_EQ(policy["most"]["lost_ops"], policy["lost_ops_max"]);
    EXPECT_LE(policy["most"]["lost_span_ms"], policy["lost_span_ms_max"]);
    EXPECT_LE(policy["most"]["lost_ms"], policy["lost_ms_max"]);
    EXPECT_LE(policy["worst"]["lost_span_ms"], policy["worst"]["lost_ms"]);
  }
  EXPECT_TRUE(json["most_lost"].is_string());
  const Ran table = run("sweep " + options);
  EXPECT_THAT(table.out, testing::ContainsRegex("policy +lost ops +span +age +nearest +bound"));
  EXPECT_THAT(table.out, testing::ContainsRegex("nearest to its bound: [0-9]+ ops?, span "));
}

TEST_F(Words, ATraceHasTheFiveWordsTheErrnoAndTheCut) {
  const Ran trace =
      run("run --workload set100 --ops 4 --policy always --persona xfs "
          "--faults power-cut --trace");
  EXPECT_EQ(trace.status, 0) << trace.err;
  for (const char* what : {"event", "time ms", "applied", "buffered", "written", "synced", "acked",
                           "request   client 0: SET", "ENOENT", "power cut", "segment.commit"})
    EXPECT_THAT(trace.out, HasSubstr(what));
  const std::string scenario = kTree + "results/stories/failed-sync-retried.scn";
  const Ran replayed = run("replay --trace " + scenario);
  EXPECT_EQ(replayed.status, 1);
  EXPECT_THAT(replayed.out, HasSubstr("EIO"));
  const Ran story = run("replay --story " + scenario);
  std::ifstream file(kTree + "results/stories/failed-sync-retried.txt", std::ios::binary);
  EXPECT_EQ(story.out, (std::string{std::istreambuf_iterator<char>(file), {}}));
}

// A misdirected write may leave an older file, whole, in the place of a newer one; what it holds was once so.
TEST_F(Words, AStateThatOnlyAnOlderFileHasIsNoneThatNeverWas) {
  for (const char* id : {"redis-suite-incr:checkpoint:ext3-journal:all:200:1954210132850",
                         "rate-limiter-flexible:none:btrfs:all:200:3908420244574"}) {
    const Ran ran = run(std::string("replay ") + id);
    EXPECT_EQ(ran.status, 0) << ran.out;
  }
}

TEST_F(Words, ARunThatHeldSaysWhy) {
  const Ran ran =
      run("run --workload set100 --ops 9 --policy always --persona xfs "
          "--faults power-cut --why");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("the last acknowledged write was operation 9"));
  EXPECT_THAT(ran.out, HasSubstr("segment.commit"));
  EXPECT_THAT(ran.out, HasSubstr("had covered it"));
  const Ran many = run("run --seed 7 --policy everysec --persona ext4");
  EXPECT_THAT(many.out, HasSubstr("beside   40 power cuts on copies of the disk: all within"));
}

}  // namespace
}  // namespace powercut::scenarios
