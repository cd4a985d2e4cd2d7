// What a page says, and what is refused.
#include "faults/splice/page.h"

#include <gtest/gtest.h>

namespace powercut::faults {
namespace {

constexpr const char* kWhole =
    "no-cover:late\n"
    "\n"
    "story: what is covered\n"
    "  is read too late\n"
    "source: etcd #1\n"
    "trigger: power-cut\n"
    "oracles: BND\n"
    "policies: everysec\n"
    "personas: all but xfs\n"
    "equivalent: nobody sees it\n"
    "\n"
    "in engine/a.cc\n"
    "\n"
    "   if (a) return;\n"
    "\n"
    "-  b = c;\n"
    "+  b = d;\n"
    "\n"
    "in engine/b.cc\n"
    "+  f();\n"
    "   g();\n";

std::string refusal(std::string text) {
  const auto page = parse_page("faults/mutants/x.mutant", std::move(text));
  return page.ok() ? "" : page.error().message;
}

TEST(Page, SaysWhatItSays) {
  const Page page = parse_page("faults/mutants/no-cover-late.mutant", kWhole).value();
  EXPECT_EQ(page.text, kWhole);
  EXPECT_EQ(page.name, "no-cover:late");
  EXPECT_EQ(page.story, "what is covered is read too late");
  EXPECT_EQ(page.source, "etcd #1");
  EXPECT_EQ(page.trigger, "power-cut");
  EXPECT_EQ(page.oracles, "BND");
  EXPECT_EQ(page.policies, "everysec");
  EXPECT_EQ(page.personas, "all but xfs");
  EXPECT_EQ(page.equivalent, "nobody sees it");
  EXPECT_EQ(page.seam, "");
  ASSERT_EQ(page.changes.size(), 2u);
  EXPECT_EQ(page.changes[0].file, "engine/a.cc");
  EXPECT_EQ(page.changes[0].number, 12u);
  const auto& lines = page.changes[0].lines;
  ASSERT_EQ(lines.size(), 4u) << "empty lines count between others only";
  EXPECT_EQ(lines[0].text, "  if (a) return;");
  EXPECT_EQ(lines[1].text, "");
  EXPECT_EQ(lines[2].sign, '-');
  EXPECT_EQ(lines[2].text, "  b = c;");
  EXPECT_EQ(lines[3].sign, '+');
  EXPECT_EQ(lines[3].number, 17u);
  EXPECT_EQ(page.changes[1].lines.size(), 2u);
}

TEST(Page, IsRefusedWithItsLine) {
  const std::string head = "x\n\nstory: s\n";
  EXPECT_EQ(refusal(head + "seam: ack-first\n"), "");
  EXPECT_EQ(refusal(""), "faults/mutants/x.mutant:1: an empty page");
  EXPECT_EQ(refusal("x y\n"),
            "faults/mutants/x.mutant:1: the first line is the bug's name, one word");
  EXPECT_EQ(refusal("x\nseam: ack-first\n"), "faults/mutants/x.mutant:1: no \"story: TEXT\"");
  EXPECT_NE(refusal(head + "colour: red\n").find("x.mutant:4: not \"story: TEXT\""),
            std::string::npos);
  EXPECT_EQ(refusal(head + "story: s\n"), "faults/mutants/x.mutant:4: a second \"story\"");
  EXPECT_EQ(refusal(head + "\n  more\n"), "faults/mutants/x.mutant:5: goes on with nothing");
  const std::string either =
      "faults/mutants/x.mutant:1: either \"seam: DECORATOR\" or changes, \"in FILE\"";
  EXPECT_EQ(refusal(head), either);
  EXPECT_EQ(refusal(head + "seam: ack-first\n\nin engine/a.cc\n-a;\n"), either);
  EXPECT_EQ(refusal(head + "\nin engine/a.cc\n-a;\na;\n"),
            "faults/mutants/x.mutant:7: a line of a change begins with a blank, - or +");
  EXPECT_EQ(refusal(head + "\nin engine/a.cc\n a;\n"),
            "faults/mutants/x.mutant:5: changes nothing: no line begins with - or +");
  EXPECT_EQ(refusal(head + "\nin engine/a.cc\n+a;\n"),
            "faults/mutants/x.mutant:5: no line says where: give the one before or behind");
}

std::string refused_together(const std::vector<Page>& pages) {
  const auto outcome = check_pages(pages);
  return outcome.ok() ? "" : outcome.error().message;
}

TEST(Page, FitsTheOthers) {
  const std::string text = "no-sync:a.b\n\nstory: s\n\nin engine/a.cc\n-a;\n";
  const Page page = parse_page("faults/mutants/no-sync-a.b.mutant", text).value();
  EXPECT_EQ(refused_together({page}), "");
  EXPECT_EQ(refused_together({page, page}),
            "faults/mutants/no-sync-a.b.mutant:1: name it otherwise: no-sync:a.b has its number");
  Page moved = page;
  moved.path = "faults/mutants/b.mutant";
  EXPECT_EQ(refused_together({moved}),
            "faults/mutants/b.mutant:1: the page of no-sync:a.b is the file no-sync-a.b.mutant");
  for (const char* file : {"engine/a.h", "sim/disk.cc"}) {
    Page other = page;
    other.changes[0].file = file;
    EXPECT_EQ(refused_together({other}),
              "faults/mutants/no-sync-a.b.mutant:5: changes stand in .cc files of engine/");
  }
}

}  // namespace
}  // namespace powercut::faults
