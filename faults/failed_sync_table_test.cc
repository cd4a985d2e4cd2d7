// What a failed sync left in 2020, by filesystem: the table of Rebello et al., ATC'20, cell by cell. The
// rows on a failed journal write (read-only, shutdown) and on fsck are not modelled:
// papers/cuttlefs.md. What Linux 6.18 does: faults/failed_sync_calibrate_test.cc.
#include <gtest/gtest.h>

#include "faults/personas.h"
#include "sim/disk_testing.h"

namespace powercut::faults {
namespace {

using sim::Disk;
using sim::InodeId;

// ext4 ordered, ext4 data=journal, XFS, btrfs.
constexpr const char* kFailedSyncColumns[] = {
    "ext4-ordered/failed-sync=ext4-ordered-2020", "ext4-journal/failed-sync=ext4-data-2020",
    "xfs/failed-sync=xfs-2020", "btrfs/failed-sync=btrfs-2020"};

// A file of one block of 'o'; the sync of what `dirty` does to it has failed.
struct Failed {
  Failed(const sim::PersonaRules& rules, void (*dirty)(Disk&, InodeId)) : disk(rules) {
    file = sim::durable_file(disk, "f", std::string(4096, 'o'));
    dirty(disk, file);
    told = disk.fail_sync(disk.begin_sync(file), rules.sync_failure).ok() ? "success" : "error";
  }
  std::string sync() { return disk.finish_sync(disk.begin_sync(file)).ok() ? "success" : "error"; }
  // The only thing a power cut may leave, in runs of bytes; "several" if it is not the only one.
  std::string left() const {
    const std::set<std::string> found = sim::outcomes(disk, "f");
    return found.size() == 1 ? runs(*found.begin()) : "several";
  }
  static std::string runs(const std::string& bytes) {
    std::string text;
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = std::min(bytes.find_first_not_of(bytes[at], at), bytes.size());
      text += (text.empty() ? "" : " ") + std::string(1, bytes[at] == 0 ? '0' : bytes[at]) +
              std::to_string(end - at);
      at = end;
    }
    return text;
  }

  Disk disk;
  InodeId file;
  std::string told;
};

void overwrite(Disk& disk, InodeId file) {
  CHECK(disk.write(file, 0, std::string(4096, 'N')).ok());
}
void append_block(Disk& disk, InodeId file) { append(disk, file, std::string(4096, 'N')); }

struct Row {
  const char* what;
  const char* cells[4];
  std::string (*program)(const sim::PersonaRules&);
};

// clang-format off
const Row kFailedSyncTable[] = {
    //                                     ext4-ordered  ext4-data     xfs           btrfs
    {"the failing sync reports",          {"error",      "success",    "error",      "error"},
     [](const auto& rules) { return Failed(rules, overwrite).told; }},
    {"the next sync reports",             {"success",    "error",      "success",    "success"},
     [](const auto& rules) { return Failed(rules, overwrite).sync(); }},
    {"the page is clean: after a sync that succeeds, the disk has",
                                          {"several",    "several",    "several",    "o4096"},
     [](const auto& rules) {
       Failed f(rules, overwrite);
       while (f.sync() != "success") {}
       return f.left();
     }},
    {"the page reads",                    {"N4096",      "N4096",      "N4096",      "o4096"},
     [](const auto& rules) {
       Failed f(rules, overwrite);
       return Failed::runs(sim::content(f.disk, f.file));
     }},
    {"written again and synced, the disk has",
                                          {"N4096",      "N4096",      "N4096",      "N4096"},
     [](const auto& rules) {
       Failed f(rules, overwrite);
       overwrite(f.disk, f.file);
       while (f.sync() != "success") {}
       return f.left();
     }},
    {"after a failed append the file ends",
                                          {"8192",       "8192",       "8192",       "4096"},
     [](const auto& rules) {
       Failed f(rules, append_block);
       return std::to_string(f.disk.size(f.file));
     }},
    // New size, block not overwritten (ext4); not at the end of the file (XFS); reverted (btrfs).
    {"... and is found after a cut, once a sync has succeeded",
                                          {"size 8192",  "size 8192",  "size may be 4096", "o4096"},
     [](const auto& rules) {
       Failed f(rules, append_block);
       while (f.sync() != "success") {}
       std::set<std::string> found = sim::outcomes(f.disk, "f");
       if (found.size() == 1) return Failed::runs(*found.begin());
       const bool short_too = found.contains(std::string(4096, 'o'));
       // Either way the block may be there without its data.
       EXPECT_TRUE(found.contains(std::string(4096, 'o') + std::string(4096, '\0')));
       return std::string(short_too ? "size may be 4096" : "size 8192");
     }},
    // The writer goes on at its own offset, as an open descriptor does.
    {"... and a later append that is synced leaves a hole",
                                          {"may",        "may",        "may",        "must"},
     [](const auto& rules) {
       Failed f(rules, append_block);
       CHECK(f.disk.write(f.file, 8192, std::string(4096, 'M')).ok());
       while (f.sync() != "success") {}
       const std::string o(4096, 'o'), m(4096, 'M');
       const std::set<std::string> found = sim::outcomes(f.disk, "f");
       if (!found.contains(o + std::string(4096, '\0') + m)) return std::string("never");
       return std::string(found.size() == 1 ? "must" : "may");
     }},
};
// clang-format on

TEST(FailedSyncTable, EveryCell) {
  for (const Row& row : kFailedSyncTable) {
    for (size_t i = 0; i < std::size(kFailedSyncColumns); ++i)
      EXPECT_EQ(row.program(find_persona(kFailedSyncColumns[i])->rules), row.cells[i])
          << row.what << " on " << kFailedSyncColumns[i];
  }
}

// The axis carries the model to any other filesystem.
TEST(FailedSyncTable, TheModelIsAnAxisOfItsOwn) {
  for (size_t i = 0; i < std::size(kFailedSyncColumns); ++i) {
    constexpr const char* kModels[] = {"ext4-ordered-2020", "ext4-data-2020", "xfs-2020",
                                       "btrfs-2020"};
    const Persona* persona = find_persona(std::string("ext2/failed-sync=") + kModels[i]);
    ASSERT_NE(persona, nullptr);
    EXPECT_EQ(kFailedSyncTable[0].program(persona->rules), kFailedSyncTable[0].cells[i]);
    EXPECT_EQ(kFailedSyncTable[3].program(persona->rules), kFailedSyncTable[3].cells[i]);
  }
}

}  // namespace
}  // namespace powercut::faults
