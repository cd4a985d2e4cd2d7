#include "sim/lazy_disk.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"

namespace powercut::sim {

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
  for (State& state : states_) place_size(state);
  disk_ = nullptr;
  return disk;
}

LazyDisk::State* LazyDisk::state_of(InodeId inode) {
  if (inode >= file_by_inode_.size() || file_by_inode_[inode] == LazyImage::kDirectory)
    return nullptr;
  return &states_[file_by_inode_[inode]];
}

uint64_t LazyDisk::look(const Look& look) {
  const std::vector<LazyView::Answer>& answers = view_.answers(look);
  const LazyView::Answer* chosen = &answers.front();
  if (seen_.size() < given_.size()) {
    const auto given =
        std::find_if(answers.begin(), answers.end(),
                     [&](const auto& answer) { return answer.seen == given_[seen_.size()]; });
    CHECK(given != answers.end());  // the recovery is not deterministic
    chosen = &*given;
  }
  seen_.push_back({look, chosen->seen});
  view_.settle(look, *chosen);
  return chosen->seen;
}

// The live size is the largest that is possible.
void LazyDisk::place_size(State& state) {
  if (state.changed) return;
  const LazyFile& file = *view_.image().files[file_of(state)];
  const Options& left = view_.left[file_of(state)];
  uint64_t most = 0;
  for (size_t i = 0; i < file.options.size(); ++i)
    if (left[i]) most = std::max(most, file.options[i].size);
  disk_->own(state.inode).size = most;
}

void LazyDisk::know(State& state, uint64_t sector) {
  if (sector >= state.known.size()) state.known.resize(sector + 1);
  state.known[sector] = true;
}

void LazyDisk::settle_sector(State& state, uint64_t sector) {
  const uint32_t file = file_of(state);
  CHECK(!state.searched);
  const auto seen = static_cast<ContentId>(look({Look::kSector, file, sector, {}}));
  know(state, sector);
  const std::string& bytes = view_.pool().bytes(seen);
  const uint64_t from = sector * view_.image().sector_bytes;
  if (!bytes.empty()) state.least = std::max(state.least, from + bytes.size());
  if (bytes.size() < view_.image().sector_bytes && state.least >= from) state.size_known = true;
  if (!bytes.empty()) {
    Inode& inode = disk_->own(state.inode);
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
  place_size(state);
}

void LazyDisk::settle_size(State& state) {
  if (state.size_known) return;
  state.least = look({Look::kSize, file_of(state), 0, {}});
  state.size_known = true;
  place_size(state);
}

size_t LazyDisk::before_read(InodeId inode, uint64_t offset, size_t n) {
  State* state = state_of(inode);
  if (state == nullptr || n == 0) return n;
  const uint32_t unit = view_.image().sector_bytes;
  const uint64_t first = offset / unit;
  if (state->size_known && offset >= state->least) return n;
  if (!state->knows(first)) settle_sector(*state, first);
  uint64_t end = first + 1;
  while (state->knows(end)) ++end;
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
  for (uint64_t s = offset / unit; s * unit < offset + n; ++s) {
    if (!state->knows(s) && s * unit < state->least) settle_sector(*state, s);
    know(*state, s);
  }
  state->least = std::max(state->least, offset + n);
  state->changed = true;
}

void LazyDisk::before_truncate(InodeId inode, uint64_t size) {
  State* state = state_of(inode);
  if (state == nullptr) return;
  if (state->least < size) settle_size(*state);
  const uint32_t unit = view_.image().sector_bytes;
  const uint64_t last = size / unit;
  if (size % unit != 0 && size <= state->least && !state->knows(last)) settle_sector(*state, last);
  state->size_known = state->changed = true;  // and nothing behind it is there any more
  state->least = size;
}

namespace {

// Reads every file from its first sector to its end.
class SingleImages {
 public:
  using Visit = std::function<bool(const std::string&, Disk)>;
  SingleImages(const LazyImage& image, ContentPool& pool, const PersonaRules& rules,
               const Visit& visit)
      : fresh_(image, pool), view_(fresh_), rules_(rules), visit_(visit) {}

  bool from(uint32_t file, uint64_t sector) {
    if (file == view_.image().files.size()) return take();
    const Look look{Look::kSector, file, sector, {}};
    for (const LazyView::Answer& answer : view_.answers(look)) {
      const Options before = view_.left[file];
      view_.settle(look, answer);
      given_.push_back(answer.seen);
      const auto seen = static_cast<ContentId>(answer.seen);
      const bool goes_on = view_.pool().bytes(seen).size() == view_.image().sector_bytes;
      const bool more = goes_on ? from(file, sector + 1) : from(file + 1, 0);
      given_.pop_back();
      view_.seen[file][sector].reset();
      view_.left[file] = before;
      if (!more) return false;
    }
    return true;
  }

 private:
  bool take() {
    LazyDisk lazy(fresh_, rules_, given_);
    Disk disk = lazy.disk();
    lazy.attach(disk);
    lazy.settle_everything();
    const std::string key = view_.image().tree() +
                            std::string(reinterpret_cast<const char*>(given_.data()),
                                        given_.size() * sizeof(given_[0]));
    return visit_(key, std::move(disk));
  }

  const LazyView fresh_;
  LazyView view_;
  const PersonaRules& rules_;
  const Visit& visit_;
  std::vector<uint64_t> given_;
};

}  // namespace

bool for_each_single_image(const LazyImage& image, ContentPool& pool, const PersonaRules& rules,
                           const std::function<bool(const std::string&, Disk)>& visit) {
  return SingleImages(image, pool, rules, visit).from(0, 0);
}

void LazyDisk::settle_everything() {
  for (State& state : states_) {
    for (uint64_t sector = 0; !state.size_known; ++sector) settle_sector(state, sector);
    Inode& inode = disk_->own(state.inode);
    inode.witness = inode.size;  // what is found after a cut is durable
  }
}

engine::Found LazyDisk::search(InodeId inode, const engine::Search& what) {
  State* state = state_of(inode);
  if (state == nullptr || state->changed) return engine::Found::kReadOn;
  const auto found =
      static_cast<engine::Found>(look({Look::kSearch, file_of(*state), 0, what}));
  state->searched = found != engine::Found::kReadOn;
  return found;
}

}  // namespace powercut::sim
