// XCLAIM and XAUTOCLAIM: what is pending for one consumer becomes another's. The log has what came of it, entry by
// entry; what is in the stream no more is pending no more.
#include <fmt/format.h>

#include <algorithm>

#include "engine/command/collection.h"
#include "engine/command/number.h"
#include "engine/command/stream/stream_commands.h"

namespace powercut::engine {

namespace {

// One consumer claims of one group.
struct Claim {
  Call& call;
  std::string_view key;
  std::string_view name;  // of the group
  std::string_view who;
  int64_t min_idle_ms = 0;
  bool just_ids = false;
  Stream* stream = nullptr;
  StreamGroup* group = nullptr;
  StreamGroup::Consumers::value_type* consumer = nullptr;  // once it has claimed something

  bool idle_enough(const StreamGroup::Pending& pending) const {
    return min_idle_ms == 0 || call.now_ms() - pending.delivered_ms >= min_idle_ms;
  }
  void take(StreamId id, int64_t delivered_ms, uint64_t deliveries) {
    if (consumer == nullptr) consumer = group->find_consumer(who);
    if (consumer == nullptr) {
      consumer = group->add_consumer(who, call.now_ms());
      call.announce('t', "xgroup-createconsumer", key);
    }
    consumer->second.seen_ms = call.now_ms();
    log_pending(call, key, name, *group, id,
                group->deliver(id, consumer, delivered_ms, deliveries));
  }
  // It is in the stream no more.
  void forget(StreamId id, const StreamGroup::Pending& pending) {
    log_pending(call, key, name, *group, id, pending);
    group->acknowledge(id);
  }
  void reply_claimed(StreamId id) const {
    if (just_ids)
      reply_id(call.reply, id);
    else
      reply_entry_of(call.reply, *stream, id);
  }
};

// Of args[1] and args[2]. False: there is no such group, or key; then it was answered.
bool has_group(Call& call) {
  const Stream* stream = call.read<Stream>(call.arg(1));
  if (call.failed()) return false;
  if (stream != nullptr && stream->find_group(call.arg(2)) != nullptr) return true;
  fail_without_group(call, call.arg(1), call.arg(2));
  return false;
}

Claim begin(Call& call, int64_t min_idle_ms, bool just_ids) {
  Claim claim{call,    call.arg(1), call.arg(2), call.arg(3), std::max<int64_t>(min_idle_ms, 0),
              just_ids};
  claim.stream = call.write_beside<Stream>(claim.key);
  claim.group = claim.stream->find_group(claim.name);
  CHECK(claim.group != nullptr);
  return claim;
}

// --- XCLAIM ---

struct ClaimOptions {
  std::vector<StreamId> ids;
  std::optional<int64_t> delivered_ms;
  int64_t deliveries = -1;  // as they are, and one more
  bool force = false;
  bool just_ids = false;
  StreamId last_id;
};

bool parse_idle(Call& call, size_t i, ClaimOptions& options) {
  int64_t idle_ms = 0;
  if (!call.integer_arg(i, idle_ms, "ERR Invalid IDLE option argument for XCLAIM")) return false;
  int64_t at_ms = 0;
  // What cannot be is now.
  options.delivered_ms = __builtin_sub_overflow(call.now_ms(), idle_ms, &at_ms) ? -1 : at_ms;
  return true;
}

bool parse_option(Call& call, size_t& i, ClaimOptions& options) {
  const bool more = i + 1 < call.argc();
  if (call.is(i, "FORCE")) {
    options.force = true;
  } else if (call.is(i, "JUSTID")) {
    options.just_ids = true;
  } else if (more && call.is(i, "IDLE")) {
    return parse_idle(call, ++i, options);
  } else if (more && call.is(i, "TIME")) {
    int64_t at_ms = 0;
    if (!call.integer_arg(++i, at_ms, "ERR Invalid TIME option argument for XCLAIM")) return false;
    options.delivered_ms = at_ms;
  } else if (more && call.is(i, "RETRYCOUNT")) {
    return call.integer_arg(++i, options.deliveries,
                            "ERR Invalid RETRYCOUNT option argument for XCLAIM");
  } else if (more && call.is(i, "LASTID")) {
    return stream_id_arg(call, ++i, options.last_id);
  } else {
    call.fail(fmt::format("ERR Unrecognized XCLAIM option '{}'", call.arg(i)));
    return false;
  }
  return true;
}

bool parse_claim(Call& call, ClaimOptions& options) {
  size_t i = 5;
  for (; i < call.argc(); ++i) {
    const auto id = parse_stream_id(call.arg(i));
    if (!id) break;
    options.ids.push_back(*id);
  }
  for (; i < call.argc(); ++i)
    if (!parse_option(call, i, options)) return false;
  // A log says when it was, whatever the clock says where it is read.
  const int64_t now_ms = call.now_ms();
  const int64_t said_ms = options.delivered_ms.value_or(now_ms);
  const bool cannot_be = !call.keyspace.done_again() && (said_ms < 0 || said_ms > now_ms);
  options.delivered_ms = cannot_be ? now_ms : said_ms;
  return true;
}

// False: it stays as it is.
bool claim_one(Claim& claim, StreamId id, const ClaimOptions& options) {
  const StreamGroup::Pending* pending = claim.group->find_pending(id);
  if (!claim.stream->contains(id)) {
    if (pending != nullptr) claim.forget(id, *pending);
    return false;
  }
  if (pending == nullptr ? !options.force : !claim.idle_enough(*pending)) return false;
  uint64_t deliveries = pending == nullptr ? 1 : pending->deliveries;
  if (options.deliveries >= 0)
    deliveries = static_cast<uint64_t>(options.deliveries);
  else if (!options.just_ids)
    ++deliveries;
  claim.take(id, *options.delivered_ms, deliveries);
  return true;
}

}  // namespace

void xclaim_command(Call& call) {
  if (!has_group(call)) return;
  int64_t min_idle_ms = 0;
  if (!call.integer_arg(4, min_idle_ms, "ERR Invalid min-idle-time argument for XCLAIM")) return;
  ClaimOptions options;
  if (!parse_claim(call, options)) return;
  Claim claim = begin(call, min_idle_ms, options.just_ids);
  const bool moves = options.last_id > claim.group->last_id;
  if (moves) claim.group->last_id = options.last_id;
  const size_t mark = call.reply.begin_deferred();
  size_t claimed = 0;
  for (const StreamId id : options.ids) {
    if (!claim_one(claim, id, options)) continue;
    claim.reply_claimed(id);
    ++claimed;
  }
  call.reply.end_deferred(mark, claimed);
  if (moves && !call.dirty()) log_position(call, claim.key, claim.name, *claim.group);
}

// --- XAUTOCLAIM ---

void xautoclaim_command(Call& call) {
  constexpr int64_t kAttempts = 10;  // looked at, for each that may be claimed
  int64_t min_idle_ms = 0;
  int64_t count = 100;
  bool just_ids = false;
  StreamId start;
  if (!call.integer_arg(4, min_idle_ms, "ERR Invalid min-idle-time argument for XAUTOCLAIM") ||
      !range_start_arg(call, 5, start))
    return;
  for (size_t i = 6; i < call.argc(); ++i) {
    if (i + 1 < call.argc() && call.is(i, "COUNT")) {
      if (!bounded_arg(call, ++i, 1, INT64_MAX / 16, count, "ERR COUNT must be > 0")) return;
    } else if (call.is(i, "JUSTID")) {
      just_ids = true;
    } else {
      return call.fail(kSyntaxError);
    }
  }
  if (!has_group(call)) return;
  Claim claim = begin(call, min_idle_ms, just_ids);
  std::vector<StreamId> claimed;
  std::vector<StreamId> gone;
  int64_t attempts = count * kAttempts;
  auto next = claim.group->pending().lower_bound(start);
  for (; attempts > 0 && count > 0 && next != claim.group->pending().end(); --attempts) {
    const auto& [id, pending] = *next++;  // it may go
    if (!claim.stream->contains(id)) {
      gone.push_back(id);
      claim.forget(gone.back(), pending);
      --count;
    } else if (claim.idle_enough(pending)) {
      claimed.push_back(id);
      claim.take(id, call.now_ms(), pending.deliveries + (just_ids ? 0 : 1));
      --count;
    }
  }
  const bool more = next != claim.group->pending().end();
  call.reply.array(3);
  reply_id(call.reply, more ? next->first : StreamId{});
  call.reply.array(claimed.size());
  for (const StreamId id : claimed) claim.reply_claimed(id);
  call.reply.array(gone.size());
  for (const StreamId id : gone) reply_id(call.reply, id);
}

}  // namespace powercut::engine
