// Random programs on every persona: what the random draw gives is legal, and what was synced stays.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "faults/personas.h"
#include "faults/random_program_testing.h"
#include "sim/disk_testing.h"
#include "sim/survival.h"

namespace powercut::faults {
namespace {

using sim::CutStyle;
using sim::Disk;
using sim::Image;

RC_GTEST_PROP(DiskProperty, WhatWasSyncedSurvives, (std::vector<uint32_t> program, uint64_t seed)) {
  sim::SeededChoices choices(seed);
  for (const Persona& persona : every_persona()) {
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
  for (const Persona& persona : every_persona()) {
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
  for (const Persona& persona : every_persona()) {
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
