#include "sim/process_os.h"

namespace powercut::sim {

using engine::File;
using engine::Open;

class ProcessFile final : public File {
 public:
  ProcessFile(ProcessOs& os, std::unique_ptr<File> inner) : os_(os), inner_(std::move(inner)) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return os_.make([&] { return inner_->read_at(offset, out, size); });
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    return os_.make([&] { return inner_->write_at(offset, data); });
  }
  Result<void> truncate(uint64_t size) override {
    return os_.make([&] { return inner_->truncate(size); });
  }
  Result<void> sync(Site fence) override {
    return os_.make_sync([&] { return inner_->sync(fence); });
  }
  Result<uint64_t> size() override {
    return os_.make([&] { return inner_->size(); });
  }
  Result<void> reserve(uint64_t size) override {
    return os_.make([&] { return inner_->reserve(size); });
  }
  Result<void> lock(uint64_t offset, uint64_t size, engine::Lock lock) override {
    return os_.make([&] { return inner_->lock(offset, size, lock); });
  }
  int64_t modified_ms() override { return inner_->modified_ms(); }
  bool named() override { return inner_->named(); }
  engine::Found search(const engine::Search& what) override { return inner_->search(what); }

 private:
  ProcessOs& os_;
  const std::unique_ptr<File> inner_;
};

bool ProcessOs::park(Instant deadline) {
  const bool unparked = inner_.park(deadline);
  stop_if_dead();
  return unparked;
}

Result<std::unique_ptr<File>> ProcessOs::open(std::string_view path, Open mode) {
  TRY_ASSIGN(auto file, make([&] { return inner_.open(path, mode); }));
  return std::unique_ptr<File>(std::make_unique<ProcessFile>(*this, std::move(file)));
}

Result<void> ProcessOs::rename(std::string_view from, std::string_view to) {
  return make([&] { return inner_.rename(from, to); });
}

Result<void> ProcessOs::link(std::string_view existing, std::string_view name) {
  return make([&] { return inner_.link(existing, name); });
}

Result<void> ProcessOs::remove(std::string_view path) {
  return make([&] { return inner_.remove(path); });
}

Result<void> ProcessOs::make_directory(std::string_view path) {
  return make([&] { return inner_.make_directory(path); });
}

Result<std::vector<std::string>> ProcessOs::list(std::string_view path) {
  return make([&] { return inner_.list(path); });
}

Result<void> ProcessOs::sync_directory(std::string_view path, Site fence) {
  return make_sync([&] { return inner_.sync_directory(path, fence); });
}

}  // namespace powercut::sim
