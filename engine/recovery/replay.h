// Applies logged commands to a keyspace.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/aof/segment_reader.h"
#include "engine/command/call.h"
#include "engine/command/command_table.h"

namespace powercut::engine {

class Replay final : public Chance {
 public:
  explicit Replay(Keyspace& keyspace) : keyspace_(keyspace) {}
  // A command that answers with an error did something else when it was logged, so the state is not the logged one.
  //   Errors: kCorrupt, with the command and what it answers; what came before it in `entry` is applied.
  Result<void> apply(const EntryView& entry);
  // The commands of a batch from `next` on are applied next: what they look for is fetched into the cache, some at a time.
  void fetch_ahead(const EntryView& batch, size_t next) const;
  // How a value is brought back that is not in memory; may yield. Without it there are none.
  using BringBack = std::function<Result<void>(int db, std::string_view key)>;
  void set_bring_back(BringBack bring_back) { bring_back_ = std::move(bring_back); }
  // A segment starts in database 0.
  void new_segment() { db_ = 0; }

  // Logged commands do not draw; if one does, it draws the first.
  uint64_t choose(Site, uint64_t) override { return 0; }

 private:
  Result<void> bring_back(const CommandSpec& spec, std::span<const std::string_view> args);

  Keyspace& keyspace_;
  BringBack bring_back_;
  std::vector<size_t> positions_;
  Effects effects_ = Effects::unlogged();
  std::string reply_;
  int db_ = 0;
};

}  // namespace powercut::engine
