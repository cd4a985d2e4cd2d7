#include "sim/disk.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "sim/eviction.h"
#include "sim/power_cut.h"
#include "sim/survival.h"
#include "sim/sync.h"

namespace powercut::sim {

Disk::Disk(const PersonaRules& rules) {
  const uint32_t sector = rules.sector_bytes;
  CHECK(sector >= 1 && sector <= kBlockBytes && kBlockBytes % sector == 0);
  state_.rules = rules;
}

// --- Names ---

// Sets one live entry and logs it.
void Disk::link(const FileTree::Place& place, InodeId inode, uint64_t seq, bool replaces) {
  Inode& directory = state_.tree.own(place.directory);
  directory.meta_seq = seq;
  NameOp op{seq,         state_.now, place.directory, std::string(place.name),
            place.inode, inode,      replaces,        false};
  CHECK(find_entry(directory, op.name) == place.inode);
  set_entry(directory, op.name, inode);
  for (const InodeId id : {op.before, op.after}) {
    if (id == kNoInode) continue;
    Inode& end = state_.tree.own(id);
    end.meta_seq = seq;
    CHECK(id == op.after || end.links > 0);
    end.links += id == op.after ? 1 : -1;
    if (!state_.rules.write_through && !directory.elsewhere) ++end.pending_names;
  }
  if (directory.elsewhere) return;
  if (state_.rules.write_through) {
    state_.stats.bytes_metadata += kBlockBytes;
  } else {
    state_.names.push(std::move(op));
  }
}

Result<InodeId> Disk::add(std::string_view path, bool directory) {
  TRY_ASSIGN(const FileTree::Place place, state_.tree.resolve(path));
  if (place.inode != kNoInode) return path_error(Errc::kExists, "exists already", path);
  const InodeId id = state_.tree.add(directory);
  state_.tree.own(id).elsewhere = state_.tree[place.directory].elsewhere;
  link(place, id, ++state_.seq, false);
  return id;
}

Result<InodeId> Disk::create(std::string_view path) { return add(path, false); }

Result<void> Disk::make_directory(std::string_view path) {
  TRY_ASSIGN(const InodeId id, add(path, true));
  state_.tree.own(id).released = true;  // directories have no handles
  return {};
}

Result<void> Disk::remove(std::string_view path) {
  TRY_ASSIGN(const FileTree::Place place, state_.tree.resolve(path));
  if (place.inode == kNoInode) return path_error(Errc::kNotFound, "nothing to remove", path);
  if (place.name.empty()) return path_error(Errc::kInvalid, "the root cannot be removed", path);
  if (!state_.tree[place.inode].entries.empty())
    return path_error(Errc::kNotEmpty, "directory not empty", path);
  link(place, kNoInode, ++state_.seq, false);
  state_.drop_if_unreachable(place.inode);
  return {};
}

Result<void> Disk::rename(std::string_view from, std::string_view to) {
  TRY_ASSIGN(const FileTree::Place source, state_.tree.resolve(from));
  TRY_ASSIGN(const FileTree::Place target, state_.tree.resolve(to));
  if (source.inode == kNoInode) return path_error(Errc::kNotFound, "nothing to rename", from);
  if (is_directory(source.inode)) return path_error(Errc::kInvalid, "not a file", from);
  if (target.inode != kNoInode && is_directory(target.inode))
    return path_error(Errc::kInvalid, "a directory is in the way", to);
  if (source.inode == target.inode) return {};
  const uint64_t seq = ++state_.seq;
  link(target, source.inode, seq, target.inode != kNoInode);
  link(source, kNoInode, seq, false);
  if (target.inode != kNoInode) state_.drop_if_unreachable(target.inode);
  return {};
}

Result<void> Disk::hard_link(std::string_view file, std::string_view to) {
  TRY_ASSIGN(const FileTree::Place source, state_.tree.resolve(file));
  TRY_ASSIGN(const FileTree::Place target, state_.tree.resolve(to));
  if (source.inode == kNoInode) return path_error(Errc::kNotFound, "nothing to link", file);
  if (is_directory(source.inode)) return path_error(Errc::kInvalid, "not a file", file);
  if (target.inode != kNoInode) return path_error(Errc::kExists, "exists already", to);
  link(target, source.inode, ++state_.seq, false);
  return {};
}

Result<void> Disk::exchange(std::string_view a, std::string_view b) {
  TRY_ASSIGN(const FileTree::Place first, state_.tree.resolve(a));
  TRY_ASSIGN(const FileTree::Place second, state_.tree.resolve(b));
  for (const auto& [place, path] : {std::pair{first, a}, std::pair{second, b}}) {
    if (place.inode == kNoInode) return path_error(Errc::kNotFound, "nothing to exchange", path);
    if (is_directory(place.inode)) return path_error(Errc::kInvalid, "not a file", path);
  }
  if (first.inode == second.inode) return {};
  const uint64_t seq = ++state_.seq;
  link(first, second.inode, seq, false);
  link(second, first.inode, seq, false);
  return {};
}

Result<std::vector<std::string>> Disk::list(std::string_view path) const {
  TRY_ASSIGN(const InodeId id, lookup(path));
  if (!is_directory(id)) return path_error(Errc::kInvalid, "not a directory", path);
  std::vector<std::string> names;
  for (const Entry& entry : state_.tree[id].entries) names.push_back(entry.name);
  return names;
}

void Disk::release(InodeId id) {
  Inode& inode = state_.tree.own(id);
  inode.released = true;
  const auto& ops = inode.log.ops();
  const auto emptied = [](const DataOp& op) { return op.cut && op.size && op.size_after == 0; };
  if (state_.rules.truncate_settles_size && std::any_of(ops.begin(), ops.end(), emptied))
    inode.settled_seq = state_.last_cut_seq = ++state_.seq;
  state_.drop_if_unreachable(id);
}

void Disk::charge_to(InodeId inode, uint8_t account) {
  CHECK(account < state_.stats.bytes_data_of.size());
  state_.tree.own(inode).account = account;
}

Result<void> Disk::make_elsewhere(std::string_view path) {
  Inode& root = state_.tree.own(kRootInode);
  root.elsewhere = true;  // for this one entry
  const auto made = add(path, true);
  state_.tree.own(kRootInode).elsewhere = false;
  if (!made.ok()) return made.error();
  state_.tree.own(*made).released = true;
  return {};
}

// --- Content ---

namespace {

char byte_at(const Inode& inode, uint64_t offset) {
  const Block* block = inode.block(offset / kBlockBytes);
  return block != nullptr ? (*block)[offset % kBlockBytes] : '\0';
}

}  // namespace

Result<std::string> Disk::read_whole(InodeId id) const {
  std::string bytes(size(id), '\0');
  TRY_ASSIGN(const size_t got, read(id, 0, bytes.data(), bytes.size()));
  CHECK(got == bytes.size());
  return bytes;
}

Result<size_t> Disk::read(InodeId id, uint64_t offset, char* out, size_t n) const {
  const Inode& inode = state_.tree[id];
  CHECK(!inode.directory);
  if (offset >= inode.size) return size_t{0};
  n = std::min<uint64_t>(n, inode.size - offset);
  const MediaOverlay& media = state_.media;
  if (!media.empty() && media.is_unreadable(id, offset, n))
    return Error{Errc::kIo, "unreadable sector at byte " + std::to_string(offset) + " or after"};
  for (size_t done = 0; done < n;) {
    const uint64_t at = offset + done;
    const Block* block = inode.block(at / kBlockBytes);
    const size_t piece = std::min<uint64_t>(n - done, kBlockBytes - at % kBlockBytes);
    if (block != nullptr)
      std::memcpy(out + done, block->data() + at % kBlockBytes, piece);
    else
      std::memset(out + done, 0, piece);
    done += piece;
  }
  if (!media.empty()) media.apply(id, offset, out, n);
  return n;
}

// Logs it, and says when it happened; a seq that is given already it keeps.
void Disk::push(Inode& inode, DataOp& op) {
  if (state_.rules.write_through || inode.elsewhere) return;
  if (op.seq == 0) op.seq = ++state_.seq;
  op.at = state_.now;
  inode.log.push(op);
}

// One write within one block. False: no space for it.
bool Disk::write_piece(Inode& inode, uint32_t index, uint32_t offset, std::string_view piece) {
  if (index >= inode.blocks.size()) inode.blocks.resize(index + 1);
  BlockRef& block = inode.blocks[index];
  const uint64_t start = index * kBlockBytes + offset;
  if (inode.log.has_stuck()) [[unlikely]]
    inode.log.write_again(index);
  DataOp op;
  op.block = index;
  op.offset = static_cast<uint16_t>(offset);
  op.length = static_cast<uint16_t>(piece.size());
  op.data = true;
  if (inode.log.has_stuck() && block) [[unlikely]]
    op.stuck = op.hollow = inode.log.is_hollow(index);
  if (!block) {
    if (!state_.tree.allocate(block)) return false;
    op.came = true;
  } else if (start < inode.size && !state_.rules.write_through && !inode.elsewhere) {
    if (piece.size() == kBlockBytes) {
      inode.log.keep_block(op, std::move(block));
      block = std::make_shared<Block>();
    } else {
      inode.log.keep_bytes(op, block->data() + offset);
    }
  }
  std::memcpy(own_block(block).data() + offset, piece.data(), piece.size());
  op.size_before = inode.size;
  inode.size = std::max<uint64_t>(inode.size, start + piece.size());
  op.size_after = inode.size;
  op.size = op.grows();
  push(inode, op);
  return true;
}

Result<size_t> Disk::write(InodeId id, uint64_t offset, std::string_view data) {
  Inode& inode = state_.tree.own(id);
  CHECK(!inode.directory);
  if (data.empty()) return size_t{0};
  inode.witness.touch(offset);
  size_t done = 0;
  while (done < data.size()) {
    const uint64_t at = offset + done;
    const uint64_t in_block = at % kBlockBytes;
    const size_t piece = std::min<uint64_t>(data.size() - done, kBlockBytes - in_block);
    if (!write_piece(inode, static_cast<uint32_t>(at / kBlockBytes),
                     static_cast<uint32_t>(in_block), data.substr(done, piece)))
      break;
    done += piece;
  }
  if (done == 0) return Error{Errc::kNoSpace, "no space left on the simulated disk"};
  CHECK(inode.size >= offset + done && inode.witness.synced() <= offset);
  CHECK(byte_at(inode, offset) == data[0] && byte_at(inode, offset + done - 1) == data[done - 1]);
  state_.stats.bytes_written += done;
  if (state_.rules.write_through) state_.count_data(inode, done);
  if (!state_.media.empty()) state_.media.heal(id, offset, done);
  return done;
}

// The size first (it is the journal's business), then the tail of the last block as ordinary data,
// then the freed blocks with the journal again. Old content returns only if the size comes back.
void Disk::shrink(Inode& inode, uint64_t size) {
  const bool logged = !state_.rules.write_through && !inode.elsewhere;
  DataOp op;
  op.size_before = inode.size;
  op.size_after = inode.size = size;
  op.size = op.cut = true;
  push(inode, op);
  op.seq = state_.last_cut_seq = state_.seq;  // all that follows is one entry of the journal
  op.size = false;
  op.data = true;
  op.size_before = size;
  const uint64_t tail = size % kBlockBytes;
  uint64_t index = size / kBlockBytes;
  if (tail != 0 && index < inode.blocks.size()) {
    if (BlockRef& block = inode.blocks[index]) {
      op.cut = false;
      op.block = static_cast<uint32_t>(index);
      op.offset = static_cast<uint16_t>(tail);
      op.length = static_cast<uint16_t>(kBlockBytes - tail);
      op.stuck = op.hollow = inode.log.is_hollow(op.block);
      if (logged) inode.log.keep_bytes(op, block->data() + tail);
      std::memset(own_block(block).data() + tail, 0, op.length);
      push(inode, op);
      op.cut = true;
      op.stuck = op.hollow = false;
    }
    ++index;
  }
  for (uint64_t i = index; i < inode.blocks.size(); ++i) {
    if (!inode.blocks[i]) continue;
    op.block = static_cast<uint32_t>(i);
    op.offset = 0;
    op.length = kBlockBytes;
    if (logged) inode.log.keep_block(op, inode.blocks[i]);
    state_.tree.free(inode.blocks[i]);
    push(inode, op);
  }
  inode.blocks.resize(std::min<uint64_t>(index, inode.blocks.size()));
  CHECK(inode.is_trimmed());
  if (logged) inode.meta_seq = state_.last_cut_seq = state_.seq;
}

void Disk::truncate(InodeId id, uint64_t size) {
  Inode& inode = state_.tree.own(id);
  CHECK(!inode.directory);
  inode.witness.touch(size);
  if (size < inode.size) {
    if (!state_.media.empty())
      state_.media.heal(id, size, inode.size - size);  // what is gone has no faults
    shrink(inode, size);
  } else if (size > inode.size) {
    DataOp op;
    op.size_before = inode.size;
    op.size_after = inode.size = size;
    op.size = true;
    push(inode, op);
  }
}

// --- Durability ---

SyncTicket Disk::begin_sync(InodeId inode) { return sim::begin_sync(state_, inode); }

Result<SyncTicket> Disk::begin_sync_directory(std::string_view path) {
  TRY_ASSIGN(const InodeId id, lookup(path));
  if (!is_directory(id)) return path_error(Errc::kInvalid, "not a directory", path);
  return sim::begin_sync_directory(state_, id);
}

Result<void> Disk::sync_at_once(std::string_view path) {
  TRY_ASSIGN(const InodeId id, lookup(path));
  return finish_sync(is_directory(id) ? sim::begin_sync_directory(state_, id) : begin_sync(id));
}

Result<void> Disk::finish_sync(const SyncTicket& ticket) {
  return sim::finish_sync(state_, ticket);
}

Result<void> Disk::fail_sync(const SyncTicket& ticket, SyncFailure model) {
  return sim::fail_sync(state_, ticket, model);
}

Result<void> Disk::fail_sync_directory(const SyncTicket& ticket) {
  return sim::fail_sync_directory(state_, ticket);
}

Result<void> Disk::fail_journal(const SyncTicket& ticket) {
  if (!state_.rules.fails_as_of_2020()) return sim::fail_journal(state_, ticket);
  return ticket.directory ? fail_sync_directory(ticket)
                          : fail_sync(ticket, state_.rules.sync_failure);
}

Result<void> Disk::check_change() {
  if (!state_.shut.is) return {};
  state_.shut.noticed = true;
  if (state_.rules.sync_failure == SyncFailure::kXfs)
    return Error{Errc::kIo, "the filesystem has shut down"};
  return Error{Errc::kRefused, "the filesystem is read-only since an error of its journal"};
}

Result<void> Disk::check_read() const {
  if (!state_.shut.is || state_.rules.sync_failure != SyncFailure::kXfs) return {};
  return Error{Errc::kIo, "the filesystem has shut down"};
}

// --- Eviction ---

void Disk::evict(InodeId inode, uint64_t offset, uint64_t n, Choices& choices, uint64_t key) {
  sim::evict(state_, inode, offset, n, choices, key);
}

void Disk::evict_inode(InodeId inode, Choices& choices, uint64_t key) {
  sim::evict_inode(state_, inode, choices, key);
}

bool Disk::evict_to(InodeId inode, std::string_view content) {
  return sim::evict_to(state_, inode, content);
}

// --- Crashes ---

Disk Disk::after_power_cut(Choices& choices, uint64_t key, CutStyle style) const {
  DrawnPicker picker(choices, key, style);
  return after_power_cut(picker);
}

Disk Disk::after_power_cut(Picker& picker) const { return Disk(cut_power(state_, picker)); }

Result<Disk> Disk::after_power_cut(const Survival& survival) const {
  StatedPicker stated(survival);
  Disk after = after_power_cut(stated);
  TRY(stated.finish());
  return after;
}

Disk Disk::after_kill() const { return Disk(kill_process(state_)); }

// --- Media faults ---

void Disk::flip_bit(InodeId inode, uint64_t offset, uint8_t bit) {
  state_.media.flip(inode, offset, bit);
}

void Disk::make_unreadable(InodeId inode, uint64_t offset, uint64_t length) {
  state_.media.make_unreadable(inode, offset, length);
}

void Disk::misdirect(InodeId inode, uint64_t offset, uint64_t length, InodeId victim,
                     uint64_t victim_offset) {
  std::string bytes(length, '\0');
  const Result<size_t> got = read(inode, offset, bytes.data(), length);
  bytes.resize(got.ok() ? *got : 0);
  state_.media.replace(inode, offset, std::string(bytes.size(), '\0'));
  state_.media.replace(victim, victim_offset, std::move(bytes));
}

void Disk::replace_content(InodeId id, std::string_view bytes) {
  Inode& inode = state_.tree.own(id);
  CHECK(!inode.directory && inode.syncs_in_flight == 0);
  inode.log.clear();
  inode.blocks.clear();
  for (size_t at = 0; at < bytes.size(); at += kBlockBytes) {
    const std::string_view piece = bytes.substr(at, kBlockBytes);
    inode.blocks.push_back(std::make_shared<Block>());
    std::memcpy(inode.blocks.back()->data(), piece.data(), piece.size());
  }
  inode.size = bytes.size();
  inode.witness.found(inode.size);
  CHECK(inode.is_trimmed());
  state_.tree.recount_blocks();
  state_.media.forget(id);
}

// --- Judging the judge ---

Result<void> Disk::self_check() const {
  if (state_.violation.empty()) return {};
  return Error{Errc::kCorrupt, "the simulator itself is wrong: " + state_.violation};
}

bool Disk::is_same_as(const Disk& other) const {
  const DiskState& a = state_;
  const DiskState& b = other.state_;
  const auto same_op = [](const NameOp& x, const NameOp& y) {
    return x.seq == y.seq && x.name == y.name && x.stuck == y.stuck;
  };
  const auto& names = a.names.ops();
  const auto& others = b.names.ops();
  return a.seq == b.seq && a.tree.is_same_as(b.tree) &&
         std::equal(names.begin(), names.end(), others.begin(), others.end(), same_op) &&
         a.flights.tickets() == b.flights.tickets() && a.shut == b.shut;
}

}  // namespace powercut::sim
