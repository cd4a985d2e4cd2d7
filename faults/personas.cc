// Sources: Pillai et al., OSDI'14, Table 1 (ext2, ext3-*); Rebello et al., ATC'20 (failed syncs of 2020);
// observed states of Linux 6.18 (faults/testdata/kernel-6.18/) for ext4-*, xfs and btrfs, which
// every one of those personas must contain (faults/calibrate_test.cc). Sync times:
// papers/drives.md.
#include "faults/personas.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "sim/block.h"

namespace powercut::faults {
namespace {

using sim::DataOrder;
using sim::NameOrder;
using sim::PersonaRules;
using sim::SizeOrder;
using sim::SyncFailure;
using sim::SyncReach;

constexpr PersonaRules kPosixMin{};

constexpr PersonaRules kExt2 = [] {
  PersonaRules rules;
  rules.garbage = true;
  rules.writeback = true;
  return rules;
}();

constexpr PersonaRules kExt4 = [] {
  PersonaRules rules;
  rules.names = NameOrder::kJournal;
  rules.sync = SyncReach::kJournal;
  rules.replace_settles_size = true;
  rules.truncate_settles_size = true;
  rules.writeback = true;
  return rules;
}();

constexpr PersonaRules kExt4Noda = [] {
  PersonaRules rules = kExt4;
  rules.replace_settles_size = false;
  rules.truncate_settles_size = false;
  return rules;
}();

constexpr PersonaRules kExt4Writeback = [] {
  PersonaRules rules = kExt4;
  rules.reuses_freed_blocks = true;
  return rules;
}();

constexpr PersonaRules kExt4Journal = [] {
  PersonaRules rules = kExt4;
  rules.data = DataOrder::kJournal;
  rules.block_atomic = true;
  rules.sync_failure = SyncFailure::kExt4Data;
  return rules;
}();

constexpr PersonaRules kExt3Writeback = [] {
  PersonaRules rules = kExt4Noda;
  rules.sizes = SizeOrder::kJournal;
  rules.garbage = true;
  return rules;
}();

constexpr PersonaRules kExt3Ordered = [] {
  PersonaRules rules = kExt4Noda;
  rules.sizes = SizeOrder::kJournal;
  rules.data = DataOrder::kAllBeforeSize;
  return rules;
}();

// Blocks are allocated when they are written, and ordered mode holds for those; what is appended
// inside the last block is on its own.
constexpr PersonaRules kExt4Nodelalloc = [] {
  PersonaRules rules = kExt3Ordered;
  rules.orders_fresh_blocks_only = true;
  return rules;
}();

// Delayed allocation, and ordered mode for the block in which the file ends if it is fresh.
constexpr PersonaRules kExt4Nodelalloc2014 = [] {
  PersonaRules rules = kExt3Ordered;
  rules.sync_failure = SyncFailure::kExt4Ordered2020;
  return rules;
}();

constexpr PersonaRules kExt4DioreadLock = [] {
  PersonaRules rules = kExt4;
  rules.data = DataOrder::kTailBeforeSize;
  rules.orders_fresh_blocks_only = true;
  return rules;
}();

constexpr PersonaRules kExt4WritebackDioreadLock = [] {
  PersonaRules rules = kExt4Writeback;
  rules.garbage = true;
  return rules;
}();

constexpr PersonaRules kExt4Ordered2014 = [] {
  PersonaRules rules = kExt4;
  rules.sync_failure = SyncFailure::kExt4Ordered2020;
  rules.data = DataOrder::kAllBeforeSize;
  return rules;
}();

constexpr PersonaRules kXfs = [] {
  PersonaRules rules = kExt4Noda;
  rules.truncate_settles_size = true;
  rules.data = DataOrder::kTailBeforeSize;
  rules.sync_failure = SyncFailure::kXfs;
  return rules;
}();

constexpr PersonaRules kXfs2014 = [] {
  PersonaRules rules = kExt4Ordered2014;
  rules.sync_failure = SyncFailure::kXfs2020;
  return rules;
}();

constexpr PersonaRules kBtrfs = [] {
  PersonaRules rules;
  rules.names = NameOrder::kLogTree;
  rules.data = DataOrder::kTailBeforeSize;
  rules.sync = SyncReach::kInodeAndNames;
  rules.sync_failure = SyncFailure::kBtrfs;
  rules.block_atomic = true;
  rules.truncate_settles_size = true;
  rules.writeback = true;
  return rules;
}();

constexpr PersonaRules kBtrfs2014 = [] {
  PersonaRules rules = kBtrfs;
  rules.data = DataOrder::kJournal;
  rules.sync_failure = SyncFailure::kBtrfs2020;
  return rules;
}();

constexpr PersonaRules kLying = [] {
  PersonaRules rules;
  rules.sync = SyncReach::kNothing;
  return rules;
}();

constexpr PersonaRules kNoBarrier = [] {
  PersonaRules rules = kLying;
  rules.garbage = true;
  rules.reuses_freed_blocks = true;
  return rules;
}();

constexpr PersonaRules kPlp = [] {
  PersonaRules rules = kExt4;
  rules.write_through = true;
  return rules;
}();

constexpr std::array kPersonas = {
    Persona{"ext4-ordered",
            "a sync keeps the file, its name and all earlier names; an unsynced tail may read NUL",
            true, kExt4},
    Persona{"posix-min",
            "a file sync keeps its data and size, a directory sync its names; nothing else", true,
            kPosixMin},
    Persona{"xfs", "names in order; a new size comes with the data of its last block", true, kXfs},
    Persona{"btrfs", "blocks never tear; a sync keeps the file and its names, nothing unrelated",
            true, kBtrfs},
    Persona{"ext4-noda", "ext4 without auto_da_alloc: a replaced file may be found empty", true,
            kExt4Noda},
    Persona{"ext4-writeback",
            "as ext4-ordered, and a lost truncation may leave new data in the old file", true,
            kExt4Writeback},
    Persona{"ext4-journal", "ext4 data=journal: everything in order, blocks never tear", true,
            kExt4Journal},
    Persona{"ext3-ordered", "appended data before its size; names and sizes in order", true,
            kExt3Ordered},
    Persona{"ext3-writeback", "names and sizes in order; unwritten data may read as garbage", true,
            kExt3Writeback},
    Persona{"ext3-journal", "everything in order, blocks never tear", true, kExt4Journal},
    Persona{"ext2", "no journal: posix-min, with garbage for unwritten data", true, kExt2},
    Persona{"plp", "power-loss protected: what is written is durable at once", true, kPlp},
    Persona{"lying", "the device acknowledges a sync and does nothing", false, kLying},
};

constexpr std::array kFurther = {
    Persona{"ext4-ordered-2014", "as ext4-ordered, and appended data comes before its size", true,
            kExt4Ordered2014},
    Persona{"ext4-nodelalloc",
            "names and sizes in order; data of fresh blocks before the size, not of the last one",
            true, kExt4Nodelalloc},
    Persona{"ext4-nodelalloc-2014", "names and sizes in order; appended data before its size", true,
            kExt4Nodelalloc2014},
    Persona{"ext4-dioread_lock",
            "as ext4-ordered, and a size comes with the data of its last block if that is fresh",
            true, kExt4DioreadLock},
    Persona{"ext4-writeback-dioread_lock",
            "as ext4-writeback, and unwritten data may read as garbage", true,
            kExt4WritebackDioreadLock},
    Persona{"xfs-2014", "names in order; appended data before its size; a replaced file is whole",
            true, kXfs2014},
    Persona{"btrfs-2014", "as btrfs, and without syncs everything is in order", true, kBtrfs2014},
    Persona{"ext4-nobarrier", "the device reorders across syncs; freed blocks show old bytes",
            false, kNoBarrier},
};

// Half to one and a half times the mean that was measured for a drive.
constexpr void take(Persona& persona, int64_t mean_ns) {
  persona.sync_min = Duration{mean_ns / 2};
  persona.sync_max = Duration{mean_ns + mean_ns / 2};
}

constexpr AxisValue kAxisValues[] = {
    {"sector", "1", "a write tears at any byte (not on btrfs and data=journal: blocks are whole)",
     [](Persona& p) { p.rules.sector_bytes = 1; }},
    {"sector", "512", "a write tears at 512 bytes", [](Persona& p) { p.rules.sector_bytes = 512; }},
    {"sector", "4096", "a 4 KiB block is old or new",
     [](Persona& p) { p.rules.sector_bytes = 4096; }},
    {"sync", "990pro", "a sync takes 2974 us on average: Samsung 990 Pro",
     [](Persona& p) { take(p, 2'974'000); }},
    {"sync", "t500", "891 us: Crucial T500", [](Persona& p) { take(p, 891'000); }},
    {"sync", "p5520", "12.4 us: Solidigm D7-P5520", [](Persona& p) { take(p, 12'400); }},
    {"sync", "pm9a3", "1.6 us: Samsung PM9A3", [](Persona& p) { take(p, 1'600); }},
    {"failed-sync", "ext4-ordered",
     "Linux 6.18: clean pages keep the new bytes until evicted; a new block takes none for good",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Ordered; }},
    {"failed-sync", "ext4-data",
     "6.18: the same, but a block that is written again is as any other",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Data; }},
    {"failed-sync", "xfs", "6.18: the same, and the size stays",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kXfs; }},
    {"failed-sync", "btrfs", "6.18: the same",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kBtrfs; }},
    {"failed-sync", "ext4-ordered-2020",
     "5.2: pages are clean and keep the new bytes, the size is durable",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Ordered2020; }},
    {"failed-sync", "ext4-data-2020", "5.2: the same, and the next sync reports it",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Data2020; }},
    {"failed-sync", "xfs-2020", "5.2: pages are clean and keep the new bytes, the size stays",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kXfs2020; }},
    {"failed-sync", "btrfs-2020", "5.2: pages go back to their old bytes",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kBtrfs2020; }},
};

// Every row with every combination of values, made once: a persona is known by its address.
struct Combinations {
  Combinations() {
    made.assign(kPersonas.begin(), kPersonas.end());
    made.insert(made.end(), kFurther.begin(), kFurther.end());
    for (size_t i = 0; i < std::size(kAxisValues);) {
      const std::string_view axis = kAxisValues[i].axis;
      const size_t without = made.size();
      for (; i < std::size(kAxisValues) && kAxisValues[i].axis == axis; ++i)
        for (size_t j = 0; j < without; ++j) add(made[j], kAxisValues[i]);
    }
    std::set<std::string_view> known;
    for (const Persona& persona : made) CHECK(known.insert(persona.name).second);
  }
  void add(Persona persona, const AxisValue& chosen) {
    chosen.apply(persona);
    std::string& name = names.emplace_back(persona.name);
    name += '/';
    name += chosen.axis;
    name += '=';
    name += chosen.value;
    persona.name = name;
    CHECK(persona.sync_min <= persona.sync_max);
    CHECK(sim::kBlockBytes % persona.rules.sector_bytes == 0);
    made.push_back(persona);
  }

  std::deque<std::string> names;
  std::vector<Persona> made;
};

// The axes of `name` in the order of the table; other words stay as they are, and match nothing.
std::string in_order(std::string_view name) {
  std::vector<std::string_view> words;
  for (size_t slash = name.find('/'); slash != std::string_view::npos;) {
    const size_t next = name.find('/', slash + 1);
    words.push_back(name.substr(slash, next - slash));
    slash = next;
  }
  const auto rank = [](std::string_view word) {
    const std::string_view axis = word.substr(1, word.find('=') - 1);
    return std::find_if(std::begin(kAxisValues), std::end(kAxisValues),
                        [&](const AxisValue& value) { return value.axis == axis; });
  };
  std::stable_sort(words.begin(), words.end(), [&](auto a, auto b) { return rank(a) < rank(b); });
  std::string ordered(name.substr(0, name.find('/')));
  for (const std::string_view word : words) ordered += word;
  return ordered;
}

}  // namespace

std::span<const Persona> all_personas() { return kPersonas; }
std::span<const Persona> further_personas() { return kFurther; }
std::span<const AxisValue> axis_values() { return kAxisValues; }

const Persona* find_persona(std::string_view name) {
  const auto in = [](std::span<const Persona> rows, std::string_view wanted) -> const Persona* {
    for (const Persona& persona : rows)
      if (persona.name == wanted) return &persona;
    return nullptr;
  };
  if (const Persona* row = in(kPersonas, name)) return row;
  if (const Persona* row = in(kFurther, name)) return row;
  if (name.find('/') == std::string_view::npos) return nullptr;
  static const Combinations combinations;
  const std::string wanted = in_order(name);
  const Persona* found = in(combinations.made, wanted);
  CHECK(found == nullptr ||
        in_order(found->name) == wanted);  // the order of the name is the table's
  return found;
}

const Persona& default_persona() { return kPersonas.front(); }

}  // namespace powercut::faults
