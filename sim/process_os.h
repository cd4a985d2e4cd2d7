// A process of the machine that an Os is, where that has several lives in one world: it may die alone, while the rest of
// the world goes on.
//
// Models: a process that is killed, or whose machine loses its power, between any two calls of its own. A call under way is
// completed first (a kill ends a task when its call returns).
// Does not model: a power cut in the middle of a call: of those the world's own end is made (sim/sim_os.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/os/forwarding_os.h"

namespace powercut::sim {

class ProcessOs final : public engine::ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;

  // From now on no task of it begins a call, or goes on. What they hold stays until the world ends.
  void die() {
    dead_ = true;
    sync_failed_ = false;
  }
  // No call of it is under way.
  bool still() const { return under_way_ == 0; }
  // A sync has failed; of one that has died: behind its death, so that nobody knows.
  bool sync_failed() const { return sync_failed_; }

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view existing, std::string_view name) override;
  Result<void> remove(std::string_view path) override;
  Result<void> make_directory(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<void> sync_directory(std::string_view path, Site fence) override;
  bool park(Instant deadline) override;

 private:
  friend class ProcessFile;
  void stop_if_dead() {
    while (dead_) inner_.park(kForever);
  }
  template <class Call>
  auto make(const Call& call) {
    stop_if_dead();
    ++under_way_;
    auto outcome = call();
    --under_way_;
    stop_if_dead();
    return outcome;
  }

  template <class Call>
  auto make_sync(const Call& call) {
    return make([&] {
      auto outcome = call();
      sync_failed_ |= !outcome.ok();
      return outcome;
    });
  }

  size_t under_way_ = 0;
  bool sync_failed_ = false;
  bool dead_ = false;
};

}  // namespace powercut::sim
