// Random programs on every persona: what the random draw gives is legal, and what was synced stays.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "faults/personas.h"
#include "sim/disk_testing.h"

namespace powercut::faults {
namespace {

using sim::CutStyle;
using sim::Disk;
using sim::Image;
using sim::InodeId;

// What has been promised, kept independently of the disk's own log.
struct Promise {
  bool data = false;  // synced and not touched since
  bool name = false;  // its directory was synced since it got this name
};

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
    switch (word % 12) {
      case 0:
      case 1:
        if (file.ok()) break;
        CHECK(disk.create(path).ok());
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
    }
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

RC_GTEST_PROP(DiskProperty, WhatWasSyncedSurvives, (std::vector<uint32_t> program, uint64_t seed)) {
  sim::SeededChoices choices(seed);
  for (const Persona& persona : all_personas()) {
    Driver driver(persona.rules);
    for (const uint32_t word : program) {
      driver.step(word);
      const Disk after = driver.disk.after_power_cut(choices, word);
      RC_ASSERT(after.self_check().ok());
      if (persona.keeps_synced) driver.expect_promises_kept(after);
      RC_ASSERT(image_of(driver.disk.after_kill()) == image_of(driver.disk));
    }
  }
}

RC_GTEST_PROP(DiskProperty, TheDrawIsAmongTheEnumeratedAndTheLegal,
              (std::vector<uint32_t> program, uint64_t seed)) {
  if (program.size() > 7) program.resize(7);
  sim::SeededChoices choices(seed);
  for (const Persona& persona : all_personas()) {
    sim::PersonaRules rules = persona.rules;
    if (seed % 2 == 0) rules.sector_bytes = sim::kBlockBytes;
    Driver driver(rules);
    for (const uint32_t word : program) driver.step(word);
    std::set<Image> all;
    const auto done = sim::for_each_crash_state(
        driver.disk, 2'000, [&](const Disk&, const Image& image) { all.insert(image); });
    for (const Image& image : all) RC_ASSERT(is_legal_crash_state(driver.disk, image));
    for (uint64_t key = 0; key < 10; ++key) {
      Image image = image_of(driver.disk.after_power_cut(choices, key));
      RC_ASSERT(is_legal_crash_state(driver.disk, image));
      if (done.complete) RC_ASSERT(all.contains(image));
      if (image.empty() || image.back().content.empty()) continue;
      image.back().content.back() = '#';  // nobody wrote that
      RC_ASSERT(!is_legal_crash_state(driver.disk, image));
    }
  }
}

}  // namespace
}  // namespace powercut::faults
