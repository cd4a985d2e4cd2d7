// Sources: Pillai et al., OSDI'14, Table 1 (ext2, ext3-*); Rebello et al., ATC'20 (failed syncs);
// observed states of Linux 6.18 (faults/testdata/kernel-6.18/) for ext4-*, xfs and btrfs, which
// every one of those personas must contain (faults/calibrate_test.cc).
#include "faults/personas.h"

#include <array>

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
  rules.writeback = true;
  return rules;
}();

constexpr PersonaRules kExt4Noda = [] {
  PersonaRules rules = kExt4;
  rules.replace_settles_size = false;
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

constexpr PersonaRules kXfs = [] {
  PersonaRules rules = kExt4Noda;
  rules.data = DataOrder::kTailBeforeSize;
  rules.sync_failure = SyncFailure::kXfs;
  return rules;
}();

constexpr PersonaRules kBtrfs = [] {
  PersonaRules rules;
  rules.names = NameOrder::kLogTree;
  rules.data = DataOrder::kTailBeforeSize;
  rules.sync = SyncReach::kInodeAndNames;
  rules.sync_failure = SyncFailure::kBtrfs;
  rules.block_atomic = true;
  rules.writeback = true;
  return rules;
}();

constexpr PersonaRules kLying = [] {
  PersonaRules rules;
  rules.sync = SyncReach::kNothing;
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

}  // namespace

std::span<const Persona> all_personas() { return kPersonas; }

const Persona* find_persona(std::string_view name) {
  for (const Persona& persona : kPersonas)
    if (persona.name == name) return &persona;
  return nullptr;
}

const Persona& default_persona() { return kPersonas.front(); }

}  // namespace powercut::faults
