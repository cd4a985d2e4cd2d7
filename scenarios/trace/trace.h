// A recording of a program: what was in a directory, and all that was done to it and said, in one
// order. Made by scenarios/record/record.h; the file's format is scenarios/trace/TRACE.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace powercut::scenarios {

// One thing that happened. A path is relative to the recorded directory, which is "". Which members
// a kind has says the table in trace.cc; the others are as they are here.
struct TraceEvent {
  enum Kind : uint8_t {
    kCreate,         // file, mode, path
    kNameless,       // file, mode: O_TMPFILE
    kOpen,           // file: again, after kClose
    kClose,          // file: nobody has it open any more
    kWrite,          // file, offset, bytes
    kZero,           // file, offset, length: a hole or zeros, within the file
    kTruncate,       // file, length: also longer
    kMakeDirectory,  // mode, path
    kRemove,         // path: of a file or an empty directory
    kRename,         // path, other
    kExchange,       // path, other
    kLink,           // file, path
    kSymlink,        // path, other: what it says
    kSync,           // number, file, other: which call. It begins;
    kSyncDirectory,  // number, path, other
    kSyncAll,        // number, other
    kSynced,         // number: it has returned, and well
    kFailed,         // number, other: it has returned, and failed: "EIO"
    kOut,            // other: which stream; bytes
    kNote,           // other: what was answered, or not seen
    kUnmodelled,     // other: the call; path
    kExit,           // number: the status of the command; beyond 128, a signal
  };
  Kind kind = kNote;
  uint64_t ms = 0;       // since the recording began
  uint64_t process = 0;  // the thread that did it
  uint64_t file = 0;     // files are numbered from 1
  uint64_t number = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t mode = 0;
  std::string path = {};
  std::string other = {};
  std::string bytes = {};
  bool operator==(const TraceEvent&) const = default;

  bool begins_sync() const { return kind == kSync || kind == kSyncDirectory || kind == kSyncAll; }
  bool ends_sync() const { return kind == kSynced || kind == kFailed; }
};

// What was there before. All of it is durable.
struct TraceFile {
  enum Kind : uint8_t { kDirectory, kFile, kName, kSymlink };  // kName: a further name of a file
  Kind kind = kFile;
  uint64_t file = 0;  // kFile, kName
  uint64_t mode = 0;  // kDirectory, kFile
  std::string path = {};
  std::string content = {};  // kFile; kSymlink: what it says
  bool operator==(const TraceFile&) const = default;
};

struct Trace {
  std::string directory;             // as it was called
  std::vector<std::string> command;  // what was recorded
  std::vector<TraceFile> initial;    // a directory before what is in it
  std::vector<TraceEvent> events;
  bool operator==(const Trace&) const = default;
};

inline constexpr std::string_view kStdout = "stdout";
inline constexpr std::string_view kStderr = "stderr";

std::string print_trace(const Trace& trace);
// `name` is for messages, of one line each.
//   Errors: kCorrupt: it is no trace, is cut or damaged; kUnsupported: of another version.
Result<Trace> parse_trace(std::string_view text, const std::string& name);
//   Errors: as above; kNotFound, kIo.
Result<Trace> read_trace(const std::string& file);
Result<void> write_trace(const Trace& trace, const std::string& file);

// The first event that the simulated disk has no model of, as an error that names it: kUnsupported.
Result<void> check_modelled(const Trace& trace, const std::string& name);

// What files are called, for people: by number, the newest name that is left, or the last there
// was.
class TraceNames {
 public:
  explicit TraceNames(const Trace& trace);
  void follow(const TraceEvent& event);
  std::string of(uint64_t file) const;
  uint64_t file_at(const std::string& path) const;  // 0: none

 private:
  void name(uint64_t file, const std::string& path);
  std::vector<std::pair<std::string, uint64_t>> names_;  // path, file
  std::vector<std::string> last_;                        // by file
};

// "write of 12 bytes at 0 of notes.txt".
std::string tell(const TraceEvent& event, const TraceNames& names);

// How a note ends which says that writes to a file were sampled (scenarios/record/mapped_files.h).
inline constexpr std::string_view kSampled = ": sampled";
bool is_sampled(const Trace& trace);

// The beginning of what was said, in quotes and on one line; of more bytes than `most` the end is left out.
std::string quoted(std::string_view bytes, size_t most);

}  // namespace powercut::scenarios
