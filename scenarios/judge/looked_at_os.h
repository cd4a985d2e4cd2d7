// A simulated disk as a seam that is only looked at: nothing can be changed there, no task waits in it, and calls are at once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/os/os.h"
#include "sim/disk.h"

namespace powercut::scenarios {

class LookedAtOs final : public engine::Os {
 public:
  // `disk` outlives it, and is as it is then.
  LookedAtOs(const sim::Disk& disk, int64_t wall_ms) : disk_(disk), wall_ms_(wall_ms) {}

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Result<std::vector<std::string>> list(std::string_view path) override { return disk_.list(path); }
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view existing, std::string_view name) override;
  Result<void> remove(std::string_view path) override;
  Result<void> make_directory(std::string_view path) override;
  Result<void> sync_directory(std::string_view path, Site fence) override;
  Instant now() override { return {}; }
  WallTime wall_now() override { return {wall_ms_}; }
  uint64_t choose(Site, uint64_t) override { return 0; }
  void spawn(std::string_view, std::function<void()>) override { CHECK(false); }
  engine::Task* current() override { return nullptr; }
  bool park(Instant) override { return false; }
  void unpark(engine::Task*) override {}

 private:
  const sim::Disk& disk_;
  int64_t wall_ms_;
};

}  // namespace powercut::scenarios
