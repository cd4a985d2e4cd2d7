// The tables of sim/DISK.md are what the personas are.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "faults/personas.h"
#include "faults/random_program_testing.h"

namespace powercut::faults {
namespace {

std::string document() {
  std::ifstream file(POWERCUT_SOURCE_DIR "/sim/DISK.md", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The rows of the table under this heading row and its rule, as they stand.
std::string table(const std::string& heading) {
  const std::string text = document();
  const size_t at = text.find(heading + "\n|---");
  EXPECT_NE(at, text.npos) << heading;
  if (at == text.npos) return "";
  const size_t begin = text.find('\n', at + heading.size() + 1) + 1;
  return text.substr(begin, text.find("\n\n", begin) + 1 - begin);
}

constexpr const char* kNames[] = {"free", "journal", "log tree"};
constexpr const char* kSizes[] = {"lags", "journal"};
constexpr const char* kDataWords[] = {"free", "tail", "all", "journal"};
constexpr const char* kSync[] = {"inode", "inode and names", "journal", "nothing"};
constexpr const char* kFailed[] = {"ext4-ordered",      "ext4-data",      "xfs",      "btrfs",
                                   "ext4-ordered-2020", "ext4-data-2020", "xfs-2020", "btrfs-2020"};

using Switches = std::vector<std::pair<std::string, std::string>>;  // name and value

Switches switches_of(const sim::PersonaRules& rules) {
  // A switch that is new does not compile here: it belongs into the document, too.
  const auto& [names, sizes, data, sync, failure, sector, atomic, garbage, reuses, replace,
               truncate, fresh, writeback, through] = rules;
  EXPECT_EQ(sector, 512u);
  Switches list = {{"names", kNames[static_cast<int>(names)]},
                   {"sizes", kSizes[static_cast<int>(sizes)]},
                   {"data", kDataWords[static_cast<int>(data)]},
                   {"sync", kSync[static_cast<int>(sync)]},
                   {"failed sync", kFailed[static_cast<int>(failure)]}};
  const std::pair<bool, const char*> flags[] = {{atomic, "block_atomic"},
                                                {garbage, "garbage"},
                                                {reuses, "reuses_freed_blocks"},
                                                {replace, "replace_settles_size"},
                                                {truncate, "truncate_settles_size"},
                                                {fresh, "orders_fresh_blocks_only"},
                                                {writeback, "writeback"},
                                                {through, "write_through"}};
  for (const auto& [on, name] : flags)
    if (on) list.emplace_back("also", name);
  return list;
}

TEST(DiskDocument, HasEveryPersonaAndItsSwitches) {
  std::string rows;
  for (const Persona& persona : every_persona()) {
    std::string row = fmt::format("| `{}` ", persona.name);
    std::string also;
    for (const auto& [name, value] : switches_of(persona.rules)) {
      if (name != "also")
        row += fmt::format("| {} ", value);
      else
        also += fmt::format("{}`{}`", also.empty() ? "" : ", ", value);
    }
    rows += fmt::format("{}| {}{}|\n", row, also, also.empty() ? "" : " ");
  }
  EXPECT_EQ(table("| persona | names | sizes | data | sync | failed sync | also |"), rows);
  EXPECT_EQ(all_personas().size(), 13u) << "the document says how many";
}

TEST(DiskDocument, ExplainsEveryValueThatAPersonaHas) {
  const std::string explained = table("| switch | value | what it says |");
  for (const Persona& persona : every_persona())
    for (const auto& [name, value] : switches_of(persona.rules))
      EXPECT_NE(explained.find(fmt::format("| {} | `{}` | ", name, value)), explained.npos)
          << name << " " << value;
}

TEST(DiskDocument, HasEveryValueOfEveryAxis) {
  std::string rows;
  std::string_view axis;
  for (const AxisValue& value : axis_values()) {
    if (value.axis != axis)
      rows += fmt::format("{}| `{}` | ", rows.empty() ? "" : " |\n", value.axis);
    rows += fmt::format("{}`{}`", value.axis == axis ? ", " : "", value.value);
    axis = value.axis;
  }
  EXPECT_EQ(table("| axis | values |"), rows + " |\n");
}

}  // namespace
}  // namespace powercut::faults
