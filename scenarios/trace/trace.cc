#include "scenarios/trace/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace powercut::scenarios {

namespace {

constexpr std::string_view kBegin = "powercut trace ";
constexpr uint64_t kOldestVersion = 1;
constexpr uint64_t kVersion = 2;  // has failed syncs

// How each kind is written: its word, and its fields in order. f file, n number, o offset, l length,
// m mode (octal), p path, q other, b bytes: their number, and then they on lines of their own.
struct Form {
  TraceEvent::Kind kind;
  std::string_view word;
  std::string_view fields;
};
constexpr Form kForms[] = {
    {TraceEvent::kCreate, "create", "fmp"},
    {TraceEvent::kNameless, "nameless", "fm"},
    {TraceEvent::kOpen, "open", "f"},
    {TraceEvent::kClose, "close", "f"},
    {TraceEvent::kWrite, "write", "fob"},
    {TraceEvent::kZero, "zero", "fol"},
    {TraceEvent::kTruncate, "truncate", "fl"},
    {TraceEvent::kMakeDirectory, "mkdir", "mp"},
    {TraceEvent::kRemove, "remove", "p"},
    {TraceEvent::kRename, "rename", "pq"},
    {TraceEvent::kExchange, "exchange", "pq"},
    {TraceEvent::kLink, "link", "fp"},
    {TraceEvent::kSymlink, "symlink", "pq"},
    {TraceEvent::kSync, "sync", "nfq"},
    {TraceEvent::kSyncDirectory, "sync-directory", "npq"},
    {TraceEvent::kSyncAll, "sync-all", "nq"},
    {TraceEvent::kSynced, "synced", "n"},
    {TraceEvent::kFailed, "failed", "nq"},
    {TraceEvent::kOut, "out", "qb"},
    {TraceEvent::kNote, "note", "q"},
    {TraceEvent::kUnmodelled, "unmodelled", "qp"},
    {TraceEvent::kExit, "exit", "n"},
};

// A word without blanks: all that is no plain character is %XX; nothing is "%".
std::string escaped(std::string_view text) {
  if (text.empty()) return "%";
  std::string word;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '%')
      word += c;
    else
      word += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return word;
}

std::string print_event(const TraceEvent& event) {
  const auto form = std::find_if(std::begin(kForms), std::end(kForms),
                                 [&](const Form& one) { return one.kind == event.kind; });
  CHECK(form != std::end(kForms));
  std::string line = fmt::format("{} {} {}", event.ms, event.process, form->word);
  for (const char field : form->fields) {
    line += ' ';
    switch (field) {
      case 'f':
        line += std::to_string(event.file);
        break;
      case 'n':
        line += std::to_string(event.number);
        break;
      case 'o':
        line += std::to_string(event.offset);
        break;
      case 'l':
        line += std::to_string(event.length);
        break;
      case 'm':
        line += fmt::format("{:o}", event.mode);
        break;
      case 'p':
        line += escaped(event.path);
        break;
      case 'q':
        line += escaped(event.other);
        break;
      default:
        line += fmt::format("{}\n{}", event.bytes.size(), event.bytes);
    }
  }
  return line + '\n';
}

std::string print_file(const TraceFile& file) {
  const std::string path = escaped(file.path);
  switch (file.kind) {
    case TraceFile::kDirectory:
      return fmt::format("directory {:o} {}\n", file.mode, path);
    case TraceFile::kName:
      return fmt::format("name {} {}\n", file.file, path);
    case TraceFile::kSymlink:
      return fmt::format("symlink {} {}\n", path, escaped(file.content));
    case TraceFile::kFile:
      break;
  }
  return fmt::format("file {} {:o} {} {}\n{}\n", file.file, file.mode, path, file.content.size(),
                     file.content);
}

