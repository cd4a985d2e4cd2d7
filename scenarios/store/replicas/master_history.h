// What a master was behind each operation of one life: what its replicas are held against. Operations have the numbers of the
// run; LSNs and offsets are the master's own.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/engine.h"

namespace powercut::scenarios {

// Of a data set, with what has expired and was not removed yet.
uint64_t state_of(const engine::Keyspace& keyspace);

class MasterHistory {
 public:
  // The life begins behind operation `number`, with what `master` has.
  void begin(uint64_t number, engine::Engine& master, Instant now);
  // In the step in which the master did another one.
  void note_operation(uint64_t lsn, engine::Engine& master);
  // Clients can be told of what is released.
  void note_released(uint64_t lsn, Instant now);

  uint64_t first() const { return first_; }
  uint64_t last() const { return first_ + states_.size() - 1; }
  uint64_t lsn_of(uint64_t number) const { return before_ + number - first_; }
  uint64_t number_of(uint64_t lsn) const { return lsn - before_ + first_; }
  uint64_t state_at(uint64_t number) const { return states_[number - first_]; }
  // The first operation from that one on, and the last up to that one, behind which the master was that.
  std::optional<uint64_t> first_with(uint64_t digest, uint64_t from) const;
  std::optional<uint64_t> last_with(uint64_t digest, uint64_t to) const;
  bool held(uint64_t digest, uint64_t from) const { return first_with(digest, from).has_value(); }

  // The last operation that lies before that offset of the stream. Nothing: that is before this life.
  std::optional<uint64_t> at_offset(uint64_t offset) const;
  // The last of which clients could be told, and by then.
  uint64_t released() const { return first_ + released_.size() - 1; }
  std::optional<uint64_t> released_by(Instant until) const;
  Instant released_at(uint64_t number) const { return released_[number - first_]; }

 private:
  // By number, from first_ on.
  std::vector<uint64_t> states_;
  std::vector<uint64_t> offsets_;
  std::vector<Instant> released_;
  uint64_t first_ = 0;
  uint64_t before_ = 0;  // the LSN of first_
};

}  // namespace powercut::scenarios
