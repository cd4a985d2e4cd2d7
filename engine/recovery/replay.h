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
  // kCorrupt if a command does not exist or has the wrong number of arguments.
  Result<void> apply(const EntryView& entry);
  uint64_t failed_commands() const { return failed_; }
  // A segment starts in database 0.
  void new_segment() { db_ = 0; }

  // Logged commands do not draw; if one does, it draws the first.
  uint64_t choose(Site, uint64_t) override { return 0; }

 private:
  Keyspace& keyspace_;
  Effects effects_ = Effects::unlogged();
  std::string reply_;
  int db_ = 0;
  uint64_t failed_ = 0;
};

}  // namespace powercut::engine
