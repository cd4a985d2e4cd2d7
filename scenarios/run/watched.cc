#include "scenarios/run/watched.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "engine/os/forwarding_os.h"
#include "engine/os/tasks.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

class WatchedOs final : public engine::ForwardingOs {
 public:
  WatchedOs(engine::Os& inner, EngineWitness& witness) : ForwardingOs(inner), witness_(witness) {}

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override {
    return seen([&] { return inner_.rename(from, to); });
  }
  Result<void> link(std::string_view existing, std::string_view name) override {
    return seen([&] { return inner_.link(existing, name); });
  }
  Result<void> remove(std::string_view path) override {
    return seen([&] { return inner_.remove(path); });
  }
  Result<void> make_directory(std::string_view path) override {
    return seen([&] { return inner_.make_directory(path); });
  }
  Result<std::vector<std::string>> list(std::string_view path) override {
    return seen([&] { return inner_.list(path); });
  }
  Result<void> sync_directory(std::string_view path, Site fence) override {
    return seen([&] { return inner_.sync_directory(path, fence); });
  }

  template <class Make>
  std::invoke_result_t<Make> seen(const Make& make) {
    const Instant began = inner_.now();
    auto result = make();
    const engine::Task* task = inner_.current();
    witness_.on_call({began, inner_.now(), task == nullptr ? "" : task->name(),
                      result.ok() ? nullptr : &result.error()});
    return result;
  }

 private:
  EngineWitness& witness_;
};

class WatchedFile final : public engine::File {
 public:
  WatchedFile(WatchedOs& os, std::unique_ptr<engine::File> inner)
      : os_(os), inner_(std::move(inner)) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return os_.seen([&] { return inner_->read_at(offset, out, size); });
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    return os_.seen([&] { return inner_->write_at(offset, data); });
  }
  Result<void> truncate(uint64_t size) override {
    return os_.seen([&] { return inner_->truncate(size); });
  }
  Result<void> sync(Site fence) override {
    return os_.seen([&] { return inner_->sync(fence); });
  }
  Result<uint64_t> size() override { return inner_->size(); }
  engine::Found search(const engine::Search& what) override { return inner_->search(what); }

 private:
  WatchedOs& os_;
  std::unique_ptr<engine::File> inner_;
};

Result<std::unique_ptr<engine::File>> WatchedOs::open(std::string_view path, engine::Open mode) {
  auto opened = seen([&] { return inner_.open(path, mode); });
  if (!opened.ok()) return opened;
  std::unique_ptr<engine::File> file =
      std::make_unique<WatchedFile>(*this, std::move(opened).value());
  return file;
}

class WatchedTarget final : public sim::Target, private sim::OperationObserver {
 public:
  WatchedTarget(std::unique_ptr<sim::Target> inner, engine::Os& os, EngineWitness& witness,
                sim::Target** open)
      : inner_(std::move(inner)), os_(os), witness_(witness), open_(open) {
    recovery = inner_->recovery;
    inner_->observe(this);
    *open_ = inner_.get();
  }
  ~WatchedTarget() override {
    if (*open_ == inner_.get()) *open_ = nullptr;
  }

  void apply(uint64_t client, std::string_view request) override {
    witness_.on_request(os_.now(), client, request);
    asking_[os_.current()] = client;
    inner_->apply(client, request);
    asking_.erase(os_.current());
  }
  std::optional<sim::Reply> acknowledged(uint64_t client, Instant deadline) override {
    auto reply = inner_->acknowledged(client, deadline);
    if (reply) witness_.on_reply(os_.now(), client, *reply);
    return reply;
  }
  uint64_t digest(int64_t wall_ms) override { return inner_->digest(wall_ms); }
  void begin(uint64_t number) override { inner_->begin(number); }
  std::string broken() override { return inner_->broken(); }
  sim::Promise promise() override { return inner_->promise(); }
  Result<void> shut_down() override { return inner_->shut_down(); }
  bool closed(uint64_t client) override { return inner_->closed(client); }
  bool waits(uint64_t client) override { return inner_->waits(client); }
  void hang_up(uint64_t client) override { inner_->hang_up(client); }
  bool ended() override { return inner_->ended(); }
  std::string_view policy_in_force() override { return inner_->policy_in_force(); }
  std::vector<sim::Span> blocked() override { return inner_->blocked(); }
  sim::Activity activity(std::optional<sim::Op> op, bool of_base) override {
    return inner_->activity(op, of_base);
  }
  sim::Deeds deeds() override { return inner_->deeds(); }
  std::string undone(const sim::WorldState& world) override { return inner_->undone(world); }
  std::string recovery_summary() override { return inner_->recovery_summary(); }
  std::vector<std::string> recovery_story() override { return inner_->recovery_story(); }
  std::vector<std::string> contents(int64_t wall_ms, size_t most) override {
    return inner_->contents(wall_ms, most);
  }
  sim::Target& itself() override { return inner_->itself(); }

 private:
  void on_operation(uint64_t number) override {
    happened(number);
    const auto asks = asking_.find(os_.current());
    witness_.on_operation(os_.now(), number,
                          asks == asking_.end() ? std::nullopt : std::optional(asks->second));
  }

  std::unique_ptr<sim::Target> inner_;
  engine::Os& os_;
  EngineWitness& witness_;
  sim::Target** open_;
  std::map<const engine::Task*, uint64_t> asking_;  // the client of each task that is in apply()
};

}  // namespace

WatchedEngine::WatchedEngine(EngineWitness& witness) : witness_(witness) {}
WatchedEngine::~WatchedEngine() = default;

std::optional<sim::Promise> WatchedEngine::promise() const {
  if (open_ == nullptr) return std::nullopt;
  return open_->promise();
}

Result<std::unique_ptr<sim::Target>> WatchedEngine::open(const TargetType& type, engine::Os& os,
                                                         const sim::Settings& settings) {
  open_ = nullptr;
  seams_.push_back(std::make_unique<WatchedOs>(os, witness_));
  engine::Os& seam = *seams_.back();
  witness_.on_opening(os.now());
  TRY_ASSIGN(std::unique_ptr<sim::Target> inner, type.open(seam, settings));
  std::unique_ptr<sim::Target> target =
      std::make_unique<WatchedTarget>(std::move(inner), seam, witness_, &open_);
  witness_.on_opened(os.now(), *target);
  return target;
}

}  // namespace powercut::scenarios
