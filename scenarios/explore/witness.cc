#include "scenarios/explore/witness.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sim/lazy_stated.h"

namespace powercut::scenarios {

namespace {

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

sim::Survival witness(const sim::Disk& disk, const Recoveries::Class& one) {
  sim::LazyView view = one.view;
  for (uint32_t f = 0; f < view.files(); ++f) view.seen[f].resize(view.file(f).sectors.size());
  for (const auto& seen : one.seen) {
    const sim::Look& look = seen.look;
    if (look.kind != sim::Look::kSearch || seen.answer.seen == 0) continue;
    show_newest(view.file(look.of), view.left[look.of], look.what.offset, view.image().sector_bytes,
                view.pool(), view.seen[look.of]);
    // And the longest.
    size_t option = view.file(look.of).options.size() - 1;
    while (!view.left[look.of][option]) --option;
    view.left[look.of] = sim::Options().set(option);
  }
  sim::Survival survival = sim::stated(disk, view);
  if (survival.slots.empty()) survival.rest_kept = true;  // nothing was undecided
  return survival;
}

}  // namespace

sim::Survival witness_of_outcome(Recoveries& recoveries, const sim::Disk& disk, uint32_t outcome) {
  sim::Survival survival;
  bool found = false;
  (void)sim::for_each_lazy_image(disk, recoveries.pool(), [&](const sim::LazyImage& image) {
    if (found) return;
    recoveries.for_each_class(image, [&](const Recoveries::Class& one) {
      if (one.outcome != outcome) return true;
      survival = witness(disk, one);
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
                               [&](const std::string& at, const sim::LazyView& view, sim::Disk) {
                                 if (at != key) return true;
                                 survival = sim::stated(disk, view);
                                 return false;
                               });
  });
  return survival;
}

}  // namespace powercut::scenarios
