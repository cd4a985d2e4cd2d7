// For tests: an Os whose files stand in memory, which notes the calls that change something, and fails those that it is told
// to. Its clock goes on where a test says so, and its tasks run then, the one that was ready first before the others. No call
// takes time or lets others run; a crash is for sim/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/os/no_disk_testing.h"
#include "engine/os/tasks.h"

namespace powercut::engine {

class MemoryOs : public NoDiskOs {
 public:
  using Bytes = std::shared_ptr<std::string>;

  // "sync cold/1.cold": how it fails, if it does. Asked of each call, those that change nothing too.
  std::function<std::optional<Errc>(const std::string& call)> breaks;
  std::vector<std::string> calls;  // that changed something, or made it durable
  size_t most = SIZE_MAX;          // bytes that one call reads or writes
  uint64_t drawn = 7;              // what is drawn, each time one more
  bool rots = false;               // what is read from scratch has one bit that is another

  void fail_on(std::string call, Errc code = Errc::kIo) {
    breaks = [call = std::move(call), code](const std::string& made) {
      return made == call ? std::optional(code) : std::nullopt;
    };
  }
  void put(const std::string& path, std::string bytes) {
    files_[path] = std::make_shared<std::string>(std::move(bytes));
  }
  // Of a file that is there.
  std::string& at(const std::string& path) { return *files_.at(path); }
  bool there(const std::string& path) const { return files_.contains(path); }
  // Under one file, two names.
  bool same(const std::string& a, const std::string& b) const {
    return there(a) && there(b) && files_.at(a) == files_.at(b);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [path, bytes] : files_) all.push_back(path);
    return all;
  }
  bool is_directory(const std::string& path) const { return directories_.contains(path); }

