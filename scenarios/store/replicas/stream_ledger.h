// What machines say of their streams is so: whoever is at an offset under an identity holds what that stream's master held there.
// A replica that goes on there, who is promoted, and who answers PSYNC rest on it. Looked at between any two steps:
//
//   identity    no two are masters under one
//   offset      a replica that knows where it is holds what the master of its identity held behind that offset
//   before      so does who says that its stream was another one's up to an offset (master_replid2): both are one there
//   shown       what a replica has of a master's could be told that one's clients
//   confirmed   no link says of a replica that it has more than it has
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "engine/engine.h"

namespace powercut::scenarios {

// Of keys that never expire: a checkpoint forgets what has expired, and a master has it until it removes it.
uint64_t lasting_state_of(const engine::Keyspace& keyspace);

class StreamLedger {
 public:
  struct Machine {
    std::string name;  // of its node; where it announces no other, links of it are not looked at
    engine::Engine* engine;  // it lives, and has loaded
  };
  // In the step in which it did an operation of its own.
  void note(engine::Engine& engine);
  // Of all that live. In one line; empty: it is so. A machine that is amid a script is left out.
  std::string look(std::span<const Machine> machines);

 private:
  struct Entry {
    uint64_t digest;
    const engine::Engine* of;  // whose operation it was, and its LSN there
    uint64_t lsn;
  };
  using Stream = std::map<uint64_t, Entry>;  // by the offset behind it

  void put(engine::Engine& engine, uint64_t lsn);
  uint64_t digest_of(engine::Engine& engine);
  const Entry* at(const std::string& id, uint64_t offset) const;
  static std::string look_at_identities(std::span<const Machine> machines);
  std::string look_at(const Machine& machine, std::span<const Machine> machines);
  std::string look_before(const Machine& machine);
  static std::string look_at_links(const Machine& machine, std::span<const Machine> machines);

  std::map<std::string, Stream, std::less<>> streams_;
  std::map<const engine::Engine*, std::pair<uint64_t, uint64_t>> digests_;  // behind its last LSN
};

}  // namespace powercut::scenarios
