// What becomes of each system call that the supervisor is asked about: it performs those that change a
// recorded file itself, on the caller's own open file, notes what was said, and lets the others run.
#pragma once

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/record/call_faults.h"
#include "scenarios/record/fd.h"
#include "scenarios/record/journal.h"
#include "scenarios/record/mapped_files.h"
#include "scenarios/record/mirror.h"
#include "scenarios/record/supervised.h"
#include "scenarios/record/sync_pool.h"
#include "scenarios/record/target.h"

namespace powercut::scenarios {

class Calls {
 public:
  // All of them outlive this, which is asked about what `supervised` runs.
  // `sample`: files may be mapped shared and writable, and are looked at where something is synced or said.
  Calls(Mirror& mirror, EventJournal& journal, CallFaults& faults, Supervised& supervised,
        bool sample);

  CallAnswer answer(const seccomp_notif& call);
  // All is done: what was written through mappings since they were looked at.
  void end() { look_at_mapped(0); }

  // Not empty: it cannot go on, and why.
  const std::string& stopped() const { return stopped_; }
  // What is to be said of it at the end, each once.
  const std::vector<std::string>& remarks() const { return remarks_; }
  bool unmodelled() const { return unmodelled_; }

 private:
  // A path, resolved up to the directory that its last component is in.
  struct Place {
    Fd parent;
    std::string name;       // with the slashes behind it
    std::string path;       // from the recorded directory
    bool recorded = false;  // it is below it
    struct stat in {};      // the directory
    std::string bare() const { return name.substr(0, name.find('/')); }
  };

  CallAnswer answer_on_file();
  CallAnswer answer_on_name();
  CallAnswer answer_other();

  // calls_data.cc
  CallAnswer on_write();
  CallAnswer perform_write(const Fd& file, const Mirror::Entry& entry);
  std::optional<std::string> data_of_write(uint64_t& address, size_t most);
  CallAnswer on_send();
  CallAnswer on_ftruncate();
  CallAnswer on_truncate();
  CallAnswer on_fallocate();
  CallAnswer on_copy(int to, int error);
  CallAnswer on_sync_file_range();
  CallAnswer on_fsync();
  CallAnswer sync_file(Fd file, const Mirror::Entry& entry, const std::string& name,
                       bool data_only);
  void end_sync(uint64_t number, pid_t by, int error);
  CallAnswer on_sync_all();
  CallAnswer on_mmap();
  CallAnswer on_mprotect();
  CallAnswer on_msync();
  const Mirror::Entry* mapped_at(uint64_t address, std::string& path);
  bool sampled(const Mirror::Entry& entry, const std::string& path, const std::string& call);
  void look_at_mapped(pid_t by);
  void truncated(Mirror::Entry& entry, uint64_t before, uint64_t after);

  // calls_name.cc
  CallAnswer on_open(int directory, uint64_t path, uint64_t flags, uint64_t mode);
  CallAnswer open_place(Place& place, uint64_t flags, mode_t mode);
  CallAnswer open_nameless(int directory, const std::string& path, uint64_t flags, mode_t mode);
  CallAnswer reopen(int fd, uint64_t flags);
  CallAnswer give(Fd file, uint64_t flags);
  CallAnswer on_mkdir(int directory, uint64_t path, uint64_t mode);
  CallAnswer on_unlink(int directory, uint64_t path, int flags);
  CallAnswer on_rename(int from_in, uint64_t from, int to_in, uint64_t to, unsigned flags);
  CallAnswer renamed(const Place& from, const struct stat& moved, const Place& to,
                     const struct stat* replaced, unsigned flags);
  CallAnswer on_link(int from_in, uint64_t from, int to_in, uint64_t to, int flags);
  CallAnswer on_symlink(uint64_t target, int directory, uint64_t path);
  void gone(const struct stat& file);
  bool is_left_out(const struct stat& file);

  // calls.cc
  std::optional<std::string> path_at(uint64_t address);
  std::optional<Place> place_at(int directory, std::string path, bool follow);
  std::optional<Place> place_at(int directory, uint64_t path, bool follow);
  std::optional<int> named_fd(const std::string& path) const;  // "/dev/fd/3"
  std::string own_view(const std::string& path) const;
  Fd base_of(int directory);
  Fd file_of(uint64_t fd);
  Mirror::Entry* entry_of(const Fd& file, struct stat& is);
  TargetStatus caller() const;  // nothing, if it has died
  std::optional<mode_t> umask();
  std::optional<std::string> stream_of(int fd, const struct stat& is) const;
  CallAnswer on_close(int fd);
  CallAnswer on_dup_to(int fd);
  void on_closing(int first, int last, bool whole_process);
  bool is_open(const struct stat& file, pid_t process, int first, int last) const;
  CallAnswer lost();
  void stop(const std::string& why);
  void remark(const std::string& what);
  void log(TraceEvent event);
  void log_unmodelled(const std::string& call, const std::string& path);
  void log_sync(TraceEvent begin);
  // What is to befall the call, which is noted. `failed_by`: errno, or nought.
  sim::Injection injected(sim::Op op, const std::string& path, uint64_t size = 0);
  int failed_by(sim::Op op, const std::string& path);

  uint64_t argument(size_t n) const { return call_->data.args[n]; }
  int int_argument(size_t n) const { return static_cast<int>(call_->data.args[n]); }
  pid_t thread() const { return static_cast<pid_t>(call_->pid); }

  Mirror& mirror_;
  EventJournal& journal_;
  CallFaults& faults_;
  const int listener_;
  const bool sample_;
  MappedFiles mapped_;
  HandOver* const hand_over_;  // null: not needed
  Targets targets_;
  const seccomp_notif* call_ = nullptr;
  uint64_t syncs_ = 0;
  struct stat stdout_ {};
  struct stat stderr_ {};
  // Files whose last close matters, as they were.
  std::vector<struct stat> settling_;
  std::string stopped_;
  std::vector<std::string> remarks_;
  bool unmodelled_ = false;
  SyncPool pool_{4};  // the last: it ends first
};

}  // namespace powercut::scenarios
