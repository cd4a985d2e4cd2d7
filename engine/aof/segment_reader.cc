#include "engine/aof/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/aof/evidence.h"
#include "engine/base/decimal.h"

namespace powercut::engine {

namespace {

constexpr uint64_t kLongestBulk = uint64_t{512} << 20;
constexpr uint64_t kMostWords = uint64_t{1} << 30;

// "<marker><number>\r\n"
Parse parse_length(std::string_view bytes, size_t& position, char marker, uint64_t most,
                   uint64_t& value) {
  if (position >= bytes.size()) return Parse::kCut;
  const char* const at = bytes.data() + position;
  if (bytes.size() - position >= 4 && at[0] == marker && at[1] >= '0' && at[1] <= '9' &&
      at[2] == '\r' && at[3] == '\n') {  // most are of one digit
    value = static_cast<uint64_t>(at[1] - '0');
    position += 4;
    return Parse::kCommand;
  }
  if (bytes[position] != marker) return Parse::kBad;
  const char* begin = bytes.data() + position + 1;
  const char* limit = bytes.data() + bytes.size();
  const char* end = read_digits(begin, limit, value);
  if (end == limit) return Parse::kCut;
  if (end == begin || value > most || *end != '\r') return Parse::kBad;
  if (end + 1 == limit) return Parse::kCut;
  if (end[1] != '\n') return Parse::kBad;
  position = static_cast<size_t>(end + 2 - bytes.data());
  return Parse::kCommand;
}

bool is_word(std::string_view word, std::string_view upper) {
  if (word.size() != upper.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i] >= 'a' && word[i] <= 'z' ? static_cast<char>(word[i] - 32) : word[i];
    if (c != upper[i]) return false;
  }
  return true;
}

bool all_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

constexpr const char* kCutShort = "the last batch is cut short";

class Scanner {
 public:
  using OnEntry = std::function<Result<void>(uint64_t, const EntryView&)>;

  Scanner(SegmentBytes& source, const SegmentExpectation& expected, const OnEntry& on_entry,
          const OnAhead& on_ahead)
      : source_(source), expected_(expected), on_entry_(on_entry), on_ahead_(on_ahead) {
    scan_.next_lsn = expected.first_lsn;
  }

  Result<SegmentScan> run() {
    size_t length = 0;
    do {
      TRY_ASSIGN(const bool more, read_on());
      if (!more) break;
    } while (bytes_.size() < kLongestLine && !parse_header(bytes_, length));
    if (const auto header = parse_header(bytes_, length)) {
      if (expected_.ours.value_or(header->sequence) != header->sequence) {
        return corrupt(0, fmt::format("the header is that of segment {}", header->sequence));
      }
      if (expected_.nonce.value_or(header->nonce) != header->nonce) {
        return corrupt(0, "an older file of the same name, not the one the manifest means");
      }
      scan_.annotated = true;
      scan_.header = *header;
      scan_.good_end = length;
      TRY(read_batches());
    } else if (expected_.ours) {
      // Our header was synced before anything named this file.
      TRY(damaged(0, 1, "the header is missing"));
    } else {
      TRY(read_plain(0));
    }
    CHECK(scan_.good_end <= bytes_.size() && scan_.closed_offset <= scan_.good_end);
    CHECK(!scan_.corrupt || expected_.truncate_corruption);
    return scan_;
  }

 private:
  // False at the end of the file. Views into the bytes are void afterwards.
  Result<bool> read_on() {
    TRY_ASSIGN(const bool more, source_.more());
    bytes_ = source_.view();
    return more;
  }

  Result<void> read_rest() {
    TRY(source_.rest());
    bytes_ = source_.view();
    return {};
  }

  Error corrupt(uint64_t offset, std::string_view what) const {
    return {
        Errc::kCorrupt,
        fmt::format("{} offset {}: {}; restore the file from a copy, or start with on-corruption "
                    "truncate to keep what precedes the damage",
                    expected_.name, expected_.begin + offset, what)};
  }

  // The bytes from `offset` on do not verify. `synced` is up to where they must.
  Result<void> damaged(uint64_t offset, uint64_t synced, std::string_view what) {
    if (offset >= synced) {
      scan_.dropped_reason = what;
      return {};
    }
    if (!expected_.truncate_corruption) return corrupt(offset, what);
    scan_.corrupt = true;
    scan_.dropped_reason = what;
    return {};
  }

  Result<void> stop_at(uint64_t offset, std::string_view what) {
    if (offset < expected_.synced_length.value_or(0)) return damaged(offset, offset + 1, what);
    TRY_ASSIGN(const bool later, synced_by_later(offset));
    if (!later) return damaged(offset, 0, what);
    return damaged(offset, offset + 1,
                   fmt::format("{}, and what follows shows that it was synced", what));
  }

