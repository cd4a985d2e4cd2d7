// The live view: the page cache and the names as a running process sees them, and the log of
// pending micro-ops behind it.
#include "sim/disk.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"

namespace powercut::sim {
namespace {

constexpr auto kByName = [](const Entry& entry, std::string_view name) {
  return entry.name < name;
};

Error failure(Errc code, std::string_view what, std::string_view path) {
  std::string message(what);
  message += ": '";
  message += path;
  message += '\'';
  return Error{code, std::move(message)};
}

}  // namespace

void set_entry(Inode& directory, const std::string& name, InodeId inode) {
  auto& entries = directory.entries;
  const auto at = std::lower_bound(entries.begin(), entries.end(), std::string_view(name), kByName);
  const bool there = at != entries.end() && at->name == name;
  if (inode == kNoInode) {
    if (there) entries.erase(at);
  } else if (there) {
    at->inode = inode;
  } else {
    entries.insert(at, Entry{name, inode});
  }
}

InodeId find_entry(const Inode& directory, std::string_view name) {
  const auto& entries = directory.entries;
  const auto at = std::lower_bound(entries.begin(), entries.end(), name, kByName);
  return at != entries.end() && at->name == name ? at->inode : kNoInode;
}

Disk::Disk(const PersonaRules& rules) : rules_(rules) {
  const uint32_t sector = rules.sector_bytes;
  CHECK(sector >= 1 && sector <= kBlockBytes && kBlockBytes % sector == 0);
  inodes_.push_back(std::make_shared<Inode>());
  inodes_[kRootInode]->directory = true;
  inodes_[kRootInode]->links = 1;
}

Result<Disk::Place> Disk::resolve(std::string_view path) const {
  if (path.empty()) return Place{kRootInode, {}, kRootInode};
  InodeId directory = kRootInode;
  for (std::string_view rest = path;;) {
    const size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name == "." || name == "..")
      return failure(Errc::kInvalid, "not a plain relative path", path);
    const InodeId inode = find_entry(*inodes_[directory], name);
    if (slash == std::string_view::npos) return Place{directory, name, inode};
    if (inode == kNoInode) return failure(Errc::kNotFound, "no such directory on the way to", path);
    if (!inodes_[inode]->directory)
      return failure(Errc::kInvalid, "a file, not a directory, on the way to", path);
    directory = inode;
    rest.remove_prefix(slash + 1);
  }
}

Result<InodeId> Disk::lookup(std::string_view path) const {
  TRY_ASSIGN(const Place place, resolve(path));
  if (place.inode == kNoInode) return failure(Errc::kNotFound, "no such file or directory", path);
  return place.inode;
}

InodeId Disk::new_inode(bool directory) {
  InodeId id;
  if (free_inodes_.empty()) {
    id = static_cast<InodeId>(inodes_.size());
    inodes_.push_back(std::make_shared<Inode>());
  } else {
    id = free_inodes_.back();
    free_inodes_.pop_back();
    inodes_[id] = std::make_shared<Inode>();
  }
  inodes_[id]->directory = directory;
  return id;
}

// Sets one live entry and logs it.
void Disk::link(const Place& place, InodeId inode, uint64_t seq, bool replaces) {
  Inode& directory = own(place.directory);
  directory.meta_seq = seq;
  NameOp op{seq,         now_,  place.directory, std::string(place.name),
            place.inode, inode, replaces,        false};
  set_entry(directory, op.name, inode);
  for (const InodeId id : {op.before, op.after}) {
    if (id == kNoInode) continue;
    Inode& end = own(id);
    end.meta_seq = seq;
    end.links += id == op.after ? 1 : -1;
    if (!rules_.write_through) ++end.pending_names;
  }
  if (rules_.write_through) {
    stats_.bytes_metadata += kBlockBytes;
  } else {
    names_.push_back(std::move(op));
  }
}

Result<void> Disk::add(std::string_view path, bool directory, InodeId* out) {
  TRY_ASSIGN(const Place place, resolve(path));
  if (place.inode != kNoInode) return failure(Errc::kExists, "exists already", path);
  *out = new_inode(directory);
  link(place, *out, ++seq_, false);
  return {};
}

Result<InodeId> Disk::create(std::string_view path) {
  InodeId id = kNoInode;
  TRY(add(path, false, &id));
  return id;
}

Result<void> Disk::make_directory(std::string_view path) {
  InodeId id = kNoInode;
  TRY(add(path, true, &id));
  inodes_[id]->released = true;  // directories have no handles
  return {};
}

Result<void> Disk::remove(std::string_view path) {
  TRY_ASSIGN(const Place place, resolve(path));
  if (place.inode == kNoInode) return failure(Errc::kNotFound, "nothing to remove", path);
  if (place.name.empty()) return failure(Errc::kInvalid, "the root cannot be removed", path);
  if (!inodes_[place.inode]->entries.empty())
    return failure(Errc::kNotEmpty, "directory not empty", path);
  link(place, kNoInode, ++seq_, false);
  maybe_free(place.inode);
  return {};
}

