#include "sim/sync.h"

#include <algorithm>

#include "engine/base/check.h"
#include "sim/journal.h"

namespace powercut::sim {
namespace {

SyncTicket ticket_of(DiskState& disk, InodeId id) {
  Inode& inode = disk.tree.own(id);
  if (inode.syncs_in_flight++ == 0) inode.witness.begin_sync();
  SyncTicket ticket;
  ticket.inode = id;
  ticket.directory = inode.directory;
  ticket.seq = disk.seq;
  ticket.size = inode.size;
  ticket.journal_seq = inode.meta_seq;
  CHECK(ticket.journal_seq <= ticket.seq);
  CHECK(inode.log.empty() || inode.log.ops().back().seq <= ticket.seq);
  return ticket;
}

// It is in flight no more.
Inode& land(DiskState& disk, const SyncTicket& ticket) {
  disk.flights.end(ticket);
  Inode& inode = disk.tree.own(ticket.inode);
  CHECK(inode.syncs_in_flight > 0 && inode.directory == ticket.directory);
  --inode.syncs_in_flight;
  return inode;
}

void force_content(DiskState& disk, Inode& inode, const SyncTicket& ticket) {
  if (!inode.log.empty()) {
    disk.stats.bytes_metadata += kBlockBytes;
    disk.count_data(inode, inode.log.force(ticket.seq) * kBlockBytes);
  }
  if (!inode.log.has_stuck()) inode.witness.finish_sync(ticket.size);
}

// A filesystem that has shut forces nothing. What it says of it: a sync that was under way then
// shares the failed commit; of those that come later, ext4 and btrfs let pass what seems to have
// nothing to commit until it is noticed, XFS the ones of directories.
Result<void> finish_shut(const DiskState& disk, const SyncTicket& ticket) {
  const Error io{Errc::kIo, "the filesystem has shut down after an error of its journal"};
  const Error refused{Errc::kRefused, "read-only since an error of its journal"};
  if (ticket.id <= disk.shut.last_ticket) return io;
  switch (disk.rules.sync_failure) {
    case SyncFailure::kExt4Ordered:
    case SyncFailure::kBtrfs:
      return disk.shut.noticed ? Result<void>(refused) : Result<void>();
    case SyncFailure::kExt4Data:
      return disk.shut.noticed || !ticket.directory ? Result<void>(refused) : Result<void>();
    case SyncFailure::kXfs:
      return ticket.directory ? Result<void>() : Result<void>(io);
    default:
      return refused;
  }
}

// No dirty page will be written any more: they are dropped as clean ones are.
void shut(DiskState& disk) {
  disk.shut = {true, false, disk.flights.last_id()};
  for (InodeId id = 0; id < disk.tree.end(); ++id)
    if (const Inode* inode = disk.tree.find(id); inode != nullptr && !inode->log.empty())
      disk.tree.own(id).log.stick(disk.seq, true, false);
}

}  // namespace

SyncTicket begin_sync(DiskState& disk, InodeId id) {
  const PersonaRules& rules = disk.rules;
  SyncTicket ticket = ticket_of(disk, id);
  CHECK(!ticket.directory);
  if (!disk.names.empty() || disk.last_cut_seq != 0 || rules.sizes != SizeOrder::kLags ||
      rules.data == DataOrder::kJournal) {
    // Bytes that are only overwritten need no commit (fdatasync); a size does, and so do journaled
    // bytes.
    for (const DataOp& op : disk.tree[id].log.ops()) {
      if (!op.size && rules.data != DataOrder::kJournal) continue;
      ticket.journal_seq = disk.seq;
      break;
    }
  }
  return disk.flights.begin(ticket);
}

SyncTicket begin_sync_directory(DiskState& disk, InodeId id) {
  const SyncTicket ticket = ticket_of(disk, id);
  CHECK(ticket.directory);
  return disk.flights.begin(ticket);
}

void abandon_sync(DiskState& disk, const SyncTicket& ticket) { land(disk, ticket); }

Result<void> finish_sync(DiskState& disk, const SyncTicket& ticket) {
  const PersonaRules& rules = disk.rules;
  Inode& inode = land(disk, ticket);
  ++disk.stats.syncs;
  if (disk.shut.is) return finish_shut(disk, ticket);
  if (inode.late_error) {
    inode.late_error = false;
    return Error{Errc::kIo, "an earlier write-back failed"};
  }
  if (rules.sync == SyncReach::kNothing) return {};
  if (!ticket.directory) force_content(disk, inode, ticket);
  if (rules.sync == SyncReach::kJournal) {
    if (!disk.names.empty() || disk.last_cut_seq != 0 || rules.sizes == SizeOrder::kJournal ||
        rules.data == DataOrder::kJournal)
      commit(disk, ticket.journal_seq);
  } else if (!disk.names.empty()) {
    if (ticket.directory) {
      force_names(disk, [&](const NameOp& op) {
        return op.seq <= ticket.seq && !op.stuck && op.directory == ticket.inode;
      });
    }
    if (rules.sync == SyncReach::kInodeAndNames) force_names_of(disk, ticket.inode, ticket.seq);
  }
  if (disk.tree.find(ticket.inode) != nullptr) disk.drop_if_unreachable(ticket.inode);
  return {};
}

Result<void> fail_sync(DiskState& disk, const SyncTicket& ticket, SyncFailure model) {
  CHECK(!ticket.directory);
  Inode& inode = land(disk, ticket);
  if (disk.shut.is) return Error{Errc::kIo, "write-back failed, and the filesystem has shut down"};
  const auto& ops = inode.log.ops();
  // In 2020 btrfs gave the page back what the disk has. Not where a truncation is pending: that is
  // metadata and stays; such a file is treated as kXfs2020.
  const bool cuts = std::any_of(ops.begin(), ops.end(), [](const DataOp& op) { return op.cut; });
  const bool ext4 = model == SyncFailure::kExt4Ordered || model == SyncFailure::kExt4Data ||
                    model == SyncFailure::kExt4Ordered2020 || model == SyncFailure::kExt4Data2020;
  if (model == SyncFailure::kBtrfs2020 && !cuts)
    inode.size = inode.log.revert(ticket.seq, inode.blocks, inode.size);
  else
    inode.log.stick(ticket.seq, !ext4, model == SyncFailure::kExt4Ordered);
  if (model == SyncFailure::kExt4Data2020) {
    inode.late_error = true;
    return {};
  }
  return Error{Errc::kIo, "write-back failed; the unsynced bytes are in an unknown state"};
}

Result<void> fail_sync_directory(DiskState& disk, const SyncTicket& ticket) {
  CHECK(ticket.directory);
  land(disk, ticket);
  if (disk.shut.is)
    return Error{Errc::kIo, "directory sync failed, and the filesystem has shut down"};
  disk.names.stick(ticket.inode, ticket.seq);
  return Error{Errc::kIo, "directory sync failed; which names are durable is unknown"};
}

Result<void> fail_journal(DiskState& disk, const SyncTicket& ticket) {
  CHECK(!disk.rules.fails_as_of_2020());
  land(disk, ticket);
  if (!disk.shut.is) shut(disk);
  if (disk.rules.sync_failure == SyncFailure::kExt4Data)
    return Error{Errc::kRefused, "the journal failed; the filesystem is read-only"};
  return Error{Errc::kIo, "the journal failed; the filesystem takes no more changes"};
}

}  // namespace powercut::sim
