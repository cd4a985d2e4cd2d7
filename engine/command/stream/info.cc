// XINFO: what a stream is made of, its groups, and their consumers.
#include <fmt/format.h>

#include <algorithm>

#include "engine/command/number.h"
#include "engine/command/stream/stream_commands.h"

namespace powercut::engine {

namespace {

void add(Reply& reply, std::string_view name, uint64_t number) {
  reply.bulk(name);
  reply.integer(static_cast<int64_t>(number));
}

void add(Reply& reply, std::string_view name, StreamId id) {
  reply.bulk(name);
  reply_id(reply, id);
}

void add(Reply& reply, std::string_view name, std::string_view text) {
  reply.bulk(name);
  reply.bulk(text);
}

// How far a group has read, and how many entries are still before it; none where nobody can tell.
void add_progress(Reply& reply, const Stream& stream, const StreamGroup& group) {
  constexpr int64_t kUnknown = StreamGroup::kUnknown;
  reply.bulk("entries-read");
  group.entries_read == kUnknown ? reply.null() : reply.integer(group.entries_read);
  reply.bulk("lag");
  if (stream.entries_added() == 0) return reply.integer(0);
  const bool counted = group.entries_read != kUnknown && !stream.may_have_gap_from(group.last_id);
  const int64_t read = counted ? group.entries_read : stream.added_up_to(group.last_id);
  read == kUnknown ? reply.null()
                   : reply.integer(static_cast<int64_t>(stream.entries_added()) - read);
}

// The first of the range, or the last.
void add_edge(Reply& reply, std::string_view name, const Stream& stream, bool reverse) {
  reply.bulk(name);
  bool found = false;
  stream.for_range({}, StreamId::most(), reverse, [&](const StreamEntry& entry) {
    reply_entry(reply, entry);
    found = true;
    return false;
  });
  if (!found) reply.null();
}

void add_consumers(Reply& reply, const StreamGroup& group, uint64_t count) {
  reply.bulk("consumers");
  reply.array(group.consumers().size());
  for (const auto& [name, consumer] : group.consumers()) {
    reply.map(4);
    add(reply, "name", name);
    add(reply, "seen-time", static_cast<uint64_t>(consumer.seen_ms));
    add(reply, "pel-count", uint64_t{consumer.pending.size()});
    reply.bulk("pending");
    const size_t mark = reply.begin_deferred();
    size_t given = 0;
    for (auto id = consumer.pending.begin();
         id != consumer.pending.end() && (count == 0 || given < count); ++id, ++given) {
      const StreamGroup::Pending& pending = *group.find_pending(*id);
      reply.array(3);
      reply_id(reply, *id);
      reply.integer(pending.delivered_ms);
      reply.integer(static_cast<int64_t>(pending.deliveries));
    }
    reply.end_deferred(mark, given);
  }
}

void add_pending(Reply& reply, const StreamGroup& group, uint64_t count) {
  add(reply, "pel-count", uint64_t{group.pending().size()});
  reply.bulk("pending");
  const size_t mark = reply.begin_deferred();
  size_t given = 0;
  for (auto it = group.pending().begin();
       it != group.pending().end() && (count == 0 || given < count); ++it, ++given) {
    reply.array(4);
    reply_id(reply, it->first);
    reply.bulk(it->second.owner->first);
    reply.integer(it->second.delivered_ms);
    reply.integer(static_cast<int64_t>(it->second.deliveries));
  }
  reply.end_deferred(mark, given);
}

void add_groups(Reply& reply, const Stream& stream, uint64_t count) {
  reply.bulk("groups");
  reply.array(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) {
    reply.map(7);
    add(reply, "name", name);
    add(reply, "last-delivered-id", group.last_id);
    add_progress(reply, stream, group);
    add_pending(reply, group, count);
    add_consumers(reply, group, count);
  }
}

// [FULL [COUNT n]]
bool parse_full(Call& call, bool& full, uint64_t& count) {
  full = call.argc() > 3;
  if (!full) return true;
  const bool counts = call.argc() == 6;
  if ((call.argc() != 4 && !counts) || !call.is(3, "FULL") || (counts && !call.is(4, "COUNT"))) {
    fail_subcommand(call);
    return false;
  }
  int64_t wanted = -1;
  if (counts && !call.integer_arg(5, wanted)) return false;
  count = wanted < 0 ? 10 : static_cast<uint64_t>(wanted);
  return true;
}

// The stream at args[2]; nullptr after an answer.
const Stream* find_stream(Call& call) {
  const Stream* stream = call.read<Stream>(call.arg(2));
  if (stream == nullptr && !call.failed()) call.fail(kNoSuchKey);
  return stream;
}

}  // namespace

void xinfo_stream_command(Call& call) {
  const Stream* stream = find_stream(call);
  if (stream == nullptr) return;
  bool full = false;
  uint64_t count = 0;
  if (!parse_full(call, full, count)) return;
  Reply& reply = call.reply;
  reply.map(full ? 9 : 10);
  add(reply, "length", uint64_t{stream->size()});
  add(reply, "radix-tree-keys", uint64_t{stream->blocks().size()});
  add(reply, "radix-tree-nodes", uint64_t{stream->radix_nodes()});
  add(reply, "last-generated-id", stream->last_id());
  add(reply, "max-deleted-entry-id", stream->max_deleted_id());
  add(reply, "entries-added", stream->entries_added());
  add(reply, "recorded-first-entry-id", stream->first_id());
  if (full) {
    reply.bulk("entries");
    reply_range(reply, *stream, {}, StreamId::most(), false, count);
    add_groups(reply, *stream, count);
    return;
  }
  add(reply, "groups", uint64_t{stream->groups().size()});
  add_edge(reply, "first-entry", *stream, false);
  add_edge(reply, "last-entry", *stream, true);
}

void xinfo_groups_command(Call& call) {
  const Stream* stream = find_stream(call);
  if (stream == nullptr) return;
  Reply& reply = call.reply;
  reply.array(stream->groups().size());
  for (const auto& [name, group] : stream->groups()) {
    reply.map(6);
    add(reply, "name", name);
    add(reply, "consumers", uint64_t{group.consumers().size()});
    add(reply, "pending", uint64_t{group.pending().size()});
    add(reply, "last-delivered-id", group.last_id);
    add_progress(reply, *stream, group);
  }
}

void xinfo_consumers_command(Call& call) {
  const Stream* stream = find_stream(call);
  if (stream == nullptr) return;
  const StreamGroup* group = stream->find_group(call.arg(3));
  if (group == nullptr)
    return call.fail(fmt::format("NOGROUP No such consumer group '{}' for key name '{}'",
                                 call.arg(3), call.arg(2)));
  Reply& reply = call.reply;
  reply.array(group->consumers().size());
  for (const auto& [name, consumer] : group->consumers()) {
    reply.map(3);
    add(reply, "name", name);
    add(reply, "pending", uint64_t{consumer.pending.size()});
    reply.bulk("idle");
    reply.integer(std::max<int64_t>(call.now_ms() - consumer.seen_ms, 0));
  }
}

}  // namespace powercut::engine
