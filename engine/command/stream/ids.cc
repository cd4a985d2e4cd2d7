// What the commands on streams share.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/words.h"
#include "engine/command/number.h"
#include "engine/command/stream/stream_commands.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kInvalidId =
    "ERR Invalid stream ID specified as stream command argument";
constexpr size_t kLongestId = 127;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// As Redis reads one: a number of 64 bits without a sign, or what strtoull makes of the text.
std::optional<uint64_t> parse_part(std::string_view text) {
  if (const auto number = parse_integer(text)) {
    if (*number < 0) return std::nullopt;
    return static_cast<uint64_t>(*number);
  }
  while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9 || __builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, uint64_t{digit}, &value))
      return std::nullopt;
  }
  return negative ? -value : value;
}

bool checked(Call& call, std::optional<StreamId> parsed, StreamId& id) {
  if (!parsed) {
    call.fail(kInvalidId);
    return false;
  }
  id = *parsed;
  return true;
}

// Of "-" and "+".
std::optional<StreamId> parse_end(std::string_view text) {
  if (text == "-") return StreamId{};
  if (text == "+") return StreamId::most();
  return std::nullopt;
}

// True, and without its bracket, if the text is an open end.
bool take_bracket(std::string_view& text) {
  if (text.size() < 2 || text[0] != '(') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<StreamId> parse_stream_id(std::string_view text, uint64_t missing, bool* any_seq) {
  if (any_seq != nullptr) *any_seq = false;
  if (text.size() > kLongestId) return std::nullopt;
  text = text.substr(0, text.find('\0'));
  const size_t dash = text.find('-');
  const auto ms = parse_part(text.substr(0, dash));
  if (!ms) return std::nullopt;
  if (dash == text.npos) return StreamId{*ms, missing};
  const std::string_view rest = text.substr(dash + 1);
  if (any_seq != nullptr && rest == "*") {
    *any_seq = true;
    return StreamId{*ms, 0};
  }
  const auto seq = parse_part(rest);
  if (!seq) return std::nullopt;
  return StreamId{*ms, *seq};
}

bool stream_id_arg(Call& call, size_t i, StreamId& id, uint64_t missing) {
  return checked(call, parse_stream_id(call.arg(i), missing), id);
}

bool any_stream_id_arg(Call& call, size_t i, StreamId& id, uint64_t missing) {
  const auto end = parse_end(call.arg(i));
  return checked(call, end ? end : parse_stream_id(call.arg(i), missing), id);
}

bool range_start_arg(Call& call, size_t i, StreamId& id) {
  std::string_view text = call.arg(i);
  if (!take_bracket(text)) return any_stream_id_arg(call, i, id);
  if (!checked(call, parse_stream_id(text), id)) return false;
  if (const auto next = id.next()) {
    id = *next;
    return true;
  }
  call.fail("ERR invalid start ID for the interval");
  return false;
}

bool range_end_arg(Call& call, size_t i, StreamId& id) {
  std::string_view text = call.arg(i);
  if (!take_bracket(text)) return any_stream_id_arg(call, i, id, UINT64_MAX);
  if (!checked(call, parse_stream_id(text, UINT64_MAX), id)) return false;
  if (const auto previous = id.previous()) {
    id = *previous;
    return true;
  }
  call.fail("ERR invalid end ID for the interval");
  return false;
}

void reply_id(Reply& reply, StreamId id) { reply.bulk(id.text()); }

void reply_entry(Reply& reply, const StreamEntry& entry) {
  reply.array(2);
  reply_id(reply, entry.id);
  reply.array(2 * entry.fields);
  entry.for_each([&](std::string_view field, std::string_view value) {
    reply.bulk(field);
    reply.bulk(value);
  });
}

void reply_entry_of(Reply& reply, const Stream& stream, StreamId id) {
  bool found = false;
  stream.for_range(id, id, false, [&](const StreamEntry& entry) {
    reply_entry(reply, entry);
    found = true;
    return false;
  });
  CHECK(found);
}

void reply_range(Reply& reply, const Stream& stream, StreamId first, StreamId last, bool reverse,
                 uint64_t count) {
  const size_t mark = reply.begin_deferred();
  size_t given = 0;
  stream.for_range(first, last, reverse, [&](const StreamEntry& entry) {
    reply_entry(reply, entry);
    return ++given != count;
  });
  reply.end_deferred(mark, given);
}

void fail_without_group(Call& call, std::string_view key, std::string_view group) {
  call.fail(fmt::format("NOGROUP No such key '{}' or consumer group '{}'", key, group));
}

void fail_subcommand(Call& call) {
  call.fail(
      fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
                  call.arg(1).substr(0, 128), upper_case(call.arg(0))));
}

void log_pending(Call& call, std::string_view key, std::string_view name, const StreamGroup& group,
                 StreamId id, const StreamGroup::Pending& pending) {
  call.log({"XCLAIM", key, name, pending.owner->first, "0", id.text(), "TIME",
            format_integer(pending.delivered_ms), "RETRYCOUNT", std::to_string(pending.deliveries),
            "FORCE", "JUSTID", "LASTID", group.last_id.text()});
}

void log_position(Call& call, std::string_view key, std::string_view name,
                  const StreamGroup& group) {
  call.log({"XGROUP", "SETID", key, name, group.last_id.text(), "ENTRIESREAD",
            format_integer(group.entries_read)});
}

}  // namespace powercut::engine