  // --- Os ---
  Result<std::unique_ptr<File>> open(std::string_view path, Open mode) override {
    const std::string name(path);
    TRY(made((mode == Open::kCreateNew ? "create " : "open ") + name, mode == Open::kCreateNew));
    if (is_directory(name)) return Error{Errc::kInvalid, name + " is a directory"};
    if (mode == Open::kCreateNew) {
      if (there(name)) return unmade({Errc::kExists, name + " is there"});
      if (!is_directory(parent(name))) return unmade({Errc::kNotFound, "no folder for " + name});
      put(name, "");
    }
    if (!there(name)) return Error{Errc::kNotFound, "open " + name + ": there is none"};
    return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, name, files_.at(name)));
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    TRY(made("rename " + std::string(from) + " " + std::string(to)));
    const auto found = files_.find(std::string(from));
    if (found == files_.end()) return unmade({Errc::kNotFound, std::string(from)});
    files_[std::string(to)] = std::exchange(found->second, nullptr);
    files_.erase(found);
    return {};
  }
  Result<void> link(std::string_view existing, std::string_view name) override {
    TRY(made("link " + std::string(existing) + " " + std::string(name)));
    if (!there(std::string(existing))) return unmade({Errc::kNotFound, std::string(existing)});
    if (there(std::string(name))) return unmade({Errc::kExists, std::string(name)});
    files_[std::string(name)] = files_.at(std::string(existing));
    return {};
  }
  Result<void> remove(std::string_view path) override {
    const std::string name(path);
    TRY(made("remove " + name));
    if (files_.erase(name) != 0) return {};
    if (!is_directory(name)) return unmade({Errc::kNotFound, name});
    if (!list_of(name).empty()) return unmade({Errc::kNotEmpty, name});
    directories_.erase(name);
    return {};
  }
  Result<void> make_directory(std::string_view path) override {
    const std::string name(path);
    TRY(made("make " + name));
    if (!directories_.insert(name).second) return unmade({Errc::kExists, name});
    return {};
  }
  Result<std::vector<std::string>> list(std::string_view path) override {
    const std::string name(path);
    TRY(made("list " + name, false));
    if (!is_directory(name)) return Error{Errc::kNotFound, "list " + name};
    return list_of(name);
  }
  Result<void> sync_directory(std::string_view path, Site) override {
    TRY(made("sync " + std::string(path) + "/"));
    if (!is_directory(std::string(path))) return unmade({Errc::kNotFound, std::string(path)});
    return {};
  }
  Result<std::unique_ptr<Scratch>> open_scratch(uint64_t size) override {
    TRY(made("scratch"));
    return std::unique_ptr<Scratch>(std::make_unique<MemoryScratch>(*this, size));
  }
  Instant now() override { return clock_; }
  WallTime wall_now() override { return {1'700'000'000'000 + clock_.ns / 1'000'000}; }
  uint64_t choose(Site, uint64_t n) override { return drawn++ % n; }
  void spawn(std::string_view name, std::function<void()> body) override {
    tasks_.spawn(name, std::move(body));
  }
  Task* current() override { return tasks_.current(); }
  // Outside of every task there is nobody to run meanwhile.
  bool park(Instant deadline) override { return current() != nullptr && tasks_.park(deadline); }
  void unpark(Task* task) override { tasks_.unpark(task); }

  // Lets so much time go by.
  void rest(Duration time) {
    const Instant until = clock_ + time;
    for (;;) {
      while (!tasks_.ready().empty()) tasks_.run(0);
      const Instant next = tasks_.next_deadline();
      if (next > until) break;
      clock_ = std::max(clock_, next);
      tasks_.expire_timers(clock_);
    }
    clock_ = until;
  }
  bool any_task() const { return !tasks_.empty(); }
  // For tests that share what their tasks stand on: before that goes.
  void destroy_tasks() { tasks_.destroy_all(); }

 private:
  class OpenFile final : public File {
   public:
    OpenFile(MemoryOs& os, std::string name, Bytes bytes)
        : os_(os), name_(std::move(name)), bytes_(std::move(bytes)) {}
    Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
      TRY(os_.made("read " + name_, false));
      if (offset >= bytes_->size()) return size_t{0};
      const size_t n = std::min({size, bytes_->size() - static_cast<size_t>(offset), os_.most});
      std::memcpy(out, bytes_->data() + offset, n);
      return n;
    }
    Result<size_t> write_at(uint64_t offset, std::string_view data) override {
      TRY(os_.made("write " + name_));
      const size_t n = std::min(data.size(), os_.most);
      if (bytes_->size() < offset + n) bytes_->resize(offset + n);
      std::memcpy(bytes_->data() + offset, data.data(), n);
      return n;
    }
    Result<void> truncate(uint64_t size) override {
      TRY(os_.made("truncate " + name_));
      bytes_->resize(size);
      return {};
    }
    Result<void> sync(Site) override { return os_.made("sync " + name_); }
    Result<uint64_t> size() override {
      TRY(os_.made("size " + name_, false));
      return bytes_->size();
    }
    Result<void> lock(uint64_t, uint64_t, Lock) override {
      return os_.made("lock " + name_, false);
    }

   private:
    MemoryOs& os_;
    std::string name_;
    Bytes bytes_;
  };

  class MemoryScratch final : public Scratch {
   public:
    MemoryScratch(MemoryOs& os, uint64_t size) : os_(os), bytes_(size, '\0') {}
    uint64_t size() const override { return bytes_.size(); }
    Result<void> write(uint64_t offset, std::string_view bytes) override {
      TRY(os_.made("write scratch", false));
      CHECK(offset + bytes.size() <= size());
      bytes_.replace(offset, bytes.size(), bytes);
      return {};
    }
    Result<void> read(uint64_t offset, char* out, size_t size) override {
      TRY(os_.made("read scratch", false));
      CHECK(offset + size <= bytes_.size());
      bytes_.copy(out, size, offset);
      if (os_.rots && size != 0) out[size / 2] ^= 1;
      return {};
    }

   private:
    MemoryOs& os_;
    std::string bytes_;
  };

  // Or why it fails.
  Result<void> made(const std::string& call, bool changes = true) {
    const auto code = breaks ? breaks(call) : std::nullopt;
    if (code) return Error{*code, call + " fails"};
    if (changes) calls.push_back(call);
    return {};
  }
  Error unmade(Error error) {
    calls.pop_back();
    return error;
  }
  static std::string parent(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == path.npos ? "" : path.substr(0, slash);
  }
  std::vector<std::string> list_of(const std::string& directory) const {
    std::vector<std::string> all;
    const auto take = [&](const std::string& path) {
      if (!path.empty() && parent(path) == directory)
        all.push_back(directory.empty() ? path : path.substr(directory.size() + 1));
    };
    for (const auto& [path, bytes] : files_) take(path);
    for (const std::string& path : directories_) take(path);
    std::sort(all.begin(), all.end());
    return all;
  }

  Instant clock_{0};
  Tasks tasks_;
  std::map<std::string, Bytes> files_;
  std::set<std::string> directories_{""};
};

}  // namespace powercut::engine
