// A planted bug for tests with real kills: the seam with a buffer in user space, as of stdio. What
// is written reaches the kernel with the next sync, or when the file is read, cut or closed. A kill
// takes the rest.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/os.h"

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

class BufferingOs final : public engine::Os {
 public:
  explicit BufferingOs(engine::Os& inner) : inner_(inner) {}

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override {
    TRY_ASSIGN(auto file, inner_.open(path, mode));
    return std::unique_ptr<engine::File>(std::make_unique<BufferingFile>(std::move(file)));
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    return inner_.rename(from, to);
  }
  Result<void> link(std::string_view existing, std::string_view name) override {
    return inner_.link(existing, name);
  }
  Result<void> remove(std::string_view path) override { return inner_.remove(path); }
  Result<void> make_directory(std::string_view path) override {
    return inner_.make_directory(path);
  }
  Result<std::vector<std::string>> list(std::string_view path) override {
    return inner_.list(path);
  }
  Result<void> sync_directory(std::string_view path, Site fence) override {
    return inner_.sync_directory(path, fence);
  }
  Instant now() override { return inner_.now(); }
  WallTime wall_now() override { return inner_.wall_now(); }
  uint64_t choose(Site site, uint64_t n) override { return inner_.choose(site, n); }
  void spawn(std::string_view name, std::function<void()> body) override {
    inner_.spawn(name, std::move(body));
  }
  engine::Task* current() override { return inner_.current(); }
  bool park(Instant deadline) override { return inner_.park(deadline); }
  void unpark(engine::Task* task) override { inner_.unpark(task); }

 private:
  engine::Os& inner_;
};

}  // namespace powercut::scenarios
