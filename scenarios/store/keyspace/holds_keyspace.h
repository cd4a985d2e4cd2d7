// A target with a keyspace in it: what the store's history looks into.
#pragma once

#include "engine/store/keyspace.h"

namespace powercut::scenarios {

class ColdHashes;

class HoldsKeyspace {
 public:
  virtual ~HoldsKeyspace() = default;
  virtual engine::Keyspace& keyspace() = 0;
  // Where values of it may lie beside memory; null: nowhere.
  virtual const ColdHashes* cold() const { return nullptr; }
  // The operation that happens now gave up a key for want of memory: no client's, whoever's task made it.
  virtual bool evicts() const { return false; }
  // Why no such key may go, at present; empty: it may.
  virtual std::string may_not_go(bool /*expires*/) const { return {}; }
  // A script is in the middle of what becomes one operation, and has let others in.
  virtual bool amid_script() const { return false; }
  // What stands beside the keys, and is not as they say, in one line; empty: nothing. Asked behind an operation.
  virtual std::string amiss() { return {}; }
};

}  // namespace powercut::scenarios