Result<void> Disk::rename(std::string_view from, std::string_view to) {
  TRY_ASSIGN(const Place source, resolve(from));
  TRY_ASSIGN(const Place target, resolve(to));
  if (source.inode == kNoInode) return failure(Errc::kNotFound, "nothing to rename", from);
  if (inodes_[source.inode]->directory) return failure(Errc::kInvalid, "not a file", from);
  if (target.inode != kNoInode && inodes_[target.inode]->directory)
    return failure(Errc::kInvalid, "a directory is in the way", to);
  if (source.inode == target.inode) return {};
  const uint64_t seq = ++seq_;
  link(target, source.inode, seq, target.inode != kNoInode);
  link(source, kNoInode, seq, false);
  if (target.inode != kNoInode) maybe_free(target.inode);
  return {};
}

Result<void> Disk::hard_link(std::string_view file, std::string_view to) {
  TRY_ASSIGN(const Place source, resolve(file));
  TRY_ASSIGN(const Place target, resolve(to));
  if (source.inode == kNoInode) return failure(Errc::kNotFound, "nothing to link", file);
  if (inodes_[source.inode]->directory) return failure(Errc::kInvalid, "not a file", file);
  if (target.inode != kNoInode) return failure(Errc::kExists, "exists already", to);
  link(target, source.inode, ++seq_, false);
  return {};
}

Result<void> Disk::exchange(std::string_view a, std::string_view b) {
  TRY_ASSIGN(const Place first, resolve(a));
  TRY_ASSIGN(const Place second, resolve(b));
  for (const auto& [place, path] : {std::pair{first, a}, std::pair{second, b}}) {
    if (place.inode == kNoInode) return failure(Errc::kNotFound, "nothing to exchange", path);
    if (inodes_[place.inode]->directory) return failure(Errc::kInvalid, "not a file", path);
  }
  const uint64_t seq = ++seq_;
  link(first, second.inode, seq, false);
  link(second, first.inode, seq, false);
  return {};
}

Result<std::vector<std::string>> Disk::list(std::string_view path) const {
  TRY_ASSIGN(const InodeId id, lookup(path));
  if (!inodes_[id]->directory) return failure(Errc::kInvalid, "not a directory", path);
  std::vector<std::string> names;
  for (const Entry& entry : inodes_[id]->entries) names.push_back(entry.name);
  return names;
}

Result<size_t> Disk::read(InodeId id, uint64_t offset, char* out, size_t n) const {
  const Inode& inode = *inodes_[id];
  if (offset >= inode.size) return size_t{0};
  n = std::min<uint64_t>(n, inode.size - offset);
  if (!faults_.empty() && unreadable(id, offset, n))
    return Error{Errc::kIo, "unreadable sector at byte " + std::to_string(offset) + " or after"};
  for (size_t done = 0; done < n;) {
    const uint64_t at = offset + done;
    const uint64_t block = at / kBlockBytes;
    const size_t piece = std::min<uint64_t>(n - done, kBlockBytes - at % kBlockBytes);
    if (block < inode.blocks.size() && inode.blocks[block])
      std::memcpy(out + done, inode.blocks[block]->data() + at % kBlockBytes, piece);
    else
      std::memset(out + done, 0, piece);
    done += piece;
  }
  if (!faults_.empty()) overlay(id, offset, out, n);
  return n;
}

void Disk::push_op(Inode& inode, DataOp op) {
  if (rules_.write_through) return;
  if (op.seq == 0) op.seq = ++seq_;
  op.at = now_;
  inode.ops.push_back(op);
}

// One write within one block. False: no space for it.
bool Disk::write_piece(Inode& inode, uint32_t index, uint32_t offset, std::string_view piece) {
  if (index >= inode.blocks.size()) inode.blocks.resize(index + 1);
  BlockRef& block = inode.blocks[index];
  const uint64_t start = index * kBlockBytes + offset;
  const bool whole = piece.size() == kBlockBytes;
  if (inode.has_stuck) [[unlikely]]
    for (DataOp& old : inode.ops) old.size_stuck &= old.block != index;
  DataOp op;
  op.block = index;
  op.offset = static_cast<uint16_t>(offset);
  op.length = static_cast<uint16_t>(piece.size());
  op.data = true;
  if (!block) {
    if (blocks_used_ >= capacity_blocks_) return false;
    ++blocks_used_;
    block = std::make_shared<Block>();
  } else if (start < inode.size && !rules_.write_through) {
    op.undo = whole ? DataOp::kBlock : DataOp::kBytes;
    op.undo_at = static_cast<uint32_t>(whole ? inode.undo_blocks.size() : inode.undo_bytes.size());
    if (whole) {
      inode.undo_blocks.push_back(std::move(block));
      block = std::make_shared<Block>();
    } else {
      inode.undo_bytes.append(block->data() + offset, piece.size());
    }
  }
  if (block.use_count() > 1) [[unlikely]]
    block = std::make_shared<Block>(*block);
  std::memcpy(block->data() + offset, piece.data(), piece.size());
  op.size_before = inode.size;
  inode.size = std::max<uint64_t>(inode.size, start + piece.size());
  op.size_after = inode.size;
  op.size = op.size_after != op.size_before;
  push_op(inode, op);
  return true;
}

