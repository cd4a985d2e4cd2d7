// A target with a keyspace in it: what the store's history looks into.
#pragma once

#include "engine/store/keyspace.h"

namespace powercut::scenarios {

class HoldsKeyspace {
 public:
  virtual ~HoldsKeyspace() = default;
  virtual engine::Keyspace& keyspace() = 0;
};

}  // namespace powercut::scenarios
