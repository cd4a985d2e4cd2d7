#include "scenarios/record/recovery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/base/check.h"
#include "scenarios/record/fd.h"
#include "scenarios/record/filter.h"
#include "scenarios/record/looks.h"
#include "scenarios/record/record.h"
#include "scenarios/record/supervised.h"
#include "scenarios/trace/replay.h"

extern char** environ;

namespace powercut::scenarios {

namespace fs = std::filesystem;

namespace {

// Words between blanks; what a shell would take for more is left to one.
std::vector<std::string> words_of(const std::string& command) {
  if (command.find_first_of("|&;<>()$`\\\"'*?[]#~=%{}!\n") != std::string::npos)
    return {"sh", "-c", command};
  std::istringstream in(command);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Runs to its end, or out of time; nothing that it started lives on.
ImageOutcome run_command(const std::string& command, const std::string& directory,
                         uint64_t limit_ms) {
  ImageOutcome outcome;
  const std::vector<std::string> words = words_of(command);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const Fd out(::memfd_create("out", MFD_CLOEXEC)), err(::memfd_create("err", MFD_CLOEXEC));
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.get(), STDERR_FILENO);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = -1;
  const int failed =
      ::posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    outcome.status = 127;
    outcome.said = fmt::format("{}: {}", words[0], std::strerror(failed));
    return outcome;
  }
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ends{handle.get(), POLLIN, 0};
  outcome.hangs = ::poll(&ends, 1, static_cast<int>(limit_ms)) == 0;
  ::kill(-pid, SIGKILL);
  int state = 0;
  while (::waitpid(pid, &state, 0) < 0 && errno == EINTR) {
  }
  if (outcome.hangs) return outcome;
  outcome.status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  outcome.observed = contents(out);
  outcome.said = first_line(contents(err));
  return outcome;
}

// A recovery that does not look where it looked before, seen where the disk sees it.
struct LooksElsewhere {};
class LookWitness final : public CheckWitness {
 public:
  LookWitness() : before_(std::exchange(check_witness, this)) {}
  ~LookWitness() { check_witness = before_; }
  void on_check_failed(const char* file, const std::string& text) override {
    if (text.find("look == look") != std::string::npos) throw LooksElsewhere{};
    if (before_ != nullptr) before_->on_check_failed(file, text);
  }

 private:
  CheckWitness* before_;
};

// One command, asked about every look. None: it cannot be followed.
std::optional<ImageOutcome> run_looking(const std::string& command, const std::string& directory,
                                        uint64_t limit_ms, Looks& looks) {
  static const std::vector<sock_filter> kFilter = look_filter();
  const Fd out(::memfd_create("out", MFD_CLOEXEC)), err(::memfd_create("err", MFD_CLOEXEC));
  Supervised supervised;
  const auto started = supervised.start({.words = words_of(command),
                                         .directory = directory,
                                         .quiet = true,
                                         .out = out.get(),
                                         .err = err.get()},
                                        kFilter);
  if (!started.ok()) return std::nullopt;
  looks.follow(supervised);
  ImageOutcome outcome;
  outcome.hangs = !supervised.serve(
      limit_ms, [&](const seccomp_notif& call) { return looks.answer(call); },
      [&] { return looks.stopped().empty(); });
  supervised.end_all();
  if (!looks.stopped().empty() || supervised.failure() != 0) return std::nullopt;
  if (outcome.hangs) return outcome;
  outcome.status = supervised.status();
  outcome.observed = contents(out);
  outcome.said = first_line(contents(err));
  return outcome;
}

}  // namespace

std::set<std::string> symlinks_of(const Trace& trace) {
  std::set<std::string> paths;
  for (const TraceFile& file : trace.initial)
    if (file.kind == TraceFile::kSymlink) paths.insert(file.path);
  for (const TraceEvent& event : trace.events) {
    if (event.kind == TraceEvent::kSymlink) paths.insert(event.path);
    const bool moves = event.kind == TraceEvent::kRename || event.kind == TraceEvent::kExchange;
    if (moves && (paths.contains(event.path) || paths.contains(event.other)))
      paths.insert({event.path, event.other});
  }
  return paths;
}

std::map<std::string, uint64_t> modes_of(const Trace& trace) {
  std::map<std::string, uint64_t> modes;
  for (const TraceFile& file : trace.initial)
    if (file.kind == TraceFile::kFile || file.kind == TraceFile::kDirectory)
      modes[file.path] = file.mode;
  for (const TraceEvent& event : trace.events) {
    if (event.kind == TraceEvent::kCreate || event.kind == TraceEvent::kMakeDirectory)
      modes[event.path] = event.mode;
    if (event.kind == TraceEvent::kRename && modes.count(event.path) != 0)
      modes[event.other] = modes[event.path];
  }
  return modes;
}

Result<RecoveryProcess> RecoveryProcess::begin(RecoveryCommands commands,
                                               std::map<std::string, uint64_t> modes) {
  RecoveryProcess process;
  const char* given = std::getenv("TMPDIR");
  for (const std::string base : {"/dev/shm", given != nullptr ? given : "/tmp"}) {
    std::string name = base + "/powercut-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) continue;
    process.root_ = name;
    process.commands_ = std::move(commands);
    process.modes_ = std::move(modes);
    return process;
  }
  return Error{Errc::kIo,
               fmt::format("no directory for images can be made in /dev/shm or TMPDIR: {}",
                           std::strerror(errno))};
}

