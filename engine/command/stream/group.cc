// Consumer groups: how they come and go, what is acknowledged, and what is not yet.
#include <fmt/format.h>

#include <algorithm>

#include "engine/command/number.h"
#include "engine/command/stream/stream_commands.h"

namespace powercut::engine {

namespace {

struct GroupOptions {
  bool makes_stream = false;
  int64_t entries_read = StreamGroup::kUnknown;
};

// Behind the ID: [MKSTREAM] [ENTRIESREAD n].
bool parse_group_options(Call& call, bool creates, GroupOptions& options) {
  for (size_t i = 5; i < call.argc(); ++i) {
    if (creates && call.is(i, "MKSTREAM")) {
      options.makes_stream = true;
    } else if (i + 1 < call.argc() && call.is(i, "ENTRIESREAD")) {
      if (!call.integer_arg(++i, options.entries_read)) return false;
      if (options.entries_read < StreamGroup::kUnknown) {
        call.fail("ERR value for ENTRIESREAD must be positive or -1");
        return false;
      }
    } else {
      fail_subcommand(call);
      return false;
    }
  }
  return true;
}

// The stream at args[2]; nullptr after an answer, or where MKSTREAM is to make one.
const Stream* find_stream(Call& call, bool makes_stream) {
  const Stream* stream = call.held<Stream>(call.arg(2));
  if (stream == nullptr && !call.failed() && !makes_stream)
    call.fail(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
        "use the MKSTREAM option to create an empty stream automatically.");
  return stream;
}

// The group args[3] of the stream at args[2]; nullptr after an answer.
const StreamGroup* find_group(Call& call) {
  const Stream* stream = find_stream(call, false);
  if (stream == nullptr) return nullptr;
  const StreamGroup* group = stream->find_group(call.arg(3));
  if (group == nullptr)
    call.fail(fmt::format("NOGROUP No such consumer group '{}' for key name '{}'", call.arg(3),
                          call.arg(2)));
  return group;
}

StreamGroup& write_group(Call& call) {
  StreamGroup* group = call.write_beside<Stream>(call.arg(2))->find_group(call.arg(3));
  CHECK(group != nullptr);
  return *group;
}

}  // namespace

void xgroup_create_command(Call& call) {
  GroupOptions options;
  if (!parse_group_options(call, true, options)) return;
  const Stream* present = find_stream(call, options.makes_stream);
  if (call.failed()) return;
  StreamId last;
  if (call.arg(4) == "$") {
    if (present != nullptr) last = present->last_id();
  } else if (!stream_id_arg(call, 4, last)) {
    return;
  }
  if (present != nullptr && present->find_group(call.arg(3)) != nullptr)
    return call.fail("BUSYGROUP Consumer Group name already exists");
  Stream* stream = present != nullptr ? call.write_beside<Stream>(call.arg(2))
                                      : call.write_or_create<Stream>(call.arg(2));
  stream->add_group(call.arg(3), last, options.entries_read);
  call.changed();
  call.reply.ok();
}

void xgroup_setid_command(Call& call) {
  GroupOptions options;
  if (!parse_group_options(call, false, options)) return;
  const StreamGroup* present = find_group(call);
  if (present == nullptr) return;
  StreamId last;
  if (call.arg(4) == "$") {
    last = call.held<Stream>(call.arg(2))->last_id();
  } else if (!any_stream_id_arg(call, 4, last)) {
    return;
  }
  StreamGroup& group = write_group(call);
  group.last_id = last;
  group.entries_read = options.entries_read;
  call.changed();
  call.reply.ok();
}

void xgroup_destroy_command(Call& call) {
  const Stream* present = find_stream(call, false);
  if (present == nullptr) return;
  if (present->find_group(call.arg(3)) == nullptr) return call.reply.integer(0);
  call.write_beside<Stream>(call.arg(2))->erase_group(call.arg(3));
  call.changed();
  call.reply.integer(1);
}

void xgroup_createconsumer_command(Call& call) {
  const StreamGroup* present = find_group(call);
  if (present == nullptr) return;
  if (present->find_consumer(call.arg(4)) != nullptr) return call.reply.integer(0);
  write_group(call).add_consumer(call.arg(4), call.now_ms());
  call.changed();
  call.reply.integer(1);
}

void xgroup_delconsumer_command(Call& call) {
  const StreamGroup* present = find_group(call);
  if (present == nullptr) return;
  const auto* consumer = present->find_consumer(call.arg(4));
  if (consumer == nullptr) return call.reply.integer(0);
  const size_t pending = consumer->second.pending.size();
  write_group(call).erase_consumer(call.arg(4));
  call.changed();
  call.reply.integer(static_cast<int64_t>(pending));
}

void xack_command(Call& call) {
  const Stream* stream = call.read<Stream>(call.arg(1));
  if (call.failed()) return;
  const StreamGroup* present = stream == nullptr ? nullptr : stream->find_group(call.arg(2));
  if (present == nullptr) return call.reply.integer(0);
  std::vector<StreamId> ids(call.argc() - 3);
  for (size_t i = 0; i < ids.size(); ++i)
    if (!stream_id_arg(call, i + 3, ids[i])) return;
  if (std::none_of(ids.begin(), ids.end(),
                   [&](StreamId id) { return present->find_pending(id) != nullptr; }))
    return call.reply.integer(0);
  StreamGroup* group = call.write_beside<Stream>(call.arg(1))->find_group(call.arg(2));
  int64_t acknowledged = 0;
  for (const StreamId id : ids) acknowledged += group->acknowledge(id) ? 1 : 0;
  call.changed();
  call.reply.integer(acknowledged);
}

// --- XPENDING ---

namespace {

struct PendingFilter {
  int64_t idle_ms = 0;
  StreamId first;
  StreamId last;
  int64_t count = 0;
  size_t consumer = 0;  // its argument; 0: any
};

bool parse_filter(Call& call, PendingFilter& filter) {
  size_t i = 3;
  if (call.is(i, "IDLE")) {
    if (!call.integer_arg(i + 1, filter.idle_ms)) return false;
    if (call.argc() < 8) {
      call.fail(kSyntaxError);
      return false;
    }
    i += 2;
  }
  if (!call.integer_arg(i + 2, filter.count) || !range_start_arg(call, i, filter.first) ||
      !range_end_arg(call, i + 1, filter.last))
    return false;
  if (i + 3 < call.argc()) filter.consumer = i + 3;
  return true;
}

void summary(Call& call, const StreamGroup& group) {
  const auto& pending = group.pending();
  Reply& reply = call.reply;
  reply.array(4);
  reply.integer(static_cast<int64_t>(pending.size()));
  if (pending.empty()) {
    reply.null();
    reply.null();
    reply.null_array();
    return;
  }
  reply_id(reply, pending.begin()->first);
  reply_id(reply, pending.rbegin()->first);
  const size_t mark = reply.begin_deferred();
  size_t consumers = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    if (consumer.pending.empty()) continue;
    reply.array(2);
    reply.bulk(name);
    reply.bulk(std::to_string(consumer.pending.size()));
    ++consumers;
  }
  reply.end_deferred(mark, consumers);
}

// Calls f(id, pending) in the range, of one consumer or of all, until it returns false.
template <class F>
void for_pending(const StreamGroup& group, const StreamGroup::Consumers::value_type* consumer,
                 const PendingFilter& filter, F&& f) {
  if (consumer == nullptr) {
    const auto& all = group.pending();
    for (auto it = all.lower_bound(filter.first); it != all.end() && it->first <= filter.last; ++it)
      if (!f(it->first, it->second)) return;
    return;
  }
  const auto& own = consumer->second.pending;
  for (auto it = own.lower_bound(filter.first); it != own.end() && *it <= filter.last; ++it)
    if (!f(*it, *group.find_pending(*it))) return;
}

void list_pending(Call& call, const StreamGroup& group, const PendingFilter& filter) {
  const StreamGroup::Consumers::value_type* consumer = nullptr;
  if (filter.consumer != 0) {
    consumer = group.find_consumer(call.arg(filter.consumer));
    if (consumer == nullptr) return call.reply.array(0);
  }
  Reply& reply = call.reply;
  const size_t mark = reply.begin_deferred();
  int64_t given = 0;
  for_pending(group, consumer, filter, [&](StreamId id, const StreamGroup::Pending& pending) {
    if (given >= filter.count) return false;
    const int64_t idle_ms = call.now_ms() - pending.delivered_ms;
    if (filter.idle_ms != 0 && idle_ms < filter.idle_ms) return true;
    ++given;
    reply.array(4);
    reply_id(reply, id);
    reply.bulk(pending.owner->first);
    reply.integer(std::max<int64_t>(idle_ms, 0));
    reply.integer(static_cast<int64_t>(pending.deliveries));
    return true;
  });
  reply.end_deferred(mark, static_cast<size_t>(given));
}

}  // namespace

void xpending_command(Call& call) {
  const bool whole = call.argc() == 3;
  if (!whole && (call.argc() < 6 || call.argc() > 9)) return call.fail(kSyntaxError);
  PendingFilter filter;
  if (!whole && !parse_filter(call, filter)) return;
  const Stream* stream = call.read<Stream>(call.arg(1));
  if (call.failed()) return;
  const StreamGroup* group = stream == nullptr ? nullptr : stream->find_group(call.arg(2));
  if (group == nullptr) return fail_without_group(call, call.arg(1), call.arg(2));
  whole ? summary(call, *group) : list_pending(call, *group, filter);
}

}  // namespace powercut::engine
