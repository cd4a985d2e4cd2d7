// ALICE's Table 1 (Pillai et al., OSDI'14), cell by cell: persistence properties, each with the
// shortest programs that show it. The 2014 personas answer as published; the current ones as Linux
// 6.18 was seen to. Where a cell differs from its source, kNotes says so and papers/alice.md why.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "faults/calibrate.h"
#include "sim/odometer.h"

namespace powercut::faults {
namespace {

using sim::Image;

// Columns. Left: the published ones that we have (not reiserfs, ext2-sync, xfs-wsync).
constexpr const char* kColumns[] = {"ext2",
                                    "ext3-writeback",
                                    "ext3-ordered",
                                    "ext3-journal",
                                    "ext4-writeback",
                                    "ext4-ordered-2014",
                                    "ext4-nodelalloc-2014",
                                    "ext4-journal",
                                    "btrfs-2014",
                                    "xfs-2014",
                                    "ext4-ordered",
                                    "ext4-nodelalloc",
                                    "btrfs",
                                    "xfs"};

const std::string* find(const Image& image, const char* path) {
  for (const sim::FoundFile& file : image)
    if (file.path == path) return &file.content;
  return nullptr;
}
bool reads(const Image& image, const char* path, const char* runs) {
  const std::string* found = find(image, path);
  return found != nullptr && *found == parse_runs(runs);
}
using Holds = bool (*)(const Image&);

struct Program {
  std::vector<std::string> setup;
  std::vector<std::string> steps;
  Holds holds;
};

struct Property {
  const char* name;
  // x: some crash state is a counter-example. Published, then Linux 6.18, in the order above.
  const char* cells;
  std::vector<Program> programs;
};

constexpr Holds kAppendIsBeforeZ = [](const Image& i) {
  return !find(i, "z") || reads(i, "f", "o*512 N*512");
};
constexpr Holds kNewFileIsBeforeZ = [](const Image& i) {
  return !find(i, "z") || reads(i, "f", "N*512");
};
constexpr Holds kNameIsBeforeZ = [](const Image& i) { return !find(i, "z") || find(i, "a"); };

// A later operation is a creation; in the rows that btrfs breaks, a synced one as well: its log
// lets a synced file overtake all that is not (see papers/alice.md).
// clang-format off
const Property kTable[] = {
    //                             2014                             6.18
    //                             e2 3w 3o 3j 4w 4o 4n 4j bt xf    4o 4n bt xf
    {"single sector overwrite",   ".  .  .  .  .  .  .  .  .  .     .  .  .  .",
     {{{"creat f", "append f o 512"}, {"pwrite f 0 N 512"},
       [](const Image& i) { return reads(i, "f", "o*512") || reads(i, "f", "N*512"); }}}},
    {"single sector append",      "x  x  .  .  x  .  .  .  .  .     x  x  .  .",
     {{{"creat f", "append f o 512"}, {"append f N 512"},
       [](const Image& i) { return reads(i, "f", "o*512") || reads(i, "f", "o*512 N*512"); }}}},
    {"single block overwrite",    "x  x  x  .  x  x  x  .  .  x     x  x  .  x",
     {{{"creat f", "append f o 4096"}, {"pwrite f 0 N 4096"},
       [](const Image& i) { return reads(i, "f", "o*4096") || reads(i, "f", "N*4096"); }}}},
    {"single block append",       "x  x  .  .  x  .  .  .  .  .     x  .  .  .",
     {{{"creat f"}, {"append f N 4096"},
       [](const Image& i) { return reads(i, "f", "empty") || reads(i, "f", "N*4096"); }}}},
    {"multi-block append, write", "x  x  x  x  x  x  x  x  x  x     x  x  x  x",
     {{{"creat f"}, {"append f N 8192"},
       [](const Image& i) { return reads(i, "f", "empty") || reads(i, "f", "N*8192"); }}}},
    {"multi-block prefix append", "x  x  .  .  x  .  .  .  .  .     x  .  x  x",
     {{{"creat f"}, {"append f N 8192"},
       [](const Image& i) { return find(i, "f")->find_first_not_of('N') == std::string::npos; }}}},
    {"directory op atomic",       "x  .  .  .  .  .  .  .  .  .     .  .  .  .",
     {{{"creat f", "append f o 1", "creat t", "append t N 1"}, {"rename t f"},
       [](const Image& i) { return i.size() == 2 ? reads(i, "f", "o*1") : reads(i, "f", "N*1"); }}}},
    {"overwrite -> any op",       "x  x  x  .  x  x  x  .  .  x     x  x  x  x",
     {{{"creat f", "append f o 512"}, {"pwrite f 0 N 512", "creat z"}, kNewFileIsBeforeZ}}},
    {"[append, rename] -> any op", "x  x  .  .  x  .  .  .  .  .     .  .  .  x",
     {{{"creat f", "append f o 512"},
       {"creat t", "append t N 512", "close t", "rename t f", "creat z"}, kNewFileIsBeforeZ}}},
    {"O_TRUNC append -> any op",  "x  x  .  .  x  .  .  .  .  .     .  .  .  .",
     {{{"creat f", "append f o 512"}, {"opentrunc f", "append f N 512", "close f", "creat z"},
       kNewFileIsBeforeZ}}},
    {"append -> append",          "x  x  .  .  x  .  .  .  .  .     x  x  x  x",
     {{{"creat f", "append f o 512"}, {"append f A 512", "append f B 512"},
       [](const Image& i) { return find(i, "f")->size() <= 1024 || (*find(i, "f"))[512] == 'A'; }},
      {{"creat f"}, {"append f A 4096", "append f B 4096"},
       [](const Image& i) { return find(i, "f")->size() <= 4096 || (*find(i, "f"))[0] == 'A'; }}}},
    {"append -> any op",          "x  x  .  .  x  x  .  .  x  x     x  x  x  x",
     {{{"creat f", "append f o 512"}, {"append f N 512", "creat z"}, kAppendIsBeforeZ},
      {{"creat f", "append f o 512"}, {"append f N 512", "creat z", "fsync z"}, kAppendIsBeforeZ}}},
    {"dir op -> any op",          "x  .  .  .  .  .  .  .  x  .     .  .  x  .",
     {{{}, {"creat a", "creat z"}, kNameIsBeforeZ},
      {{}, {"creat a", "creat z", "fsync z"}, kNameIsBeforeZ}}},
};
// clang-format on

// Cells in which a persona is other than the table says: looser than what was seen.
struct Note {
  const char* property;
  const char* persona;
};
constexpr Note kNotes[] = {
    {"[append, rename] -> any op", "ext4-ordered"},
    {"[append, rename] -> any op", "btrfs"},
    {"O_TRUNC append -> any op", "ext4-ordered"},
};

bool has_note(const char* property, const std::string& persona) {
  return std::any_of(std::begin(kNotes), std::end(kNotes), [&](const Note& note) {
    return std::string(note.property) == property && persona == note.persona;
  });
}

// Exhaustive, over all crash points of the program; empty: there is none.
std::string counter_example(const Property& property, const sim::PersonaRules& rules) {
  for (const Program& program : property.programs) {
    for (const Boundary& at : run_program({"", "", program.setup, program.steps, {}, {}}, rules)) {
      sim::Odometer odometer;
      do {
        const Image image =
            image_of(at.during.after_power_cut(odometer, 0, sim::CutStyle::kUniform));
        if (!program.holds(image)) return describe(image);
      } while (odometer.next());
    }
  }
  return "";
}

TEST(AliceTable1, EveryCell) {
  for (const Property& property : kTable) {
    std::istringstream cells(property.cells);
    for (const char* persona : kColumns) {
      std::string cell;
      cells >> cell;
      const std::string found = counter_example(property, find_persona(persona)->rules);
      const bool agrees = found.empty() == (cell == ".");
      EXPECT_NE(agrees, has_note(property.name, persona))
          << property.name << " on " << persona << ": the table says " << cell << ", found "
          << (found.empty() ? "no counter-example" : found);
    }
  }
}

// Each switch of ext4 as of 2014 turned alone changes the cell that it is there for.
TEST(AliceTable1, NoSwitchCanBeTurnedUnnoticed) {
  struct Turned {
    const char* property;
    void (*turn)(sim::PersonaRules&);
  };
  constexpr Turned kTurned[] = {
      {"single sector append", [](auto& rules) { rules.data = sim::DataOrder::kFree; }},
      {"single block overwrite", [](auto& rules) { rules.sector_bytes = 4096; }},
      {"single block overwrite", [](auto& rules) { rules.block_atomic = true; }},
      {"multi-block prefix append",
       [](auto& rules) { rules.data = sim::DataOrder::kTailBeforeSize; }},
      {"directory op atomic", [](auto& rules) { rules.names = sim::NameOrder::kFree; }},
      {"dir op -> any op", [](auto& rules) { rules.names = sim::NameOrder::kFree; }},
      {"overwrite -> any op", [](auto& rules) { rules.data = sim::DataOrder::kJournal; }},
      {"[append, rename] -> any op", [](auto& rules) { rules.replace_settles_size = false; }},
      {"O_TRUNC append -> any op", [](auto& rules) { rules.truncate_settles_size = false; }},
      {"append -> append", [](auto& rules) { rules.orders_fresh_blocks_only = true; }},
      {"append -> any op", [](auto& rules) { rules.sizes = sim::SizeOrder::kJournal; }},
  };
  const sim::PersonaRules shipped = find_persona("ext4-ordered-2014")->rules;
  for (const Turned& turned : kTurned) {
    sim::PersonaRules rules = shipped;
    turned.turn(rules);
    const auto property = std::find_if(std::begin(kTable), std::end(kTable), [&](const auto& row) {
      return std::string(row.name) == turned.property;
    });
    ASSERT_NE(property, std::end(kTable)) << turned.property;
    EXPECT_NE(counter_example(*property, shipped).empty(),
              counter_example(*property, rules).empty())
        << turned.property;
  }
}

}  // namespace
}  // namespace powercut::faults
