#include "scenarios/record/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include "engine/base/check.h"
#include "scenarios/record/calls.h"
#include "scenarios/record/filter.h"
#include "scenarios/record/supervised.h"
#include "scenarios/trace/replay.h"

namespace powercut::scenarios {

namespace {

// Runs the command to its end; its events are in the journal then.
Result<void> run_recorded(const RecordOptions& options, Mirror& mirror, Recording& recording) {
  Supervised supervised;
  Supervised::Command command{.words = options.command};
  Fd nowhere;
  if (options.in_background) {
    nowhere = Fd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    command.directory = options.directory;
    command.quiet = true;
    command.out = command.err = nowhere.get();
  }
  TRY(supervised.start(command, record_filter()));
  if (supervised.hand_over() != nullptr && options.say)
    options.say(
        "pidfd_getfd is not permitted here (in Docker: run with --cap-add SYS_PTRACE): a library "
        "that programs load hands over "
        "their files; one that is statically linked ends the recording where it changes a recorded "
        "file");
  EventJournal journal;
  CallFaults faults(options.faults);
  const mode_t mask = ::umask(0);  // the callers' are taken into account
  std::string stopped;
  {
    Calls calls(mirror, journal, faults, supervised, options.sample_mappings);
    const bool in_time = supervised.serve(
        options.limit_ms, [&](const seccomp_notif& call) { return calls.answer(call); },
        [&] { return calls.stopped().empty(); });
    stopped = in_time ? calls.stopped() : "it does not end in its time";
    calls.end();
    recording.status = supervised.status();
    if (supervised.has_ended())
      journal.add({.kind = TraceEvent::kExit, .number = static_cast<uint64_t>(recording.status)});
    recording.remarks = calls.remarks();
    recording.unmodelled = calls.unmodelled();
    supervised.end_all();
  }
  ::umask(mask);
  if (!stopped.empty()) return Error{Errc::kUnsupported, stopped};
  if (supervised.failure() != 0)
    return Error{Errc::kInvalid, fmt::format("{} cannot be run: {}", options.command[0],
                                             std::strerror(supervised.failure()))};
  recording.trace.events = journal.take();
  for (const std::string& word : faults.idle())
    recording.remarks.push_back(fmt::format("{} struck nothing: there was no such call", word));
  return {};
}

// --- Is it all? ---

using Tree = std::map<std::string, std::string>;

Tree tree_of(const std::vector<TraceFile>& files) {
  Tree tree;
  std::map<uint64_t, std::string> contents;
  for (const TraceFile& file : files) {
    if (file.kind == TraceFile::kFile) contents[file.file] = file.content;
    if (file.kind == TraceFile::kDirectory) {
      if (!file.path.empty()) tree[file.path + "/"] = "";
    } else if (file.kind == TraceFile::kSymlink) {
      tree[file.path] = "a symbolic link to " + file.content;
    } else {
      tree[file.path] = contents[file.file];
    }
  }
  return tree;
}

Tree tree_of(const sim::Disk& disk) {
  Tree tree;
  for (const sim::FoundFile& file : sim::image_of(disk)) {
    const auto target = symlink_target(file.content);
    tree[file.path] = target ? "a symbolic link to " + *target : file.content;
  }
  return tree;
}

// The trace leads to what is there.
Result<void> check_whole(const Trace& trace, const std::vector<TraceFile>& found) {
  TRY_ASSIGN(Replay replay, Replay::begin(trace, sim::PersonaRules{}));
  for (const TraceEvent& event : trace.events) TRY(replay.step(event));
  const Tree told = tree_of(replay.disk());
  const Tree there = tree_of(found);
  const auto part = std::mismatch(told.begin(), told.end(), there.begin(), there.end());
  if (part.first == told.end() && part.second == there.end()) return {};
  const bool extra = part.first == told.end() ||
                     (part.second != there.end() && part.second->first < part.first->first);
  const std::string path = extra ? part.second->first : part.first->first;
  return Error{Errc::kCorrupt,
               fmt::format("the recording does not lead to the directory that is there now: {} is "
                           "another; something that was not recorded has changed it",
                           path)};
}

}  // namespace

Result<Recording> record(const RecordOptions& options) {
  CHECK(!options.command.empty());
  Recording recording;
  char* real = ::realpath(options.directory.c_str(), nullptr);
  if (real == nullptr)
    return Error{Errc::kInvalid, fmt::format("{}: {}", options.directory, std::strerror(errno))};
  const std::string directory = real;
  std::free(real);
  std::vector<struct stat> left_out;
  for (const std::string& path : options.left_out) {
    struct stat is {};
    if (::stat(path.c_str(), &is) == 0) left_out.push_back(is);
  }
  // Where its output goes to a file, that is what it says, and no file of its own.
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat is {};
    if (::fstat(fd, &is) == 0 && S_ISREG(is.st_mode)) left_out.push_back(is);
  }
  Trace& trace = recording.trace;
  trace.directory = directory;
  trace.command = options.command;
  TRY_ASSIGN(Mirror mirror, Mirror::scan(directory, options.ignore, left_out, trace.initial));
  TRY(run_recorded(options, mirror, recording));
  if (recording.unmodelled) return recording;
  std::vector<TraceFile> found;
  TRY(Mirror::scan(directory, options.ignore, left_out, found));
  TRY(check_whole(trace, found));
  return recording;
}

}  // namespace powercut::scenarios
