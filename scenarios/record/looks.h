// Decide, materialise, continue: before a recovery is let look at an undecided image, what it is about to see
// is settled and written into its directory, and the kernel answers.
//
// Only the looks are settled: a name when a path leads over it, a size when it shows, a sector when it is read
// or written in part. Coarser than it could be: any read settles the file's size first, a mapping all that it
// covers, a list where each of its names leads. Times, inode numbers and counts of links are not those of an
// image: a recovery that goes by these sees another.
#pragma once

#include <linux/seccomp.h>
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/record/fd.h"
#include "scenarios/record/supervised.h"
#include "scenarios/record/target.h"
#include "sim/lazy_disk.h"

namespace powercut::scenarios {

class Looks {
 public:
  struct Image {
    std::string root;  // where it is written; there, and empty
    const std::map<std::string, uint64_t>* modes;
    const std::set<std::string>* symlinks;  // paths that may lead to one
  };
  // All of them outlive this; `lazy` is attached to `disk`.
  Looks(sim::LazyDisk& lazy, sim::Disk& disk, Image image)
      : lazy_(lazy), disk_(disk), image_(std::move(image)) {}

  // It is asked about those that this one runs.
  void follow(Supervised& supervised) { targets_ = Targets(supervised.hand_over()); }

  CallAnswer answer(const seccomp_notif& call);
  // Not empty: it cannot go on, and why.
  const std::string& stopped() const { return stopped_; }

 private:
  struct State {
    sim::InodeId inode = sim::kNoInode;
    Fd path;  // O_PATH
    bool sized = false;
    std::vector<bool> copied;  // sectors
  };
  // kNames: what is in it.
  enum class What : uint8_t { kName, kNames, kSize, kContent, kEmptied };

  bool on_path();
  bool on_name();
  void on_file();
  bool look_path(int directory, size_t path, bool follow, What what);
  void look(std::string path, bool follow, What what);
  std::optional<std::string> text_of(int directory, size_t path);
  std::optional<std::string> below_root(const std::string& path) const;
  void settle(const std::string& path);
  void make(const std::string& path);
  void list(const std::string& path);
  bool look_moved(int directory, size_t path);
  State* state_of(int fd, Fd& file, struct stat& is);
  void need(State& state, What what);
  void need_range(State& state, uint64_t offset, uint64_t n);
  void before_write(State& state, uint64_t offset, uint64_t n);
  void before_truncate(State& state, uint64_t size);
  void copy(State& state, uint64_t from, uint64_t to);
  void stop(const std::string& why);

  uint64_t argument(size_t n) const { return call_->data.args[n]; }
  int int_argument(size_t n) const { return static_cast<int>(call_->data.args[n]); }
  pid_t thread() const { return static_cast<pid_t>(call_->pid); }

  sim::LazyDisk& lazy_;
  sim::Disk& disk_;
  Image image_;
  Targets targets_;
  const seccomp_notif* call_ = nullptr;
  std::set<std::string> settled_;                          // paths
  std::map<std::pair<uint64_t, uint64_t>, State> states_;  // by device and inode
  std::string stopped_;
};

}  // namespace powercut::scenarios
