// A seam in which a sync may take long.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "engine/os/forwarding_os.h"

namespace powercut::scenarios {

class SlowOs final : public engine::ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;
  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Duration sync_takes{0};
};

class SlowFile final : public engine::ForwardingFile {
 public:
  SlowFile(std::unique_ptr<File> file, SlowOs& os) : ForwardingFile(std::move(file)), os_(os) {}
  Result<void> sync(Site fence) override {
    const Instant until = os_.now() + os_.sync_takes;
    while (os_.now() < until) os_.park(until);
    return inner_->sync(fence);
  }

 private:
  SlowOs& os_;
};

inline Result<std::unique_ptr<engine::File>> SlowOs::open(std::string_view path,
                                                          engine::Open mode) {
  TRY_ASSIGN(auto file, inner_.open(path, mode));
  return std::unique_ptr<engine::File>(std::make_unique<SlowFile>(std::move(file), *this));
}

}  // namespace powercut::scenarios
