#include "engine/recovery/replay.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/command/command_table.h"
#include "engine/command/execute.h"
#include "engine/store/fetch_ahead.h"

namespace powercut::engine {

namespace {

constexpr size_t kShown = 64;  // bytes of a command

Error refused(std::span<const std::string_view> args, std::string_view why) {
  std::string shown;
  for (const std::string_view arg : args) {
    if (!shown.empty()) shown += ' ';
    for (const char c : arg.substr(0, kShown)) {
      const auto byte = static_cast<unsigned char>(c);
      shown += byte >= 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
    }
    if (shown.size() > kShown) break;
  }
  if (shown.size() > kShown) shown = shown.substr(0, kShown) + "...";
  return {Errc::kCorrupt, fmt::format("'{}' cannot be done again: {}", shown, why)};
}

}  // namespace

Result<void> Replay::bring_back(const CommandSpec& spec, std::span<const std::string_view> args) {
  if (bring_back_ == nullptr || !needs_values(spec, args.size())) return {};
  positions_.clear();
  key_positions(spec, args, positions_);
  for (const size_t i : positions_)
    if (i < args.size()) TRY(bring_back_(db_, args[i]));
  return {};
}

void Replay::fetch_ahead(const EntryView& batch, size_t next) const {
  if (next % kFetchedAtOnce != 0 || !pays_to_fetch(keyspace_, db_)) return;
  Sought sought[kFetchedAtOnce];
  const size_t count = std::min(kFetchedAtOnce, batch.size() - next);
  for (size_t i = 0; i < count; ++i) {
    const auto command = batch.command(next + i);
    if (command.size() > 1) sought[i].key = command[1];
    if (command.size() > 2) sought[i].member = command[2];
  }
  if (count > 1) powercut::engine::fetch_ahead(keyspace_, db_, {sought, count});
}

Result<void> Replay::apply(const EntryView& entry) {
  for (size_t i = 0; i < entry.size(); ++i) {
    const auto args = entry.command(i);
    CHECK(!args.empty());  // the reader refuses it
    const CommandSpec* spec = resolve(args);
    if (spec == nullptr) return refused(args, "this store has no such command");
    if (!arity_fits(*spec, args.size())) return refused(args, wrong_arity_error(*spec));
    TRY(bring_back(*spec, args));
    reply_.clear();
    Reply reply(reply_);
    Call call(args, keyspace_, db_, reply, effects_, *this);
    execute(call, *spec);
    db_ = call.db;
    CHECK(db_ >= 0 && db_ < keyspace_.databases());
    if (reply_.starts_with('-')) return refused(args, reply_.substr(1, reply_.find('\r') - 1));
  }
  return {};
}

}  // namespace powercut::engine
