// An engine as somebody sees it who stands between it and the rest: what clients ask and are told, how
// far each operation has come, and the error of each call that failed. The run is the same as without.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

// Told in the step in which it happens. `at`: virtual time.
class EngineWitness {
 public:
  virtual ~EngineWitness() = default;
  // A life begins to open, and is open.
  virtual void on_opening(Instant /*at*/) {}
  virtual void on_opened(Instant /*at*/, sim::Target&) {}
  virtual void on_request(Instant at, uint64_t client, std::string_view request) = 0;
  // Its bytes: until the next call of the engine.
  virtual void on_reply(Instant at, uint64_t client, const sim::Reply& reply) = 0;
  // It takes effect: applied, and in the log's buffer. Without a client it is the engine's own.
  virtual void on_operation(Instant at, uint64_t number, std::optional<uint64_t> client) = 0;
  // A call of the seam has completed: the one with the newest event. `error`: null if it did not fail.
  struct Call {
    Instant began;
    Instant ended;
    std::string_view task;
    const Error* error;
  };
  virtual void on_call(const Call& call) = 0;
};

// `inner` and `witness` outlive it, and it outlives the run.
class WatchedType final : public TargetType {
 public:
  WatchedType(const TargetType& inner, EngineWitness& witness);
  ~WatchedType() override;

  // What is promised now; none where no life is open.
  std::optional<sim::Promise> promise() const;

  const TargetType& itself() const override { return inner_.itself(); }
  std::string_view name() const override { return inner_.name(); }
  std::string_view about() const override { return inner_.about(); }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                            const sim::Settings& settings) const override;
  std::unique_ptr<History> history() const override { return inner_.history(); }
  std::vector<std::shared_ptr<const Workload>> workloads() const override {
    return inner_.workloads();
  }
  std::string promise(const Policy& policy) const override { return inner_.promise(policy); }
  faults::RoleOfFile roles() const override { return inner_.roles(); }
  std::string task_in_words(std::string_view task) const override {
    return inner_.task_in_words(task);
  }
  std::span<const Administration> administer(const Policy& policy) const override {
    return inner_.administer(policy);
  }
  uint64_t administer_one_in() const override { return inner_.administer_one_in(); }
  std::string turn_log_on() const override { return inner_.turn_log_on(); }
  std::string select(int db) const override { return inner_.select(db); }
  std::string harmless_write() const override { return inner_.harmless_write(); }
  bool rewritten_by_another(sim::Disk& disk, sim::Choices& choices) const override {
    return inner_.rewritten_by_another(disk, choices);
  }
  bool tells(std::string_view request) const override { return inner_.tells(request); }
  bool may_fail_halfway(std::string_view request) const override {
    return inner_.may_fail_halfway(request);
  }
  Told told(std::string_view reply, uint64_t last) const override {
    return inner_.told(reply, last);
  }
  std::string how_it_is() const override { return inner_.how_it_is(); }
  std::string event_in_words(const std::vector<std::string_view>& words) const override {
    return inner_.event_in_words(words);
  }
  std::string not_modelled(const std::vector<std::string_view>& words) const override {
    return inner_.not_modelled(words);
  }
  Testimony telling(const sim::Disk& intact, const sim::Disk& harmed,
                    std::span<const faults::Harm> harm,
                    const sim::Settings& settings) const override {
    return inner_.telling(intact, harmed, harm, settings);
  }
  std::string plain_request(size_t number) const override { return inner_.plain_request(number); }

 private:
  struct Lives;
  const TargetType& inner_;
  EngineWitness& witness_;
  std::unique_ptr<Lives> lives_;
};

// For people: the words of a request, and a reply, in one line of at most `most` characters.
std::string request_text(std::string_view request, size_t most);
std::string reply_text(std::string_view reply, size_t most);

}  // namespace powercut::scenarios