  // Does anything behind `offset` show that more was synced?
  Result<bool> synced_by_later(uint64_t offset) {
    if (!scan_.annotated) return false;
    const Search search = search_evidence(offset, scan_.header.nonce, scan_.next_lsn);
    const Found found = source_.search(search);
    if (found != Found::kReadOn) return found == Found::kYes;
    // A batch is as long as it says: so it is looked for in all that was read, from where its line may begin.
    for (size_t from = 0;;) {
      const std::string_view text = bytes_.substr(offset);
      if (vouches(search, offset, text, from)) return true;
      from = text.size() - std::min(text.size(), kLongestLine);
      TRY_ASSIGN(const bool more, read_on());
      if (!more) return false;
    }
  }

  bool verifies(const Annotation& note, size_t at, size_t length) const {
    const uint64_t begin = at - note.length;
    return note.crc == batch_crc(bytes_.substr(begin, note.length), bytes_.substr(at, length),
                                 scan_.header.nonce, begin);
  }

  Result<void> read_batches() {
    for (;;) {
      const size_t begin = scan_.good_end;
      if (begin == bytes_.size()) {
        TRY_ASSIGN(const bool more, read_on());
        if (!more) break;
      }
      CHECK(begin < bytes_.size());
      if (take_mark(begin)) continue;
      if (scan_.closed && by_redis(begin)) {
        scan_.by_redis = true;
        return read_plain(begin);
      }
      const char* what = read_batch(begin);
      if (what == kCutShort) {
        TRY_ASSIGN(const bool more, read_on());
        if (more) continue;
      }
      if (what != nullptr) return stop_at(begin, what);
      CHECK(scan_.good_end > begin);
      TRY(deliver());
      if (late_) return give_up_late(*late_ == 0 ? begin : scan_.good_end);
    }
    if (expected_.synced_length && bytes_.size() < *expected_.synced_length) {
      return damaged(bytes_.size(), *expected_.synced_length, "the file ends early");
    }
    return {};
  }

  bool take_mark(size_t begin) {
    if (bytes_[begin] != '#') return false;
    size_t length = 0;
    const auto mark = parse_mark(bytes_.substr(begin), length);
    if (mark && expected_.any_first_lsn && scan_.batches == 0) scan_.next_lsn = mark->next_lsn;
    if (!mark || mark->next_lsn != scan_.next_lsn ||
        mark->crc != batch_crc({}, bytes_.substr(begin, length), scan_.header.nonce, begin)) {
      return false;
    }
    scan_.closed = mark->kind == MarkKind::kClosed;
    if (scan_.closed) {
      scan_.closed_offset = begin;
      scan_.synced_offset = begin;  // the log is synced before the mark is written
    }
    scan_.good_end = begin + length;
    return true;
  }

  // A timestamp, of a second later than all that is wanted.
  bool is_late(std::string_view line) const {
    uint64_t second = 0;
    if (!expected_.until_unix_s || !line.starts_with(kTimestampPrefix)) return false;
    line.remove_prefix(kTimestampPrefix.size());
    const char* const end = read_digits(line.data(), line.data() + line.size(), second);
    return end != line.data() && std::cmp_greater(second, *expected_.until_unix_s);
  }

  Result<void> give_up_late(uint64_t good_end) {
    CHECK(expected_.truncate_corruption);
    scan_.good_end = good_end;
    scan_.corrupt = true;
    scan_.dropped_reason = fmt::format("later than {}", *expected_.until_unix_s);
    return {};
  }

  // We write nothing of the kind behind a closed mark.
  bool by_redis(size_t begin) const {
    return bytes_[begin] == '*' || bytes_.substr(begin).starts_with(kTimestampPrefix);
  }

  // Parses and verifies the batch at `begin` into words_; nullptr if whole, else what is wrong.
  const char* read_batch(size_t begin) {
    batch_.clear();
    size_t position = begin;
    for (;;) {
      if (position >= bytes_.size()) return kCutShort;
      if (bytes_[position] != '#') {
        switch (parse_command(bytes_, position, batch_.words())) {
          case Parse::kCommand:
            batch_.end_command();
            continue;
          case Parse::kCut:
            return kCutShort;
          case Parse::kBad:
            return "not a command";
        }
      }
      size_t length = 0;
      const auto note = parse_annotation(bytes_.substr(position), length);
      if (!note) {
        const std::string_view text = bytes_.substr(position, kLongestLine);
        const size_t line = text.find('\n');
        if (line == std::string_view::npos)
          return text.size() < kLongestLine ? kCutShort : "a line is too long";
        if (!late_ && is_late(text.substr(0, line))) late_ = batch_.size();
        position += line + 1;  // a timestamp or a comment
        continue;
      }
      if (expected_.any_first_lsn && scan_.batches == 0) scan_.next_lsn = note->first_lsn;
      if (note->length != position - begin || !verifies(*note, position, length))
        return "the checksum does not match";
      if (note->first_lsn != scan_.next_lsn) return "the entry numbers do not continue";
      batch_entries_ = note->entries;
      scan_.good_end = position + length;
      scan_.synced_offset = std::max(scan_.synced_offset, note->synced_offset);
      ++scan_.batches;
      return nullptr;
    }
  }