Result<size_t> Disk::write(InodeId id, uint64_t offset, std::string_view data) {
  Inode& inode = own(id);
  CHECK(!inode.directory);
  if (data.empty()) return size_t{0};
  inode.witness = std::min(inode.witness, offset);
  inode.touched_in_flight = std::min(inode.touched_in_flight, offset);
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
  stats_.bytes_written += done;
  if (rules_.write_through) count_data(inode, done);
  if (!faults_.empty()) heal(id, offset, done);
  return done;
}

// The size first (it is the journal's business), then the tail of the last block as ordinary data,
// then the freed blocks with the journal again. Old content returns only if the size comes back.
void Disk::shrink(Inode& inode, uint64_t size) {
  DataOp op;
  op.size_before = inode.size;
  op.size_after = inode.size = size;
  op.size = op.cut = true;
  push_op(inode, op);
  op.seq = last_cut_seq_ = seq_;  // all that follows is one entry of the journal
  op.size = false;
  op.data = true;
  op.size_before = size;
  const uint64_t tail = size % kBlockBytes;
  uint64_t index = size / kBlockBytes;
  if (tail != 0 && index < inode.blocks.size()) {
    BlockRef& block = inode.blocks[index];
    if (block) {
      op.cut = false;
      op.block = static_cast<uint32_t>(index);
      op.offset = static_cast<uint16_t>(tail);
      op.length = static_cast<uint16_t>(kBlockBytes - tail);
      op.undo = DataOp::kBytes;
      op.undo_at = static_cast<uint32_t>(inode.undo_bytes.size());
      if (!rules_.write_through) inode.undo_bytes.append(block->data() + tail, op.length);
      if (block.use_count() > 1) block = std::make_shared<Block>(*block);
      std::memset(block->data() + tail, 0, op.length);
      push_op(inode, op);
      op.cut = true;
    }
    ++index;
  }
  for (uint64_t i = index; i < inode.blocks.size(); ++i) {
    if (!inode.blocks[i]) continue;
    op.block = static_cast<uint32_t>(i);
    op.offset = 0;
    op.length = kBlockBytes;
    op.undo = DataOp::kBlock;
    op.undo_at = static_cast<uint32_t>(inode.undo_blocks.size());
    if (!rules_.write_through) inode.undo_blocks.push_back(std::move(inode.blocks[i]));
    inode.blocks[i].reset();
    --blocks_used_;
    push_op(inode, op);
  }
  inode.blocks.resize(std::min<uint64_t>(index, inode.blocks.size()));
  if (!rules_.write_through) inode.meta_seq = last_cut_seq_ = seq_;
}

void Disk::truncate(InodeId id, uint64_t size) {
  Inode& inode = own(id);
  CHECK(!inode.directory);
  inode.witness = std::min(inode.witness, size);
  inode.touched_in_flight = std::min(inode.touched_in_flight, size);
  if (size < inode.size) {
    if (!faults_.empty()) heal(id, size, inode.size - size);  // what is gone has no faults
    shrink(inode, size);
  } else if (size > inode.size) {
    DataOp op;
    op.size_before = inode.size;
    op.size_after = inode.size = size;
    op.size = true;
    push_op(inode, op);
  }
}

void Disk::release(InodeId id) {
  Inode& inode = own(id);
  inode.released = true;
  const auto emptied = [](const DataOp& op) { return op.cut && op.size && op.size_after == 0; };
  if (rules_.truncate_settles_size && std::any_of(inode.ops.begin(), inode.ops.end(), emptied))
    inode.settled_seq = last_cut_seq_ = ++seq_;
  maybe_free(id);
}

bool Disk::is_same_as(const Disk& other) const {
  const auto same_op = [](const NameOp& a, const NameOp& b) {
    return a.seq == b.seq && a.name == b.name && a.stuck == b.stuck;
  };
  const auto same_flight = [](const SyncTicket& a, const SyncTicket& b) { return a.id == b.id; };
  return seq_ == other.seq_ && inodes_ == other.inodes_ &&
         std::equal(names_.begin(), names_.end(), other.names_.begin(), other.names_.end(),
                    same_op) &&
         std::equal(in_flight_.begin(), in_flight_.end(), other.in_flight_.begin(),
                    other.in_flight_.end(), same_flight);
}

void Disk::maybe_free(InodeId id) {
  const Inode& inode = *inodes_[id];
  if (!inode.released || inode.links > 0 || inode.pending_names > 0 || inode.syncs_in_flight > 0)
    return;
  for (const BlockRef& block : inode.blocks) blocks_used_ -= block ? 1 : 0;
  inodes_[id].reset();
  free_inodes_.push_back(id);
  std::erase_if(faults_, [id](const MediaFault& fault) { return fault.inode == id; });
}

}  // namespace powercut::sim
