// The seam as its caller sees it, each call with what it has to come to in the kernel.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/os/forwarding_os.h"
#include "scenarios/posix/kernel_calls.h"

namespace powercut::scenarios {

struct SeamCall {
  uint64_t begin;
  uint64_t end;
  std::string what;
  std::string or_else;  // asked for behind it, if need be
  bool failed;          // perhaps without asking anybody
};

class SeamOs final : public engine::ForwardingOs {
 public:
  explicit SeamOs(engine::Os& inner) : ForwardingOs(inner) {}

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override {
    Result<std::unique_ptr<engine::File>> file =
        mode != engine::Open::kCreateNew
            ? inner_.open(path, mode)
            : noted(call_on("create", path), [&] { return inner_.open(path, mode); });
    if (!file.ok()) return file;
    return std::unique_ptr<engine::File>(std::make_unique<SeamFile>(*this, std::move(*file), path));
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    return noted(call_on("rename", from, to), [&] { return inner_.rename(from, to); });
  }
  Result<void> link(std::string_view existing, std::string_view name) override {
    return noted(call_on("link", existing, name), [&] { return inner_.link(existing, name); });
  }
  Result<void> remove(std::string_view path) override {
    return noted(
        call_on("unlink", path), [&] { return inner_.remove(path); }, call_on("rmdir", path));
  }
  Result<void> make_directory(std::string_view path) override {
    return noted(call_on("mkdir", path), [&] { return inner_.make_directory(path); });
  }
  Result<void> sync_directory(std::string_view path, Site fence) override {
    return noted(call_on("fsync", path), [&] { return inner_.sync_directory(path, fence); });
  }

  std::vector<SeamCall> calls;  // in the order of their ends

 private:
  class SeamFile final : public engine::File {
   public:
    SeamFile(SeamOs& os, std::unique_ptr<engine::File> inner, std::string_view path)
        : os_(os), inner_(std::move(inner)), path_(path) {}
    Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
      return inner_->read_at(offset, out, size);
    }
    Result<size_t> write_at(uint64_t offset, std::string_view data) override {
      if (data.empty()) return inner_->write_at(offset, data);
      return os_.noted(write_call(path_, offset, data),
                       [&] { return inner_->write_at(offset, data); });
    }
    Result<void> truncate(uint64_t size) override {
      return os_.noted(call_on("truncate", path_, size), [&] { return inner_->truncate(size); });
    }
    Result<void> sync(Site fence) override {
      return os_.noted(call_on("fdatasync", path_), [&] { return inner_->sync(fence); });
    }
    Result<uint64_t> size() override { return inner_->size(); }
    Result<void> reserve(uint64_t size) override {
      return os_.noted(call_on("reserve", path_, size), [&] { return inner_->reserve(size); });
    }
    int64_t modified_ms() override { return inner_->modified_ms(); }
    bool named() override { return inner_->named(); }
    engine::Found search(const engine::Search& search) override { return inner_->search(search); }

   private:
    SeamOs& os_;
    std::unique_ptr<engine::File> inner_;
    std::string path_;
  };

  template <class Call>
  std::invoke_result_t<Call> noted(std::string what, Call call, std::string or_else = {}) {
    const uint64_t begin = KernelCalls::it().next_place();
    std::invoke_result_t<Call> result = call();
    const uint64_t end = KernelCalls::it().next_place();
    calls.push_back({begin, end, std::move(what), std::move(or_else), !result.ok()});
    return result;
  }
};

// Each call of the seam is one of the kernel's while it lasts, and there are no others; empty, or where they differ.
inline std::string difference(const std::vector<SeamCall>& seam, std::vector<KernelCall> kernel) {
  const auto take = [&](const SeamCall& call, const std::string& what) {
    for (KernelCall& one : kernel) {
      if (one.at <= call.begin || one.at >= call.end || one.what != what) continue;
      one.what.clear();
      return true;
    }
    return false;
  };
  for (const SeamCall& call : seam) {
    if (!take(call, call.what) && !call.failed) return "the kernel was not asked: " + call.what;
    if (!call.or_else.empty()) take(call, call.or_else);
  }
  for (const KernelCall& one : kernel)
    if (!one.what.empty()) return "the kernel was asked: " + one.what;
  return {};
}

}  // namespace powercut::scenarios