// Reads records one after the other, and hashes each: a line, and the bytes that it announces.
class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  bool at_end() const { return rest_.empty(); }
  uint64_t hash() const { return hash_; }
  void next_is(std::string what) { what_ = std::move(what); }

  // The next line, cut into words.
  Result<void> line() {
    hash_ = next_;
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return cut();
    begin_ = rest_;
    used_ = end + 1;
    words_ = rest_.substr(0, end);
    rest_.remove_prefix(used_);
    next_ = hash_bytes(begin_.substr(0, used_), hash_);
    return {};
  }
  Result<std::string_view> word() {
    if (words_.empty()) return damaged("a word is missing");
    const size_t end = std::min(words_.find(' '), words_.size());
    const std::string_view word = words_.substr(0, end);
    words_.remove_prefix(std::min(end + 1, words_.size()));
    return word;
  }
  bool has_word() const { return !words_.empty(); }
  Result<uint64_t> number(int base = 10) {
    TRY_ASSIGN(const std::string_view text, word());
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size())
      return damaged(fmt::format("\"{}\" is no number", escaped(text)));
    return value;
  }
  Result<std::string> text() {
    TRY_ASSIGN(const std::string_view word, this->word());
    if (word == "%") return std::string();
    std::string plain;
    for (size_t i = 0; i < word.size(); ++i) {
      if (word[i] != '%') {
        plain += word[i];
        continue;
      }
      unsigned value = 0;
      const std::string_view digits = word.substr(i + 1, 2);
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (error != std::errc() || digits.size() != 2 || end != digits.data() + 2)
        return damaged("a % without two digits");
      plain += static_cast<char>(value);
      i += 2;
    }
    return plain;
  }
  // The bytes that the last word announces, and the end of their line.
  Result<std::string> bytes() {
    TRY_ASSIGN(const uint64_t size, number());
    if (size >= rest_.size()) return cut();
    std::string bytes(rest_.substr(0, size));
    if (rest_[size] != '\n') return damaged("its bytes do not end where they should");
    rest_.remove_prefix(size + 1);
    used_ += size + 1;
    next_ = hash_bytes(begin_.substr(0, used_), hash_);
    return bytes;
  }
  Result<void> done() const {
    return words_.empty() ? Result<void>() : Result<void>(damaged("there is more than belongs"));
  }

  Error damaged(const std::string& how) const {
    return {Errc::kCorrupt,
            fmt::format("{} is damaged at {}: {}; record again", name_, what_, how)};
  }
  Error cut() const {
    return {Errc::kCorrupt, fmt::format("{} ends in {}: it was cut; record again", name_, what_)};
  }

 private:
  std::string_view rest_;
  const std::string& name_;
  std::string what_ = "its first line";
  std::string_view begin_;
  std::string_view words_;
  size_t used_ = 0;
  uint64_t hash_ = 0;  // of all records but this
  uint64_t next_ = 0;
};

Result<TraceEvent> read_event(Reader& reader) {
  TraceEvent event;
  TRY_ASSIGN(event.ms, reader.number());
  TRY_ASSIGN(event.process, reader.number());
  TRY_ASSIGN(const std::string_view word, reader.word());
  const auto form = std::find_if(std::begin(kForms), std::end(kForms),
                                 [&](const Form& one) { return one.word == word; });
  if (form == std::end(kForms))
    return reader.damaged(fmt::format("there is no \"{}\"", escaped(word)));
  event.kind = form->kind;
  for (const char field : form->fields) {
    switch (field) {
      case 'f': {
        TRY_ASSIGN(event.file, reader.number());
        break;
      }
      case 'n': {
        TRY_ASSIGN(event.number, reader.number());
        break;
      }
      case 'o': {
        TRY_ASSIGN(event.offset, reader.number());
        break;
      }
      case 'l': {
        TRY_ASSIGN(event.length, reader.number());
        break;
      }
      case 'm': {
        TRY_ASSIGN(event.mode, reader.number(8));
        break;
      }
      case 'p': {
        TRY_ASSIGN(event.path, reader.text());
        break;
      }
      case 'q': {
        TRY_ASSIGN(event.other, reader.text());
        break;
      }
      default: {
        TRY_ASSIGN(event.bytes, reader.bytes());
      }
    }
  }
  TRY(reader.done());
  return event;
}

Result<TraceFile> read_file(Reader& reader, std::string_view word) {
  TraceFile file;
  if (word == "directory") {
    file.kind = TraceFile::kDirectory;
    TRY_ASSIGN(file.mode, reader.number(8));
    TRY_ASSIGN(file.path, reader.text());
  } else if (word == "name") {
    file.kind = TraceFile::kName;
    TRY_ASSIGN(file.file, reader.number());
    TRY_ASSIGN(file.path, reader.text());
  } else if (word == "symlink") {
    file.kind = TraceFile::kSymlink;
    TRY_ASSIGN(file.path, reader.text());
    TRY_ASSIGN(file.content, reader.text());
  } else if (word == "file") {
    TRY_ASSIGN(file.file, reader.number());
    TRY_ASSIGN(file.mode, reader.number(8));
    TRY_ASSIGN(file.path, reader.text());
    TRY_ASSIGN(file.content, reader.bytes());
  } else {
    return reader.damaged(fmt::format("there is no \"{}\"", escaped(word)));
  }
  TRY(reader.done());
  return file;
}