RecoveryProcess::RecoveryProcess(RecoveryProcess&& other) noexcept
    : commands_(std::move(other.commands_)),
      modes_(std::move(other.modes_)),
      root_(std::exchange(other.root_, "")) {}

RecoveryProcess::~RecoveryProcess() {
  std::error_code ignored;
  if (!root_.empty()) fs::remove_all(root_, ignored);
}

Result<void> RecoveryProcess::write_out(const sim::Disk& disk, const std::string& directory,
                                        const std::map<std::string, uint64_t>& modes) {
  const auto failed = [](const std::string& path) {
    return Error{Errc::kIo, fmt::format("{}: {}", path, std::strerror(errno))};
  };
  const auto mode_of = [&](const std::string& path, uint64_t otherwise) {
    const auto at = modes.find(path);
    return static_cast<mode_t>(at == modes.end() ? otherwise : at->second);
  };
  if (::mkdir(directory.c_str(), mode_of("", 0755) | 0700) != 0 && errno != EEXIST)
    return failed(directory);
  std::map<sim::InodeId, std::string> written;
  for (const sim::FoundFile& file : sim::image_of(disk)) {
    std::string path = directory + "/" + file.path;
    if (path.back() == '/') {
      path.pop_back();
      const std::string name = file.path.substr(0, file.path.size() - 1);
      if (::mkdir(path.c_str(), mode_of(name, 0755) | 0700) != 0 && errno != EEXIST)
        return failed(path);
    } else if (const auto target = symlink_target(file.content)) {
      if (::symlink(target->c_str(), path.c_str()) != 0) return failed(path);
    } else if (const auto [first, is_new] = written.emplace(disk.lookup(file.path).value(), path);
               !is_new) {
      if (::link(first->second.c_str(), path.c_str()) != 0) return failed(path);
    } else {
      const Fd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      if (!out) return failed(path);
      for (size_t at = 0; at < file.content.size();) {
        const ssize_t done = ::write(out.get(), file.content.data() + at, file.content.size() - at);
        if (done <= 0) return failed(path);
        at += static_cast<size_t>(done);
      }
      (void)::fchmod(out.get(), mode_of(file.path, 0644) | 0600);
    }
  }
  return {};
}

Result<std::string> RecoveryProcess::place(const sim::Disk& disk) const {
  const std::string directory = root_ + "/image";
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  TRY(write_out(disk, directory, modes_));
  return directory;
}

Result<Trace> RecoveryProcess::recorded(const sim::Disk& disk) const {
  TRY_ASSIGN(const std::string directory, place(disk));
  const std::string& command = !commands_.recover.empty()   ? commands_.recover
                               : !commands_.observe.empty() ? commands_.observe
                                                            : commands_.check;
  TRY_ASSIGN(Recording recording, record({.command = words_of(command),
                                          .directory = directory,
                                          .ignore = commands_.ignore,
                                          .in_background = true,
                                          .limit_ms = commands_.limit_ms}));
  TRY(check_modelled(recording.trace, "the recovery"));
  if (!recording.remarks.empty()) return Error{Errc::kUnsupported, recording.remarks.front()};
  return std::move(recording.trace);
}

ImageOutcome RecoveryProcess::run_once(const sim::Disk& disk) const {
  ImageOutcome outcome;
  const auto placed = place(disk);
  if (!placed.ok()) {
    outcome.status = 127;
    outcome.said = placed.error().message;
    return outcome;
  }
  return run_in(commands_, placed.value());
}

ImageOutcome RecoveryProcess::run_in(const RecoveryCommands& commands,
                                     const std::string& directory) {
  ImageOutcome outcome;
  for (const std::string* command : {&commands.recover, &commands.observe, &commands.check}) {
    if (command->empty()) continue;
    outcome = run_command(*command, directory, commands.limit_ms);
    if (outcome.hangs || outcome.status != 0) break;
  }
  if (!commands.check.empty()) outcome.observed.clear();
  return outcome;
}

std::optional<ImageOutcome> RecoveryProcess::run(sim::LazyDisk& lazy, sim::Disk disk,
                                                 const std::set<std::string>& symlinks) const {
  const std::string directory = root_ + "/image";
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  const auto mode = modes_.find("");
  const uint64_t bits = mode == modes_.end() ? 0755 : mode->second | 0700;
  if (::mkdir(directory.c_str(), static_cast<mode_t>(bits)) != 0) return std::nullopt;
  lazy.attach(disk);
  Looks looks(lazy, disk, {directory, &modes_, &symlinks});
  const LookWitness witness;
  std::optional<ImageOutcome> outcome = ImageOutcome{};
  try {
    for (const std::string* command : {&commands_.recover, &commands_.observe, &commands_.check}) {
      if (command->empty()) continue;
      outcome = run_looking(*command, directory, commands_.limit_ms, looks);
      if (!outcome || outcome->hangs || outcome->status != 0) break;
    }
  } catch (const LooksElsewhere&) {
    return std::nullopt;
  }
  if (outcome && !commands_.check.empty()) outcome->observed.clear();
  return outcome;
}

ImageOutcome RecoveryProcess::run(const sim::Disk& disk) const {
  ImageOutcome outcome = run_once(disk);
  if (!outcome.hangs) outcome.unsteady = !outcome.same_as(run_once(disk));
  return outcome;
}

}  // namespace powercut::scenarios
