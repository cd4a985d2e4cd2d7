// Streams: what is added and taken away, and ranges. XADD is logged with the ID that it made, and what was trimmed in
// round numbers with what came of it: where that is replayed, neither clock nor blocks have a say.
#include <algorithm>

#include "engine/command/container.h"
#include "engine/command/control.h"
#include "engine/command/execute.h"
#include "engine/command/number.h"
#include "engine/command/stream/stream_commands.h"

namespace powercut::engine {

namespace streams {

namespace {

constexpr size_t kMostBytes = size_t{1} << 30;  // of an entry

StreamLimits limits_of(Call& call) {
  return call.control == nullptr ? StreamLimits() : call.control->stream_limits();
}

// --- The options of XADD and XTRIM ---

struct Options {
  bool trims = false;
  StreamTrim trim;
  size_t threshold = 0;  // the argument of trim.length or trim.id
  size_t limit = 0;      // of LIMIT; 0: it is not there
  bool makes_stream = true;
  size_t id_place = 0;
  std::optional<StreamId> id;  // none: "*"
  bool any_seq = false;        // "ms-*"
};

// [=|~] threshold, from args[i] on; the last argument it read, or 0 after an answer.
size_t parse_threshold(Call& call, size_t i, bool by_id, Options& options) {
  if (options.trims) {
    call.fail("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    return 0;
  }
  options.trims = true;
  options.trim.by_id = by_id;
  const bool has_mark = i + 1 < call.argc();
  options.trim.whole_blocks = has_mark && call.arg(i) == "~";
  if (has_mark && (call.arg(i) == "~" || call.arg(i) == "=")) ++i;
  options.threshold = i;
  if (by_id) return stream_id_arg(call, i, options.trim.id) ? i : 0;
  int64_t length = 0;
  if (!call.integer_arg(i, length)) return 0;
  if (length < 0) {
    call.fail("ERR The MAXLEN argument must be >= 0.");
    return 0;
  }
  options.trim.length = static_cast<uint64_t>(length);
  return i;
}

bool parse_limit(Call& call, size_t i, Options& options) {
  int64_t limit = 0;
  if (!call.integer_arg(i, limit)) return false;
  if (limit < 0) {
    call.fail("ERR The LIMIT argument must be >= 0.");
    return false;
  }
  options.limit = i;
  options.trim.limit = static_cast<uint64_t>(limit);
  return true;
}

// Without a LIMIT it is 100 blocks. A log says what was taken, and is not limited.
bool settle_limit(Call& call, Options& options) {
  if (call.keyspace.done_again()) {
    options.trim.limit = 0;
  } else if (options.limit != 0 && !options.trim.whole_blocks) {
    call.fail("ERR syntax error, LIMIT cannot be used without the special ~ option");
    return false;
  } else if (options.limit == 0 && options.trim.whole_blocks) {
    constexpr uint64_t kMost = 1'000'000;
    const uint64_t entries = limits_of(call).node_entries;
    options.trim.limit = entries == 0 ? 10'000 : std::min(entries, kMost / 100) * 100;
  }
  return true;
}

// Up to the ID, or to the end for XTRIM, which has none.
bool parse_options(Call& call, bool adds, Options& options) {
  size_t i = 2;
  for (; i < call.argc(); ++i) {
    const bool more = i + 1 < call.argc();
    if (adds && call.arg(i) == "*") break;
    if (more && (call.is(i, "MAXLEN") || call.is(i, "MINID"))) {
      i = parse_threshold(call, i + 1, call.is(i, "MINID"), options);
      if (i == 0) return false;
    } else if (more && call.is(i, "LIMIT")) {
      if (!parse_limit(call, ++i, options)) return false;
    } else if (adds && call.is(i, "NOMKSTREAM")) {
      options.makes_stream = false;
    } else if (adds) {
      bool any_seq = false;
      options.id = parse_stream_id(call.arg(i), 0, &any_seq);
      options.any_seq = any_seq;
      if (!options.id) return stream_id_arg(call, i, options.trim.id);  // which says so
      break;
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  options.id_place = i;
  if (options.trim.limit != 0 && !options.trims) {
    call.fail("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
    return false;
  }
  if (!adds && !options.trims) {
    call.fail("ERR syntax error, XTRIM must be called with a trimming strategy");
    return false;
  }
  return settle_limit(call, options);
}

// As it was given, but with what it came to: the ID, and where trimming in round numbers ended.
void log_settled(Call& call, const Options& options, const Stream& stream) {
  const bool made_id = options.id_place < call.argc() && (!options.id || options.any_seq);
  if (!made_id && !options.trim.whole_blocks) return call.changed();
  const std::string id = stream.last_id().text();
  std::string threshold;
  std::vector<std::string_view> words(call.args.begin(), call.args.end());
  if (made_id) words[options.id_place] = id;
  if (options.trim.whole_blocks) {
    const StreamId first =
        stream.blocks().empty() ? StreamId::most() : stream.blocks().begin()->first;
    threshold = options.trim.by_id ? first.text() : std::to_string(stream.size());
    words[options.threshold - 1] = "=";
    words[options.threshold] = threshold;
    // No log needs it, and none but a log would take it.
    if (options.limit != 0)
      words.erase(words.begin() + static_cast<ptrdiff_t>(options.limit) - 1,
                  words.begin() + static_cast<ptrdiff_t>(options.limit) + 1);
  }
  call.log(words);
}

// --- XADD ---

// What a new entry's ID is, or nullopt: there is none behind the last.
std::optional<StreamId> new_id(const Options& options, StreamId last, int64_t now_ms) {
  if (!options.id) {
    const auto now = static_cast<uint64_t>(now_ms);
    return now > last.ms ? StreamId{now, 0} : last.next();
  }
  StreamId id = *options.id;
  if (options.any_seq && id.ms == last.ms) {
    if (last.seq == UINT64_MAX) return std::nullopt;
    id.seq = last.seq + 1;
  }
  return id > last ? std::optional(id) : std::nullopt;
}

void xadd(Call& call) {
  Options options;
  if (!parse_options(call, true, options)) return;
  const size_t first = options.id_place + 1;
  if (first + 2 > call.argc() || (call.argc() - first) % 2 == 1)
    return call.fail(wrong_arity_error(*find_command("xadd")));
  if (options.id == StreamId{} && !options.any_seq)
    return call.fail("ERR The ID specified in XADD must be greater than 0-0");
  const std::string_view key = call.arg(1);
  const Stream* present = call.held<Stream>(key);
  if (call.failed()) return;
  if (present == nullptr && !options.makes_stream) return call.reply.null();
  const StreamId last = present == nullptr ? StreamId{} : present->last_id();
  if (last == StreamId::most())
    return call.fail("ERR The stream has exhausted the last possible ID, unable to add more items");
  const auto id = new_id(options, last, call.now_ms());
  if (!id)
    return call.fail(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item");
  const auto words = call.args.subspan(first);
  size_t bytes = 0;
  for (const std::string_view word : words) bytes += word.size();
  if (bytes > kMostBytes) return call.fail("ERR Elements are too large to be stored");
  Stream* stream = call.write_or_create<Stream>(key);
  stream->append(*id, words, limits_of(call));
  call.announce('t', "xadd", key);
  if (options.trims && stream->trim(options.trim) > 0) call.announce('t', "xtrim", key);
  reply_id(call.reply, *id);
  log_settled(call, options, *stream);
}

void xtrim(Call& call) {
  Options options;
  if (!parse_options(call, false, options)) return;
  const Stream* present = call.held<Stream>(call.arg(1));
  if (call.failed()) return;
  const StreamTrim& trim = options.trim;
  if (present == nullptr || (trim.by_id ? present->first_id() >= trim.id || present->size() == 0
                                        : present->size() <= trim.length))
    return call.reply.integer(0);
  Stream* stream = call.write<Stream>(call.arg(1));
  const size_t taken = stream->trim(trim);
  if (taken > 0) log_settled(call, options, *stream);
  call.reply.integer(static_cast<int64_t>(taken));
}

// --- The others ---

void xlen(Call& call) {
  const Stream* stream = call.read<Stream>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(stream == nullptr ? 0 : static_cast<int64_t>(stream->size()));
}

void range(Call& call, bool reverse) {
  StreamId first, last;
  if (!range_start_arg(call, reverse ? 3 : 2, first) || !range_end_arg(call, reverse ? 2 : 3, last))
    return;
  int64_t count = -1;
  for (size_t i = 4; i < call.argc(); i += 2) {
    if (!call.is(i, "COUNT") || i + 1 == call.argc()) return call.fail(kSyntaxError);
    if (!call.integer_arg(i + 1, count)) return;
    count = std::max<int64_t>(count, 0);
  }
  const Stream* stream = call.read<Stream>(call.arg(1));
  if (call.failed()) return;
  if (stream == nullptr) return call.reply.array(0);
  if (count == 0) return call.reply.null_array();
  reply_range(call.reply, *stream, first, last, reverse,
              static_cast<uint64_t>(std::max<int64_t>(count, 0)));
}

void xrange(Call& call) { range(call, false); }
void xrevrange(Call& call) { range(call, true); }

void xdel(Call& call) {
  const Stream* present = call.held<Stream>(call.arg(1));
  if (call.failed()) return;
  if (present == nullptr) return call.reply.integer(0);
  std::vector<StreamId> ids(call.argc() - 2);
  for (size_t i = 0; i < ids.size(); ++i)
    if (!stream_id_arg(call, i + 2, ids[i])) return;
  if (std::none_of(ids.begin(), ids.end(), [&](StreamId id) { return present->contains(id); }))
    return call.reply.integer(0);
  Stream* stream = call.write<Stream>(call.arg(1));
  int64_t deleted = 0;
  for (const StreamId id : ids) deleted += stream->erase(id) ? 1 : 0;
  call.changed();
  call.reply.integer(deleted);
}

void xsetid(Call& call) {
  StreamId id, max_deleted;
  int64_t added = -1;
  if (!stream_id_arg(call, 2, id)) return;
  for (size_t i = 3; i < call.argc(); i += 2) {
    const bool more = i + 1 < call.argc();
    if (more && call.is(i, "ENTRIESADDED")) {
      if (!call.integer_arg(i + 1, added)) return;
      if (added < 0) return call.fail("ERR entries_added must be positive");
    } else if (more && call.is(i, "MAXDELETEDID")) {
      if (!stream_id_arg(call, i + 1, max_deleted)) return;
      if (id < max_deleted)
        return call.fail(
            "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
    } else {
      return call.fail(kSyntaxError);
    }
  }
  const Stream* present = call.held<Stream>(call.arg(1));
  if (call.failed()) return;
  if (present == nullptr) return call.fail(kNoSuchKey);
  if (present->has_behind(id))
    return call.fail("ERR The ID specified in XSETID is smaller than the target stream top item");
  if (present->size() > 0 && added >= 0 && static_cast<uint64_t>(added) < present->size())
    return call.fail(
        "ERR The entries_added specified in XSETID is smaller than the target stream length");
  Stream* stream = call.write_beside<Stream>(call.arg(1));
  stream->set_last_id(id);
  if (added >= 0) stream->set_entries_added(static_cast<uint64_t>(added));
  if (max_deleted != StreamId{}) stream->set_max_deleted_id(max_deleted);
  call.changed();
  call.reply.ok();
}

constexpr CommandSpec kGroupCommands[] = {
    {"xgroup|create", xgroup_create_command, -5, kWrite | kDenyOom, 2, 2, 1},
    {"xgroup|createconsumer", xgroup_createconsumer_command, 5, kWrite | kDenyOom, 2, 2, 1},
    {"xgroup|delconsumer", xgroup_delconsumer_command, 5, kWrite, 2, 2, 1},
    {"xgroup|destroy", xgroup_destroy_command, 4, kWrite, 2, 2, 1},
    {"xgroup|help", help, 2, kLoading},
    {"xgroup|setid", xgroup_setid_command, -5, kWrite, 2, 2, 1},
};

constexpr CommandSpec kInfoCommands[] = {
    {"xinfo|consumers", xinfo_consumers_command, 4, kReadOnly, 2, 2, 1},
    {"xinfo|groups", xinfo_groups_command, 3, kReadOnly, 2, 2, 1},
    {"xinfo|help", help, 2, kLoading},
    {"xinfo|stream", xinfo_stream_command, -3, kReadOnly, 2, 2, 1},
};

constexpr CommandSpec kCommands[] = {
    {"xack", xack_command, -4, kWrite, 1, 1, 1},
    {"xadd", xadd, -5, kWrite | kDenyOom, 1, 1, 1},
    {"xautoclaim", xautoclaim_command, -6, kWrite, 1, 1, 1},
    {"xclaim", xclaim_command, -6, kWrite, 1, 1, 1},
    {"xdel", xdel, -3, kWrite, 1, 1, 1},
    container("xgroup", dispatch, -2, kWrite, kGroupCommands, 2),
    container("xinfo", dispatch, -2, kReadOnly, kInfoCommands, 2),
    {"xlen", xlen, 2, kReadOnly, 1, 1, 1},
    {"xpending", xpending_command, -3, kReadOnly, 1, 1, 1},
    {"xrange", xrange, -4, kReadOnly, 1, 1, 1},
    {"xread", xread_command, -4, kReadOnly | kMovableKeys, 0, 0, 0, xread_keys},
    {"xreadgroup", xreadgroup_command, -7, kWrite | kMovableKeys, 0, 0, 0, xread_keys},
    {"xrevrange", xrevrange, -4, kReadOnly, 1, 1, 1},
    {"xsetid", xsetid, -3, kWrite | kDenyOom, 1, 1, 1},
    {"xtrim", xtrim, -4, kWrite, 1, 1, 1},
};

}  // namespace

}  // namespace streams

std::span<const CommandSpec> stream_commands() { return streams::kCommands; }

}  // namespace powercut::engine
