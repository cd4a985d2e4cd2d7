// scenarios/CLI.md is what the programs are, both ways: every verb, flag, default, exit status and
// JSON key. And the commands that the documents print are commands.
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <vector>

#include "scenarios/cli/cli_testing.h"

namespace powercut::scenarios {
namespace {

using Strings = std::vector<std::string>;
using Names = std::set<std::string>;

const fs::path kRoot = POWERCUT_SOURCE_DIR;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Strings lines_of(const std::string& text) {
  std::istringstream in(text);
  Strings lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// --- Tables ---

struct Table {
  std::string heading;  // the one above it, without its marks
  Strings columns;
  std::vector<Strings> rows;
};

Strings cells_of(const std::string& line) {
  Strings cells;
  for (size_t begin = 1; begin < line.size();) {
    const size_t end = std::min(line.find('|', begin), line.size());
    const size_t first = line.find_first_not_of(' ', begin);
    const size_t last = line.find_last_not_of(' ', end - 1);
    cells.push_back(first < end ? line.substr(first, last - first + 1) : "");
    begin = end + 1;
  }
  return cells;
}

std::vector<Table> tables_of(const std::string& document) {
  std::vector<Table> tables;
  std::string heading;
  bool inside = false;
  for (const std::string& line : lines_of(contents(kRoot / document))) {
    if (line.starts_with('#')) heading = line.substr(line.find(' ') + 1);
    const bool row = line.starts_with('|');
    if (row && !inside)
      tables.push_back({heading, cells_of(line), {}});
    else if (row && !line.starts_with("|---"))
      tables.back().rows.push_back(cells_of(line));
    inside = row;
  }
  return tables;
}

// What stands in `backquotes`.
Strings codes_of(const std::string& text) {
  Strings codes;
  for (size_t begin = text.find('`'); begin != text.npos;) {
    const size_t end = text.find('`', begin + 1);
    codes.push_back(text.substr(begin + 1, end - begin - 1));
    begin = end == text.npos ? end : text.find('`', end + 1);
  }
  return codes;
}

// --- Flags, and their defaults ---

using Flags = std::map<std::string, std::string>;

std::string program_of(const std::string& name) {
  return (fs::path(POWERCUT_BINARY).parent_path() / name).string();
}

class Document : public Cli {
 protected:
  Flags flags_in_help(const std::string& of) const {
    const bool verb = !of.starts_with("powercut-");
    const Ran ran = verb ? run(of + " --help") : run_program(program_of(of), "--help");
    EXPECT_EQ(ran.status, 0) << of;
    static const std::regex kDefault("=(\\S+)|^\\s+\\S+ \\[(\\S+)\\]");
    Flags flags;
    for (const std::string& line : lines_of(ran.out)) {
      if (!line.starts_with("  -")) continue;
      // The names, then what kind of value, then two spaces and the text.
      const std::string left = line.substr(0, std::min(line.find("  ", 2), line.size()));
      std::smatch value;
      const bool has = std::regex_search(left, value, kDefault);
      static const std::regex kName("--[a-z][a-z-]*");
      const std::string names = left.substr(0, left.find(' ', 2));
      for (std::sregex_iterator name(names.begin(), names.end(), kName), end; name != end; ++name)
        flags[name->str()] = !has ? "" : value[1].matched ? value[1].str() : value[2].str();
    }
    flags.erase("--help");
    flags.erase("--version");
    return flags;
  }

  Names verbs() const {
    Names names;
    bool inside = false;
    for (const std::string& line : lines_of(run("--help").out)) {
      if (inside && line.starts_with("  ")) names.insert(line.substr(2, line.find(' ', 2) - 2));
      if (line.empty()) inside = false;
      if (line.starts_with("Subcommands:")) inside = true;
    }
    return names;
  }
};

// The default that a cell states, for one verb of several: `a`; `VERB`: `b`.
std::string default_in(const std::string& cell, const std::string& verb) {
  const size_t own = cell.find("`" + verb + "`: ");
  const Strings codes = codes_of(own == cell.npos ? cell : cell.substr(own + verb.size() + 4));
  return codes.empty() ? cell : codes[0];
}

std::map<std::string, Flags> flags_in_document() {
  std::map<std::string, Flags> flags;
  for (const Table& table : tables_of("scenarios/CLI.md")) {
    if (table.columns[0] != "flag") continue;
    for (const Strings& row : table.rows) {
      const Strings of = table.columns[2] == "of" ? codes_of(row[2]) : Strings{table.heading};
      for (const std::string& code : codes_of(row[0])) {
        const std::string name = code.substr(0, code.find(' '));
        if (!name.starts_with("--")) continue;  // the short one
        for (const std::string& verb : of) {
          EXPECT_EQ(flags[verb].count(name), 0u) << verb << " " << name << " stands twice";
          flags[verb][name] = default_in(row[1], verb);
        }
      }
    }
  }
  return flags;
}

TEST_F(Document, HasEveryVerbAndEveryFlagWithItsDefault) {
  const auto documented = flags_in_document();
  Names headings;
  for (const std::string& line : lines_of(contents(kRoot / "scenarios/CLI.md")))
    if (line.starts_with("## ")) headings.insert(line.substr(3));
  Names programs = verbs();
  EXPECT_GT(programs.size(), 5u);
  programs.merge(
      Names{"powercut-server", "powercut-check-aof", "powercut-check-rdb", "powercut-restore"});
  for (const auto& [of, flags] : documented)
    EXPECT_TRUE(programs.count(of)) << "there is no " << of;
  for (const std::string& of : programs) {
    EXPECT_TRUE(headings.count(of)) << of << " has no part of its own";
    Flags there = flags_in_help(of);
    if (there.count("--jobs")) there["--jobs"] = "the cores";
    const auto at = documented.find(of);
    EXPECT_EQ(at == documented.end() ? Flags{} : at->second, there) << of;
  }
}

TEST_F(Document, HasEveryExitStatusAndEveryList) {
  const std::string help = run("--help").out;
  Names in_help, in_table;
  static const std::regex kStatus("[:;] ([0-9]+) ");
  const std::string footer = help.substr(help.find("Exit status"));
  for (std::sregex_iterator at(footer.begin(), footer.end(), kStatus), end; at != end; ++at)
    in_help.insert((*at)[1]);
  for (const Table& table : tables_of("scenarios/CLI.md"))
    if (table.columns[0] == "status")
      for (const Strings& row : table.rows) in_table.insert(row[0]);
  EXPECT_GT(in_help.size(), 4u);
  EXPECT_EQ(in_table, in_help);

  const std::string list = run("list --help").out;
  const size_t open = list.find('{');
  std::istringstream names(list.substr(open + 1, list.find('}') - open - 1));
  const std::string page = contents(kRoot / "scenarios/CLI.md");
  const size_t begin = page.find("`powercut list WHAT`");
  const std::string text = page.substr(begin, page.find("\n\n", begin) - begin);
  for (std::string name; std::getline(names, name, ',');)
    EXPECT_THAT(text, HasSubstr("`" + name + "`"));
}

// --- JSON ---

// "policies[].runs": the paths of all that is in `json`; of a list of plain values, the list's.
void add_paths(const nlohmann::json& json, const std::string& path, Names* paths) {
  if (json.is_object() && !json.empty()) {
    for (const auto& [key, value] : json.items())
      add_paths(value, path.empty() ? key : path + "." + key, paths);
  } else if (json.is_array() && !json.empty() && json[0].is_object()) {
    for (const auto& value : json) add_paths(value, path + "[]", paths);
  } else {
    paths->insert(path);
  }
}

// `key` as documented: a part in capitals is any name.
bool stands_for(const std::string& key, const std::string& path) {
  static const std::regex kAny("\\.[A-Z]+(?=\\.|$)");
  static const std::regex kSigns("[.\\[\\]]");
  const std::string marked = std::regex_replace(key, kAny, ".%");
  std::string pattern = std::regex_replace(marked, kSigns, "\\$&");
  for (size_t at; (at = pattern.find('%')) != pattern.npos;) pattern.replace(at, 1, "[^.]+");
  return std::regex_match(path, std::regex(pattern));
}

// Is `path` a list or an object that `key` is in? It is null or empty where it has no such thing.
bool holds(const std::string& path, const std::string& key) {
  return key.starts_with(path) && (key[path.size()] == '.' || key[path.size()] == '[');
}

class Json : public Document {
 protected:
  // What shows every key of the object under this heading: commands, or a file.
  Strings commands(const std::string& heading) const {
    const std::string small = "--workload set100 --ops 20 ";
    const std::string broken = "--mutant no-sync:segment.commit ";
    const std::string cut = "--policy always --persona ext4-ordered --faults power-cut ";
    const std::string stories = (kRoot / "results/stories/").string();
    if (heading == "JSON of `sweep`, `run` and `replay ID`") {
      const std::string sweep =
          "sweep " + small + "--seeds 140 --policy always,no --persona ext4-ordered,lying";
      // The fingerprint of another run: its last digits are others.
      std::string id = nlohmann::json::parse(run(sweep + " --json").out)["worst_case"];
      id.back() = id.back() == '0' ? '1' : '0';
      write("known", R"([{"promise": "LAW", "cause": "none such", "personas": "ext4"}])");
      return {sweep, "sweep --seeds 20 " + small + broken + cut + "--known known",
              "run --seed 3 " + small, "replay " + id};
    }
    if (heading == "JSON of `run --delays`") return {"run --workload set100 --ops 3 --delays 1"};
    if (heading == "JSON of `replay FILE.scn`")
      return {"replay " + stories + "select-not-repeated.scn"};
    if (heading == "JSON of `merge`") {
      run("sweep --seeds 40 --shard 1/2 --out part " + small + broken + cut);
      return {"merge part"};
    }
    if (heading == "JSON of `explore`") {
      const std::string demo = "explore --workload demo8 --policy always --persona xfs ";
      return {demo + "--depth 2", demo + broken, demo + "--most 30"};
    }
    if (heading == "JSON of `fences`")
      return {
          "fences --workload demo8 --policy hybrid-always --persona posix-min --fence "
          "segment.commit,first_generation.mark,recovery.root"};
    if (heading == "JSON of `fences --missing`")
      return {
          "fences --workload demo8 --policy always --persona xfs --missing "
          "no-sync:segment.commit"};
    if (heading.ends_with(" --trace`")) {
      const std::string save = "sh -c 'echo {} > t; sync t; mv t a; {}echo said'";
      const auto recorded = [&](const std::string& name, int text, const std::string& sync) {
        return run(fmt::format("record -o {} -- ", name) +
                   fmt::format(fmt::runtime(save), text, sync))
            .status;
      };
      EXPECT_EQ(recorded("right", 1, "sync .; "), 0);
      EXPECT_EQ(recorded("wrong", 2, ""), 0);
      const std::string verb = heading.substr(9, heading.size() - 10);
      const std::string wrong = verb + " wrong --observe 'cat a'";
      if (verb.starts_with("fences")) return {verb + " right --observe 'cat a' --images 1", wrong};
      if (verb.starts_with("shrink")) return {wrong};
      write("seen", R"([{"promise": "lost", "cause": "none such", "personas": "ext4"}])");
      return {verb + " right --observe 'cat a' --images 1", wrong + " --known seen",
              wrong + " --persona xfs --depth 2"};
    }
    if (heading == "JSON of `shrink`")
      return {"shrink set100:always:posix-min:power-cut:20:1:no-sync:segment.commit"};
    if (heading == "JSON of `calibrate`")
      return {"calibrate " + (kRoot / "faults/testdata/kernel-6.18/observed.jsonl").string()};
    if (heading == "JSON of `zoo`") return {"zoo --mutant ack-first --starts 1 --seeds 20"};
    // Another build's.
    if (heading == "JSON of `zoo --automatic`") return {"results/zoo/automatic.json"};
    return {};
  }
};

TEST_F(Json, TheDocumentHasEveryKeyAndNoOther) {
  size_t objects = 0;
  for (const Table& table : tables_of("scenarios/CLI.md")) {
    if (table.columns[0] != "key") continue;
    ++objects;
    Names documented, paths;
    for (const Strings& row : table.rows)
      for (const std::string& key : codes_of(row[0])) documented.insert(key);
    const Strings shown_by = commands(table.heading);
    EXPECT_FALSE(shown_by.empty()) << table.heading << ": what shows its keys?";
    for (const std::string& command : shown_by) {
      const bool file = command.ends_with(".json");
      const std::string text = file ? contents(kRoot / command) : run(command + " --json").out;
      const auto json = nlohmann::json::parse(text, nullptr, false);
      ASSERT_FALSE(json.is_discarded()) << command;
      add_paths(json, "", &paths);
    }
    for (const std::string& path : paths)
      EXPECT_TRUE(std::any_of(
          documented.begin(), documented.end(),
          [&](const std::string& key) { return stands_for(key, path) || holds(path, key); }))
          << table.heading << ": " << path << " is printed and not documented";
    for (const std::string& key : documented)
      EXPECT_TRUE(std::any_of(paths.begin(), paths.end(),
                              [&](const std::string& path) { return stands_for(key, path); }))
          << table.heading << ": " << key << " is documented and not printed";
  }
  EXPECT_GE(objects, 9u);
}

// --- What the documents print ---

struct Command {
  std::string where;
  Strings words;
};

// The indented lines, and what stands in backquotes, that begin with a program of ours. An indented line that
// ends in a backslash goes on in the next.
std::vector<Command> commands_of(const std::string& page, const std::string& name) {
  std::vector<Command> commands;
  const auto add = [&](const std::string& text, size_t line) {
    std::istringstream in(text.substr(0, text.find("  #")));
    Command command{fmt::format("{}:{}: {}", name, line, text), {}};
    for (std::string word; in >> word;) command.words.push_back(word);
    if (command.words.empty()) return;
    const std::string& first = command.words[0];
    const bool program = first.starts_with("build/powercut") || first.ends_with(".sh") ||
                         (first == "powercut" && command.words.size() > 1);
    if (program) commands.push_back(std::move(command));
  };
  size_t number = 0;
  std::string begun;
  for (const std::string& line : lines_of(page)) {
    ++number;
    if (line.starts_with("    ")) begun += line.substr(4);
    if (begun.ends_with('\\')) {
      begun.back() = ' ';
      continue;
    }
    add(std::exchange(begun, ""), number);
    for (const std::string& code : codes_of(line)) add(code, number);
  }
  return commands;
}
std::vector<Command> commands_in(const std::string& document) {
  return commands_of(contents(kRoot / document), document);
}

Strings documents() {
  Strings found = {"README.md"};
  for (const char* top : {"engine", "sim", "faults", "scenarios", "experiments", "papers"})
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / top))
      if (entry.path().extension() == ".md")
        found.push_back(entry.path().lexically_relative(kRoot).string());
  return found;
}

class Printed : public Document {
 protected:
  // What a word in capitals stands for is the reader's to say.
  static bool has_placeholder(const Command& command) {
    static const std::regex kPlaceholder("[A-Z]+(:[A-Z].*)?|[A-Z]+\\..*|.*\\.\\.\\.|\\$.*");
    return std::any_of(command.words.begin(), command.words.end(), [](const std::string& word) {
      return std::regex_match(word, kPlaceholder);
    });
  }

