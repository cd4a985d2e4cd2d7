#include "sim/lazy_view.h"

#include <algorithm>
#include <deque>
#include <span>

#include "engine/base/check.h"
#include "sim/hash_index.h"
#include "sim/lazy_search.h"

namespace powercut::sim {

// What was worked out of a file: the same look at it, with as much known of it, need not be again.
struct LazyFile::Memo {
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
    : image_(&image), pool_(&pool), directories_{0} {
  size_t names = 0;
  for (const LazyImage::Directory& directory : image.directories) {
    for (const LazyImage::Name& name : directory.names) CHECK(!name.ends.empty());
    first_.push_back(names);
    names += directory.names.size();
  }
  names_.assign(names, kOpen);
}

// --- Names ---

size_t LazyView::place_of(uint32_t of, ContentId name) const {
  const auto& all = names(of);
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& n) { return n.name == name; });
  return static_cast<size_t>(at - all.begin());
}

uint64_t LazyView::seen_at(const LazyImage::End& end) const {
  if (end.kind == LazyImage::End::kNothing) return kNothing;
  if (end.kind == LazyImage::End::kDirectory) return kDirectory;
  const auto known = std::find(files_.begin(), files_.end(), end.index);
  return kFirstFile + static_cast<uint64_t>(known - files_.begin());  // or the next number
}

// The names up to the answer lead to nothing.
std::vector<LazyView::Answer> LazyView::next_names(const Look& look) const {
  std::vector<Answer> found;
  const auto& all = names(look.of);
  const size_t first = look.name == ContentPool::kEmpty ? 0 : place_of(look.of, look.name) + 1;
  found.reserve(all.size() - first + 1);
  for (size_t i = first; i < all.size(); ++i) {
    const int32_t state = names_[first_state(look.of) + i];
    const auto is_nothing = [](const auto& end) { return end.kind == LazyImage::End::kNothing; };
    const auto& ends = all[i].ends;
    const bool decided = state >= 0;
    const bool never =
        decided ? is_nothing(ends[state]) : std::all_of(ends.begin(), ends.end(), is_nothing);
    if (never) continue;
    found.push_back({all[i].name, {}, static_cast<uint32_t>(i)});
    const bool always =
        decided || state == kThere || std::none_of(ends.begin(), ends.end(), is_nothing);
    if (always) return found;
  }
  found.push_back({ContentPool::kEmpty, {}, static_cast<uint32_t>(all.size())});
  return found;
}

std::vector<LazyView::Answer> LazyView::ends(const Look& look) const {
  const size_t place = place_of(look.of, look.name);
  if (place == names(look.of).size()) return {{kNothing, {}}};
  const auto& ends = names(look.of)[place].ends;
  const int32_t state = names_[first_state(look.of) + place];
  std::vector<Answer> found;
  found.reserve(ends.size());
  for (uint32_t i = 0; i < ends.size(); ++i) {
    if (state >= 0 && static_cast<uint32_t>(state) != i) continue;
    if (state == kThere && ends[i].kind == LazyImage::End::kNothing) continue;
    found.push_back({seen_at(ends[i]), {}, i});
  }
  CHECK(!found.empty());
  return found;
}

// What was decided stays so, until it is taken back.
void LazyView::decide(size_t name, int32_t state) {
  CHECK(names_[name] < 0 || names_[name] == state);
  decisions_.emplace_back(name, names_[name]);
  names_[name] = state;
}

std::optional<uint32_t> LazyView::number_of(InodeId file) const {
  for (uint32_t number = 0; number < files_.size(); ++number)
    if (this->file(number).inode == file) return number;
  return std::nullopt;
}