  // Groups the batch's commands into entries and hands them over.
  Result<void> deliver() {
    const uint64_t first = scan_.next_lsn;
    for (size_t i = 0; i < late_.value_or(batch_.size()); ++i) {
      if (on_ahead_) on_ahead_(batch_, i);
      TRY(take(batch_.command(i)));
    }
    if (late_) return {};
    if (scan_.next_lsn != first + batch_entries_)
      return corrupt(scan_.good_end, "a batch has another number of entries than it says");
    return {};
  }

  // One command of the log: SELECT joins the entry it precedes, MULTI opens one, EXEC closes it.
  Result<void> take(std::span<const std::string_view> command) {
    if (is_word(command[0], "MULTI")) {
      in_multi_ = true;
      return {};
    }
    if (is_word(command[0], "EXEC")) {
      in_multi_ = false;
      return entry_.size() == 0 ? Result<void>() : hand_over();  // with nothing in it, it is none
    }
    entry_.words().insert(entry_.words().end(), command.begin(), command.end());
    entry_.end_command();
    if (in_multi_ || is_word(command[0], "SELECT")) return {};
    return hand_over();
  }

  Result<void> hand_over() {
    auto outcome = on_entry_(scan_.next_lsn, entry_);
    if (!outcome.ok() && outcome.error().code == Errc::kCorrupt)
      outcome = not_taken(outcome.error());
    ++scan_.next_lsn;
    ++scan_.entries;
    entry_.clear();
    return outcome;
  }

  // The entry is whole, and yet not what its reader can take.
  Error not_taken(const Error& why) const {
    const auto first = static_cast<size_t>(entry_.command(0)[0].data() - bytes_.data());
    return {Errc::kCorrupt,
            fmt::format(
                "{} offset {}: {}; nothing was changed: start the server that wrote it, or a newer "
                "powercut",
                expected_.name, expected_.begin + bytes_.rfind('*', first), why.message)};
  }

  // What Redis wrote: no checksums; a transaction counts only whole.
  Result<void> read_plain(size_t position) {
    TRY(read_rest());
    std::vector<std::string_view> words;
    while (position < bytes_.size()) {
      if (bytes_[position] == '#') {
        const size_t line = bytes_.find('\n', position);
        if (line == std::string_view::npos) return end_plain("a comment is cut short");
        if (!in_multi_ && is_late(bytes_.substr(position, line - position)))
          return give_up_late(position);
        position = line + 1;
        if (!in_multi_) scan_.good_end = position;
        continue;
      }
      words.clear();
      switch (parse_command(bytes_, position, words)) {
        case Parse::kCommand:
          break;
        case Parse::kCut:
          return end_plain("the last command is cut short");
        case Parse::kBad:
          if (all_zero(bytes_.substr(position))) return end_plain("a tail of zeros");
          if (!expected_.truncate_corruption) return corrupt(position, "not a command");
          scan_.corrupt = true;
          return end_plain("not a command");
      }
      TRY(take(words));
      if (!in_multi_) scan_.good_end = position;
    }
    if (in_multi_) return end_plain("the last transaction has no EXEC");
    return {};
  }

  Result<void> end_plain(std::string_view what) {
    const uint64_t synced = expected_.synced_length.value_or(0);
    return damaged(scan_.good_end, synced - std::min<uint64_t>(synced, expected_.begin), what);
  }

  SegmentBytes& source_;
  std::string_view bytes_;  // what was read of it
  const SegmentExpectation& expected_;
  const OnEntry& on_entry_;
  const OnAhead& on_ahead_;
  SegmentScan scan_;
  EntryView batch_;
  std::optional<size_t> late_;  // the first command of the batch that is later than wanted
  EntryView entry_;
  uint64_t batch_entries_ = 0;
  bool in_multi_ = false;
};

}  // namespace

Parse parse_command(std::string_view bytes, size_t& position,
                    std::vector<std::string_view>& words) {
  size_t at = position;
  uint64_t count = 0;
  if (const Parse p = parse_length(bytes, at, '*', kMostWords, count); p != Parse::kCommand)
    return p;
  if (count == 0) return Parse::kBad;
  const size_t words_before = words.size();
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t length = 0;
    Parse p = parse_length(bytes, at, '$', kLongestBulk, length);
    if (p == Parse::kCommand) {
      if (length > bytes.size() - at || bytes.size() - at - length < 2) {
        p = Parse::kCut;
      } else if (bytes[at + length] != '\r' || bytes[at + length + 1] != '\n') {
        p = Parse::kBad;
      }
    }
    if (p != Parse::kCommand) [[unlikely]] {
      words.resize(words_before);
      return p;
    }
    words.push_back(bytes.substr(at, length));
    at += length + 2;
  }
  CHECK(words.size() == words_before + count && at <= bytes.size());
  position = at;
  return Parse::kCommand;
}

Result<SegmentScan> scan_segment(
    SegmentBytes& bytes, const SegmentExpectation& expected,
    const std::function<Result<void>(uint64_t, const EntryView&)>& on_entry,
    const OnAhead& on_ahead) {
  return Scanner(bytes, expected, on_entry, on_ahead).run();
}

}  // namespace powercut::engine
