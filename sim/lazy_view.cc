#include "sim/lazy_view.h"

#include <algorithm>
#include <deque>
#include <span>

#include "engine/base/check.h"
#include "sim/hash_index.h"

namespace powercut::sim {

// What was worked out of a file: the same look at it, with as much known of it, need not be again.
struct LazyFile::Memo {
  struct Peaks {
    uint64_t (*of)(std::string_view) = nullptr;
    std::vector<uint64_t> highest;
    std::vector<size_t> longest;
  };
  struct Known {
    Look::Kind kind;
    uint64_t sector;
    engine::Search what;
    Options left;
    std::vector<std::optional<ContentId>> behind;  // of a search: the sectors that were seen there
    std::vector<LazyView::Answer> answers;
  };
  Peaks peaks;
  HashIndex index;
  std::deque<Known> known;
};

namespace {

LazyFile::Memo& memo_of(const LazyFile& file) {
  if (!file.memo) file.memo = std::make_shared<LazyFile::Memo>();
  return *file.memo;
}

}  // namespace

LazyView::LazyView(const LazyImage& image, ContentPool& pool)
    : seen(image.files.size()), image_(&image), pool_(&pool) {
  left.reserve(image.files.size());
  for (const auto& file : image.files) left.push_back(file->all);
}

const std::vector<LazyView::Answer>& LazyView::answers(const Look& look) const {
  const LazyFile& file = *image_->files[look.file];
  LazyFile::Memo& memo = memo_of(file);
  const Options& left = this->left[look.file];
  // A search asks what lies behind; other looks only ask what is left.
  const auto& all = seen[look.file];
  const size_t from = look.kind == Look::kSearch
                          ? std::min<size_t>(look.what.offset / image_->sector_bytes, all.size())
                          : all.size();
  const std::span behind(all.begin() + static_cast<ptrdiff_t>(from), all.end());

  uint64_t hash = look.sector << 8 | look.kind;
  const auto mix = [&](uint64_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15u; };
  for (size_t i = 0; i < file.options.size(); ++i)
    if (left[i]) mix(i + 1);
  mix(look.what.offset);
  for (const auto& content : behind) mix(content.value_or(0));
  hash ^= hash >> 29;

  const auto known = memo.index.find(hash, [&](uint32_t i) {
    const LazyFile::Memo::Known& one = memo.known[i];
    return one.kind == look.kind && one.sector == look.sector && one.what == look.what &&
           one.left == left &&
           std::equal(behind.begin(), behind.end(), one.behind.begin(), one.behind.end());
  });
  if (known) return memo.known[*known].answers;
  memo.index.put(hash, static_cast<uint32_t>(memo.known.size()));
  memo.known.push_back(
      {look.kind, look.sector, look.what, left, {behind.begin(), behind.end()}, work_out(look)});
  return memo.known.back().answers;
}

std::vector<LazyView::Answer> LazyView::work_out(const Look& look) const {
  const LazyFile& file = *image_->files[look.file];
  const Options& left = this->left[look.file];
  std::vector<Answer> found;
  if (look.kind == Look::kSearch) return search(look);
  if (look.kind == Look::kSector) {
    for (const auto& outcome : file.outcomes(left, look.sector, image_->sector_bytes, *pool_))
      found.push_back({outcome.seen, outcome.options});
  } else {
    for (size_t i = 0; i < file.options.size(); ++i) {
      if (!left[i]) continue;
      const uint64_t size = file.options[i].size;
      const auto known =
          std::find_if(found.begin(), found.end(), [&](const Answer& a) { return a.seen == size; });
      if (known != found.end())
        known->left.set(i);
      else
        found.push_back({size, Options().set(i)});
    }
  }
  CHECK(!found.empty());
  return found;
}

void LazyView::settle(const Look& look, const Answer& answer) {
  left[look.file] = answer.left;
  if (look.kind != Look::kSector) return;
  auto& known = seen[look.file];
  if (look.sector >= known.size()) known.resize(look.sector + 1);
  known[look.sector] = static_cast<ContentId>(answer.seen);
}

namespace {

using Alternatives = std::vector<std::vector<ContentId>>;  // by sector, as far as it is seen

// Is there a mixture with a match, and one without? A match lies within three sectors in a row.
struct Feasible {
  bool yes = false;
  bool no = false;
};
Feasible feasible(const engine::Search& what, uint64_t from, uint32_t unit, const Alternatives& all,
                  ContentPool& pool) {
  Feasible result;
  // The ways to come here without a match, by the contents of the last two sectors.
  std::vector<std::pair<ContentId, ContentId>> ways{{ContentPool::kEmpty, ContentPool::kEmpty}};
  std::vector<std::pair<ContentId, ContentId>> reached = ways;  // with one or without
  for (size_t s = 0; s < all.size(); ++s) {
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
  return result;
}

// By sector: of every mixture from there on.
LazyFile::Memo::Peaks peaks_of(const LazyFile& file, const engine::Search& what,
                               ContentPool& pool) {
  LazyFile::Memo::Peaks peaks{what.peak, {}, {}};
  peaks.highest.resize(file.sectors.size() + 1);
  peaks.longest.resize(file.sectors.size() + 1);
  for (size_t s = file.sectors.size(); s-- > 0;) {
    peaks.highest[s] = peaks.highest[s + 1];
    peaks.longest[s] = peaks.longest[s + 1];
    static const std::vector<LazyFile::Candidate> kEnd{{ContentPool::kEmpty, 0, false, {}}};
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

}  // namespace

// Exact: by option, over all mixtures of what was not seen yet.
std::vector<LazyView::Answer> LazyView::search(const Look& look) const {
  const LazyFile& file = *image_->files[look.file];
  const uint32_t unit = image_->sector_bytes;
  const uint64_t first = look.what.offset / unit;
  const auto& known = seen[look.file];
  Answer no{static_cast<uint64_t>(engine::Found::kNo), {}};
  Answer yes{static_cast<uint64_t>(engine::Found::kYes), {}};
  const Answer read_on{static_cast<uint64_t>(engine::Found::kReadOn), left[look.file]};
  if (look.what.mark > unit) return {read_on};

  // Most often nothing there can even end a match.
  auto& peaks = memo_of(file).peaks;
  if (peaks.of != look.what.peak) peaks = peaks_of(file, look.what, *pool_);
  const uint64_t s0 = std::min<uint64_t>(first, file.sectors.size());
  if (peaks.highest[s0] <= look.what.offset) return {{no.seen, left[look.file]}};
  if (peaks.longest[s0] > 2 * unit) return {read_on};

  Alternatives all;
  for (size_t i = 0; i < file.options.size(); ++i) {
    if (!left[look.file][i]) continue;
    const uint64_t size = file.options[i].size;
    all.clear();
    for (uint64_t s = first; s * unit < size; ++s) {
      all.emplace_back();
      if (s < known.size() && known[s]) {
        all.back().push_back(*known[s]);
        continue;
      }
      for (const auto& candidate : file.sectors[s])
        if (candidate.options[i])
          all.back().push_back(pool_->prefix(candidate.content, size - s * unit));
    }
    const Feasible can = feasible(look.what, first * unit, unit, all, *pool_);
    if (can.no) no.left.set(i);
    if (can.yes) yes.left.set(i);
  }
  std::vector<Answer> found;
  if (no.left.any()) found.push_back(no);
  if (yes.left.any()) found.push_back(yes);
  CHECK(!found.empty());
  return found;
}

}  // namespace powercut::sim
