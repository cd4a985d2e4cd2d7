// For tests of who is followed: the executor's harness, with a master behind its log and its commands.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// A master in a world, and what it asks of its store.
template <class World>
class WithMaster : public ::testing::Test {
 protected:
  WithMaster() { log.master = control.master = &master; }

  std::string ask(Session& from, const std::string& lines) {
    from.feed(lines + "\r\n");
    if (release_all) log.released = log.applied;
    return taken(from);
  }
  static std::string taken(Session& from) {
    const std::string bytes(from.ready());
    from.consume(bytes.size());
    return bytes;
  }
  static std::string command(std::initializer_list<std::string_view> words) {
    std::string bytes;
    append_command(bytes, words);
    return bytes;
  }

  World os;
  Keyspace keyspace;
  ReplicatedLog log{os};
  ReplicatedControl control;
  Executor executor{os, keyspace, log, control};
  int cuts_wanted = 0;
  std::string trouble;
  std::vector<std::string> lines;
  Master master{os,
                executor.clients(),
                log,
                {.want_cut = [this] { ++cuts_wanted; },
                 .trouble = [this] { return trouble; },
                 .log_line = [this](std::string_view line) { lines.emplace_back(line); }}};
  MasterOptions options;
  Session client{executor};
  bool release_all = true;
};

}  // namespace powercut::engine