uint64_t LazyView::version_of(InodeId directory, std::string_view name) const {
  for (size_t d = 0; d < image_->directories.size(); ++d) {
    if (image_->directories[d].inode != directory) continue;
    const auto& all = image_->directories[d].names;
    for (size_t i = 0; i < all.size(); ++i) {
      if (pool_->bytes(all[i].name) != name) continue;
      const int32_t state = names_[first_[d] + i];
      if (state >= 0) return all[i].ends[static_cast<size_t>(state)].version;
      const bool skip = state == kThere && all[i].ends[0].kind == LazyImage::End::kNothing;
      return all[i].ends[skip ? 1 : 0].version;
    }
  }
  return 0;
}

LazyView::Before LazyView::settle(const Look& look, const Answer& answer) {
  Before before{{}, decisions_.size(), false, false};
  if (look.kind == Look::kNext) {
    const auto& all = names(look.of);
    const size_t state = first_state(look.of);
    for (size_t i = look.name == ContentPool::kEmpty ? 0 : place_of(look.of, look.name) + 1;
         i < answer.index; ++i) {
      if (names_[state + i] >= 0) continue;
      size_t end = 0;
      while (all[i].ends[end].kind != LazyImage::End::kNothing) ++end;
      decide(state + i, static_cast<int32_t>(end));
    }
    if (answer.index < all.size() && names_[state + answer.index] == kOpen)
      decide(state + answer.index, kThere);
    return before;
  }
  if (look.kind == Look::kEnd) {
    const size_t place = place_of(look.of, look.name);
    if (place == names(look.of).size()) return before;
    decide(first_state(look.of) + place, static_cast<int32_t>(answer.index));
    const LazyImage::End& end = names(look.of)[place].ends[answer.index];
    if (answer.seen == kDirectory) {
      before.found_directory = true;
      directories_.push_back(end.index);
    } else if (answer.seen == kFirstFile + files_.size()) {
      before.found_file = true;
      files_.push_back(end.index);
      left.push_back(image_->files[end.index]->all);
      seen.emplace_back();
    }
    return before;
  }
  CHECK(answer.left.any() && (answer.left & ~left[look.of]).none());  // less, but never nothing
  before.left = left[look.of];
  left[look.of] = answer.left;
  if (look.kind == Look::kSector) {
    auto& known = seen[look.of];
    if (look.sector >= known.size()) known.resize(look.sector + 1);
    CHECK(!known[look.sector]);  // nobody looks twice
    known[look.sector] = static_cast<ContentId>(answer.seen);
  }
  return before;
}

void LazyView::unsettle(const Look& look, const Before& before) {
  if (look.kind == Look::kNext || look.kind == Look::kEnd) {
    CHECK(decisions_.size() >= before.decisions);
    for (; decisions_.size() > before.decisions; decisions_.pop_back())
      names_[decisions_.back().first] = decisions_.back().second;
    if (before.found_directory) directories_.pop_back();
    if (before.found_file) {
      files_.pop_back();
      left.pop_back();
      seen.pop_back();
    }
    return;
  }
  CHECK((left[look.of] & ~before.left).none());
  left[look.of] = before.left;
  if (look.kind == Look::kSector) seen[look.of][look.sector].reset();
}

LazyImage LazyView::narrowed() const {
  LazyImage image = *image_;
  for (size_t d = 0; d < image.directories.size(); ++d) {
    auto& all = image.directories[d].names;
    for (size_t i = 0; i < all.size(); ++i) {
      const int32_t state = names_[first_[d] + i];
      if (state >= 0)
        all[i].ends = {LazyImage::End(all[i].ends[static_cast<size_t>(state)])};
      else if (state == kThere)
        std::erase_if(all[i].ends,
                      [](const auto& end) { return end.kind == LazyImage::End::kNothing; });
    }
  }
  for (uint32_t number = 0; number < files_.size(); ++number) {
    const bool looked = std::any_of(seen[number].begin(), seen[number].end(),
                                    [](const auto& sector) { return sector.has_value(); });
    if (looked || left[number] != file(number).all)
      image.files[files_[number]] = std::make_shared<LazyFile>(narrowed_file(number));
  }
  return image;
}

