#include <utility>

#include "faults/mutants.h"

namespace powercut::faults {

using engine::File;

// A file of MutantOs. Shared, because a sync that was acknowledged first may outlive the handle.
class MutantFile final : public File {
 public:
  MutantFile(MutantOs& os, std::shared_ptr<File> inner, std::string_view path)
      : os_(os), inner_(std::move(inner)), path_(path) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return inner_->read_at(offset, out, size);
  }

  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    auto outcome = inner_->write_at(offset, data);
    if (outcome.ok()) {
      TRY(os_.add_sync("write", path_, inner_.get()));
      return outcome;
    }
    if (os_.mutant_.decorator != DecoratorKind::kWriteErrorIgnored) return outcome;
    ++os_.fired_;
    return data.size();
  }

  Result<void> truncate(uint64_t size) override {
    TRY(inner_->truncate(size));
    return os_.add_sync("truncate", path_, inner_.get());
  }

  Result<void> sync(Site fence) override {
    if (os_.skips(fence)) return {};
    if (os_.mutant_.decorator == DecoratorKind::kSyncAckFirst) {
      ++os_.fired_;
      os_.spawn("mutant.sync", [file = inner_, fence] { (void)file->sync(fence); });
      return {};
    }
    TRY(os_.after(inner_->sync(fence), [&] { return inner_->sync(fence); }));
    if (os_.mutant_.extra != nullptr) os_.fences_[path_] = fence.name;
    return os_.add_sync("sync", path_, nullptr);
  }

  Result<uint64_t> size() override { return inner_->size(); }
  engine::Found search(const engine::Search& what) override { return inner_->search(what); }

 private:
  MutantOs& os_;
  std::shared_ptr<File> inner_;
  std::string path_;
};

namespace {

std::string_view directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

// "appendonly.aof.12.incr.aof" -> "appendonly.aof.#.incr.aof".
std::string kind_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  std::string kind;
  for (const char c : path.substr(slash == path.npos ? 0 : slash + 1)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) kind += c;
    if (digit && !kind.ends_with('#')) kind += '#';
  }
  return kind;
}

}  // namespace

Result<void> MutantOs::add_sync(std::string_view op, std::string_view path, File* file) {
  if (mutant_.extra == nullptr) return {};
  auto last = fences_.find(path);
  if (last == fences_.end()) last = fences_.find(directory_of(path));
  const std::string preceding = last == fences_.end() ? "none" : last->second;
  for (const bool directory : {false, true}) {
    if (!directory && file == nullptr) continue;
    for (const std::string& fence : {preceding, std::string("any")}) {
      const SyncPlace place{std::string(op), kind_of(path), fence, directory};
      if (mutant_.extra->seen != nullptr)
        mutant_.extra->seen->insert(place);
      else if (place == mutant_.extra->place)
        return directory ? inner_.sync_directory(directory_of(path), kExtraSync)
                         : file->sync(kExtraSync);
    }
  }
  return {};
}

Result<std::unique_ptr<File>> MutantOs::open(std::string_view path, engine::Open mode) {
  TRY_ASSIGN(auto file, inner_.open(path, mode));
  File* const raw = file.get();
  std::unique_ptr<File> mine = std::make_unique<MutantFile>(*this, std::move(file), path);
  if (mutant_.extra != nullptr && mode == engine::Open::kCreateNew) {
    if (const auto old = fences_.find(path); old != fences_.end()) fences_.erase(old);
    TRY(add_sync("create", path, raw));
  }
  return mine;
}

Result<void> MutantOs::rename(std::string_view from, std::string_view to) {
  const auto outcome = inner_.rename(from, to);
  if (outcome.ok() && mutant_.decorator == DecoratorKind::kRenameWithoutSync) {
    const size_t slash = to.rfind('/');
    directories_.emplace(slash == std::string_view::npos ? std::string_view()
                                                         : to.substr(0, slash));
  }
  TRY(outcome);
  return add_sync("rename", to, nullptr);
}

Result<void> MutantOs::sync_directory(std::string_view path, Site fence) {
  if (skips(fence)) return {};
  switch (mutant_.decorator) {
    case DecoratorKind::kRenameWithoutSync:
      if (const auto renamed = directories_.find(path); renamed != directories_.end()) {
        directories_.erase(renamed);
        ++fired_;
        return {};
      }
      break;
    case DecoratorKind::kDirectorySyncOnlyFirst:
      if (!directories_.emplace(path).second) {
        ++fired_;
        return {};
      }
      break;
    case DecoratorKind::kDirectorySyncAckFirst:
      ++fired_;
      spawn("mutant.sync", [this, directory = std::string(path), fence] {
        (void)inner_.sync_directory(directory, fence);
      });
      return {};
    default:
      break;
  }
  const auto outcome = inner_.sync_directory(path, fence);
  if (!outcome.ok() && mutant_.decorator == DecoratorKind::kDirectorySyncErrorIgnored) {
    ++fired_;
    return {};
  }
  TRY(after(outcome, [&] { return inner_.sync_directory(path, fence); }));
  if (mutant_.extra != nullptr) fences_[std::string(path)] = fence.name;
  return {};
}

bool MutantOs::skips(Site fence) {
  const bool skip = (mutant_.decorator == DecoratorKind::kNoSync && mutant_.fence == fence) ||
                    (mutant_.decorator == DecoratorKind::kNoSyncAfterError && sync_failed_);
  if (skip) ++fired_;
  return skip;
}

// What the caller is told of a sync, file's or directory's, that ended in `outcome`.
Result<void> MutantOs::after(Result<void> outcome, const std::function<Result<void>()>& again) {
  if (outcome.ok()) return outcome;
  sync_failed_ = true;
  if (mutant_.decorator == DecoratorKind::kSyncErrorIgnored) {
    ++fired_;
    return {};
  }
  if (mutant_.decorator == DecoratorKind::kSyncErrorRetried) {
    ++fired_;
    return again();
  }
  return outcome;
}

}  // namespace powercut::faults
