// Recorded programs on the command line: the way from a recording to a story, and one clear line for each trace
// that is none.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "scenarios/base/glossary.h"
#include "scenarios/cli/cli_testing.h"

namespace powercut::scenarios {
namespace {

class Recorded : public Cli {
 protected:
  // A new text comes into the place of the old one; `sync` what is said between the two and behind.
  void record(const std::string& name, const std::string& file_sync = "",
              const std::string& directory_sync = "") const {
    fs::create_directory(path("data"));
    std::ofstream(path("data/a")) << "old\n";
    const Ran ran = run(fmt::format(
        "record -o {} --dir data -- sh -c 'cd data; echo new >t; {} mv t a; {} echo said'", name,
        file_sync, directory_sync));
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.out, "said\n");
  }
};

TEST_F(Recorded, AWrongSaverIsToldAndRepaired) {
  record("t");
  const Ran ran = run("explore --trace t --recover 'cat a' -o left");
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("BROKEN"));
  EXPECT_THAT(ran.out, HasSubstr("\nposix-min: not a prefix, lost\n"));
  EXPECT_THAT(ran.out, HasSubstr("The power is cut behind event"));
  EXPECT_THAT(ran.out, HasSubstr("fsync of t between event"));
  EXPECT_THAT(ran.out, HasSubstr("fsync of the directory ./ between event"));
  EXPECT_TRUE(fs::is_directory(path("left")));
  std::istringstream head(ran.out.substr(0, ran.out.find('\n')));
  for (std::string word; head >> word;) EXPECT_NE(find_term(word), nullptr) << word;
  EXPECT_EQ(run("explore --trace t --recover 'cat a' --check 'test -s a' --json").status, 1);
}

TEST_F(Recorded, TheRightRecipeIsProved) {
  record("t", "sync t;", "sync .;");
  const Ran ran = run("explore --trace t --recover 'cat a'");
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("held, exhaustive"));
  EXPECT_EQ(ran.out.find("sampled"), std::string::npos);
  const Ran syncs = run("fences --trace t --recover 'cat a'");
  EXPECT_EQ(syncs.status, 0);
  EXPECT_THAT(syncs.out, HasSubstr("fsync of t begins (1): needed, as on"));
  EXPECT_EQ(run("explore --trace t --recover 'cat a' --images 1").status, 5);
}

TEST_F(Recorded, FailuresAreToldApartAndMayBeKnown) {
  record("t");
  const Ran ran = run("explore --trace t --recover 'cat a' --json");
  EXPECT_EQ(ran.status, 1) << ran.err;
  auto failures = nlohmann::json::parse(ran.out)["failures"];
  ASSERT_GT(failures.size(), 1u);
  std::set<std::string> signatures;
  for (auto& one : failures) {
    signatures.insert(one["promise"].get<std::string>() + one["personas"].get<std::string>());
    EXPECT_THAT(one["cause"].get<std::string>(), HasSubstr("no sync of "));
    one["note"] = "an issue";
  }
  EXPECT_EQ(signatures.size(), failures.size());
  write("known", failures.dump());
  const Ran known = run("explore --trace t --recover 'cat a' --known known");
  EXPECT_EQ(known.status, 0) << known.out;
  EXPECT_THAT(known.out, HasSubstr("known: an issue"));
  failures[0]["fixed"] = true;
  write("known", failures.dump());
  EXPECT_EQ(run("explore --trace t --recover 'cat a' --known known").status, 1);
  failures.erase(0);
  write("known", failures.dump());
  EXPECT_EQ(run("explore --trace t --recover 'cat a' --known known").status, 1);
}

TEST_F(Recorded, TheSmallestCaseIsToldAgain) {
  record("t");
  const Ran shrunk = run("shrink --trace t --recover 'cat a' --persona xfs,posix-min -o small");
  EXPECT_EQ(shrunk.status, 1) << shrunk.err;
  EXPECT_THAT(shrunk.out, HasSubstr("The power is cut"));
  std::string name;
  for (const auto& file : fs::directory_iterator(path("small")))
    if (file.path().extension() == ".scn") name = "small/" + file.path().filename().string();
  ASSERT_NE(name, "") << shrunk.err;
  EXPECT_TRUE(fs::is_directory(path("small/disk")));
  const std::string text = read(name);
  const Ran again = run("replay " + name);
  EXPECT_EQ(again.status, 1) << again.err;
  EXPECT_EQ(again.out, text);
  EXPECT_EQ(run("replay " + name + " --story").out,
            shrunk.out.substr(0, shrunk.out.find("What would")));
  // On a real filesystem it is the same, where one may be mounted.
  const Ran real = run("witness " + name);
  if (std::system("[ $(id -u) = 0 ]") == 0 && fs::exists("/dev/loop-control")) {
    EXPECT_EQ(real.status, 1) << real.err;
    EXPECT_THAT(real.out, HasSubstr("the same as on the simulated disk: broken: "));
  } else {
    EXPECT_EQ(real.status, 3);
    EXPECT_THAT(real.err, HasSubstr("powercut: witness: "));
  }
  write("store.scn", "# no recorded program\n");
  EXPECT_EQ(run("witness store.scn").status, 2);
  // Small already.
  EXPECT_EQ(run("shrink --trace t --recover 'cat a' --persona xfs,posix-min -o small").status, 1);
  EXPECT_EQ(read(name), text);
  write(name, text + "x\n");
  const Ran other = run("replay " + name);
  EXPECT_EQ(other.status, 6);
  EXPECT_THAT(other.err, HasSubstr("--rewrite"));
  EXPECT_EQ(run("replay " + name + " --rewrite").status, 1);
  EXPECT_EQ(read(name), text);
  write(name, "trace none persona=xfs\nobserve cat a\n\ncut 1\nrest lost\n");
  refused("replay " + name, 3, "none cannot be read");
  write(name, "trace none persona=xfs\nobserve cat a\n");
  refused("replay " + name, 3, "where it is cut is not said");
}

