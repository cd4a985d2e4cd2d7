#include "sim/lazy_disk.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"

namespace powercut::sim {

// --- What is possible ---

LazyView::LazyView(const LazyImage& image, ContentPool& pool)
    : image_(&image), pool_(&pool), highest_(image.files.size()) {
  left.reserve(image.files.size());
  for (const LazyFile& file : image.files) left.push_back(file.all);
}

std::vector<LazyView::Answer> LazyView::answers(const Look& look) const {
  const LazyFile& file = image_->files[look.file];
  const Options& left = this->left[look.file];
  std::vector<Answer> found;
  switch (look.kind) {
    case Look::kSector:
      for (const auto& outcome : file.outcomes(left, look.at, image_->sector_bytes, *pool_))
        found.push_back({outcome.seen, outcome.options});
      break;
    case Look::kSize:
      for (size_t i = 0; i < file.options.size(); ++i) {
        if (!left[i]) continue;
        const uint64_t size = file.options[i].size;
        const auto known = std::find_if(found.begin(), found.end(),
                                        [&](const Answer& a) { return a.seen == size; });
        if (known != found.end())
          known->left.set(i);
        else
          found.push_back({size, Options().set(i)});
      }
      break;
    case Look::kAtMost: {
      // Of all mixtures, also those ruled out by now: that only errs on the side of reading.
      std::vector<uint64_t>& highest = highest_[look.file];
      if (highest.empty()) {
        highest.resize(file.sectors.size() + 1);
        for (size_t s = file.sectors.size(); s-- > 0;) {
          highest[s] = highest[s + 1];
          for (const auto& here : file.sectors[s]) {
            if (s + 1 == file.sectors.size())
              highest[s] = std::max(highest[s], pool_->highest(here.content, 0, look.highest));
            else
              for (const auto& next : file.sectors[s + 1])
                highest[s] =
                    std::max(highest[s], pool_->highest(here.content, next.content, look.highest));
          }
        }
      }
      const bool holds = highest[std::min<uint64_t>(look.at, file.sectors.size())] <= look.limit;
      found.push_back({holds ? uint64_t{1} : 0, left});
      break;
    }
  }
  CHECK(!found.empty());
  return found;
}

// --- The disk ---

LazyDisk::LazyDisk(const LazyView& view, const PersonaRules& rules, std::span<const uint64_t> given)
    : view_(view), rules_(rules), given_(given), states_(view.image().files.size()) {}

Disk LazyDisk::disk() {
  Disk disk(rules_);
  for (const LazyImage::Path& at : view_.image().paths) {
    if (at.file == LazyImage::kDirectory) {
      CHECK(disk.make_directory(std::string_view(at.path).substr(0, at.path.size() - 1)).ok());
      continue;
    }
    State& state = states_[at.file];
    if (state.inode == kNoInode) {
      state.inode = disk.create(at.path).value();
      state.known.resize(view_.image().files[at.file].sectors.size());
      file_by_inode_.resize(state.inode + 1, LazyImage::kDirectory);
      file_by_inode_[state.inode] = at.file;
    } else {
      disk.link(disk.resolve(at.path).value(), state.inode, ++disk.seq_, false);
    }
  }
  disk.names_.clear();  // what is found after a cut is durable
  for (const auto& inode : disk.inodes_) {
    inode->pending_names = 0;
    inode->released = true;
    inode->meta_seq = 0;
  }
  disk_ = &disk;
  for (State& state : states_) narrow_size(state);
  disk_ = nullptr;
  return disk;
}

LazyDisk::State* LazyDisk::state_of(InodeId inode) {
  if (inode >= file_by_inode_.size() || file_by_inode_[inode] == LazyImage::kDirectory)
    return nullptr;
  return &states_[file_by_inode_[inode]];
}

uint64_t LazyDisk::look(const Look& look) {
  const std::vector<LazyView::Answer> answers = view_.answers(look);
  const LazyView::Answer* chosen = &answers.front();
  if (seen_.size() < given_.size()) {
    const auto given =
        std::find_if(answers.begin(), answers.end(),
                     [&](const auto& answer) { return answer.seen == given_[seen_.size()]; });
    CHECK(given != answers.end());  // the recovery is not deterministic
    chosen = &*given;
  }
  seen_.push_back({look, chosen->seen});
  view_.left[look.file] = chosen->left;
  return chosen->seen;
}

// The live size is the largest that is possible, until there is only one.
void LazyDisk::narrow_size(State& state) {
  const LazyFile& file = view_.image().files[file_of(state)];
  const Options& left = view_.left[file_of(state)];
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (size_t i = 0; i < file.options.size(); ++i) {
    if (!left[i]) continue;
    least = std::min(least, file.options[i].size);
    most = std::max(most, file.options[i].size);
  }
  if (state.size_known) return;
  state.size_known = least == most;
  disk_->own(state.inode).size = most;
}

void LazyDisk::settle_sector(State& state, uint64_t sector) {
  const uint32_t file = file_of(state);
  const auto seen = static_cast<ContentId>(look({Look::kSector, file, sector, 0, nullptr}));
  state.known[sector] = true;
  const std::string& bytes = view_.pool().bytes(seen);
  if (!bytes.empty()) {
    Inode& inode = disk_->own(state.inode);
    const uint64_t from = sector * view_.image().sector_bytes;
    if (inode.blocks.size() <= from / kBlockBytes) inode.blocks.resize(from / kBlockBytes + 1);
    BlockRef& block = inode.blocks[from / kBlockBytes];
    if (!block) {
      block = std::make_shared<Block>();
      ++disk_->blocks_used_;
    } else if (block.use_count() > 1) {
      block = std::make_shared<Block>(*block);
    }
    std::memcpy(block->data() + from % kBlockBytes, bytes.data(), bytes.size());
  }
  narrow_size(state);
}

void LazyDisk::settle_size(State& state) {
  if (state.size_known) return;
  (void)look({Look::kSize, file_of(state), 0, 0, nullptr});
  narrow_size(state);
}

size_t LazyDisk::before_read(InodeId inode, uint64_t offset, size_t n) {
  State* state = state_of(inode);
  if (state == nullptr || n == 0) return n;
  const uint32_t unit = view_.image().sector_bytes;
  const uint64_t first = offset / unit;
  if (first >= state->known.size()) return n;
  if (!state->known[first]) settle_sector(*state, first);
  uint64_t end = first + 1;
  while (end < state->known.size() && state->known[end]) ++end;
  if (end == state->known.size() && state->size_known) return n;
  return std::min<uint64_t>(n, end * unit - offset);
}

void LazyDisk::before_size(InodeId inode) {
  if (State* state = state_of(inode)) settle_size(*state);
}

// What is written over is undone if it does not survive: so it is looked at before.
void LazyDisk::before_write(InodeId inode, uint64_t offset, size_t n) {
  State* state = state_of(inode);
  if (state == nullptr) return;
  settle_size(*state);
  const uint32_t unit = view_.image().sector_bytes;
  for (uint64_t s = offset / unit; s * unit < offset + n && s < state->known.size(); ++s)
    if (!state->known[s]) settle_sector(*state, s);
}

void LazyDisk::before_truncate(InodeId inode, uint64_t size) {
  State* state = state_of(inode);
  if (state == nullptr) return;
  const LazyFile& file = view_.image().files[file_of(*state)];
  const Options& left = view_.left[file_of(*state)];
  for (size_t i = 0; i < file.options.size(); ++i)
    if (left[i] && file.options[i].size < size) settle_size(*state);
  const uint32_t unit = view_.image().sector_bytes;
  const uint64_t last = size / unit;
  if (size % unit != 0 && last < state->known.size() && !state->known[last])
    settle_sector(*state, last);
  state->size_known = true;  // and nothing behind it is there any more
  for (uint64_t s = (size + unit - 1) / unit; s < state->known.size(); ++s) state->known[s] = true;
}

bool LazyDisk::shows_at_most(InodeId inode, uint64_t limit, uint64_t offset, size_t width,
                             engine::Highest highest) {
  State* state = state_of(inode);
  const uint32_t unit = view_.image().sector_bytes;
  if (state == nullptr || width > unit) return false;
  return look({Look::kAtMost, file_of(*state), offset / unit, limit, highest}) == 1;
}

}  // namespace powercut::sim
