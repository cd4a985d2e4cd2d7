#include "engine/recovery/replay.h"

#include <fmt/format.h>

#include "engine/command/command_table.h"
#include "engine/command/execute.h"

namespace powercut::engine {

Result<void> Replay::apply(const EntryView& entry) {
  for (size_t i = 0; i < entry.size(); ++i) {
    const auto args = entry.command(i);
    CHECK(!args.empty());  // the reader refuses it
    const CommandSpec* spec = find_command(args[0]);
    if (spec == nullptr || !arity_fits(*spec, args.size())) {
      return Error{Errc::kCorrupt,
                   spec == nullptr ? unknown_command_error(args) : wrong_arity_error(*spec)};
    }
    reply_.clear();
    Reply reply(reply_);
    Call call(args, keyspace_, db_, reply, effects_, *this);
    execute(call, *spec);
    db_ = call.db;
    CHECK(db_ >= 0 && db_ < Keyspace::kDatabases);
    if (reply_.starts_with('-')) ++failed_;
  }
  return {};
}

}  // namespace powercut::engine