TEST_F(Recorded, WhatHoldsCannotBeMadeSmall) {
  record("t", "sync t;", "sync .;");
  refused("shrink --trace t --recover 'cat a'", 2, "there is nothing to make small");
  refused("shrink", 2, "of what?");
}

TEST_F(Recorded, AFaultIsInjectedAndTold) {
  fs::create_directory(path("data"));
  const Ran ran =
      run("record -o t --dir data --fault eio@fsync:0 -- sh -c 'cd data; echo 1 >a; sync a || echo "
          "no'");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "no\n");
  EXPECT_THAT(run("trace t").out, HasSubstr("injected: sync of a fails with EIO"));
  EXPECT_THAT(run("trace t").out, HasSubstr("sync 1 has failed: EIO"));
  refused("record -o u --fault eio@read:0 -- true", 2, "reads are not recorded");
}

TEST_F(Recorded, ARecoveryThatIsCutItselfIsToldAndReplayed) {
  fs::create_directory(path("data"));
  std::ofstream(path("data/a")) << "old\n";
  const std::string program = "'cd data; echo new >b; sync b; sync .; echo said'";
  ASSERT_EQ(run("record -o t --dir data -- sh -c " + program).status, 0);
  const std::string judge =
      " --persona posix-min --recover 'if grep -qsx new b; then cat b >a; rm b; fi' --observe 'cat "
      "a'";
  EXPECT_EQ(run("explore --trace t" + judge).status, 0);
  const Ran deep = run("explore --trace t --depth 2" + judge);
  EXPECT_EQ(deep.status, 1) << deep.out << deep.err;
  EXPECT_THAT(deep.out, HasSubstr("The recovery from that is cut"));
  const Ran shrunk = run("shrink --trace t --depth 2 -o small" + judge);
  EXPECT_EQ(shrunk.status, 1) << shrunk.err;
  std::string name;
  for (const auto& file : fs::directory_iterator(path("small")))
    if (file.path().extension() == ".scn") name = "small/" + file.path().filename().string();
  const Ran again = run("replay " + name);
  EXPECT_EQ(again.status, 1) << again.err;
  EXPECT_THAT(again.out, HasSubstr("\nrecovery "));
  refused("explore --trace t --depth 3" + judge, 2, "two crashes");
}

TEST_F(Recorded, WhatIsNoTraceIsSaidInOneLine) {
  record("t");
  const std::string text = read("t");
  write("cut", text.substr(0, text.size() / 2));
  std::string damaged = text;
  damaged[text.size() / 2] ^= 1;
  write("damaged", damaged);
  write("newer", "powercut trace 9" + text.substr(text.find('\n')));
  const std::string judge = " --recover 'cat a'";
  for (const std::string verb : {"trace ", "explore --trace ", "fences --trace "}) {
    const std::string rest = verb == "trace " ? "" : judge;
    refused(verb + "none" + rest, 3, "none cannot be read");
    refused(verb + "cut" + rest, 3, "it was cut; record again");
    refused(verb + "damaged" + rest, 3, "record again");
    refused(verb + "newer" + rest, 3, "is a trace of version 9");
    refused(verb + "data/a" + rest, 3, "is no trace");
  }
  refused("explore --trace t", 2, "--recover CMD");
  refused("explore --recover true", 2, "--trace");
  refused("explore --trace t --recover 'cat a' --ack '('", 2, "is no regular expression");
  refused("explore --trace t --recover true", 3, "nothing is judged");
}

TEST_F(Recorded, WhatCannotBeRecordedIsSaid) {
  fs::create_directory(path("data"));
  const Ran ran = run("record -o t --dir data -- sh -c 'cd data; mkdir d; mv d e'");
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.err, HasSubstr("rename of a directory on d to e is not modelled"));
  refused("explore --trace t --recover 'ls'", 3,
          "t: event 2: rename of a directory on d to e is not modelled");
  refused("record -o t --dir none -- true", 2, "none: No such file or directory");
  refused("record -o t -- ./none", 2, "./none cannot be run");
  refused("record -o t", 2, "command");
}

}  // namespace
}  // namespace powercut::scenarios
