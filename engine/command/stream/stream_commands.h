// What the commands on streams share: IDs as clients write them, entries as they are answered, and how what a group did
// is logged.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/command/call.h"
#include "engine/store/stream.h"

namespace powercut::engine {

// --- IDs: "ms-seq", or "ms", whose number is then `missing`. What is wrong is answered: then false ---

bool stream_id_arg(Call& call, size_t i, StreamId& id, uint64_t missing = 0);
// "-" and "+" too, for the least and the most.
bool any_stream_id_arg(Call& call, size_t i, StreamId& id, uint64_t missing = 0);
// Where a range begins or ends: likewise, or behind "(", from the next one on or up to the one before.
bool range_start_arg(Call& call, size_t i, StreamId& id);
bool range_end_arg(Call& call, size_t i, StreamId& id);
// Without an answer. `any_seq`, where "ms-*" may be: is it that?
std::optional<StreamId> parse_stream_id(std::string_view text, uint64_t missing = 0,
                                        bool* any_seq = nullptr);

// --- Answers ---

void reply_id(Reply& reply, StreamId id);
// [ID, [field, value, ...]]
void reply_entry(Reply& reply, const StreamEntry& entry);
// REQUIRES: it is there.
void reply_entry_of(Reply& reply, const Stream& stream, StreamId id);
// An array of those in the range, at most `count`; 0: all.
void reply_range(Reply& reply, const Stream& stream, StreamId first, StreamId last, bool reverse,
                 uint64_t count);
void fail_without_group(Call& call, std::string_view key, std::string_view group);
// A subcommand's arguments are wrong.
void fail_subcommand(Call& call);

// --- The log: commands that say how things are, whatever they were ---

// That an entry is pending for somebody; where it is in the stream no more, that it is not.
void log_pending(Call& call, std::string_view key, std::string_view name, const StreamGroup& group,
                 StreamId id, const StreamGroup::Pending& pending);
// How far the group has read.
void log_position(Call& call, std::string_view key, std::string_view name,
                  const StreamGroup& group);

// --- The handlers, by file ---

// read.cc
void xread_command(Call& call);
void xreadgroup_command(Call& call);
void xread_keys(std::span<const std::string_view> args, std::vector<size_t>& positions);

// group.cc
void xgroup_create_command(Call& call);
void xgroup_setid_command(Call& call);
void xgroup_destroy_command(Call& call);
void xgroup_createconsumer_command(Call& call);
void xgroup_delconsumer_command(Call& call);
void xack_command(Call& call);
void xpending_command(Call& call);

// claim.cc
void xclaim_command(Call& call);
void xautoclaim_command(Call& call);

// info.cc
void xinfo_stream_command(Call& call);
void xinfo_groups_command(Call& call);
void xinfo_consumers_command(Call& call);

}  // namespace powercut::engine
