// Holds the tree to the house rules. Reads it as text and depends on no room, so it holds while one
// is rebuilt.
//
// An exemption that is no longer needed fails. Every rule is shown to catch what it forbids: a rule
// that cannot fail protects nothing.
#include "scenarios/house/house_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "scenarios/house/names.h"

namespace powercut::house {
namespace {

namespace fs = std::filesystem;

// --- The tree ---

const fs::path kRoot = POWERCUT_SOURCE_DIR;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Every file in the rooms, by its path from the root.
std::set<std::string> files() {
  std::set<std::string> paths;
  for (const fs::directory_entry& top : fs::directory_iterator(kRoot)) {
    const std::string name = top.path().filename().string();
    if (name[0] == '.' || name.rfind("build", 0) == 0) continue;
    if (top.is_regular_file()) paths.insert(name);
    if (!top.is_directory()) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top))
      if (entry.is_regular_file()) paths.insert(entry.path().lexically_relative(kRoot).string());
  }
  return paths;
}

bool is_source(const std::string& path) { return under(path, {"*.h", "*.cc"}); }

TEST(HouseRules, TheSourcesKeepThem) {
  const std::set<std::string> tree = files();
  std::set<std::string> needed;
  size_t sources = 0;
  for (const std::string& path : tree) {
    if (!is_source(path)) continue;
    ++sources;
    for (const std::string& problem : check(parse(path, contents(kRoot / path)), tree)) {
      const auto exempt = std::find_if(kExemptions.begin(), kExemptions.end(), [&](const auto& e) {
        return e.path == path && problem.find(" [" + e.rule + "] ") != std::string::npos;
      });
      if (exempt == kExemptions.end())
        ADD_FAILURE() << problem;
      else
        needed.insert(path + " " + exempt->rule);
    }
  }
  EXPECT_GT(sources, 50u) << "the tree was not found at " << kRoot;
  for (const Exemption& e : kExemptions)
    EXPECT_TRUE(needed.count(e.path + " " + e.rule))
        << "the exemption of " << e.path << " from [" << e.rule << "] is not needed: remove it";
}

TEST(HouseRules, OnlyTheFixedNamesStandAtTheRoot) {
  for (const fs::directory_entry& entry : fs::directory_iterator(kRoot)) {
    const std::string name = entry.path().filename().string();
    if (name[0] == '.' || name.rfind("build", 0) == 0) continue;
    EXPECT_TRUE(kRootNames.count(name)) << name << " -> a room, or papers/ if it is a note";
  }
}

TEST(HouseRules, FloorsNameWhatIsThere) {
  const std::set<std::string> tree = files();
  for (const auto& [room, floors] : kFloors)
    for (const Strings& floor : floors)
      for (const std::string& name : floor)
        EXPECT_TRUE(std::any_of(tree.begin(), tree.end(),
                                [&, &room = room](const auto& path) {
                                  return under(path, {room}) && floor_name(path, room) == name;
                                }))
            << room << name << " -> take it from its floor";
}

TEST(HouseRules, ScriptsAndNotesNameNoMachine) {
  for (const std::string& path : files()) {
    if (!under(path, {"*.md", "*.txt", "*.sh", "*.py", "*.gp", "*.json", "*.bib", "*.script"}))
      continue;
    Problems problems;
    Source source{path, contents(kRoot / path), "", "", {}, {}, false, 0};
    check_words(source, &problems);
    for (const std::string& problem : problems) ADD_FAILURE() << problem;
  }
}

// A file named in a comment or a note is a promise to the reader.
TEST(HouseRules, NotesNameFilesThatExist) {
  const std::set<std::string> tree = files();
  size_t names = 0;
  for (const std::string& path : tree) {
    if (!is_source(path) && !under(path, {"*.md", "*.sh", "*.gp", "CMakeLists.txt"})) continue;
    const std::string text = contents(kRoot / path);
    names += mentions(prose_of(path, text), kRootNames).size();
    for (const Mention& mention : dangling(path, text, tree, kRootNames))
      ADD_FAILURE() << path << ":" << mention.line << ": [names] " << mention.name
                    << " -> the path of a file that is there";
  }
  EXPECT_GT(names, 200u);
}

// --- The rules themselves ---

struct Planted {
  std::string rule;
  std::string path;
  std::string text;
};

bool caught(const Planted& planted, const std::set<std::string>& tree = {}) {
  const Problems problems = check(parse(planted.path, planted.text), tree);
  return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
    return problem.find(" [" + planted.rule + "] ") != std::string::npos;
  });
}

