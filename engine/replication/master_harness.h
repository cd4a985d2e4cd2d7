// For tests of who is followed: the executor's harness, with a master behind its log and its commands.
#pragma once

#include <optional>

#include "engine/command/executor_harness.h"
#include "engine/replication/master.h"

namespace powercut::engine {

class ReplicatedLog final : public FakeLog {
 public:
  using FakeLog::FakeLog;
  uint64_t append(const Effects& effects) override {
    const uint64_t lsn = FakeLog::append(effects);
    master->append(effects, lsn);
    return lsn;
  }
  Master* master = nullptr;
};

class ReplicatedControl final : public FakeControl {
 public:
  uint64_t replication_offset() override { return master->offset(); }
  uint64_t confirmed_replicas(uint64_t offset) override { return master->confirmed(offset); }
  void ask_replicas() override { master->ask(); }
  Result<void> begin_replica(Client& client, std::string_view id, int64_t offset) override {
    return master->begin(client, id, offset);
  }
  void replica_confirms(Client& client, uint64_t offset, uint64_t synced) override {
    master->confirm(client, offset, synced);
  }
  uint64_t synced_replicas(uint64_t offset) override { return master->synced(offset); }
  std::optional<uint64_t> synced_lsn() const override { return synced; }
  Master* master = nullptr;
  std::optional<uint64_t> synced;
};

}  // namespace powercut::engine