// The lines before the events.
Result<void> read_head(Reader& reader, Trace& trace) {
  reader.next_is("what was there before");
  for (;;) {
    TRY(reader.line());
    TRY_ASSIGN(const std::string_view word, reader.word());
    if (word == "events") return reader.done();
    if (word == "of") {
      TRY_ASSIGN(trace.directory, reader.text());
    } else if (word == "command") {
      while (reader.has_word()) {
        TRY_ASSIGN(std::string argument, reader.text());
        trace.command.push_back(std::move(argument));
      }
    } else {
      TRY_ASSIGN(TraceFile file, read_file(reader, word));
      trace.initial.push_back(std::move(file));
    }
  }
}

Result<void> read_version(Reader& reader, std::string_view text, const std::string& name) {
  if (!text.starts_with(kBegin.substr(0, std::min(kBegin.size(), text.size()))) || text.empty())
    return Error{
        Errc::kCorrupt,
        fmt::format("{} is no trace: `powercut record -o {} -- COMMAND` makes one", name, name)};
  TRY(reader.line());
  TRY(reader.word());
  TRY(reader.word());
  TRY_ASSIGN(const uint64_t version, reader.number());
  if (version < kOldestVersion || version > kVersion)
    return Error{Errc::kUnsupported,
                 fmt::format("{} is a trace of version {}, and this powercut reads versions {} to "
                             "{}: record again",
                             name, version, kOldestVersion, kVersion)};
  return reader.done();
}

}  // namespace

std::string print_trace(const Trace& trace) {
  std::string text;
  uint64_t hash = 0;
  const auto add = [&](const std::string& record) {
    hash = hash_bytes(record, hash);
    text += record;
  };
  const bool fails =
      std::any_of(trace.events.begin(), trace.events.end(),
                  [](const TraceEvent& event) { return event.kind == TraceEvent::kFailed; });
  add(fmt::format("{}{}\n", kBegin, fails ? kVersion : kOldestVersion));
  add(fmt::format("of {}\n", escaped(trace.directory)));
  std::string command = "command";
  for (const std::string& word : trace.command) command += ' ' + escaped(word);
  add(command + '\n');
  for (const TraceFile& file : trace.initial) add(print_file(file));
  add("events\n");
  for (const TraceEvent& event : trace.events) add(print_event(event));
  return text + fmt::format("end {} {:016x}\n", trace.events.size(), hash);
}

Result<Trace> parse_trace(std::string_view text, const std::string& name) {
  Reader reader(text, name);
  Trace trace;
  TRY(read_version(reader, text, name));
  TRY(read_head(reader, trace));
  for (;;) {
    reader.next_is(fmt::format("event {}", trace.events.size() + 1));
    if (reader.at_end()) return reader.cut();
    Reader ahead = reader;
    TRY(ahead.line());
    TRY_ASSIGN(const std::string_view first, ahead.word());
    if (first == "end") {
      TRY_ASSIGN(const uint64_t count, ahead.number());
      TRY_ASSIGN(const uint64_t hash, ahead.number(16));
      ahead.next_is("its end");
      TRY(ahead.done());
      if (!ahead.at_end()) return ahead.damaged("there is more than belongs");
      if (count != trace.events.size() || hash != ahead.hash())
        return ahead.damaged("its checksum is another");
      return trace;
    }
    TRY(reader.line());
    TRY_ASSIGN(TraceEvent event, read_event(reader));
    trace.events.push_back(std::move(event));
  }
}

Result<Trace> read_trace(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in.good()) return Error{Errc::kNotFound, fmt::format("{} cannot be read", file)};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return Error{Errc::kIo, fmt::format("{} cannot be read", file)};
  return parse_trace(text, file);
}

Result<void> write_trace(const Trace& trace, const std::string& file) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << print_trace(trace);
  out.close();
  if (!out.good()) return Error{Errc::kIo, fmt::format("{} cannot be written", file)};
  return {};
}

Result<void> check_modelled(const Trace& trace, const std::string& name) {
  for (size_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    if (event.kind == TraceEvent::kUnmodelled)
      return Error{Errc::kUnsupported, fmt::format("{}: event {}: {} on {} is not modelled", name,
                                                   i + 1, event.other, event.path)};
  }
  return {};
}

// --- For people ---

TraceNames::TraceNames(const Trace& trace) {
  for (const TraceFile& file : trace.initial)
    if (file.kind == TraceFile::kFile || file.kind == TraceFile::kName) name(file.file, file.path);
}

void TraceNames::name(uint64_t file, const std::string& path) {
  std::erase_if(names_, [&](const auto& one) { return one.first == path; });
  names_.emplace_back(path, file);
  if (file >= last_.size()) last_.resize(file + 1);
  last_[file] = path;
}

