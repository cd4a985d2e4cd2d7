// The speed of the store as shipped: in memory alone, and on a real disk under each sync policy.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command/effects.h"
#include "engine/engine.h"
#include "engine/os/posix/posix_os.h"
#include "sim/sim_os.h"

namespace powercut {
namespace {

using engine::Engine;
using engine::EngineConfig;
using engine::SyncPolicy;

constexpr int64_t kKeys = 10'000;
constexpr std::string_view kValue = "0123456789abcdef0123456789abcdef";

void append_request(std::string& out, std::initializer_list<std::string_view> words) {
  engine::append_command(out, std::span(words.begin(), words.size()));
}

std::string key(int64_t number) { return fmt::format("key:{:06}", number % kKeys); }

// --- In memory: SET and GET through a session, no log, no disk ---

// range(0): SET+GET pairs that are sent at once.
void memory_set_get(benchmark::State& state) {
  sim::WorldState world{sim::Disk(), Instant{0}, 0};
  sim::SeededChoices choices(1);
  sim::Trace trace;
  std::unique_ptr<Engine> store;
  sim::SimOs os(world, choices, trace, nullptr);
  std::vector<std::string> batches;
  for (int64_t sent = 0; sent < kKeys; sent += state.range(0)) {
    std::string& batch = batches.emplace_back();
    for (int64_t i = sent; i < sent + state.range(0); ++i) {
      append_request(batch, {"SET", key(i), kValue});
      append_request(batch, {"GET", key(i)});
    }
  }
  os.spawn("client", [&] {
    EngineConfig config;
    config.recovery.append_only = false;
    store = Engine::open(os, config).value();
    const auto session = store->connect();
    size_t next = 0;
    for (auto _ : state) {
      session->feed(batches[next]);
      if (++next == batches.size()) next = 0;
      const size_t ready = session->ready().size();
      CHECK(ready > kValue.size() * static_cast<size_t>(state.range(0)));
      session->consume(ready);
    }
    os.stop();
  });
  os.run();
  os.destroy_tasks();
  state.counters["SET+GET/s"] = benchmark::Counter(
      static_cast<double>(state.iterations() * state.range(0)), benchmark::Counter::kIsRate);
}
BENCHMARK(memory_set_get)->Arg(1)->Arg(16)->Arg(128);

// --- On the real disk ---

// A new directory under POWERCUT_BENCH_DIRECTORY, or the current one; removed with all in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* parent = std::getenv("POWERCUT_BENCH_DIRECTORY");
    for (int i = 0;; ++i) {
      path_ = std::filesystem::path(parent == nullptr ? "." : parent) / fmt::format("bench-{}", i);
      if (std::filesystem::create_directory(path_)) break;
    }
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

struct Mode {
  const char* name;
  bool log;
  SyncPolicy policy;
  bool saves;
};
constexpr Mode kModes[] = {
    {"always", true, SyncPolicy::kAlways, false}, {"everysec", true, SyncPolicy::kEverysec, false},
    {"no", true, SyncPolicy::kNo, false},         {"checkpoint", false, SyncPolicy::kNo, true},
    {"none", false, SyncPolicy::kNo, false},
};

constexpr Duration kLasts = seconds(1);

// Clients that send, wait for all replies, and send again, for a second.
class Load {
 public:
  Load(const Mode& mode, int64_t clients, int64_t pipeline)
      : clients_(clients), pipeline_(pipeline) {
    config_.recovery.append_only = mode.log;
    config_.aof.policy = mode.policy;
    if (mode.saves) config_.save = {{1, 1000}};
    os_ = engine::PosixOs::open(directory_.path()).value();
  }
  // Seconds it took.
  double run() {
    os_->spawn("main", [this] {
      store_ = Engine::open(*os_, config_).value();
      begin_ = os_->now();
      left_ = clients_;
      for (int64_t i = 0; i < clients_; ++i) os_->spawn("client", [this, i] { talk(i); });
    });
    os_->run();
    os_->destroy_tasks();
    store_.reset();
    return static_cast<double>((end_ - begin_).ns) / 1e9;
  }
  int64_t sets() const { return sets_; }

 private:
  void talk(int64_t client) {
    {
      const auto session = store_->connect();
      int64_t number = client * 7919;
      std::string requests;
      while (os_->now() - begin_ < kLasts) {
        requests.clear();
        for (int64_t i = 0; i < pipeline_; ++i) {
          append_request(requests, {"SET", key(number++), kValue});
        }
        session->feed(requests);
        for (size_t due = 5 * static_cast<size_t>(pipeline_); due > 0;) {  // "+OK\r\n"
          session->wait_ready();
          const size_t ready = session->ready().size();
          due -= ready;
          session->consume(ready);
        }
        sets_ += pipeline_;
        if (config_.recovery.append_only == false) os_->park(os_->now());  // nothing else yields
      }
    }
    if (--left_ > 0) return;
    end_ = os_->now();
    CHECK(store_->shut_down(false).ok());
    os_->stop();
  }

  TemporaryDirectory directory_;
  int64_t clients_;
  int64_t pipeline_;
  EngineConfig config_;
  std::unique_ptr<Engine> store_;
  std::unique_ptr<engine::PosixOs> os_;
  Instant begin_;
  Instant end_;
  int64_t left_ = 0;
  int64_t sets_ = 0;
};

// range: mode, clients, pipeline.
void disk_set(benchmark::State& state) {
  const Mode& mode = kModes[state.range(0)];
  state.SetLabel(mode.name);
  int64_t sets = 0;
  for (auto _ : state) {
    Load load(mode, state.range(1), state.range(2));
    state.SetIterationTime(load.run());
    sets += load.sets();
  }
  state.counters["SETs/s"] =
      benchmark::Counter(static_cast<double>(sets), benchmark::Counter::kIsRate);
}
BENCHMARK(disk_set)
    ->ArgNames({"policy", "clients", "pipeline"})
    ->ArgsProduct({benchmark::CreateDenseRange(0, 4, 1), {1, 50}, {1, 16}})
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace powercut

BENCHMARK_MAIN();
