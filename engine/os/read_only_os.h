// An Os that reads a real one and changes nothing: what would change it answers as if it had. Recovery on it tells
// what a start would find and do.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "engine/os/forwarding_os.h"

namespace powercut::engine {

class ReadOnlyFile final : public File {
 public:
  explicit ReadOnlyFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return file_->read_at(offset, out, size);
  }
  Result<size_t> write_at(uint64_t, std::string_view data) override { return data.size(); }
  Result<void> truncate(uint64_t) override { return {}; }
  Result<void> sync(Site) override { return {}; }
  Result<uint64_t> size() override { return file_->size(); }
  int64_t modified_ms() override { return file_->modified_ms(); }

 private:
  std::unique_ptr<File> file_;
};

// A file that was created, as far as its creator can tell.
class ForgottenFile final : public File {
 public:
  Result<size_t> read_at(uint64_t, char*, size_t) override { return size_t{0}; }
  Result<size_t> write_at(uint64_t, std::string_view data) override { return data.size(); }
  Result<void> truncate(uint64_t) override { return {}; }
  Result<void> sync(Site) override { return {}; }
  Result<uint64_t> size() override { return uint64_t{0}; }
};

class ReadOnlyOs final : public ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;

  Result<std::unique_ptr<File>> open(std::string_view path, Open mode) override {
    if (mode == Open::kCreateNew) return std::unique_ptr<File>(std::make_unique<ForgottenFile>());
    TRY_ASSIGN(auto file, inner_.open(path, Open::kRead));
    return std::unique_ptr<File>(std::make_unique<ReadOnlyFile>(std::move(file)));
  }
  Result<void> rename(std::string_view, std::string_view) override { return {}; }
  Result<void> link(std::string_view, std::string_view) override { return {}; }
  // Once: whoever removes until nothing is left comes to an end.
  Result<void> remove(std::string_view path) override {
    const bool gone = removed_.count(std::string(path)) != 0;
    if (gone || !inner_.open(path, Open::kRead).ok())
      return Error{Errc::kNotFound, "remove " + std::string(path) + ": it is not there"};
    removed_.insert(std::string(path));
    return {};
  }
  Result<void> make_directory(std::string_view) override { return {}; }
  Result<void> sync_directory(std::string_view, Site) override { return {}; }

 private:
  std::set<std::string> removed_;
};

}  // namespace powercut::engine
