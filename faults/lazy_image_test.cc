// Lazy resolution against brute force: the same images, the same number of them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "faults/personas.h"
#include "faults/random_program_testing.h"
#include "sim/image_count.h"
#include "sim/lazy_disk.h"
#include "sim/lazy_stated.h"
#include "sim/odometer.h"

namespace powercut::faults {
namespace {

using sim::ContentPool;
using sim::Image;
using sim::LazyImage;
using sim::LazyView;

// Which paths are one file. Two names of a file are another image than two files.
std::vector<InodeId> links_of(const Disk& disk, const Image& image) {
  std::vector<InodeId> inodes;
  std::vector<InodeId> numbered;
  for (const auto& file : image) {
    if (file.path.back() == '/') continue;
    const InodeId inode = disk.lookup(file.path).value();
    auto at = std::find(inodes.begin(), inodes.end(), inode);
    if (at == inodes.end()) at = inodes.insert(inodes.end(), inode);
    numbered.push_back(static_cast<InodeId>(at - inodes.begin()));
  }
  return numbered;
}

void expect_same_images(const Disk& disk) {
  std::set<std::pair<Image, std::vector<InodeId>>> linked;
  sim::Odometer odometer;
  uint64_t tapes = 0;
  do {
    if (++tapes > 12'000) return;
    const Disk after = disk.after_power_cut(odometer, 0, sim::CutStyle::kUniform);
    const Image image = sim::image_of(after);
    linked.emplace(image, links_of(after, image));
  } while (odometer.next());
  ContentPool pool;
  sim::ImageCount count(pool);
  std::map<std::string, std::pair<Image, std::vector<InodeId>>> lazy;  // by key
  RC_ASSERT(sim::for_each_lazy_image(disk, pool, [&](const LazyImage& image) {
              count.add(image);
              sim::for_each_single_image(
                  image, pool, disk.rules(),
                  [&](const std::string& key, const LazyView& view, const Disk& single) {
                    const Image found = sim::image_of(single);
                    const auto links = links_of(single, found);
                    const auto known = lazy.emplace(key, std::pair(found, links)).first;
                    RC_ASSERT(known->second == std::pair(found, links));
                    // And stated in full it is the same.
                    const auto stated = disk.after_power_cut(sim::stated(disk, view));
                    RC_ASSERT(stated.ok());
                    RC_ASSERT(sim::image_of(*stated) == found);
                    return true;
                  });
            }).ok());
  std::set<std::pair<Image, std::vector<InodeId>>> images;
  for (const auto& [key, image] : lazy) images.insert(image);
  RC_ASSERT(images == linked);
  RC_ASSERT(lazy.size() == images.size());  // equal images have equal keys
  RC_ASSERT(count.decimal() == std::to_string(linked.size()));
}

RC_GTEST_PROP(LazyImage, StandsForAllImagesAndNoOther, (std::vector<uint32_t> program)) {
  if (program.size() > 9) program.resize(9);
  for (const Persona& persona : every_persona()) {
    Driver driver(persona.rules);
    for (const uint32_t word : program) driver.step_or_link(word);
    expect_same_images(driver.disk);
  }
}

// The same with a sync in flight: on a log tree it adds states.
RC_GTEST_PROP(LazyImage, StandsForAllImagesDuringASync, (std::vector<uint32_t> program)) {
  if (program.size() > 7) program.resize(7);
  for (const Persona& persona : every_persona()) {
    Driver driver(persona.rules);
    for (const uint32_t word : program) driver.step_or_link(word);
    const auto file = driver.disk.lookup("a");
    if (!file.ok()) continue;
    (void)driver.disk.begin_sync(*file);
    expect_same_images(driver.disk);
  }
}

TEST(LazyImage, CountsBeyondAnyMachineWord) {
  Disk disk(find_persona("posix-min")->rules);
  const InodeId file = sim::durable_file(disk, "f", std::string(4096 * 16, 'o'));
  CHECK(disk.write(file, 0, std::string(4096 * 16, 'n')).ok());
  ContentPool pool;
  sim::ImageCount count(pool);
  ASSERT_TRUE(sim::for_each_lazy_image(disk, pool, [&](const LazyImage& i) { count.add(i); }).ok());
  EXPECT_EQ(count.decimal(), "340282366920938463463374607431768211456");  // 2^128: 128 sectors
}

TEST(LazyImage, CountsImagesOfMoreSectorsThanAStackHoldsCalls) {
  constexpr size_t kBytes = size_t{32} << 20;
  ContentPool pool;
  sim::ImageCount count(pool);
  for (const size_t at : {size_t{0}, kBytes - 512}) {
    Disk disk(find_persona("posix-min")->rules);
    const InodeId file = sim::durable_file(disk, "f", std::string(kBytes, 'o'));
    CHECK(disk.write(file, at, std::string(512, 'n')).ok());
    ASSERT_TRUE(
        sim::for_each_lazy_image(disk, pool, [&](const LazyImage& i) { count.add(i); }).ok());
  }
  EXPECT_EQ(count.decimal(), "3");  // nothing new, the first sector, the last one
}

}  // namespace
}  // namespace powercut::faults
