// Sources: Pillai et al., OSDI'14, Table 1 (ext2, ext3-*); Rebello et al., ATC'20 (failed syncs of 2020);
// observed states of Linux 6.18 (faults/testdata/kernel-6.18/) for ext4-*, xfs and btrfs, which
// every one of those personas must contain (faults/calibrate_test.cc). Sync times:
// papers/drives.md.
#include "faults/personas.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "faults/nearest.h"
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
    {"sync", "ebs-io2", "500 us: Amazon EBS io2 Block Express, a cloud's block storage",
     [](Persona& p) { take(p, 500'000); }},
    {"sync", "ebs-gp3", "1 to 9 ms (\"single-digit milliseconds\"): Amazon EBS gp3",
     [](Persona& p) {
       p.sync_min = milliseconds(1);
       p.sync_max = milliseconds(9);
     }},
    {"sync", "hdd", "13 ms: a hard disk of 7,200 rpm, a seek and half a turn",
     [](Persona& p) { take(p, 13'000'000); }},
    {"failed-sync", "ext4-ordered",
     "Linux 6.18: clean pages keep the new bytes until evicted; a new block takes none for good",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Ordered; }},
    {"failed-sync", "ext4-data",
     "Linux 6.18: as ext4-ordered, but a block that is written again is as any other",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Data; }},
    {"failed-sync", "xfs", "Linux 6.18: as ext4-data, and the size stays",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kXfs; }},
    {"failed-sync", "btrfs", "Linux 6.18: as xfs",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kBtrfs; }},
    {"failed-sync", "ext4-ordered-2020",
     "Linux 5.2: pages are clean and keep the new bytes, the size is durable",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Ordered2020; }},
    {"failed-sync", "ext4-data-2020",
     "Linux 5.2: as ext4-ordered-2020, and the next sync reports it",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kExt4Data2020; }},
    {"failed-sync", "xfs-2020", "Linux 5.2: pages are clean and keep the new bytes, the size stays",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kXfs2020; }},
    {"failed-sync", "btrfs-2020", "Linux 5.2: pages go back to their old bytes",
     [](Persona& p) { p.rules.sync_failure = SyncFailure::kBtrfs2020; }},
};

constexpr Alias kAliases[] = {
    {"ext4", "ext4-ordered"},
    {"ext4-data=ordered", "ext4-ordered"},
    {"ext4-data=writeback", "ext4-writeback"},
    {"ext4-data=journal", "ext4-journal"},
    {"ext4-noauto_da_alloc", "ext4-noda"},
    {"ext3", "ext3-ordered"},
    {"posix", "posix-min"},
};

// "50ms", "0.2ms": digits, perhaps a point and more digits, a unit. Nothing if it is none, or longer
// than a simulated life.
std::optional<int64_t> parse_latency_ns(std::string_view text) {
  constexpr int64_t kMost = 60'000'000'000;
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  const size_t digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == text.npos) return std::nullopt;
  int64_t unit = 0;
  for (const auto& [name, ns] : kUnits)
    if (text.substr(digits) == name) unit = ns;
  if (unit == 0) return std::nullopt;
  int64_t ns = 0;
  int64_t place = 0;  // 0: before the point
  for (const char c : text.substr(0, digits)) {
    if (c == '.') {
      if (place != 0) return std::nullopt;
      place = unit;
    } else if (place == 0) {
      ns = ns * 10 + (c - '0') * unit;
    } else {
      if (place % 10 != 0) return std::nullopt;  // finer than a nanosecond
      place /= 10;
      ns += (c - '0') * place;
    }
    if (ns > kMost) return std::nullopt;
  }
  return ns;
}

// In the largest unit in which it is a whole number.
std::string print_latency(int64_t ns) {
  if (ns % 1'000'000'000 == 0) return std::to_string(ns / 1'000'000'000) + "s";
  if (ns % 1'000'000 == 0) return std::to_string(ns / 1'000'000) + "ms";
  if (ns % 1'000 == 0) return std::to_string(ns / 1'000) + "us";
  return std::to_string(ns) + "ns";
}

