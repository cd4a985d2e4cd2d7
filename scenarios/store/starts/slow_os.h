// A seam in which a sync, or what a checkpoint writes, may take long, and so may a step of what lets others run behind each.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "engine/os/forwarding_os.h"
#include "scenarios/store/starts/copied_starts.h"

namespace powercut::scenarios {

class SlowOs final : public engine::ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;
  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  bool park(Instant deadline) override {
    if (step_takes.ns == 0 || deadline > now()) return inner_.park(deadline);
    rest(inner_, step_takes);
    return false;
  }
  Duration sync_takes{0};
  Duration step_takes{0};
  Duration checkpoint_write_takes{0};  // one of its writes
};

class SlowFile final : public engine::ForwardingFile {
 public:
  SlowFile(std::unique_ptr<File> file, SlowOs& os, bool checkpoint)
      : ForwardingFile(std::move(file)), os_(os), checkpoint_(checkpoint) {}
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    if (checkpoint_) rest(os_, os_.checkpoint_write_takes);
    return inner_->write_at(offset, data);
  }
  Result<void> sync(Site fence) override {
    rest(os_, os_.sync_takes);
    return inner_->sync(fence);
  }

 private:
  SlowOs& os_;
  const bool checkpoint_;
};

inline Result<std::unique_ptr<engine::File>> SlowOs::open(std::string_view path,
                                                          engine::Open mode) {
  TRY_ASSIGN(auto file, inner_.open(path, mode));
  return std::unique_ptr<engine::File>(
      std::make_unique<SlowFile>(std::move(file), *this, path.ends_with(".rdb")));
}

}  // namespace powercut::scenarios
