// The seam passed on call by call: the base of decorators, which override what they change.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/os/os.h"

namespace powercut::engine {

class ForwardingFile : public File {
 public:
  explicit ForwardingFile(std::unique_ptr<File> inner) : inner_(std::move(inner)) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return inner_->read_at(offset, out, size);
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    return inner_->write_at(offset, data);
  }
  Result<void> truncate(uint64_t size) override { return inner_->truncate(size); }
  Result<void> sync(Site fence) override { return inner_->sync(fence); }
  Result<uint64_t> size() override { return inner_->size(); }
  Result<void> reserve(uint64_t size) override { return inner_->reserve(size); }
  int64_t modified_ms() override { return inner_->modified_ms(); }
  bool named() override { return inner_->named(); }
  Result<void> lock(uint64_t offset, uint64_t size, Lock lock) override {
    return inner_->lock(offset, size, lock);
  }
  Found search(const Search& what) override { return inner_->search(what); }

 protected:
  const std::unique_ptr<File> inner_;
};

class ForwardingOs : public Os {
 public:
  // `inner` outlives this.
  explicit ForwardingOs(Os& inner) : inner_(inner) {}

  Result<std::unique_ptr<File>> open(std::string_view path, Open mode) override {
    return inner_.open(path, mode);
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
  Result<std::unique_ptr<Scratch>> open_scratch(uint64_t size) override {
    return inner_.open_scratch(size);
  }
  Instant now() override { return inner_.now(); }
  WallTime wall_now() override { return inner_.wall_now(); }
  uint64_t choose(Site site, uint64_t n) override { return inner_.choose(site, n); }
  void spawn(std::string_view name, std::function<void()> body) override {
    inner_.spawn(name, std::move(body));
  }
  Task* current() override { return inner_.current(); }
  bool park(Instant deadline) override { return inner_.park(deadline); }
  void unpark(Task* task) override { inner_.unpark(task); }

 protected:
  Os& inner_;
};

}  // namespace powercut::engine
