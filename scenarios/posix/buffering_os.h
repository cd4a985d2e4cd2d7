// A planted bug for tests with real kills: the seam with a buffer in user space, as of stdio. What
// is written reaches the kernel with the next sync, or when the file is read, cut or closed. A kill
// takes the rest.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/forwarding_os.h"

namespace powercut::scenarios {

class BufferingFile final : public engine::File {
 public:
  explicit BufferingFile(std::unique_ptr<engine::File> inner) : inner_(std::move(inner)) {}
  ~BufferingFile() override { (void)flush(); }

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    TRY(flush());
    return inner_->read_at(offset, out, size);
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    pending_.emplace_back(offset, std::string(data));
    return data.size();
  }
  Result<void> truncate(uint64_t size) override {
    TRY(flush());
    return inner_->truncate(size);
  }
  Result<void> sync(Site fence) override {
    TRY(flush());
    return inner_->sync(fence);
  }
  Result<uint64_t> size() override {
    TRY_ASSIGN(uint64_t size, inner_->size());
    for (const auto& [offset, data] : pending_) {
      size = std::max(size, offset + static_cast<uint64_t>(data.size()));
    }
    return size;
  }

 private:
  Result<void> flush() {
    for (const auto& [offset, data] : std::exchange(pending_, {})) {
      for (size_t done = 0; done < data.size();) {
        TRY_ASSIGN(const size_t n, inner_->write_at(offset + done, data.substr(done)));
        done += n;
      }
    }
    return {};
  }

  std::unique_ptr<engine::File> inner_;
  std::vector<std::pair<uint64_t, std::string>> pending_;
};

class BufferingOs final : public engine::ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override {
    TRY_ASSIGN(auto file, inner_.open(path, mode));
    return std::unique_ptr<engine::File>(std::make_unique<BufferingFile>(std::move(file)));
  }
};

}  // namespace powercut::scenarios