uint64_t TraceNames::file_at(const std::string& path) const {
  for (const auto& [name, file] : names_)
    if (name == path) return file;
  return 0;
}

void TraceNames::follow(const TraceEvent& event) {
  const auto drop = [&](const std::string& path) {
    std::erase_if(names_, [&](const auto& one) { return one.first == path; });
  };
  switch (event.kind) {
    case TraceEvent::kCreate:
    case TraceEvent::kLink:
      return name(event.file, event.path);
    case TraceEvent::kRemove:
      return drop(event.path);
    case TraceEvent::kRename:
      if (const uint64_t file = file_at(event.path); file != 0) {
        drop(event.path);
        name(file, event.other);
      }
      return;
    case TraceEvent::kExchange: {
      const uint64_t a = file_at(event.path), b = file_at(event.other);
      if (a == 0 || b == 0) return;
      name(b, event.path);
      return name(a, event.other);
    }
    default:
      return;
  }
}

std::string TraceNames::of(uint64_t file) const {
  for (auto one = names_.rbegin(); one != names_.rend(); ++one)
    if (one->second == file) return one->first;
  const std::string last = file < last_.size() ? last_[file] : "";
  return last.empty() ? fmt::format("file {}", file) : last + " (removed)";
}

namespace {

constexpr size_t kShownMost = 60;  // of what was said

std::string shown(const std::string& path) { return path.empty() ? "./" : path; }

}  // namespace

std::string tell(const TraceEvent& e, const TraceNames& names) {
  switch (e.kind) {
    case TraceEvent::kCreate:
      return fmt::format("creation of {}", e.path);
    case TraceEvent::kNameless:
      return fmt::format("creation of file {}, without a name", e.file);
    case TraceEvent::kOpen:
      return fmt::format("open of {}", names.of(e.file));
    case TraceEvent::kClose:
      return fmt::format("last close of {}", names.of(e.file));
    case TraceEvent::kWrite:
      return fmt::format("write of {} bytes at {} of {}", e.bytes.size(), e.offset,
                         names.of(e.file));
    case TraceEvent::kZero:
      return fmt::format("zeros, {} bytes at {} of {}", e.length, e.offset, names.of(e.file));
    case TraceEvent::kTruncate:
      return fmt::format("truncation of {} to {} bytes", names.of(e.file), e.length);
    case TraceEvent::kMakeDirectory:
      return fmt::format("creation of the directory {}", e.path);
    case TraceEvent::kRemove:
      return fmt::format("removal of {}", e.path);
    case TraceEvent::kRename:
      return fmt::format("rename of {} to {}", e.path, e.other);
    case TraceEvent::kExchange:
      return fmt::format("exchange of {} and {}", e.path, e.other);
    case TraceEvent::kLink:
      return fmt::format("link {} to {}", e.path, names.of(e.file));
    case TraceEvent::kSymlink:
      return fmt::format("symbolic link {} to {}", e.path, e.other);
    case TraceEvent::kSync:
      return fmt::format("{} of {} begins ({})", e.other, names.of(e.file), e.number);
    case TraceEvent::kSyncDirectory:
      return fmt::format("{} of the directory {} begins ({})", e.other, shown(e.path), e.number);
    case TraceEvent::kSyncAll:
      return fmt::format("{} begins ({})", e.other, e.number);
    case TraceEvent::kSynced:
      return fmt::format("sync {} has returned", e.number);
    case TraceEvent::kFailed:
      return fmt::format("sync {} has failed: {}", e.number, e.other);
    case TraceEvent::kOut:
      return fmt::format("{}: {}", e.other, quoted(e.bytes, kShownMost));
    case TraceEvent::kNote:
      return e.other;
    case TraceEvent::kUnmodelled:
      return fmt::format("NOT MODELLED: {} on {}", e.other, shown(e.path));
    case TraceEvent::kExit:
      return fmt::format("the command ended with status {}", e.number);
  }
  return "";
}

bool is_sampled(const Trace& trace) {
  return std::any_of(trace.events.begin(), trace.events.end(), [](const TraceEvent& event) {
    return event.kind == TraceEvent::kNote && event.other.ends_with(kSampled);
  });
}

std::string quoted(std::string_view bytes, size_t most) {
  std::string text;
  for (const char c : bytes.substr(0, most)) {
    if (c == '\n')
      text += "\\n";
    else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      text += c;
  }
  return fmt::format("\"{}{}\"", text, bytes.size() > most ? "..." : "");
}

}  // namespace powercut::scenarios
