// The seam over a disk whose names are undecided: each call on a path decides first what it looks
// at. What is in a file is the Resolver's to decide.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/forwarding_os.h"
#include "sim/lazy_disk.h"

namespace powercut::sim {

class LazyOs final : public engine::ForwardingOs {
 public:
  LazyOs(engine::Os& inner, LazyDisk& disk) : ForwardingOs(inner), disk_(disk) {}

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

 private:
  LazyDisk& disk_;
};

}  // namespace powercut::sim