  // A path in the tree is found from anywhere.
  static std::string in_tree(const std::string& word) {
    const bool path = word.find('/') != word.npos && fs::is_regular_file(kRoot / word);
    return path ? (kRoot / word).string() : word;
  }

  // It is run, with one seed instead of many.
  void run_small(const Command& command) const {
    std::string arguments;
    for (size_t i = 1; i < command.words.size(); ++i) {
      const bool many = command.words[i] == "--seeds" || command.words[i] == "--seconds";
      if (many)
        ++i;
      else
        arguments += in_tree(command.words[i]) + " ";
    }
    if (command.words[1] == "sweep") arguments += "--seeds 1";
    fs::create_directories(folder_ / "build");
    const Ran ran = run(arguments);
    EXPECT_TRUE(ran.status == 0 || ran.status == 1) << command.where << ": " << ran.err;
  }
};

const Names kRunWhenPrinted = {"sweep", "run", "list", "explain", "replay", "view", "lab"};

TEST_F(Printed, EveryCommandOfTheDocumentsIsOne) {
  std::map<std::string, Flags> known;
  for (const std::string& verb : verbs()) known[verb] = flags_in_help(verb);
  for (const char* program :
       {"powercut-server", "powercut-check-aof", "powercut-check-rdb", "powercut-restore"})
    known[program] = flags_in_help(program);
  size_t checked = 0;
  for (const std::string& document : documents()) {
    for (const Command& command : commands_in(document)) {
      ++checked;
      const std::string& first = command.words[0];
      if (first.ends_with(".sh")) {
        EXPECT_TRUE(fs::exists(kRoot / first)) << command.where;
        continue;
      }
      const std::string program = first.substr(first.find('/') + 1);
      if (program.ends_with("_test")) continue;
      const bool has_verbs = program == "powercut" || program == "toy_log";
      ASSERT_TRUE(!has_verbs || command.words.size() > 1) << command.where << ": no verb";
      const std::string& of = has_verbs ? command.words[1] : program;
      if (of.starts_with("--") || of.starts_with("powercut-bench"))
        continue;  // its flags are not ours
      ASSERT_TRUE(known.count(of)) << command.where << ": there is no " << of;
      for (const std::string& word : command.words) {
        if (word == "--") break;  // what follows is another program's
        const bool flag = word.starts_with("--");
        EXPECT_TRUE(!flag || known[of].count(word.substr(0, word.find('='))))
            << command.where << ": there is no " << word;
      }
      if (program == "powercut" && kRunWhenPrinted.contains(of) && !has_placeholder(command))
        run_small(command);
    }
  }
  EXPECT_GT(checked, 20u);
}

// What a lab says to look at can be looked at, in that order: one command reads what another wrote.
TEST_F(Printed, EveryCommandOfTheLabsRuns) {
  for (const int lab : {1, 2, 3, 4, 5, 6}) {
    for (const int student : {0, 2, 3}) {
      const std::string asked = fmt::format("lab {} --student {}", lab, student);
      const std::string text = run(asked).out;
      const size_t begin = text.find("\nstore policy=");
      if (begin != text.npos)
        write("run.scn", text.substr(begin + 1, text.find("recover\n", begin) + 8 - begin - 1));
      size_t commands = 0;
      for (const Command& command : commands_of(text, asked)) {
        if (has_placeholder(command)) continue;
        run_small(command);
        ++commands;
      }
      EXPECT_TRUE(commands > 0 || lab == 2) << asked;
    }
  }
}

// The scenarios that are shown are scenarios: each can be played.
TEST_F(Printed, EveryScenarioOfTheDocumentsPlays) {
  size_t played = 0;
  for (const std::string& document : documents()) {
    const std::string text = contents(kRoot / document);
    for (size_t begin = text.find("```scn\n"); begin != text.npos;
         begin = text.find("```scn\n", begin + 1)) {
      const size_t end = text.find("\n```", begin);
      ASSERT_NE(end, text.npos) << document;
      const std::string file = write("shown.scn", text.substr(begin + 7, end + 1 - begin - 7));
      // It holds, or it breaks its promise; and what it shows is what is seen.
      const Ran ran = run("replay " + file);
      EXPECT_TRUE(ran.status == 0 || ran.status == 1) << document << ": " << ran.err;
      EXPECT_THAT(ran.out, HasSubstr("promised: ")) << document;
      ++played;
    }
  }
  EXPECT_GE(played, 3u);
}

// --- The syncs of engine/DURABILITY.md ---

TEST_F(Document, DurabilityHasEverySync) {
  Names documented, known;
  for (const Table& table : tables_of("engine/DURABILITY.md"))
    if (table.columns[0] == "sync")
      for (const Strings& row : table.rows)
        for (const std::string& code : codes_of(row[0])) documented.insert(code);
  const std::string prefix = "no-sync:";
  for (const std::string& line : lines_of(run("list mutants").out))
    if (line.starts_with(prefix))
      known.insert(line.substr(prefix.size(), line.find(' ') - prefix.size()));
  EXPECT_GT(known.size(), 10u);
  EXPECT_EQ(documented, known);
}

}  // namespace
}  // namespace powercut::scenarios
