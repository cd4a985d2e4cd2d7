#include "scenarios/trace/replay.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "sim/nameless.h"
#include "sim/survival.h"

namespace powercut::scenarios {

using sim::InodeId;

namespace {

constexpr std::string_view kSymlinkMark = "\x7fpowercut: a symbolic link to ";

}  // namespace

std::optional<std::string> symlink_target(std::string_view content) {
  if (!content.starts_with(kSymlinkMark)) return std::nullopt;
  return std::string(content.substr(kSymlinkMark.size()));
}

Result<Replay> Replay::begin(const Trace& trace, const sim::PersonaRules& rules) {
  Replay replay(rules);
  for (const TraceFile& file : trace.initial) TRY(replay.place(file));
  // A cut that keeps everything, since a device that lies cannot be asked.
  replay.disk_ =
      replay.disk_.after_power_cut(sim::Survival{.rest_kept = true, .slots = {}}).value();
  CHECK(!replay.disk_.anything_pending());
  return replay;
}

Result<void> Replay::place(const TraceFile& file) {
  switch (file.kind) {
    case TraceFile::kDirectory:
      if (file.path.empty()) return {};  // the recorded one, for its mode
      return disk_.make_directory(file.path);
    case TraceFile::kSymlink:
      return symlink(file.path, file.content);
    case TraceFile::kName: {
      const auto inode = inode_of(file.file);
      if (!inode) return Error{Errc::kCorrupt, "a name of a file that is not there: " + file.path};
      return link(*inode, file.path);
    }
    case TraceFile::kFile:
      break;
  }
  TRY_ASSIGN(const InodeId inode, disk_.create(file.path));
  files_[file.file] = inode;
  if (!file.content.empty()) TRY(disk_.write(inode, 0, file.content));
  disk_.release(inode);
  return {};
}

std::optional<InodeId> Replay::inode_of(uint64_t file) const {
  const auto at = files_.find(file);
  if (at == files_.end() || disk_.state().tree.find(at->second) == nullptr) return std::nullopt;
  return at->second;
}

Result<void> Replay::symlink(const std::string& path, const std::string& target) {
  TRY_ASSIGN(const InodeId inode, disk_.create(path));
  disk_.replace_content(inode, std::string(kSymlinkMark) + target);
  disk_.release(inode);
  return {};
}

InodeId Replay::add_nameless() {
  sim::DiskState state = disk_.state();
  const InodeId inode = sim::add_nameless(state);
  disk_ = sim::Disk(std::move(state));
  return inode;
}

Result<void> Replay::link(InodeId inode, const std::string& path) {
  sim::DiskState state = disk_.state();
  TRY(sim::name_file(state, inode, path));
  disk_ = sim::Disk(std::move(state));
  return {};
}

Result<void> Replay::step(const TraceEvent& event, const std::function<void()>& between) {
  disk_.set_now(Instant{static_cast<int64_t>(event.ms) * 1'000'000});
  switch (event.kind) {
    case TraceEvent::kOut:
    case TraceEvent::kNote:
      return {};
    case TraceEvent::kUnmodelled:
      return Error{Errc::kUnsupported,
                   fmt::format("{} on {} is not modelled", event.other, event.path)};
    case TraceEvent::kExit:
      close_all();
      return {};
    case TraceEvent::kSync:
    case TraceEvent::kSyncDirectory:
    case TraceEvent::kSyncAll:
    case TraceEvent::kSynced:
    case TraceEvent::kFailed:
      return sync(event);
    case TraceEvent::kOpen:
    case TraceEvent::kClose:
    case TraceEvent::kWrite:
    case TraceEvent::kZero:
    case TraceEvent::kTruncate:
      return change_file(event, between);
    default:
      TRY(change_name(event));
      forget_gone();
      return {};
  }
}

// An inode that is gone may come again as another file's.
void Replay::forget_gone() {
  std::erase_if(files_, [&](const auto& one) { return !inode_of(one.first); });
}

Result<void> Replay::change_name(const TraceEvent& event) {
  switch (event.kind) {
    case TraceEvent::kCreate: {
      TRY_ASSIGN(files_[event.file], disk_.create(event.path));
      return {};
    }
    case TraceEvent::kNameless:
      files_[event.file] = add_nameless();
      return {};
    case TraceEvent::kMakeDirectory:
      return disk_.make_directory(event.path);
    case TraceEvent::kRemove:
      return disk_.remove(event.path);
    case TraceEvent::kRename:
      return disk_.rename(event.path, event.other);
    case TraceEvent::kExchange:
      return disk_.exchange(event.path, event.other);
    case TraceEvent::kSymlink:
      return symlink(event.path, event.other);
    default:
      break;
  }
  CHECK(event.kind == TraceEvent::kLink);
  const auto inode = inode_of(event.file);
  if (!inode) return Error{Errc::kCorrupt, "a link to a file that is not there: " + event.path};
  return link(*inode, event.path);
}

Result<void> Replay::change_file(const TraceEvent& event, const std::function<void()>& between) {
  const auto inode = inode_of(event.file);
  if (!inode) return {};  // nothing of it can be found again
  switch (event.kind) {
    case TraceEvent::kOpen:
      disk_.retain(*inode);
      break;
    case TraceEvent::kClose:
      disk_.release(*inode);
      forget_gone();
      break;
    case TraceEvent::kWrite:
      write(*inode, event.offset, event.bytes, between);
      break;
    case TraceEvent::kTruncate:
      disk_.truncate(*inode, event.length);
      break;
    default: {
      CHECK(event.kind == TraceEvent::kZero);
      // Looser than a filesystem that makes a hole in one transaction.
      const uint64_t size = disk_.size(*inode);
      const uint64_t most = size - std::min(size, event.offset);
      write(*inode, event.offset, std::string(std::min(event.length, most), '\0'), between);
    }
  }
  return {};
}

void Replay::write(InodeId file, uint64_t offset, std::string_view bytes,
                   const std::function<void()>& between) {
  const bool in_steps = disk_.rules().write_through && between;
  while (!bytes.empty()) {
    const size_t piece =
        in_steps ? std::min<uint64_t>(bytes.size(), sim::kBlockBytes - offset % sim::kBlockBytes)
                 : bytes.size();
    CHECK(disk_.write(file, offset, bytes.substr(0, piece)).ok());
    offset += piece;
    bytes.remove_prefix(piece);
    if (in_steps && !bytes.empty()) between();
  }
}

Result<void> Replay::sync(const TraceEvent& event) {
  if (event.kind == TraceEvent::kSync) {
    if (const auto inode = inode_of(event.file))
      syncs_[event.number].push_back(disk_.begin_sync(*inode));
  } else if (event.kind == TraceEvent::kSyncDirectory) {
    if (const auto ticket = disk_.begin_sync_directory(event.path); ticket.ok())
      syncs_[event.number].push_back(*ticket);
  } else if (event.kind == TraceEvent::kSyncAll) {
    sync_all(event.number);
  } else {
    for (const sim::SyncTicket& ticket : syncs_[event.number]) {
      if (event.kind == TraceEvent::kFailed)
        fail(ticket);
      else
        TRY(disk_.finish_sync(ticket));
    }
    syncs_.erase(event.number);
    forget_gone();
  }
  return {};
}

void Replay::fail(const sim::SyncTicket& ticket) {
  if (ticket.directory) {
    (void)disk_.fail_sync_directory(ticket);
    return;
  }
  if (!disk_.fail_sync(ticket, disk_.rules().sync_failure).ok()) return;
  sim::DiskState state = disk_.state();
  state.tree.own(ticket.inode).late_error = false;
  disk_ = sim::Disk(std::move(state));
}

// Every file, and every directory from the root on.
void Replay::sync_all(uint64_t number) {
  std::vector<sim::SyncTicket>& tickets = syncs_[number];
  for (const auto& [file, inode] : files_)
    if (inode_of(file)) tickets.push_back(disk_.begin_sync(inode));
  std::vector<std::string> todo{""};
  while (!todo.empty()) {
    const std::string at = std::move(todo.back());
    todo.pop_back();
    tickets.push_back(disk_.begin_sync_directory(at).value());
    const std::vector<std::string> names = disk_.list(at).value();
    for (const std::string& name : names) {
      std::string path = at.empty() ? name : at + "/" + name;
      if (disk_.is_directory(disk_.lookup(path).value())) todo.push_back(std::move(path));
    }
  }
}

void Replay::close_all() {
  for (const auto& [file, id] : files_)
    if (const auto inode = inode_of(file); inode && !disk_.state().tree[*inode].released)
      disk_.release(*inode);
  forget_gone();
}

}  // namespace powercut::scenarios
