// What each persona promises, by the shortest program that shows it. Rows follow ALICE's Table 1
// and the property table of faults/testdata/kernel-6.18.
#include "faults/personas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "faults/random_program_testing.h"
#include "sim/disk_testing.h"

namespace powercut::faults {
namespace {

using sim::Image;

constexpr const char* kOld = "old";

Disk on(const Persona& persona) {
  sim::PersonaRules rules = persona.rules;
  rules.sector_bytes = sim::kBlockBytes;
  return Disk(rules);
}

const std::string* find(const Image& image, const std::string& path) {
  for (const sim::FoundFile& file : image)
    if (file.path == path) return &file.content;
  return nullptr;
}

// The personas on which some crash state violates a property.
std::set<std::string> violators(const std::function<void(Disk&)>& program,
                                const std::function<bool(const Image&)>& holds) {
  std::set<std::string> names;
  for (const Persona& persona : all_personas()) {
    Disk disk = on(persona);
    program(disk);
    const sim::Enumeration done =
        sim::for_each_crash_state(disk, 100'000, [&](const Disk&, const Image& image) {
          if (!holds(image)) names.insert(std::string(persona.name));
        });
    EXPECT_TRUE(done.complete);
  }
  return names;
}

using Names = std::set<std::string>;

TEST(Personas, AreFoundByNameAndSayWhatTheyGuarantee) {
  EXPECT_EQ(default_persona().name, "ext4-ordered");
  EXPECT_EQ(find_persona("nope"), nullptr);
  for (const Persona& every : every_persona()) {
    const Persona& persona = *find_persona(every.name);
    EXPECT_EQ(persona.name, every.name);
    EXPECT_FALSE(persona.guarantee.empty());
    EXPECT_EQ(persona.guarantee.find('\n'), std::string_view::npos);
  }
}

TEST(Personas, TheAxesAreChosenBehindTheName) {
  const Persona* persona = find_persona("xfs/sync=990pro/sector=4096");
  ASSERT_NE(persona, nullptr);
  EXPECT_EQ(persona->name, "xfs/sector=4096/sync=990pro");
  EXPECT_EQ(find_persona(persona->name), persona);
  sim::PersonaRules rules = find_persona("xfs")->rules;
  rules.sector_bytes = 4096;
  EXPECT_EQ(persona->rules, rules);
  EXPECT_EQ(persona->sync_min, microseconds(1487));
  EXPECT_EQ(persona->sync_max, microseconds(4461));
  EXPECT_EQ(find_persona("xfs-2014/failed-sync=btrfs")->rules.sync_failure,
            sim::SyncFailure::kBtrfs);
  for (const char* wrong : {"xfs/", "xfs/sector", "xfs/sector=", "xfs/sector=513", "fat/sector=1",
                            "xfs/sector=1/sector=512", "/sector=1", "xfs//sector=1", "xfs/1"})
    EXPECT_EQ(find_persona(wrong), nullptr) << wrong;
  for (const AxisValue& value : axis_values()) {
    const std::string name =
        "ext4-ordered/" + std::string(value.axis) + "=" + std::string(value.value);
    ASSERT_NE(find_persona(name), nullptr) << name;
    EXPECT_EQ(find_persona(name)->name, name);
  }
}

TEST(Personas, ASyncTakesAnyLatencyOrRange) {
  const Persona* fixed = find_persona("xfs/sync=50ms");
  ASSERT_NE(fixed, nullptr);
  EXPECT_EQ(fixed->sync_min, milliseconds(50));
  EXPECT_EQ(fixed->sync_max, milliseconds(50));
  EXPECT_EQ(find_persona("xfs/sync=0.05s"), fixed);
  const Persona* range = find_persona("ext4/sync=0.2ms..8ms/sector=1");
  ASSERT_NE(range, nullptr);
  EXPECT_EQ(range->name, "ext4-ordered/sector=1/sync=200us..8ms");
  EXPECT_EQ(range->sync_min, microseconds(200));
  EXPECT_EQ(range->sync_max, milliseconds(8));
  EXPECT_EQ(find_persona(range->name), range);
  EXPECT_EQ(find_persona("xfs/sync=60s")->sync_max, seconds(60));
  for (const char* wrong : {"50", "ms", "-1ms", "5 ms", "5m", "61s", "8ms..1ms", "1ms..", "..1ms",
                            "1.2.3ms", "0.0000001us", "99999999999999999999s", "1ms...2ms", ""})
    EXPECT_EQ(find_persona("xfs/sync=" + std::string(wrong)), nullptr) << wrong;
}

TEST(Personas, HaveTheNamesThatPeopleType) {
  for (const Alias& alias : persona_aliases()) {
    ASSERT_NE(find_persona(alias.name), nullptr) << alias.name;
    EXPECT_EQ(find_persona(alias.name)->name, alias.persona);
  }
  EXPECT_EQ(find_persona("ext4")->name, "ext4-ordered");
  EXPECT_NE(no_such_persona("xsf").find("did you mean xfs?"), std::string::npos);
  EXPECT_NE(no_such_persona("xfs/sync=990por").find("did you mean xfs/sync=990pro?"),
            std::string::npos);
}

// The switches, one by one: with one more in sim/persona_rules.h this does not compile until it
// stands here, and the test below fails until a persona turns it.
auto switches(const sim::PersonaRules& rules) {
  const auto& [names, sizes, data, sync, sync_failure, sector_bytes, block_atomic, garbage,
               reuses_freed_blocks, replace_settles_size, truncate_settles_size,
               orders_fresh_blocks_only, writeback, write_through] = rules;
  return std::tuple(names, sizes, data, sync, sync_failure, sector_bytes, block_atomic, garbage,
                    reuses_freed_blocks, replace_settles_size, truncate_settles_size,
                    orders_fresh_blocks_only, writeback, write_through);
}

TEST(Personas, EachSwitchIsTurnedBySome) {
  std::vector<Persona> personas = every_persona();
  for (const AxisValue& value : axis_values()) {
    personas.push_back(default_persona());
    value.apply(personas.back());
  }
  const auto plain = switches({});
  const auto turned = [&]<size_t... i>(std::index_sequence<i...>) {
    const auto by_some = [&](auto get) {
      return std::any_of(personas.begin(), personas.end(), [&](const Persona& persona) {
        return get(switches(persona.rules)) != get(plain);
      });
    };
    return std::vector<bool>{by_some([](const auto& all) { return std::get<i>(all); })...};
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(plain)>>());
  for (size_t i = 0; i < turned.size(); ++i) EXPECT_TRUE(turned[i]) << "switch " << i;
}

// Each sector unit tears where it says.
TEST(Personas, AWriteTearsAtTheChosenSector) {
  const auto torn = [](const char* name, size_t at) {
    Disk disk(find_persona(name)->rules);
    const InodeId f = sim::durable_file(disk, "f", std::string(4097, 'o'));
    CHECK(disk.write(f, at - 1, "NN").ok());
    return sim::outcomes(disk, "f").size() == 4;  // either, both, none
  };
  for (const size_t at : {1, 512, 4096}) {
    EXPECT_TRUE(torn("ext4-ordered/sector=1", at)) << at;
    EXPECT_EQ(torn("ext4-ordered/sector=512", at), at >= 512) << at;
    EXPECT_EQ(torn("ext4-ordered/sector=4096", at), at == 4096) << at;
    EXPECT_EQ(torn("btrfs/sector=1", at), at == 4096) << at;
  }
}

TEST(Personas, SyncedFileWithSyncedNameIsThere) {
  EXPECT_EQ(violators([](Disk& disk) { sim::durable_file(disk, "f", "x"); },
                      [](const Image& image) {
                        const std::string* f = find(image, "f");
                        return f && *f == "x";
                      }),
            (Names{"lying"}));
}

TEST(Personas, SyncOfAFreshFileKeepsItsName) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  const InodeId f = disk.create("f").value();
                  append(disk, f, "x");
                  sync(disk, f);
                },
                [](const Image& image) { return find(image, "f") != nullptr; }),
            (Names{"posix-min", "ext2", "lying"}));
}

