#include "engine/command/request_parser.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

constexpr size_t kLongestLine = 64 * 1024;
constexpr int64_t kMostBulks = INT32_MAX;  // as Redis 7.0; args_ grows only with what arrives
constexpr int64_t kLongestBulk = 512 * 1024 * 1024;
constexpr uint64_t kMostBulksOfStranger = 10;
constexpr int64_t kLongestBulkOfStranger = 16 * 1024;
constexpr size_t kFirstCapacity = 1024;
constexpr size_t kKeptCapacity = 64 * 1024;  // an empty buffer above this is given back
constexpr size_t kKeptArgs = 1024;

// A number of up to nine digits behind its marker, and its line end; nothing: it is none.
std::optional<size_t> take_header(std::string_view& bytes, char marker) {
  if (bytes.empty() || bytes[0] != marker) return std::nullopt;
  size_t number = 0;
  size_t i = 1;
  for (; i < bytes.size() && i < 10 && bytes[i] >= '0' && bytes[i] <= '9'; ++i)
    number = number * 10 + static_cast<size_t>(bytes[i] - '0');
  if (i == 1 || i + 2 > bytes.size() || bytes[i] != '\r') return std::nullopt;
  bytes.remove_prefix(i + 2);
  return number;
}

}  // namespace

// --- The buffer ---

