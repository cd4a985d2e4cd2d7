// Recorded programs on the command line: the way from a recording to a story, and one clear line for each trace
// that is none.
#include <nlohmann/json.hpp>

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
