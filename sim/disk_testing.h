// Shorthand for tests of the simulated disk.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "sim/crash_images.h"
#include "sim/disk.h"
#include "sim/survival.h"

namespace powercut::sim {

inline PersonaRules journaled_rules() {
  PersonaRules rules;
  rules.names = NameOrder::kJournal;
  rules.sync = SyncReach::kJournal;
  rules.writeback = true;
  return rules;
}

inline PersonaRules coarse(PersonaRules rules = {}) {
  rules.sector_bytes = kBlockBytes;
  return rules;
}

// Lies: what is written is durable, what is synced is not.
inline PersonaRules at_once(PersonaRules rules = {}) {
  rules.write_through = true;
  return rules;
}
inline PersonaRules never(PersonaRules rules = {}) {
  rules.sync = SyncReach::kNothing;
  return rules;
}
// A double of the cut: nothing that was pending survives.
inline Disk all_lost(const Disk& disk) { return disk.after_power_cut(Survival{}).value(); }

inline void append(Disk& disk, InodeId file, std::string_view bytes) {
  CHECK(disk.write(file, disk.size(file), bytes).ok());
}
inline void sync(Disk& disk, InodeId file) { CHECK(disk.finish_sync(disk.begin_sync(file)).ok()); }
inline void sync_directory(Disk& disk, std::string_view path) {
  CHECK(disk.finish_sync(disk.begin_sync_directory(path).value()).ok());
}
// A file that is durable, name and all.
inline InodeId durable_file(Disk& disk, std::string_view path, std::string_view bytes) {
  const InodeId file = disk.create(path).value();
  append(disk, file, bytes);
  sync(disk, file);
  sync_directory(disk, path.substr(0, path.rfind('/') + 1 == 0 ? 0 : path.rfind('/')));
  return file;
}

inline std::string content(const Disk& disk, InodeId file) {
  std::string bytes(disk.size(file), '?');
  CHECK(disk.read(file, 0, bytes.data(), bytes.size()).ok());
  return bytes;
}

// What `path` may read as after a power cut, over all crash states; "(none)" where it is missing.
inline std::set<std::string> outcomes(const Disk& disk, std::string_view path) {
  std::set<std::string> found;
  const Enumeration done =
      for_each_crash_state(disk, 200'000, [&](const Disk& after, const Image&) {
        const Result<InodeId> file = after.lookup(path);
        found.insert(!file.ok()                  ? "(none)"
                     : after.is_directory(*file) ? ""
                                                 : content(after, *file));
      });
  CHECK(done.complete);
  return found;
}

}  // namespace powercut::sim
