// Applies logged commands to a keyspace.
#pragma once

#include <cstdint>
#include <string>

#include "engine/aof/segment_reader.h"
#include "engine/command/call.h"

namespace powercut::engine {

class Replay final : public Chance {
 public:
  explicit Replay(Keyspace& keyspace) : keyspace_(keyspace) {}
  // A command that answers with an error did something else when it was logged, so the state is not the logged one.
  //   Errors: kCorrupt, with the command and what it answers; what came before it in `entry` is applied.
  Result<void> apply(const EntryView& entry);
  // A segment starts in database 0.
  void new_segment() { db_ = 0; }

  // Logged commands do not draw; if one does, it draws the first.
  uint64_t choose(Site, uint64_t) override { return 0; }

 private:
  Keyspace& keyspace_;
  Effects effects_ = Effects::unlogged();
  std::string reply_;
  int db_ = 0;
};

}  // namespace powercut::engine
