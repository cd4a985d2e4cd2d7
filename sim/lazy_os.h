// The seam over a disk whose names are undecided: each call on a path decides first what it looks
// at. What is in a file is the Resolver's to decide.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/os.h"
#include "sim/lazy_disk.h"

namespace powercut::sim {

class LazyOs final : public engine::Os {
 public:
  LazyOs(engine::Os& inner, LazyDisk& disk) : inner_(inner), disk_(disk) {}

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override {
    disk_.before_path(path);
    return inner_.open(path, mode);
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    disk_.before_path(from);
    disk_.before_path(to);
    return inner_.rename(from, to);
  }
  Result<void> link(std::string_view existing, std::string_view name) override {
    disk_.before_path(existing);
    disk_.before_path(name);
    return inner_.link(existing, name);
  }
  Result<void> remove(std::string_view path) override {
    disk_.before_names_in(path);  // only an empty directory can be removed
    return inner_.remove(path);
  }
  Result<void> make_directory(std::string_view path) override {
    disk_.before_path(path);
    return inner_.make_directory(path);
  }
  Result<std::vector<std::string>> list(std::string_view path) override {
    disk_.before_names_in(path);
    return inner_.list(path);
  }
  Result<void> sync_directory(std::string_view path, Site fence) override {
    disk_.before_path(path);
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
  LazyDisk& disk_;
};

}  // namespace powercut::sim