TEST(Personas, SyncOfOneFileKeepsEarlierNames) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  ASSERT_TRUE(disk.create("a").ok());
                  const InodeId b = disk.create("b").value();
                  append(disk, b, "x");
                  sync(disk, b);
                },
                [](const Image& image) { return !find(image, "b") || find(image, "a"); }),
            (Names{"posix-min", "btrfs", "ext2", "lying"}));
}

TEST(Personas, SyncOfOneFileKeepsNoOtherFilesData) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  const InodeId a = sim::durable_file(disk, "a", "");
                  const InodeId b = sim::durable_file(disk, "b", "");
                  append(disk, a, "x");
                  append(disk, b, "x");
                  sync(disk, b);
                },
                [](const Image& image) { return find(image, "a") && *find(image, "a") == "x"; }),
            (Names{"ext4-ordered", "posix-min", "xfs", "btrfs", "ext4-noda", "ext4-writeback",
                   "ext3-writeback", "ext2", "lying"}));
}

TEST(Personas, RenameOverAFileIsAtomic) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  sim::durable_file(disk, "f", kOld);
                  sim::durable_file(disk, "t", "new");
                  ASSERT_TRUE(disk.rename("t", "f").ok());
                },
                [](const Image& image) {
                  const std::string* f = find(image, "f");
                  return f && image.size() == (*f == kOld) + 1u;
                }),
            (Names{"posix-min", "ext2", "lying"}));
}

TEST(Personas, ReplaceWithoutSyncIsNeverEmpty) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  sim::durable_file(disk, "f", kOld);
                  append(disk, disk.create("t").value(), "new");
                  ASSERT_TRUE(disk.rename("t", "f").ok());
                },
                [](const Image& image) { return find(image, "f") && !find(image, "f")->empty(); }),
            (Names{"posix-min", "xfs", "btrfs", "ext4-noda", "ext2", "lying"}));
}

