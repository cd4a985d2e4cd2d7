// Random programs on a disk, for property tests: one word is one call.
#pragma once

#include <rapidcheck.h>

#include <map>
#include <string>
#include <vector>

#include "faults/personas.h"
#include "sim/disk_testing.h"

namespace powercut::faults {

using sim::Disk;
using sim::InodeId;

// What has been promised, kept independently of the disk's own log.
struct Promise {
  bool data = false;  // synced and not touched since
  bool name = false;  // its directory was synced since it got this name
};

inline std::vector<Persona> every_persona() {
  std::vector<Persona> every(all_personas().begin(), all_personas().end());
  every.insert(every.end(), further_personas().begin(), further_personas().end());
  return every;
}

class Driver {
 public:
  explicit Driver(const sim::PersonaRules& rules) : disk(rules) {
    CHECK(disk.make_directory("d").ok());
    sim::sync_directory(disk, "");
  }

  void step(uint32_t word) {
    const std::string path = kPaths[(word >> 4) % 4];
    const std::string other = kPaths[(word >> 6) % 4];
    const uint64_t n = kSizes[(word >> 8) % 5];
    const Result<InodeId> file = disk.lookup(path);
    const char letter = static_cast<char>('a' + (word >> 11) % 26);
    switch (word % 13) {
      case 0:
      case 1:
        if (file.ok()) break;
        disk.release(disk.create(path).value());  // no handle is kept
        promises[path] = {};
        break;
      case 2:
      case 3:
      case 4:
        if (!file.ok()) break;
        append(disk, *file, std::string(n, letter));
        promises[path].data = false;
        break;
      case 5:
        if (!file.ok()) break;
        CHECK(disk.write(*file, disk.size(*file) / 3, std::string(n, letter)).ok());
        promises[path].data = false;
        break;
      case 6:
        if (!file.ok()) break;
        disk.truncate(*file, n % 2 == 0 ? 0 : n);
        promises[path].data = false;
        break;
      case 7:
        if (!file.ok()) break;
        CHECK(disk.remove(path).ok());
        promises.erase(path);
        break;
      case 8:
        if (!file.ok() || path == other) break;
        CHECK(disk.rename(path, other).ok());
        promises[other] = {promises[path].data, false};
        promises.erase(path);
        break;
      case 9:
      case 10:
        if (!file.ok()) break;
        sim::sync(disk, *file);
        promises[path].data = true;
        break;
      case 11:
        sim::sync_directory(disk, path[0] == 'd' ? "d" : "");
        for (auto& [name, promise] : promises)
          if ((name[0] == 'd') == (path[0] == 'd')) promise.name = true;
        break;
      case 12:
        if (!file.ok()) break;
        disk.retain(*file);
        disk.release(*file);  // a close
        break;
    }
  }

  // Now and then a file gets a second name; of those, no promises are kept.
  void step_or_link(uint32_t word) {
    if (word / 13 % 8 != 0) return step(word);
    (void)disk.hard_link(kPaths[(word >> 4) % 4], kPaths[(word >> 6) % 4]);
  }

  void expect_promises_kept(const Disk& after) const {
    for (const auto& [path, promise] : promises) {
      if (!promise.name) continue;
      const Result<InodeId> found = after.lookup(path);
      RC_ASSERT(found.ok());
      if (promise.data)
        RC_ASSERT(sim::content(after, *found) == sim::content(disk, disk.lookup(path).value()));
    }
  }

  Disk disk;
  std::map<std::string, Promise> promises;

 private:
  static constexpr const char* kPaths[] = {"a", "b", "d/x", "d/y"};
  static constexpr uint64_t kSizes[] = {3, 60, 600, 3000, 5001};
};

}  // namespace powercut::faults
