#include "sim/node_os.h"

#include "sim/choices.h"

namespace powercut::sim {

using engine::File;
using engine::Open;

namespace {

constexpr Duration kCall{5'000};
constexpr uint64_t kSyncMin = 100'000;
constexpr uint64_t kSyncMost = 1'500'000;
constexpr Site kSyncTime("node.sync");

// The world's chance, for a disk that wants it keyed.
class ChoicesOf final : public Choices {
 public:
  explicit ChoicesOf(engine::Os& os) : os_(os) {}
  uint64_t choose(Site site, uint64_t, uint64_t n) override { return os_.choose(site, n); }

 private:
  engine::Os& os_;
};

}  // namespace

class NodeFile final : public File {
 public:
  NodeFile(NodeOs& os, InodeId inode, bool writable)
      : os_(os), inode_(inode), writable_(writable) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    os_.pass(kCall);
    return os_.disk_.read(inode_, offset, out, size);
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    if (!writable_) return refused();
    os_.pass(kCall);
    return os_.disk_.write(inode_, offset, data);
  }
  Result<void> truncate(uint64_t size) override {
    if (!writable_) return refused();
    os_.pass(kCall);
    os_.disk_.truncate(inode_, size);
    return {};
  }
  Result<void> sync(Site) override {
    const SyncTicket ticket = os_.disk_.begin_sync(inode_);
    os_.pass(os_.sync_latency());
    return os_.disk_.finish_sync(ticket);
  }
  Result<uint64_t> size() override { return os_.disk_.size(inode_); }

 private:
  static Error refused() { return {Errc::kInvalid, "opened for reading"}; }
  NodeOs& os_;
  const InodeId inode_;
  const bool writable_;
};

Disk NodeOs::left(bool power_cut) {
  ChoicesOf choices(inner_);
  return power_cut ? disk_.after_power_cut(choices, 0) : disk_.after_kill();
}

bool NodeOs::park(Instant deadline) {
  bool unparked = inner_.park(deadline);
  while (dead_) unparked = inner_.park(kForever);
  return unparked;
}

void NodeOs::pass(Duration latency) {
  const Instant due = now() + latency;
  while (now() < due) park(due);
  disk_.set_now(now());
}

Duration NodeOs::sync_latency() {
  return nanoseconds(static_cast<int64_t>(kSyncMin + choose(kSyncTime, kSyncMost - kSyncMin)));
}

Result<std::unique_ptr<File>> NodeOs::open(std::string_view path, Open mode) {
  pass(kCall);
  const bool fresh = mode == Open::kCreateNew;
  TRY_ASSIGN(const InodeId inode, fresh ? disk_.create(path) : disk_.lookup(path));
  if (disk_.is_directory(inode)) return Error{Errc::kInvalid, "a directory"};
  return std::unique_ptr<File>(std::make_unique<NodeFile>(*this, inode, mode != Open::kRead));
}

Result<void> NodeOs::rename(std::string_view from, std::string_view to) {
  pass(kCall);
  return disk_.rename(from, to);
}

Result<void> NodeOs::link(std::string_view existing, std::string_view name) {
  pass(kCall);
  return disk_.hard_link(existing, name);
}

Result<void> NodeOs::remove(std::string_view path) {
  pass(kCall);
  return disk_.remove(path);
}

Result<void> NodeOs::make_directory(std::string_view path) {
  pass(kCall);
  return disk_.make_directory(path);
}

Result<std::vector<std::string>> NodeOs::list(std::string_view path) {
  pass(kCall);
  return disk_.list(path);
}

Result<void> NodeOs::sync_directory(std::string_view path, Site) {
  TRY_ASSIGN(const SyncTicket ticket, disk_.begin_sync_directory(path));
  pass(sync_latency());
  return disk_.finish_sync(ticket);
}

}  // namespace powercut::sim