// "50ms" or "0.2ms..8ms" behind `sync=`: takes it, and how it is written. Empty: it is none.
std::string take_latency(std::string_view value, Persona& persona) {
  const size_t dots = value.find("..");
  const auto least = parse_latency_ns(value.substr(0, dots));
  const auto most = dots == value.npos ? least : parse_latency_ns(value.substr(dots + 2));
  if (!least || !most || *least > *most) return "";
  persona.sync_min = Duration{*least};
  persona.sync_max = Duration{*most};
  return *least == *most ? print_latency(*least)
                         : print_latency(*least) + ".." + print_latency(*most);
}

const Persona* row_of(std::string_view name) {
  for (const Alias& alias : kAliases)
    if (alias.name == name) name = alias.persona;
  for (const std::span<const Persona> rows :
       {std::span<const Persona>(kPersonas), std::span<const Persona>(kFurther)})
    for (const Persona& persona : rows)
      if (persona.name == name) return &persona;
  return nullptr;
}

constexpr std::string_view kAxes[] = {"sector", "sync", "failed-sync"};  // in the order of a name

// Applies "/AXIS=VALUE"; how it is written, or empty if it is none.
std::string apply(std::string_view axis, std::string_view value, Persona& persona) {
  for (const AxisValue& known : kAxisValues) {
    if (known.axis != axis || known.value != value) continue;
    known.apply(persona);
    return std::string(value);
  }
  return axis == "sync" ? take_latency(value, persona) : "";
}

// A persona is known by its address: what was chosen once is kept.
struct Chosen {
  std::deque<std::string> names;
  std::map<std::string_view, Persona> personas;
};

}  // namespace

std::span<const Persona> all_personas() { return kPersonas; }
std::span<const Persona> further_personas() { return kFurther; }
std::span<const AxisValue> axis_values() { return kAxisValues; }

std::span<const Alias> persona_aliases() { return kAliases; }

const Persona* find_persona(std::string_view name) {
  const size_t slash = name.find('/');
  const Persona* row = row_of(name.substr(0, slash));
  if (row == nullptr || slash == name.npos) return row;
  Persona persona = *row;
  std::string written[std::size(kAxes)];
  for (std::string_view rest = name.substr(slash + 1);;) {
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view word = rest.substr(0, end);
    const size_t equals = word.find('=');
    const auto axis = std::find(std::begin(kAxes), std::end(kAxes), word.substr(0, equals));
    if (equals == word.npos || axis == std::end(kAxes)) return nullptr;
    std::string& value = written[axis - std::begin(kAxes)];
    if (!value.empty()) return nullptr;  // chosen twice
    value = apply(*axis, word.substr(equals + 1), persona);
    if (value.empty()) return nullptr;
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  std::string full(row->name);
  for (size_t i = 0; i < std::size(kAxes); ++i)
    if (!written[i].empty()) full += "/" + std::string(kAxes[i]) + "=" + written[i];
  CHECK(persona.sync_min <= persona.sync_max);
  CHECK(sim::kBlockBytes % persona.rules.sector_bytes == 0);
  static std::mutex mutex;
  static Chosen chosen;
  const std::lock_guard lock(mutex);
  if (const auto known = chosen.personas.find(full); known != chosen.personas.end())
    return &known->second;
  persona.name = chosen.names.emplace_back(std::move(full));
  return &chosen.personas.emplace(persona.name, persona).first->second;
}

std::string no_such_persona(std::string_view name, bool says_what) {
  const std::string_view noun = says_what ? "persona" : "";
  std::vector<std::string> names;
  const size_t slash = name.find('/');
  const std::string_view row = name.substr(0, slash);
  if (slash == name.npos || row_of(row) == nullptr) {
    for (const Persona& persona : kPersonas) names.emplace_back(persona.name);
    for (const Persona& persona : kFurther) names.emplace_back(persona.name);
    for (const Alias& alias : kAliases) names.emplace_back(alias.name);
    return no_such(row, names, "personas", noun);
  }
  for (const AxisValue& value : kAxisValues)
    names.push_back(std::string(row) + "/" + std::string(value.axis) + "=" +
                    std::string(value.value));
  return no_such(name, names, "personas", noun);
}

const Persona& default_persona() { return kPersonas.front(); }

}  // namespace powercut::faults
