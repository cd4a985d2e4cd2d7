// Random programs on every persona: what the random draw gives is legal, and what was synced stays.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "faults/personas.h"
#include "sim/disk_testing.h"
#include "sim/survival.h"

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

// What a draw chose can be written down, read again and brought about.
RC_GTEST_PROP(DiskProperty, AStatedSurvivalIsTheDrawItWasTakenFrom,
              (std::vector<uint32_t> program, uint64_t seed)) {
  sim::SeededChoices choices(seed);
  for (const Persona& persona : all_personas()) {
    Driver driver(persona.rules);
    Disk& disk = driver.disk;
    for (const uint32_t word : program) driver.step(word);
    // What failed is stuck; what is in flight is done or not.
    for (const char* path : {"a", "b", "d/x", "d/y"}) {
      const Result<InodeId> file = disk.lookup(path);
      if (!file.ok()) continue;
      const bool fails = choices.chance("fails", *file, 1, 3);
      if (fails) (void)disk.fail_sync(disk.begin_sync(*file), persona.rules.sync_failure);
      if (fails) (void)disk.fail_sync_directory(disk.begin_sync_directory("d").value());
      if (choices.chance("more", *file, 1, 2)) append(disk, *file, "more");
      if (choices.chance("flies", *file, 1, 2)) (void)disk.begin_sync(*file);
      if (choices.chance("flies too", *file, 1, 2)) (void)disk.begin_sync_directory("d");
    }
    for (uint64_t key = 0; key < 4; ++key) {
      const auto style = key % 2 == 0 ? CutStyle::kUseful : CutStyle::kUniform;
      const std::string stated = print(survival_of(disk, choices, key, style));
      const Result<sim::Survival> parsed = sim::parse_survival(stated);
      RC_ASSERT(parsed.ok());
      RC_ASSERT(print(*parsed) == stated);
      sim::Survival rest_kept = *parsed;
      rest_kept.rest_kept = true;  // makes no difference: all is stated
      const Result<Disk> after = disk.after_power_cut(*parsed);
      if (!after.ok()) RC_FAIL(after.error().message);
      const Image image = image_of(disk.after_power_cut(choices, key, style));
      RC_ASSERT(image_of(*after) == image);
      RC_ASSERT(image_of(disk.after_power_cut(rest_kept).value()) == image);
      for (size_t i = 0; i < parsed->slots.size(); ++i) {
        sim::Survival wrong = *parsed;
        wrong.slots[i].version = 1'000'000;
        RC_ASSERT(!disk.after_power_cut(wrong).ok());
      }
    }
    RC_ASSERT(is_legal_crash_state(disk, image_of(disk.after_power_cut(sim::Survival{}).value())));
    RC_ASSERT(is_legal_crash_state(
        disk, image_of(disk.after_power_cut(sim::Survival{true, {}}).value())));
  }
}

}  // namespace
}  // namespace powercut::faults