LazyFile LazyView::narrowed_file(uint32_t number) const {
  const LazyFile& file = this->file(number);
  const uint32_t unit = image_->sector_bytes;
  LazyFile narrow;
  narrow.inode = file.inode;
  narrow.sectors.resize(file.sectors.size());
  for (size_t i = 0; i < file.options.size(); ++i) {
    if (!left[number][i]) continue;
    const size_t now = narrow.options.size();
    narrow.options.push_back(file.options[i]);
    narrow.all.set(now);
    for (size_t s = 0; s * unit < file.options[i].size; ++s) {
      const bool was_seen = s < seen[number].size() && seen[number][s].has_value();
      for (const auto& candidate : file.sectors[s]) {
        if (!candidate.options[i]) continue;
        if (was_seen &&
            pool_->prefix(candidate.content, file.options[i].size - s * unit) != *seen[number][s])
          continue;
        narrow.sectors[s].push_back(candidate);
        narrow.sectors[s].back().options = Options().set(now);
      }
    }
  }
  return narrow;
}

// --- Files ---

LazyView::Answers LazyView::answers(const Look& look) const {
  if (look.kind == Look::kNext) return Answers(next_names(look));
  if (look.kind == Look::kEnd) return Answers(ends(look));
  const LazyFile& file = this->file(look.of);
  LazyFile::Memo& memo = memo_of(file);
  const Options& left = this->left[look.of];
  // A search asks what lies behind; other looks only ask what is left.
  const auto& all = seen[look.of];
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
  if (known) return Answers(memo.known[*known].answers);
  memo.index.put(hash, static_cast<uint32_t>(memo.known.size()));
  memo.known.push_back(
      {look.kind, look.sector, look.what, left, {behind.begin(), behind.end()}, work_out(look)});
  return Answers(memo.known.back().answers);
}

std::vector<LazyView::Answer> LazyView::work_out(const Look& look) const {
  const LazyFile& file = this->file(look.of);
  const Options& left = this->left[look.of];
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

void LazyView::alternatives(uint32_t of, size_t option, uint64_t first, Alternatives& all) const {
  const LazyFile& file = this->file(of);
  const uint32_t unit = image_->sector_bytes;
  const uint64_t size = file.options[option].size;
  const auto& known = seen[of];
  all.clear();
  for (uint64_t s = first; s * unit < size; ++s) {
    all.emplace_back();
    if (s < known.size() && known[s]) {
      all.back().push_back(*known[s]);
      continue;
    }
    for (const auto& candidate : file.sectors[s])
      if (candidate.options[option])
        all.back().push_back(pool_->prefix(candidate.content, size - s * unit));
  }
}

// Exact: by option, over all mixtures of what was not seen yet.
std::vector<LazyView::Answer> LazyView::search(const Look& look) const {
  const LazyFile& file = this->file(look.of);
  const uint32_t unit = image_->sector_bytes;
  const uint64_t first = look.what.offset / unit;
  Answer no{static_cast<uint64_t>(engine::Found::kNo), {}};
  Answer yes{static_cast<uint64_t>(engine::Found::kYes), {}};
  const Answer read_on{static_cast<uint64_t>(engine::Found::kReadOn), left[look.of]};
  if (look.what.mark > unit) return {read_on};

  // Most often nothing there can even end a match.
  auto& peaks = memo_of(file).peaks;
  if (peaks.of != look.what.peak) peaks = peaks_of(file, look.what, *pool_);
  const uint64_t s0 = std::min<uint64_t>(first, file.sectors.size());
  if (peaks.highest[s0] <= look.what.offset) return {{no.seen, left[look.of]}};
  if (peaks.longest[s0] > 2 * unit) return {read_on};

  Alternatives all;
  for (size_t i = 0; i < file.options.size(); ++i) {
    if (!left[look.of][i]) continue;
    alternatives(look.of, i, first, all);
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
