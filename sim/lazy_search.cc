#include "sim/lazy_search.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace powercut::sim {

Peaks peaks_of(const LazyFile& file, const engine::Search& what, ContentPool& pool) {
  Peaks peaks{what.peak, {}, {}};
  peaks.highest.resize(file.sectors.size() + 1);
  peaks.longest.resize(file.sectors.size() + 1);
  for (size_t s = file.sectors.size(); s-- > 0;) {
    peaks.highest[s] = peaks.highest[s + 1];
    peaks.longest[s] = peaks.longest[s + 1];
    static const std::vector<LazyFile::Candidate> kEnd{{ContentPool::kEmpty, 0, false, 0, {}}};
    for (const auto& here : file.sectors[s]) {
      for (const auto& next : s + 1 < file.sectors.size() ? file.sectors[s + 1] : kEnd) {
        const uint64_t peak = pool.peak(here.content, next.content, what);
        if (peak == 0) continue;
        peaks.highest[s] = std::max(peaks.highest[s], peak);
        peaks.longest[s] = std::max(peaks.longest[s], pool.reach(here.content, next.content, what));
      }
    }
  }
  return peaks;
}

Feasible feasible(const engine::Search& what, uint64_t from, uint32_t unit, const Alternatives& all,
                  ContentPool& pool) {
  Feasible result;
  // The ways to come here without a match, by the contents of the last two sectors.
  std::vector<std::pair<ContentId, ContentId>> ways{{ContentPool::kEmpty, ContentPool::kEmpty}};
  std::vector<std::pair<ContentId, ContentId>> reached = ways;  // with one or without
  for (size_t s = 0; s < all.size(); ++s) {
    CHECK(!all[s].empty());
    std::vector<std::pair<ContentId, ContentId>> next, next_reached;
    for (const auto& way : reached) {
      const bool clean = std::find(ways.begin(), ways.end(), way) != ways.end();
      for (const ContentId here : all[s]) {
        const auto& [a, b] = way;
        const uint64_t at = from + s * unit - pool.bytes(a).size() - pool.bytes(b).size();
        const bool match = pool.matches(a, b, here, what, at);
        result.yes |= match;
        const std::pair now{b, here};
        if (std::find(next_reached.begin(), next_reached.end(), now) == next_reached.end())
          next_reached.push_back(now);
        if (clean && !match && std::find(next.begin(), next.end(), now) == next.end())
          next.push_back(now);
      }
    }
    ways = std::move(next);
    reached = std::move(next_reached);
  }
  result.no = !ways.empty();
  CHECK(result.yes || result.no);
  return result;
}

}  // namespace powercut::sim
