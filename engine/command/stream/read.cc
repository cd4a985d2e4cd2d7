// XREAD and XREADGROUP: what is behind an ID, for whoever asks, or for a group that remembers whom it gave what.
// Reading for a group changes it, and the log has what came of it: who was given what and when, and how far the group
// has read.
#include <fmt/format.h>

#include <algorithm>

#include "engine/command/number.h"
#include "engine/command/stream/stream_commands.h"

namespace powercut::engine {

namespace {

constexpr uint64_t kCountOfWaiter = 1'000;   // unless it said how many
constexpr StreamId kNew = StreamId::most();  // ">": what the group has not read yet

struct Request {
  bool for_group = false;
  std::optional<int64_t> block_ms;
  uint64_t count = 0;  // 0: all
  bool noack = false;
  size_t group = 0;  // its argument; the consumer is the next
  size_t first_key = 0;
  size_t keys = 0;
  std::vector<StreamId> behind = {};  // of each key; kNew
};

bool parse_block(Call& call, size_t i, Request& request) {
  int64_t ms = 0;
  if (!call.integer_arg(i, ms, "ERR timeout is not an integer or out of range")) return false;
  if (ms < 0) {
    call.fail("ERR timeout is negative");
    return false;
  }
  request.block_ms = ms;
  return true;
}

bool group_only(Call& call, std::string_view option, const Request& request) {
  if (request.for_group) return true;
  call.fail(
      fmt::format("ERR The {} option is only supported by XREADGROUP. You called XREAD "
                  "instead.",
                  option));
  return false;
}

bool parse_keys(Call& call, size_t first, Request& request) {
  const size_t words = call.argc() - first;
  if (words % 2 != 0) {
    call.fail(
        "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be "
        "specified.");
    return false;
  }
  request.first_key = first;
  request.keys = words / 2;
  return true;
}

// Up to the keys.
bool parse_options(Call& call, Request& request) {
  for (size_t i = 1; i < call.argc() && request.keys == 0; ++i) {
    const size_t more = call.argc() - i - 1;
    if (more >= 1 && call.is(i, "BLOCK")) {
      if (call.in_script) {
        call.fail("ERR " + std::string(call.arg(0)) +
                  " command is not allowed with BLOCK option from scripts");
        return false;
      }
      if (!parse_block(call, ++i, request)) return false;
    } else if (more >= 1 && call.is(i, "COUNT")) {
      int64_t count = 0;
      if (!call.integer_arg(++i, count)) return false;
      request.count = static_cast<uint64_t>(std::max<int64_t>(count, 0));
    } else if (more >= 1 && call.is(i, "STREAMS")) {
      if (!parse_keys(call, i + 1, request)) return false;
    } else if (more >= 2 && call.is(i, "GROUP")) {
      if (!group_only(call, "GROUP", request)) return false;
      request.group = i + 1;
      i += 2;
    } else if (call.is(i, "NOACK")) {
      if (!group_only(call, "NOACK", request)) return false;
      request.noack = true;
    } else {
      break;
    }
  }
  if (request.keys == 0) {
    call.fail(kSyntaxError);
  } else if (request.for_group && request.group == 0) {
    call.fail("ERR Missing GROUP option for XREADGROUP");
  }
  return !call.failed();
}

// What is asked for of a key: behind which ID.
bool parse_behind(Call& call, size_t i, const Stream* stream, Request& request) {
  const std::string_view text = call.arg(i);
  StreamId behind;
  if (text == "$") {
    if (request.for_group) {
      call.fail(
          "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history "
          "of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ "
          "ID would just return an empty result set.");
      return false;
    }
    if (stream != nullptr) behind = stream->last_id();
  } else if (text == ">") {
    if (!request.for_group) {
      call.fail(
          "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
          "<consumer> option.");
      return false;
    }
    behind = kNew;
  } else if (!stream_id_arg(call, i, behind)) {
    return false;
  }
  request.behind.push_back(behind);
  return true;
}

bool parse_ids(Call& call, Request& request) {
  for (size_t n = 0; n < request.keys; ++n) {
    const std::string_view key = call.arg(request.first_key + n);
    const Stream* stream = call.read<Stream>(key);
    if (call.failed()) return false;
    if (request.for_group &&
        (stream == nullptr || stream->find_group(call.arg(request.group)) == nullptr)) {
      call.fail(
          fmt::format("NOGROUP No such key '{}' or consumer group '{}' in XREADGROUP with "
                      "GROUP option",
                      key, call.arg(request.group)));
      return false;
    }
    if (!parse_behind(call, request.first_key + request.keys + n, stream, request)) return false;
  }
  return true;
}

// --- What a group reads ---

// One group reads from one stream for one consumer.
struct Reading {
  Call& call;
  std::string_view key;
  std::string_view name;  // of the group
  Stream& stream;
  StreamGroup& group;
  StreamGroup::Consumers::value_type* consumer;
};

void log_delivery(const Reading& reading, StreamId id, uint64_t deliveries) {
  const auto& pending =
      reading.group.deliver(id, reading.consumer, reading.call.now_ms(), deliveries);
  log_pending(reading.call, reading.key, reading.name, reading.group, id, pending);
}

void advance(const Stream& stream, StreamGroup& group, StreamId id) {
  if (id <= group.last_id) return;
  if (group.entries_read != StreamGroup::kUnknown && !stream.may_have_gap_from(id))
    ++group.entries_read;
  else if (stream.entries_added() != 0)
    group.entries_read = stream.added_up_to(id);
  group.last_id = id;
}

void read_new(const Reading& reading, const Request& request) {
  const StreamId before = reading.group.last_id;
  const auto first = before.next();
  Reply& reply = reading.call.reply;
  const size_t mark = reply.begin_deferred();
  size_t given = 0;
  if (first) {
    reading.stream.for_range(*first, StreamId::most(), false, [&](const StreamEntry& entry) {
      advance(reading.stream, reading.group, entry.id);
      reply_entry(reply, entry);
      if (!request.noack) log_delivery(reading, entry.id, 1);
      return ++given != request.count;
    });
  }
  reply.end_deferred(mark, given);
  if (reading.group.last_id != before)
    log_position(reading.call, reading.key, reading.name, reading.group);
}

// What the consumer was given and has not acknowledged. That it has been given again is counted.
void read_again(const Reading& reading, StreamId behind, const Request& request) {
  Reply& reply = reading.call.reply;
  const size_t mark = reply.begin_deferred();
  size_t given = 0;
  const auto& own = reading.consumer->second.pending;
  for (auto id = own.upper_bound(behind); id != own.end(); ++id) {
    if (reading.stream.contains(*id)) {
      reply_entry_of(reply, reading.stream, *id);
      log_delivery(reading, *id, reading.group.find_pending(*id)->deliveries + 1);
    } else {
      reply.array(2);
      reply_id(reply, *id);
      reply.null_array();
    }
    if (++given == request.count) break;
  }
  reply.end_deferred(mark, given);
}

void read_for_group(Call& call, std::string_view key, StreamId behind, const Request& request) {
  const std::string_view name = call.arg(request.group);
  const std::string_view who = call.arg(request.group + 1);
  Stream* stream = call.write_beside<Stream>(key);
  StreamGroup* group = stream->find_group(name);
  CHECK(group != nullptr);
  auto* consumer = group->find_consumer(who);
  const bool is_new = consumer == nullptr;
  if (is_new) consumer = group->add_consumer(who, call.now_ms());
  if (is_new) call.announce('t', "xgroup-createconsumer", key);
  consumer->second.seen_ms = call.now_ms();
  // Else what it is given says that it is there.
  if (is_new && (request.noack || behind != kNew))
    call.log({"XGROUP", "CREATECONSUMER", key, name, who});
  const Reading reading{call, key, name, *stream, *group, consumer};
  if (behind == kNew)
    read_new(reading, request);
  else
    read_again(reading, behind, request);
}

// --- What there is, and who waits where there is nothing ---

bool has_something(const Stream& stream, const StreamGroup* group, StreamId behind) {
  if (group == nullptr) return stream.has_behind(behind);
  return behind != kNew || stream.has_behind(group->last_id);
}

// Of a request as it waits, for one key.
bool is_ready(const Value& value, std::span<const std::string_view> request) {
  const Stream& stream = *value.stream();
  if (equals_ignoring_case(request[0], "XREAD"))
    return stream.has_behind(*parse_stream_id(request.back()));
  const StreamGroup* group = stream.find_group(request[2]);
  return group == nullptr || stream.has_behind(group->last_id);  // without a group: to be told so
}

// As it will be asked again: without the wait, and with IDs for what is behind the last one now.
void wait_for_entries(Call& call, const Request& request) {
  Call::Wait wait{Type::kStream, 0, request.keys, *request.block_ms};
  wait.word_each = true;
  wait.is_ready = is_ready;
  auto& words = wait.words;
  words.emplace_back(request.for_group ? "XREADGROUP" : "XREAD");
  if (request.for_group) {
    wait.gone = "UNBLOCKED the stream key no longer exists";
    words.emplace_back("GROUP");
    words.emplace_back(call.arg(request.group));
    words.emplace_back(call.arg(request.group + 1));
    if (request.noack) words.emplace_back("NOACK");
  }
  words.emplace_back("COUNT");
  words.push_back(std::to_string(request.count == 0 ? kCountOfWaiter : request.count));
  words.emplace_back("STREAMS");
  wait.first_key = words.size();
  for (size_t n = 0; n < request.keys; ++n) words.emplace_back(call.arg(request.first_key + n));
  for (const StreamId behind : request.behind)
    words.push_back(request.for_group ? ">" : behind.text());
  call.wait(std::move(wait));
}

void read(Call& call, bool for_group) {
  Request request;
  request.for_group = for_group;
  if (!parse_options(call, request) || !parse_ids(call, request)) return;
  Reply& reply = call.reply;
  const size_t mark = reply.begin_deferred();
  size_t given = 0;
  for (size_t n = 0; n < request.keys; ++n) {
    const std::string_view key = call.arg(request.first_key + n);
    const StreamId behind = request.behind[n];
    const Stream* stream = call.read<Stream>(key);
    if (stream == nullptr) continue;
    const StreamGroup* group = for_group ? stream->find_group(call.arg(request.group)) : nullptr;
    if (!has_something(*stream, group, behind)) continue;
    ++given;
    if (!reply.resp3()) reply.array(2);
    reply.bulk(key);
    if (for_group)
      read_for_group(call, key, behind, request);
    else
      reply_range(reply, *stream, *behind.next(), StreamId::most(), false, request.count);
  }
  if (given > 0)
    return reply.resp3() ? reply.end_deferred_map(mark, given) : reply.end_deferred(mark, given);
  if (request.block_ms && call.may_wait()) return wait_for_entries(call, request);
  reply.null_array();
}

}  // namespace

void xread_command(Call& call) { read(call, false); }
void xreadgroup_command(Call& call) { read(call, true); }

void xread_keys(std::span<const std::string_view> args, std::vector<size_t>& positions) {
  size_t first = 0;
  for (size_t i = 1; i < args.size() && first == 0; ++i) {
    if (equals_ignoring_case(args[i], "BLOCK") || equals_ignoring_case(args[i], "COUNT"))
      ++i;
    else if (equals_ignoring_case(args[i], "GROUP"))
      i += 2;
    else if (equals_ignoring_case(args[i], "STREAMS"))
      first = i + 1;
    else if (!equals_ignoring_case(args[i], "NOACK"))
      return;
  }
  if (first == 0 || first >= args.size() || (args.size() - first) % 2 != 0) return;
  for (size_t i = first; i < first + (args.size() - first) / 2; ++i) positions.push_back(i);
}

}  // namespace powercut::engine
