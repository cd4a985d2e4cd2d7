// Lazy resolution against brute force: the same images, the same number of them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "faults/personas.h"
#include "faults/random_program_testing.h"
#include "sim/image_count.h"
#include "sim/lazy_disk.h"
#include "sim/odometer.h"

namespace powercut::faults {
namespace {

using sim::ContentPool;
using sim::Image;
using sim::LazyImage;
using sim::LazyView;
using sim::Look;

// Every image that reading the whole of every file, in order, can tell apart.
class WholeReader {
 public:
  WholeReader(const LazyImage& image, ContentPool& pool) : view_(image, pool) {}

  std::set<Image> images() {
    read(0, 0);
    return std::move(found_);
  }

 private:
  void read(uint32_t file, uint64_t sector) {
    const LazyImage& image = view_.image();
    if (file == image.files.size()) return take();
    contents_.resize(image.files.size());
    for (const auto& answer : view_.answers({Look::kSector, file, sector, {}})) {
      const sim::Options left = view_.left[file];
      const std::string before = contents_[file];
      view_.left[file] = answer.left;
      const std::string& seen = view_.pool().bytes(static_cast<sim::ContentId>(answer.seen));
      contents_[file] += seen;
      if (seen.size() < image.sector_bytes)
        read(file + 1, 0);
      else
        read(file, sector + 1);
      contents_[file] = before;
      view_.left[file] = left;
    }
  }

  void take() {
    Image image;
    for (const LazyImage::Path& path : view_.image().paths)
      image.push_back({path.path, path.file == LazyImage::kDirectory ? "" : contents_[path.file]});
    found_.insert(std::move(image));
  }

  LazyView view_;
  std::vector<std::string> contents_;
  std::set<Image> found_;
};

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
  std::set<Image> brute;
  std::set<std::pair<Image, std::vector<InodeId>>> linked;
  sim::Odometer odometer;
  uint64_t tapes = 0;
  do {
    if (++tapes > 12'000) return;
    const Disk after = disk.after_power_cut(odometer, 0, sim::CutStyle::kUniform);
    const Image image = sim::image_of(after);
    brute.insert(image);
    linked.emplace(image, links_of(after, image));
  } while (odometer.next());
  ContentPool pool;
  sim::ImageCount count(pool);
  std::set<Image> lazy;
  RC_ASSERT(sim::for_each_lazy_image(disk, pool, [&](const LazyImage& image) {
              count.add(image);
              lazy.merge(WholeReader(image, pool).images());
            }).ok());
  RC_ASSERT(lazy == brute);
  RC_ASSERT(count.decimal() == std::to_string(linked.size()));
}

RC_GTEST_PROP(LazyImage, StandsForAllImagesAndNoOther, (std::vector<uint32_t> program)) {
  if (program.size() > 9) program.resize(9);
  for (const Persona& persona : every_persona()) {
    Driver driver(persona.rules);
    for (const uint32_t word : program) driver.step(word);
    expect_same_images(driver.disk);
  }
}

// The same with a sync in flight: on a log tree it adds states.
RC_GTEST_PROP(LazyImage, StandsForAllImagesDuringASync, (std::vector<uint32_t> program)) {
  if (program.size() > 7) program.resize(7);
  for (const Persona& persona : every_persona()) {
    Driver driver(persona.rules);
    for (const uint32_t word : program) driver.step(word);
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

}  // namespace
}  // namespace powercut::faults