TEST(HouseRules, EveryPatternOfEveryBanCatchesItself) {
  for (const Ban& ban : kBans) {
    for (const std::string& pattern : ban.patterns) {
      std::string text = pattern;
      if (text[0] == '<') text = "#include " + text + (text.back() == '/' ? "x.hpp>" : "");
      if (text[0] == '*') text = "any" + text.substr(1);
      std::replace(text.begin(), text.end(), '?', 'T');
      if (text.back() == '(') text = "x = " + text + "y);";
      for (const std::string& where : ban.where) {
        const std::string path = (where.empty() ? "sim/" : where) + "planted.cc";
        EXPECT_TRUE(caught({ban.rule, path, "int a;\n" + text + "\n"})) << path << ": " << text;
        EXPECT_FALSE(caught({ban.rule, path, "// " + text + "\n"})) << "in a comment: " << text;
        EXPECT_FALSE(caught({ban.rule, path, "f(\"" + text + "\");\n"})) << "quoted: " << text;
      }
    }
  }
}

TEST(HouseRules, PlantedViolationsAreCaught) {
  const std::string unfinished =
      "TO"
      "DO";
  const std::vector<Planted> planted = {
      {"clock", "sim/a.cc", "auto t = std::chrono::steady_clock::now();"},
      {"clock", "engine/aof/a.cc", "return time(nullptr);"},
      {"clock", "scenarios/run/a.cc", "auto t = std::time(nullptr);"},
      {"chance", "faults/a.cc", "std::uniform_int_distribution<int> d(0, 9);"},
      {"chance", "sim/a_test.cc", "const int x = a * rand();"},
      {"order", "engine/store/a.h", "#pragma once\nstd::unordered_map<int, int> m;"},
      {"address", "sim/a.cc", "std::set<Inode*> live;"},
      {"address", "sim/a.cc", "std::map<const engine::File*, int> live;"},
      {"floats", "sim/a.cc", "const auto half = 5e-1;"},
      {"floats", "faults/a.cc", "const auto half = 1'000.5;"},
      {"swallow", "scenarios/run/a.cc", "try { f(); } catch ( ... ) {}"},
      {"posix", "engine/aof/a.cc", "if (::open(path, 0) < 0) return;"},
      {"posix", "scenarios/run/a.cc", "return fsync(fd);"},
      {"posix", "engine/aof/a.cc", "#include <unistd.h>"},
      {"files", "sim/a.cc", "std::ofstream out(name);"},
      {"fibers", "sim/a.cc", "boost::context::fiber f;"},
      {"threads", "scenarios/run/a.cc", "std::thread t(f);"},
      {"assert", "sim/a.cc", "assert(x);"},
      {"planted", "engine/aof/a.cc", "if (mutant(\"cover-read-late\")) synced_ = written_;"},
      {"planted", "engine/keeper.cc", "bool ends(Mutant m);"},
      {"rooms", "engine/aof/a.cc", "#include \"faults/splice/planted.h\""},
      {"rooms", "engine/aof/a.cc", "#include \"engine/command/call.h\""},
      {"rooms", "engine/os/os.h", "#pragma once\n#include \"sim/disk.h\""},
      {"rooms", "sim/a.cc", "#include \"engine/store/keyspace.h\""},
      {"rooms", "engine/engine.cc", "#include \"engine/os/posix/posix_os.h\""},
      {"rooms", "sim/a.cc", "#include \"disk.h\""},
      {"rooms", "scenarios/judge/a.cc", "#include \"scenarios/run/run.h\""},
      {"rooms", "scenarios/a.cc", ""},
      {"rooms", "scenarios/judge/a.cc", "#include \"engine/store/keyspace.h\""},
      {"rooms", "scenarios/explore/a.cc", "#include \"engine/engine.h\""},
      {"target", "scenarios/shrink/a.cc", "#include \"scenarios/store/keyspace/digest.h\""},
      {"rooms", "tools/a.cc", ""},
      {"floors", "engine/command/client.cc", "#include \"engine/command/executor.h\""},
      {"floors", "engine/command/executor.h",
       "#pragma once\n#include \"engine/command/session.h\""},
      {"floors", "engine/command/server/a.cc", "#include \"engine/command/executor.h\""},
      {"floors", "engine/command/set/a.cc", "#include \"engine/command/list/list_commands.h\""},
      {"floors", "engine/command/effects.cc", "#include \"engine/command/number.h\""},
      {"floors", "engine/command/new.cc", ""},
      {"form", "sim/a.h", "// #pragma once\n"},
      {"form", "sim/a.cc", "#include <vector>\n#include \"sim/a.h\"\n"},
      {"length", "sim/a.cc", "int f() {" + std::string(kFunctionLinesMax, '\n') + "}"},
      {"length", "sim/a.cc", "auto f(int a) -> int {" + std::string(kFunctionLinesMax, '\n') + "}"},
      {"length", "sim/a.h",
       "#pragma once\nclass A {\n A() : a{1}, b(2) {" + std::string(kFunctionLinesMax, '\n') +
           "}};"},
      {"unfinished", "sim/a.cc", "// " + unfinished + "(me): later"},
      {"unfinished", "sim/a_test.cc",
       "TEST(A, "
       "DISABLED_"
       "B) {}"},
      {"machine", "sim/a.cc", "open(\"" + kMachinePaths[1] + "me/x\")"},
  };
  for (const Planted& p : planted) EXPECT_TRUE(caught(p, {"sim/a.h"})) << p.rule << ": " << p.text;
}

