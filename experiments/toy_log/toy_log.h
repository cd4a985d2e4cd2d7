// An engine of 180 lines, to show what the judge needs of one: a list of lines in one append-only file.
// One request, APPEND TEXT; a reply comes when a sync has covered the record. It has a bug, and it is
// the target `toy-log`; without the bug it is `toy-log-fixed`.
//
// The file `log` is a sequence of records: length and CRC-32C of 4 bytes each, little endian, and the
// text. The CRC begins with the record's number, so that neither a block of zeros nor an old record is
// one. It knows no I/O errors: sweep it with `--faults kill,power-cut,torn,short-io,recovery-cut`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/os/os.h"
#include "engine/os/wait_queue.h"
#include "scenarios/judge/target_type.h"
#include "sim/target.h"

namespace powercut::toy_log {

class ToyLog final : public sim::Target {
 public:
  // `fixed`: makes the log's name durable as well as its bytes.
  static Result<std::unique_ptr<sim::Target>> open(engine::Os& os, bool fixed);

  void apply(uint64_t client, std::string_view request) override;
  std::optional<sim::Reply> acknowledged(uint64_t client, Instant deadline) override;
  uint64_t digest(int64_t wall_ms) override;
  sim::Promise promise() override { return {true, written_, synced_, 0, false}; }
  Result<void> shut_down() override;
  std::string recovery_summary() override;
  std::vector<std::string> recovery_story() override { return {recovery_summary()}; }
  std::vector<std::string> contents(int64_t wall_ms, size_t most) override;

 private:
  explicit ToyLog(engine::Os& os) : os_(os), progress_(os) {}
  Result<void> recover(bool fixed);
  Result<void> flush();

  engine::Os& os_;
  std::unique_ptr<engine::File> file_;
  std::vector<std::string> lines_;
  uint64_t digest_ = 0;
  std::string buffer_;    // records not yet written
  uint64_t size_ = 0;     // of the file
  uint64_t dropped_ = 0;  // bytes of a torn tail, by recovery
  uint64_t written_ = 0;  // records
  uint64_t synced_ = 0;   // the same
  bool flushing_ = false;
  engine::WaitQueue progress_;
  std::map<uint64_t, std::vector<uint64_t>> due_;  // by client: what its requests became
};

class ToyLogType final : public scenarios::TargetType {
 public:
  explicit ToyLogType(bool fixed) : fixed_(fixed) {}
  std::string_view name() const override { return fixed_ ? "toy-log-fixed" : "toy-log"; }
  std::string_view about() const override {
    return fixed_ ? "a list of lines in one file" : "a list of lines in one file, with a bug";
  }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings&) const override {
    return ToyLog::open(os, fixed_);
  }
  std::vector<std::shared_ptr<const scenarios::Workload>> workloads() const override;
  std::string plain_request(size_t number) const override;

 private:
  bool fixed_;
};

}  // namespace powercut::toy_log
