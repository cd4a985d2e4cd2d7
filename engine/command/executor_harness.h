// For tests of the executor and the sessions above it: a log that releases what it is told to, a clock that stands still,
// two clients.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/command/command_harness.h"
#include "engine/command/control.h"
#include "engine/command/session.h"
#include "engine/os/no_disk_testing.h"
#include "engine/os/tasks.h"

namespace powercut::engine {

// Two clocks and chance; no disk.
class Clockwork : public NoDiskOs {
 public:
  Instant now() override { return {monotonic_ns += tick_ns}; }
  WallTime wall_now() override { return {unix_ms}; }
  uint64_t choose(Site, uint64_t n) override { return n - 1; }
  void spawn(std::string_view, std::function<void()>) override {}
  Task* current() override { return nullptr; }
  bool park(Instant) override { return false; }
  void unpark(Task*) override {}

  int64_t monotonic_ns = 7;
  int64_t tick_ns = 0;  // each time somebody looks
  int64_t unix_ms = 1000;
};

class FakeLog : public OperationLog {
 public:
  explicit FakeLog(Os& os) : progress_(os) {}
  uint64_t append(const Effects& effects) override {
    std::string entry;
    for (const auto& item : effects.items()) {
      entry += std::to_string(item.db) + ":";
      for (const std::string& word : bulks(effects.bytes_of(item))) entry += " " + word;
      entry += ";";
    }
    entries.push_back(entry);
    return ++applied;
  }
  uint64_t applied_lsn() const override { return applied; }
  uint64_t released_lsn() const override { return released; }
  WaitQueue& progress() override { return progress_; }
  bool make_room() override {
    ++asked_for_room;
    if (busy == 0) return false;
    --busy;
    return true;
  }
  bool has_space(size_t bytes) override {
    asked_for_space.push_back(bytes);
    return true;
  }
  bool ends() const override { return ending; }
  const std::string& refusal() const override { return refused; }
  std::vector<std::string> take() { return std::exchange(entries, {}); }

  std::vector<std::string> entries;
  uint64_t applied = 0;
  uint64_t released = 0;
  int busy = 0;
  int asked_for_room = 0;
  std::vector<size_t> asked_for_space;
  std::string refused;
  bool ending = false;

 private:
  WaitQueue progress_;
};

class FakeControl : public Control {
 public:
  Result<void> save() override { return {}; }
  Result<std::string> background_save() override { return std::string("started"); }
  Result<std::string> rewrite_aof() override { return std::string("started"); }
  int64_t last_save_unix_s() override { return 12; }
  Result<void> shutdown(bool) override { return {}; }
  std::vector<std::pair<std::string, std::string>> config_get(std::string_view) override {
    in_exec = client != nullptr && client->in_exec;
    if (on_config_get) on_config_get();
    return {};
  }
  Result<void> config_set(std::string_view, std::string_view) override { return {}; }
  void reset_stats() override {}
  std::string info_section(std::string_view) override { return ""; }
  void let_others_run(bool wrote) override {
    script_wrote = wrote;
    if (on_let_others_run) on_let_others_run();
  }
  void log_line(std::string_view text) override { lines.emplace_back(text); }

  Client* client = nullptr;
  bool in_exec = false;
  std::function<void()> on_config_get;
  bool script_wrote = false;
  std::function<void()> on_let_others_run;
  std::vector<std::string> lines;
};

struct NotedOperations : OperationListener {
  void on_operation(uint64_t lsn) override { lsns.push_back(lsn); }
  std::vector<uint64_t> lsns;
};

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() {
    executor.set_listener(&listener);
    release_all = true;
  }

  // What may be sent of the replies to these inline commands.
  std::string ask(Session& from, const std::string& lines) {
    from.feed(lines + "\r\n");
    if (release_all) log.released = log.applied;
    return taken(from);
  }
  std::string ask(const std::string& lines) { return ask(session, lines); }
  static std::string taken(Session& from) {
    const std::string bytes(from.ready());
    from.consume(bytes.size());
    return bytes;
  }

  Clockwork os;
  Keyspace keyspace;
  FakeLog log{os};
  FakeControl control;
  Executor executor{os, keyspace, log, control};
  NotedOperations listener;
  Session session{executor};
  Session other{executor};
  bool release_all = true;  // as soon as it is applied
};

}  // namespace powercut::engine
