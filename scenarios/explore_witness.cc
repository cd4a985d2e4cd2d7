#include "scenarios/explore_witness.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/check.h"

namespace powercut::scenarios {

namespace {

using Seen = std::vector<std::vector<std::optional<sim::ContentId>>>;  // by file and sector

// A search that found something says neither where nor what. What was written last holds it, if
// anything does: a batch is found whole or not at all.
void show_newest(const sim::LazyFile& file, const sim::Options& left, uint64_t from,
                 uint32_t sector_bytes, sim::ContentPool& pool,
                 std::vector<std::optional<sim::ContentId>>& seen) {
  size_t option = file.options.size() - 1;
  while (!left[option]) --option;
  for (uint64_t sector = from / sector_bytes; sector < seen.size(); ++sector) {
    const uint64_t begin = sector * sector_bytes;
    if (seen[sector] || file.options[option].size <= begin) continue;
    const sim::LazyFile::Candidate* newest = nullptr;
    for (const auto& candidate : file.sectors[sector])
      if (candidate.options[option] && (newest == nullptr || candidate.version > newest->version))
        newest = &candidate;
    if (newest != nullptr)
      seen[sector] = pool.prefix(newest->content, file.options[option].size - begin);
  }
}

sim::Survival witness(Recoveries& recoveries, const sim::Disk& disk, const sim::LazyImage& image,
                      const Recoveries::Class& one) {
  Seen seen(image.files.size());
  std::vector<sim::Options> left = one.left;
  for (size_t f = 0; f < image.files.size(); ++f) seen[f].resize(image.files[f]->sectors.size());
  for (const auto& [look, answer] : one.seen)
    if (look.kind == sim::Look::kSector && look.sector < seen[look.file].size())
      seen[look.file][look.sector] = static_cast<sim::ContentId>(answer);
  for (const auto& [look, answer] : one.seen) {
    if (look.kind != sim::Look::kSearch || answer == 0) continue;
    const sim::LazyFile& file = *image.files[look.file];
    show_newest(file, left[look.file], look.what.offset, image.sector_bytes, recoveries.pool(),
                seen[look.file]);
    // And the longest.
    size_t option = file.options.size() - 1;
    while (!left[look.file][option]) --option;
    left[look.file] = sim::Options().set(option);
  }
  sim::Survival survival = sim::stated(disk, image, left, seen, recoveries.pool());
  if (survival.slots.empty()) survival.rest_kept = true;  // nothing was undecided
  return survival;
}

// One image of `lazy` that reads as `image` does.
sim::Survival witness(Recoveries& recoveries, const sim::Disk& disk, const sim::LazyImage& lazy,
                      const sim::Disk& image) {
  Seen seen(lazy.files.size());
  std::vector<sim::Options> left;
  for (const auto& file : lazy.files) left.push_back(file->all);
  for (const auto& path : lazy.paths) {
    if (path.file == sim::LazyImage::kDirectory || !seen[path.file].empty()) continue;
    const sim::InodeId inode = image.lookup(path.path).value();
    const uint64_t size = image.size(inode);
    for (uint64_t from = 0; from <= size; from += lazy.sector_bytes) {
      std::string bytes(std::min<uint64_t>(lazy.sector_bytes, size - from), '\0');
      CHECK(image.read(inode, from, bytes.data(), bytes.size()).ok());
      const sim::ContentId id = recoveries.pool().intern(bytes);
      seen[path.file].push_back(id);
      const auto outcomes = lazy.files[path.file]->outcomes(
          left[path.file], from / lazy.sector_bytes, lazy.sector_bytes, recoveries.pool());
      for (const auto& outcome : outcomes)
        if (outcome.seen == id) left[path.file] = outcome.options;
    }
  }
  return sim::stated(disk, lazy, left, seen, recoveries.pool());
}

}  // namespace

sim::Survival witness_of_outcome(Recoveries& recoveries, const sim::Disk& disk, uint32_t outcome) {
  sim::Survival survival;
  bool found = false;
  (void)sim::for_each_lazy_image(disk, recoveries.pool(), [&](const sim::LazyImage& image) {
    if (found) return;
    recoveries.for_each_class(image, [&](const Recoveries::Class& one) {
      if (one.outcome != outcome) return true;
      survival = witness(recoveries, disk, image, one);
      found = true;
      return false;
    });
  });
  return survival;
}

sim::Survival witness_of_image(Recoveries& recoveries, const sim::Disk& disk,
                               const sim::PersonaRules& rules, const std::string& key) {
  sim::Survival survival;
  (void)sim::for_each_lazy_image(disk, recoveries.pool(), [&](const sim::LazyImage& lazy) {
    sim::for_each_single_image(lazy, recoveries.pool(), rules,
                               [&](const std::string& at, const sim::Disk& image) {
                                 if (at != key) return true;
                                 survival = witness(recoveries, disk, lazy, image);
                                 return false;
                               });
  });
  return survival;
}

}  // namespace powercut::scenarios
