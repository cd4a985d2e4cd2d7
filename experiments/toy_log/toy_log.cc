#include "experiments/toy_log/toy_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/base/crc32c.h"
#include "engine/base/hash.h"
#include "sim/request.h"

namespace powercut::toy_log {

namespace {

constexpr std::string_view kLog = "log";
constexpr size_t kHeader = 8;
constexpr size_t kLines = 200;  // of the workload

uint32_t checksum(uint64_t number, std::string_view text) {
  return crc32c(text, crc32c(std::to_string(number)));
}

std::string record_of(uint64_t number, std::string_view text) {
  const uint32_t fields[] = {static_cast<uint32_t>(text.size()), checksum(number, text)};
  std::string record(kHeader, '\0');
  std::memcpy(record.data(), fields, kHeader);
  record += text;
  return record;
}

// The text of record `number` at the start of `bytes`; nothing if it is not whole.
std::optional<std::string_view> parse_record(uint64_t number, std::string_view bytes) {
  uint32_t fields[2];
  if (bytes.size() < kHeader) return std::nullopt;
  std::memcpy(fields, bytes.data(), kHeader);
  if (bytes.size() - kHeader < fields[0]) return std::nullopt;
  const std::string_view text = bytes.substr(kHeader, fields[0]);
  if (checksum(number, text) != fields[1]) return std::nullopt;
  return text;
}

Result<std::string> read_all(engine::File& file) {
  TRY_ASSIGN(const uint64_t size, file.size());
  std::string bytes(size, '\0');
  for (size_t done = 0; done < bytes.size();) {
    TRY_ASSIGN(const size_t n, file.read_at(done, bytes.data() + done, bytes.size() - done));
    if (n == 0) return Error{Errc::kIo, "log: it is shorter than its size"};
    done += n;
  }
  return bytes;
}

}  // namespace

// --- Recovery ---

Result<std::unique_ptr<sim::Target>> ToyLog::open(engine::Os& os, bool fixed) {
  std::unique_ptr<ToyLog> log(new ToyLog(os));
  TRY(log->recover(fixed));
  return std::unique_ptr<sim::Target>(std::move(log));
}

Result<void> ToyLog::recover(bool fixed) {
  auto opened = os_.open(kLog, engine::Open::kReadWrite);
  const bool anew = !opened.ok() && opened.error().code == Errc::kNotFound;
  if (anew) opened = os_.open(kLog, engine::Open::kCreateNew);
  if (!opened.ok()) return opened.error();
  file_ = std::move(opened).value();
  TRY_ASSIGN(const std::string bytes, read_all(*file_));
  while (const auto text = parse_record(lines_.size() + 1, std::string_view(bytes).substr(size_))) {
    lines_.emplace_back(*text);
    digest_ = hash_bytes(*text, digest_ + 1);
    size_ += kHeader + text->size();
  }
  dropped_ = bytes.size() - size_;
  if (dropped_ != 0) TRY(file_->truncate(size_));
  // What was read may be in the page cache alone: whoever is served from it must find it again.
  TRY(file_->sync("log.recovered"));
  // The bug: bytes that are durable in a file whose name is not.
  if (fixed) TRY(os_.sync_directory("", "log.name"));
  recovery.last = written_ = synced_ = lines_.size();
  if (anew) recovery.met.set(static_cast<size_t>(sim::Met::kNothing));
  const sim::Met tail = dropped_ != 0 ? sim::Met::kTornTail : sim::Met::kWholeTail;
  if (!anew) recovery.met.set(static_cast<size_t>(tail));
  return {};
}

std::string ToyLog::recovery_summary() {
  if (recovery.met[static_cast<size_t>(sim::Met::kNothing)])
    return "The log is not there: it begins anew.";
  return fmt::format("The log has {} whole records; {} bytes behind them are dropped.",
                     recovery.last, dropped_);
}

// --- Service ---

void ToyLog::apply(uint64_t client, std::string_view request) {
  const auto words = sim::words_of(request);
  if (words.size() != 2 || !sim::same_word(words[0], "APPEND"))
    return due_[client].push_back(0);  // answered with an error
  lines_.emplace_back(words[1]);
  digest_ = hash_bytes(words[1], digest_ + 1);
  buffer_ += record_of(lines_.size(), words[1]);
  due_[client].push_back(lines_.size());
  happened(lines_.size());
}

std::optional<sim::Reply> ToyLog::acknowledged(uint64_t client, Instant deadline) {
  std::vector<uint64_t>& due = due_[client];
  if (due.empty()) return std::nullopt;
  while (due.front() > synced_) {
    if (flushing_) {
      if (!progress_.wait(deadline)) return std::nullopt;
    } else if (!flush().ok()) {
      os_.park(kForever);  // nothing it could say would be true
    }
  }
  const bool error = due.front() == 0;
  due.erase(due.begin());
  return sim::Reply{error ? "-ERR" : "+OK", error};
}

// What is buffered meanwhile goes with the next one.
Result<void> ToyLog::flush() {
  flushing_ = true;
  const std::string batch = std::exchange(buffer_, {});
  const uint64_t last = lines_.size();
  for (size_t done = 0; done < batch.size();) {
    TRY_ASSIGN(const size_t n, file_->write_at(size_ + done, std::string_view(batch).substr(done)));
    done += n;
  }
  size_ += batch.size();
  written_ = last;
  TRY(file_->sync("log.commit"));
  synced_ = last;
  flushing_ = false;
  progress_.notify_all();
  return {};
}

Result<void> ToyLog::shut_down() {
  while (flushing_) progress_.wait();
  return synced_ == lines_.size() ? Result<void>() : flush();
}

// --- For the judge ---

uint64_t ToyLog::digest(int64_t) { return digest_; }

std::vector<std::string> ToyLog::contents(int64_t, size_t most) {
  const size_t shown = std::min(most, lines_.size());
  std::vector<std::string> lines(lines_.begin(), lines_.begin() + static_cast<ptrdiff_t>(shown));
  if (shown < lines_.size()) lines.push_back(fmt::format("and {} more", lines_.size() - shown));
  return lines;
}

std::vector<std::shared_ptr<const scenarios::Workload>> ToyLogType::workloads() const {
  scenarios::Workload lines;
  lines.name = "lines";
  lines.about = "200 lines of 1 to 700 bytes";
  for (size_t i = 0; i < kLines; ++i) lines.units.push_back({0, {plain_request(i)}});
  for (size_t i = 0; i < kLines; i += 7)
    lines.units[i].requests[0] = sim::encode_request({"APPEND", std::string(100 * (i % 8), 'x')});
  scenarios::Workload few = lines;
  few.name = "few";
  few.about = "the first 12 of them, short enough to be explored";
  few.units.resize(12);
  return {std::make_shared<scenarios::Workload>(std::move(lines)),
          std::make_shared<scenarios::Workload>(std::move(few))};
}

std::string ToyLogType::plain_request(size_t number) const {
  return sim::encode_request({"APPEND", std::to_string(number)});
}

}  // namespace powercut::toy_log