TEST(HouseRules, LookalikesPass) {
  const std::vector<std::pair<std::string, std::string>> innocent = {
      {"engine/aof/a.cc", "#include \"engine/os/os.h\"\nauto f = os_.open(path, Open::kRead);"},
      {"engine/aof/a.cc", "os_->rename(from, to); Disk::open(x); file->sync(kFence);"},
      {"sim/a.cc",
       "Result<void> SimOs::remove(std::string_view path) { return disk_.remove(path); }"},
      {"sim/a.cc", "int time(int x); Instant at = clock.time(); auto t = run_time(3);"},
      {"sim/a.cc", "/* std::thread, catch (...) */ const char* s = R\"(steady_clock \" 0.5)\";"},
      {"sim/a.cc", "char c = '\"'; int n = 1'000'000; char d = '\\''; f(n, 0xe5, 0x1f);  // 0.5"},
      {"sim/a.cc", "static_assert(sizeof(int) == 4); std::map<int, Inode*> by_id;"},
      {"engine/os/posix/a.cc",
       "#include <unistd.h>\nauto n = ::pread(fd, p, n, 0); steady_clock();"},
      {"engine/aof/a.cc", "// A mutant (list mutants) does without.\nint permutant(int x);"},
      {"engine/os/fiber.h", "#pragma once\nboost::context::fiber f;"},
      {"engine/engine_test.cc", "#include \"engine/os/posix/posix_os.h\""},
      {"engine/command/session.h", "#pragma once\n#include \"engine/command/executor.h\""},
      {"engine/command/set/a.cc", "#include \"engine/command/set/set_commands.h\""},
      {"engine/command/call_test.cc", "#include \"engine/command/session.h\""},
      {"engine/engine.h", "#pragma once\n#include \"engine/command/session.h\""},
      {"engine/aof/a_test.cc", "#include <fstream>\nstd::ifstream fixture(name);"},
      {"experiments/e01_x/a.cc", "#include \"sim/disk.h\"\nauto t = steady_clock::now();"},
      {"sim/a.cc", "return memory/home/x;  // mXXXm"},
      {"sim/a.cc", "int f() {" + std::string(kFunctionLinesMax - 1, '\n') + "}"},
      {"sim/a.cc", "const T kTable[] = {" + std::string(kFunctionLinesMax, '\n') + "};"},
  };
  for (const auto& [path, text] : innocent)
    for (const std::string& problem : check(parse(path, text)))
      ADD_FAILURE() << problem << "\n" << text;
}

TEST(HouseRules, NamesThatLeadNowhereAreCaught) {
  const std::set<std::string> tree = {"README.md", "sim/disk.h", "scenarios/run/run.h",
                                      "results/zoo/table.txt"};
  const auto first = [&](const std::string& path, const std::string& text) {
    const auto found = dangling(path, text, tree, kRootNames);
    return found.empty() ? "" : found[0].name + ":" + std::to_string(found[0].line);
  };
  EXPECT_EQ(first("sim/a.cc", "int a;\n// as sim/disc.h says.\n"), "sim/disc.h:2");
  EXPECT_EQ(first("sim/a.h", "/* see\n disc.h */"), "disc.h:2");
  EXPECT_EQ(first("scenarios/run/a.cc", "// disk.h is in another room"), "disk.h:1");
  EXPECT_EQ(first("papers/a.md", "`results/zoo/figure.svg`"), "results/zoo/figure.svg:1");
  EXPECT_EQ(first("papers/a.md", "[a](durability.md)"), "durability.md:1");
  EXPECT_EQ(first("scenarios/a.sh", "x=1  # engine/gone/"), "engine/gone:1");
  for (const char* innocent :
       {"// sim/disk.h, disk.h, README.md. And scenarios/run/run.h, `scenarios/run`",
        "#include \"gone.h\"\nf(\"gone.h\");", "// sim/*.cc, engine/<family>/x.cc, *_test.cc",
        "// results/eNN_name, NAME.md, /usr/include/x.h", "// four .cc files, and/or, e.g. x.hpp"})
    EXPECT_EQ(first("sim/a.cc", innocent), "") << innocent;
}

TEST(HouseRules, AProblemNamesFileLineRuleAndReplacement) {
  EXPECT_EQ(
      check(parse("sim/a.cc", "/*\n*/\nassert(x);\n")),
      Problems{"sim/a.cc:3: [assert] assert( -> CHECK (engine/base/check.h), which stays on in "
               "every build"});
}

}  // namespace
}  // namespace powercut::house