void RequestParser::feed(std::string_view bytes) {
  if (!error_.empty() || bytes.empty()) return;
  if (bytes.size() > capacity_ - size_) make_room(bytes.size());
  CHECK(bytes.size() <= capacity_ - size_);
  std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void RequestParser::check_offsets() const {
  CHECK(begin_ <= at_ && at_ <= size_ && size_ <= capacity_);
  CHECK(line_seen_ <= size_);
  CHECK(bulk_length_ < 0 || bulks_left_ > 0);
}

// Doubles, so that the copying is linear in all; but not past the end of the bulk that is awaited,
// so that a large value does not take twice its size. The announced length alone reserves nothing.
void RequestParser::make_room(size_t more) {
  const size_t live = size_ - begin_;
  const char* const old_begin = data_.get() + begin_;
  std::unique_ptr<char[]> old;
  if (live + more <= capacity_ && live <= begin_) {
    if (live > 0) std::memcpy(data_.get(), old_begin, live);
  } else {
    size_t wanted = std::max(2 * live, kFirstCapacity);
    if (needed_ > begin_) wanted = std::min(wanted, std::max(needed_ - begin_, kFirstCapacity));
    capacity_ = std::max(wanted, live + more);
    old = std::exchange(data_, std::make_unique_for_overwrite<char[]>(capacity_));
    if (live > 0) std::memcpy(data_.get(), old_begin, live);
  }
  // Those of an incomplete command; of a complete one nobody may look at them any more.
  for (std::string_view& arg : bulks_left_ > 0 ? std::span(args_) : std::span<std::string_view>()) {
    const auto offset = static_cast<size_t>(arg.data() - old_begin);
    CHECK(offset + arg.size() <= live);
    arg = std::string_view(data_.get() + offset, arg.size());
  }
  at_ -= begin_;
  line_seen_ -= std::min(line_seen_, begin_);
  needed_ -= std::min(needed_, begin_);
  size_ = live;
  begin_ = 0;
}

// Called between commands.
void RequestParser::drop_consumed() {
  begin_ = at_;
  args_.clear();
  if (args_.capacity() > kKeptArgs) args_ = {};
  if (begin_ < size_) return;
  begin_ = at_ = line_seen_ = size_ = needed_ = 0;
  if (capacity_ > kKeptCapacity) {
    data_.reset();
    capacity_ = 0;
  }
}

void RequestParser::give_back() {
  if (begin_ < size_ || bulks_left_ > 0 || !data_) return;
  drop_consumed();
  data_.reset();
  capacity_ = 0;
  args_ = {};
  inline_args_ = {};
}

// --- Parsing ---

RequestParser::Outcome RequestParser::next(bool stranger) {
  if (!error_.empty()) return Outcome::kProtocolError;
  if (bulks_left_ == 0) drop_consumed();
  check_offsets();
  while (size_ > at_ && size_ >= needed_) {
    Step step = Step::kDone;
    if (bulks_left_ == 0) {
      step = data_[at_] == '*' ? parse_array_header() : parse_inline();
    }
    if (step == Step::kDone && bulks_left_ > 0) step = parse_bulks(stranger);
    if (step == Step::kNeedMore) return Outcome::kNeedMore;
    if (step == Step::kFailed) return Outcome::kProtocolError;
    if (!args_.empty()) return Outcome::kCommand;
    drop_consumed();  // an empty line or array is no command and gets no answer
  }
  return Outcome::kNeedMore;
}

RequestParser::Step RequestParser::find_line(char terminator, std::string_view too_big,
                                             size_t& line_end) {
  const size_t from = std::max(at_, line_seen_);
  const void* found = std::memchr(data_.get() + from, terminator, size_ - from);
  if (found == nullptr) {
    if (size_ - at_ > kLongestLine) return fail(std::string(too_big));
    line_seen_ = size_;
    return Step::kNeedMore;
  }
  line_end = static_cast<size_t>(static_cast<const char*>(found) - data_.get());
  return Step::kDone;
}

// Most headers have no zero in front, and are all there; false for any other.
bool RequestParser::quick_header(char marker, int64_t& value) {
  std::string_view rest(data_.get() + at_, size_ - at_);
  if (rest.size() < 2 || rest[1] == '0') return false;
  const auto number = take_header(rest, marker);
  if (!number) return false;
  value = static_cast<int64_t>(*number);
  at_ = size_ - rest.size();
  return true;
}

RequestParser::Step RequestParser::parse_array_header() {
  int64_t quick = 0;
  if (quick_header('*', quick)) {
    bulks_left_ = static_cast<uint64_t>(quick);
    return Step::kDone;
  }
  size_t line_end = 0;
  const Step step = find_line('\r', "too big mbulk count string", line_end);
  if (step != Step::kDone) return step;
  if (line_end + 2 > size_) return Step::kNeedMore;  // its '\n'
  const auto count = parse_integer(std::string_view(data_.get() + at_ + 1, line_end - at_ - 1));
  if (!count || *count > kMostBulks) return fail("invalid multibulk length");
  at_ = line_end + 2;
  bulks_left_ = *count > 0 ? static_cast<uint64_t>(*count) : 0;
  return Step::kDone;
}

RequestParser::Step RequestParser::parse_bulk_header() {
  if (at_ >= size_) return Step::kNeedMore;
  size_t line_end = 0;
  const Step step = find_line('\r', "too big bulk count string", line_end);
  if (step != Step::kDone) return step;
  if (line_end + 2 > size_) return Step::kNeedMore;
  if (data_[at_] != '$') return fail(std::string("expected '$', got '") + data_[at_] + "'");
  const auto length = parse_integer(std::string_view(data_.get() + at_ + 1, line_end - at_ - 1));
  if (!length || *length < 0 || *length > kLongestBulk) return fail("invalid bulk length");
  at_ = line_end + 2;
  bulk_length_ = *length;
  return Step::kDone;
}

RequestParser::Step RequestParser::parse_bulks(bool stranger) {
  if (stranger && bulks_left_ + args_.size() > kMostBulksOfStranger)
    return fail("unauthenticated multibulk length");
  while (bulks_left_ > 0) {
    if (bulk_length_ < 0 && !quick_header('$', bulk_length_)) {
      const Step step = parse_bulk_header();
      if (step != Step::kDone) return step;
    }
    if (bulk_length_ > kLongestBulk) return fail("invalid bulk length");
    if (stranger && bulk_length_ > kLongestBulkOfStranger)
      return fail("unauthenticated bulk length");
    const auto length = static_cast<size_t>(bulk_length_);
    if (size_ - at_ < length + 2) {  // with its line end, which nobody checks
      needed_ = at_ + length + 2;
      return Step::kNeedMore;
    }
    args_.emplace_back(data_.get() + at_, length);
    at_ += length + 2;
    bulk_length_ = -1;
    needed_ = 0;
    --bulks_left_;
  }
  return Step::kDone;
}

RequestParser::Step RequestParser::parse_inline() {
  size_t line_end = 0;
  const Step step = find_line('\n', "too big inline request", line_end);
  if (step != Step::kDone) return step;
  std::string_view line(data_.get() + at_, line_end - at_);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!split_words(line, inline_args_)) return fail("unbalanced quotes in request");
  at_ = line_end + 1;
  CHECK(at_ <= size_);
  args_.assign(inline_args_.begin(), inline_args_.end());
  return Step::kDone;
}

RequestParser::Step RequestParser::fail(std::string message) {
  error_ = "ERR Protocol error: " + std::move(message);
  args_.clear();
  return Step::kFailed;
}

// --- Ahead ---

namespace {

// Takes a whole request; false: there is none.
bool take_request(std::string_view& bytes, Sought& sought) {
  const auto count = take_header(bytes, '*');
  if (!count) return false;
  for (size_t i = 0; i < *count; ++i) {
    const auto length = take_header(bytes, '$');
    if (!length || *length + 2 > bytes.size()) return false;
    if (i == 1) sought.key = bytes.substr(0, *length);
    if (i == 2) sought.member = bytes.substr(0, *length);
    bytes.remove_prefix(*length + 2);
  }
  return true;
}

}  // namespace

std::span<const Sought> RequestParser::ahead(std::span<Sought, kFetchedAtOnce> room) const {
  size_t count = 0;
  std::string_view bytes(data_.get() + at_, bulks_left_ > 0 ? 0 : size_ - at_);
  while (count < room.size() && take_request(bytes, room[count])) ++count;
  return room.first(count);
}

}  // namespace powercut::engine
