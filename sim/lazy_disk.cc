#include "sim/lazy_disk.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"

namespace powercut::sim {

namespace {
constexpr size_t kLooksExpected = 32;  // most recoveries take fewer
constexpr size_t kNamesExpected = 16;  // of a directory; most see fewer
}  // namespace

LazyDisk::LazyDisk(const LazyView& view, const PersonaRules& rules, std::span<const Seen> given,
                   uint32_t then)
    : view_(view), rules_(rules), given_(given), then_(then) {
  seen_.reserve(kLooksExpected);
  add_directory(kRootInode);
}

Disk LazyDisk::disk() { return Disk(rules_); }

// --- Names ---

// It stays when its last name goes: another that nobody looked at yet may lead there.
InodeId LazyDisk::new_inode(bool directory) {
  const InodeId id = tree().add(directory);
  Inode& inode = tree().own(id);
  inode.released = true;
  inode.pending_names = 1;
  return id;
}

void LazyDisk::add_directory(InodeId inode) {
  directories_.push_back({inode, {}, {}});
  directories_.back().known.reserve(kNamesExpected);
}

uint32_t LazyDisk::settle_path(std::string_view path) {
  if (path.empty()) return 0;
  uint32_t at = 0;
  for (std::string_view rest = path;;) {
    const size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return kNowhere;  // as Disk says
    const InodeId inode = settle_name(at, name);
    const auto known = std::find_if(directories_.begin(), directories_.end(),
                                    [&](const auto& d) { return d.inode == inode; });
    // Nothing of a directory that the process made is undecided.
    if (known == directories_.end()) return kNowhere;
    at = static_cast<uint32_t>(known - directories_.begin());
    if (slash == std::string_view::npos) return at;
    rest.remove_prefix(slash + 1);
  }
}

InodeId LazyDisk::settle_name(uint32_t directory, std::string_view name) {
  DirectoryState& state = directories_[directory];
  const InodeId in = state.inode;
  const InodeId there = find_entry(tree()[in], name);
  if (there != kNoInode && there != in) return there;  // not one that was only listed
  const ContentId id = view_.pool().intern(name);
  if (std::find(state.known.begin(), state.known.end(), id) != state.known.end()) return kNoInode;
  if (state.listed && there == kNoInode) return kNoInode;
  state.known.push_back(id);
  const uint64_t end = look({Look::kEnd, directory, 0, {}, id});
  if (end == LazyView::kNothing) return kNoInode;
  InodeId inode = kNoInode;
  if (end == LazyView::kDirectory) {
    inode = new_inode(true);
    add_directory(inode);
  } else if (const uint64_t number = end - LazyView::kFirstFile; number < states_.size()) {
    inode = states_[number].inode;
  } else {
    inode = new_inode(false);
    file_by_inode_.resize(inode + 1, kNowhere);
    file_by_inode_[inode] = static_cast<uint32_t>(number);
    states_.emplace_back().inode = inode;
    states_.back().known.reserve(file_of(states_.back()).sectors.size());
    place_size(states_.back());
  }
  ++tree().own(inode).links;
  set_entry(tree().own(in), name, inode);
  return inode;
}

void LazyDisk::settle_names(uint32_t directory) {
  DirectoryState& state = directories_[directory];
  if (state.listed) return;
  state.listed = true;
  for (ContentId name = ContentPool::kEmpty;;) {
    name = static_cast<ContentId>(look({Look::kNext, directory, 0, {}, name}));
    if (name == ContentPool::kEmpty) return;
    if (std::find(state.known.begin(), state.known.end(), name) != state.known.end()) continue;
    state.there.push_back(name);
    // A list shows it; every other call decides first where it leads.
    set_entry(tree().own(state.inode), view_.pool().bytes(name), state.inode);
  }
}

void LazyDisk::before_names_in(std::string_view path) {
  if (const uint32_t directory = settle_path(path); directory != kNowhere) settle_names(directory);
}

// --- Files ---

LazyDisk::State* LazyDisk::state_of(InodeId inode) {
  if (inode >= file_by_inode_.size() || file_by_inode_[inode] == kNowhere) return nullptr;
  return &states_[file_by_inode_[inode]];
}

uint64_t LazyDisk::look(const Look& look) {
  if (seen_.size() < given_.size()) {
    CHECK(given_[seen_.size()].look == look);  // the recovery is deterministic
    seen_.push_back(given_[seen_.size()]);
  } else {
    const LazyView::Answers answers = view_.answers(look);
    const auto of = static_cast<uint32_t>(answers.all().size());
    const uint32_t taken = seen_.size() == given_.size() ? then_ : 0;
    CHECK(taken < of);
    seen_.push_back({look, answers.all()[taken], taken, of});
  }
  const LazyView::Answer& answer = seen_.back().answer;
  (void)view_.settle(look, answer);
  return answer.seen;
}

// The live size is the largest that is possible.
void LazyDisk::place_size(State& state) {
  if (state.changed) return;
  const LazyFile& file = file_of(state);
  const Options& left = view_.left[number_of(state)];
  uint64_t most = 0;
  CHECK(left.any());
  for (size_t i = 0; i < file.options.size(); ++i)
    if (left[i]) most = std::max(most, file.options[i].size);
  tree().own(state.inode).size = most;
}

void LazyDisk::know(State& state, uint64_t sector) {
  if (sector >= state.known.size()) state.known.resize(sector + 1);
  state.known[sector] = true;
}

void LazyDisk::settle_sector(State& state, uint64_t sector) {
  CHECK(!state.searched);
  const auto seen = static_cast<ContentId>(look({Look::kSector, number_of(state), sector, {}}));
  know(state, sector);
  const std::string& bytes = view_.pool().bytes(seen);
  CHECK(bytes.size() <= view_.image().sector_bytes);
  const uint64_t from = sector * view_.image().sector_bytes;
  if (!bytes.empty()) state.least = std::max(state.least, from + bytes.size());
  if (bytes.size() < view_.image().sector_bytes && state.least >= from) state.size_known = true;
  if (!bytes.empty()) {
    Inode& inode = tree().own(state.inode);
    if (inode.blocks.size() <= from / kBlockBytes) inode.blocks.resize(from / kBlockBytes + 1);
    BlockRef& block = inode.blocks[from / kBlockBytes];
    if (!block) CHECK(tree().allocate(block));
    std::memcpy(own_block(block).data() + from % kBlockBytes, bytes.data(), bytes.size());
  }
  place_size(state);
}

void LazyDisk::settle_size(State& state) {
  if (state.size_known) return;
  const uint64_t size = look({Look::kSize, number_of(state), 0, {}});
  CHECK(size >= state.least);  // what was read is there
  state.least = size;
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
  CHECK(end * unit > offset);
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

void LazyDisk::settle_everything() {
  for (uint32_t directory = 0; directory < directories_.size(); ++directory) {
    settle_names(directory);
    const std::vector<ContentId> there = directories_[directory].there;
    for (const ContentId name : there) settle_name(directory, view_.pool().bytes(name));
  }
  for (State& state : states_)
    for (uint64_t sector = 0; !state.size_known; ++sector) settle_sector(state, sector);
  for (InodeId id = 0; id < tree().end(); ++id) {
    Inode& inode = tree().own(id);
    inode.pending_names = 0;
    inode.witness.found(inode.size);
  }
}

engine::Found LazyDisk::search(InodeId inode, const engine::Search& what) {
  State* state = state_of(inode);
  if (state == nullptr || state->changed) return engine::Found::kReadOn;
  const auto found = static_cast<engine::Found>(look({Look::kSearch, number_of(*state), 0, what}));
  state->searched = found != engine::Found::kReadOn;
  return found;
}

// The last look that has another answer gets it; what came behind it is open again.
std::optional<Given> next_given(const std::vector<LazyDisk::Seen>& seen) {
  for (const LazyDisk::Seen& one : seen) CHECK(one.taken < one.of);
  size_t count = seen.size();
  while (count > 0 && seen[count - 1].taken + 1 == seen[count - 1].of) --count;
  if (count == 0) return std::nullopt;
  return Given{{seen.begin(), seen.begin() + static_cast<ptrdiff_t>(count) - 1},
               seen[count - 1].taken + 1};
}

bool for_each_single_image(
    const LazyImage& image, ContentPool& pool, const PersonaRules& rules,
    const std::function<bool(const std::string& key, const LazyView& view, Disk disk)>& visit) {
  const LazyView fresh(image, pool);
  std::optional<Given> given{std::in_place};
  while (given) {
    LazyDisk lazy(fresh, rules, given->seen, given->then);
    Disk disk = lazy.disk();
    lazy.attach(disk);
    lazy.settle_everything();
    CHECK(lazy.seen().size() >= given->seen.size());
    std::string key;
    for (const LazyDisk::Seen& seen : lazy.seen())
      key.append(reinterpret_cast<const char*>(&seen.answer.seen), sizeof(seen.answer.seen));
    if (!visit(key, lazy.view(), std::move(disk))) return false;
    given = next_given(lazy.seen());
  }
  return true;
}

}  // namespace powercut::sim