TEST(Personas, ReplaceWithoutSyncIsOldOrNew) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  sim::durable_file(disk, "f", kOld);
                  append(disk, disk.create("t").value(), "new");
                  ASSERT_TRUE(disk.rename("t", "f").ok());
                },
                [](const Image& image) {
                  const std::string* f = find(image, "f");
                  return f && (*f == kOld || *f == "new");
                }),
            (Names{"ext4-ordered", "posix-min", "xfs", "btrfs", "ext4-noda", "ext4-writeback",
                   "ext3-writeback", "ext2", "lying"}));
}

TEST(Personas, ReplaceThenDirectorySyncIsNeverEmpty) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  sim::durable_file(disk, "f", kOld);
                  append(disk, disk.create("t").value(), "new");
                  ASSERT_TRUE(disk.rename("t", "f").ok());
                  sim::sync_directory(disk, "");
                },
                [](const Image& image) { return find(image, "f") && !find(image, "f")->empty(); }),
            (Names{"posix-min", "xfs", "btrfs", "ext4-noda", "ext2", "lying"}));
}

TEST(Personas, ALostTruncationLeavesTheOldBlocksWhole) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  const InodeId f = sim::durable_file(disk, "f", std::string(6000, 'o'));
                  disk.truncate(f, 0);
                  append(disk, f, std::string(6000, 'n'));
                },
                [](const Image& image) {
                  const std::string* f = find(image, "f");
                  return !f || f->find('o') == std::string::npos || *f == std::string(6000, 'o');
                }),
            (Names{"posix-min", "ext4-writeback", "ext2", "lying"}));
}

// The NUL tail: the commonest way in which a log's tail is damaged in the field.
TEST(Personas, AnAppendComesWithItsData) {
  EXPECT_EQ(violators([](Disk& disk) { append(disk, sim::durable_file(disk, "f", kOld), "new"); },
                      [](const Image& image) {
                        const std::string* f = find(image, "f");
                        return !f || f->size() < 6 || *f == "oldnew";
                      }),
            (Names{"ext4-ordered", "posix-min", "ext4-noda", "ext4-writeback", "ext3-writeback",
                   "ext2", "lying"}));
}

TEST(Personas, StaleContentIsNeverExposed) {
  EXPECT_EQ(violators([](Disk& disk) { append(disk, sim::durable_file(disk, "f", kOld), "new"); },
                      [](const Image& image) {
                        for (const char byte : find(image, "f") ? *find(image, "f") : "")
                          if (byte & 0x80) return false;
                        return true;
                      }),
            (Names{"ext3-writeback", "ext2"}));
}

TEST(Personas, NamesSurviveInOrder) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  ASSERT_TRUE(disk.create("a").ok());
                  ASSERT_TRUE(disk.create("b").ok());
                },
                [](const Image& image) { return !find(image, "b") || find(image, "a"); }),
            (Names{"posix-min", "ext2", "lying"}));
}

TEST(Personas, AnOverwriteComesBeforeALaterName) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  const InodeId f = sim::durable_file(disk, "f", kOld);
                  ASSERT_TRUE(disk.write(f, 0, "new").ok());
                  ASSERT_TRUE(disk.create("z").ok());
                },
                [](const Image& image) {
                  return !find(image, "z") || (find(image, "f") && *find(image, "f") == "new");
                }),
            (Names{"ext4-ordered", "posix-min", "xfs", "btrfs", "ext4-noda", "ext4-writeback",
                   "ext3-ordered", "ext3-writeback", "ext2", "lying"}));
}

TEST(Personas, AnAppendComesBeforeALaterName) {
  EXPECT_EQ(violators(
                [](Disk& disk) {
                  const InodeId f = sim::durable_file(disk, "f", kOld);
                  append(disk, f, "new");
                  ASSERT_TRUE(disk.create("z").ok());
                },
                [](const Image& image) {
                  return !find(image, "z") || (find(image, "f") && *find(image, "f") == "oldnew");
                }),
            (Names{"ext4-ordered", "posix-min", "xfs", "btrfs", "ext4-noda", "ext4-writeback",
                   "ext3-writeback", "ext2", "lying"}));
}

TEST(Personas, AnUnsyncedWriteIsNotLost) {
  EXPECT_EQ(
      violators([](Disk& disk) { append(disk, sim::durable_file(disk, "f", ""), "x"); },
                [](const Image& image) { return find(image, "f") && *find(image, "f") == "x"; }),
      (Names{"ext4-ordered", "posix-min", "xfs", "btrfs", "ext4-noda", "ext4-writeback",
             "ext4-journal", "ext3-ordered", "ext3-writeback", "ext3-journal", "ext2", "lying"}));
}

}  // namespace
}  // namespace powercut::faults
