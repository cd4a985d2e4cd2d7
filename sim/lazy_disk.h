// A disk whose content is settled when it is looked at: one lazy image, on its way to be one image.
//
// Owns the looks: what was asked, what was answered, and which parts of the disk are filled in with
// it. The disk is the process's own; it writes there as on any other, and what it has changed is
// not undecided any more.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "sim/lazy_view.h"
#include "sim/resolver.h"

namespace powercut::sim {

class LazyDisk final : public Resolver {
 public:
  struct Seen {
    Look look;
    LazyView::Answer answer;
    uint32_t taken = 0;  // which of the answers
    uint32_t of = 1;
  };
  // The first looks see what was seen before, `given`; the one behind them gets answer number `then`, later
  // ones the first. All outlive this.
  LazyDisk(const LazyView& view, const PersonaRules& rules, std::span<const Seen> given = {},
           uint32_t then = 0);

  // The disk as a process finds it, with names that come when they are looked at; it is to be moved
  // where it is used, and told of there.
  Disk disk();
  void attach(Disk& disk) { disk_ = &disk; }
  const std::vector<Seen>& seen() const { return seen_; }
  void settle_everything();
  const LazyView& view() const { return view_; }

  // A call on `path` comes: decides what the names on the way lead to, and the last.
  void before_path(std::string_view path) { (void)settle_path(path); }
  // And which names there are in it, if it is a directory.
  void before_names_in(std::string_view path);
  size_t before_read(InodeId inode, uint64_t offset, size_t n) override;
  void before_size(InodeId inode) override;
  void before_write(InodeId inode, uint64_t offset, size_t n) override;
  void before_truncate(InodeId inode, uint64_t size) override;
  engine::Found search(InodeId inode, const engine::Search& what) override;

 private:
  struct DirectoryState {
    InodeId inode;
    std::vector<ContentId> known;  // what they led to was seen
    std::vector<ContentId> there;  // it was only seen that there are these
    bool listed = false;           // and no others
  };
  static constexpr uint32_t kNowhere = UINT32_MAX;
  uint32_t settle_path(std::string_view path);  // the directory's number, if it leads to one
  InodeId settle_name(uint32_t directory, std::string_view name);  // what it leads to
  void settle_names(uint32_t directory);
  InodeId new_inode(bool directory);
  void add_directory(InodeId inode);

  struct State {
    InodeId inode = kNoInode;
    // What follows from what was seen, and from nothing else: the next look must not depend on
    // more.
    std::vector<bool> known;  // sectors
    uint64_t least = 0;       // the size is at least that
    bool size_known = false;
    bool changed = false;   // the size is the process's own by now
    bool searched = false;  // what was not seen then is not to be seen any more
    bool knows(uint64_t sector) const { return sector < known.size() && known[sector]; }
  };
  State* state_of(InodeId inode);
  uint64_t look(const Look& look);
  const LazyFile& file_of(const State& state) const { return view_.file(number_of(state)); }
  void settle_sector(State& state, uint64_t sector);
  void settle_size(State& state);
  void place_size(State& state);
  void know(State& state, uint64_t sector);
  uint32_t number_of(const State& state) const {
    return static_cast<uint32_t>(&state - states_.data());
  }

  FileTree& tree() {
    CHECK(disk_ != nullptr);
    return disk_->state_.tree;
  }

  LazyView view_;
  const PersonaRules& rules_;
  std::span<const Seen> given_;
  uint32_t then_;
  Disk* disk_ = nullptr;
  std::vector<State> states_;                // by file number
  std::vector<DirectoryState> directories_;  // by number
  std::vector<uint32_t> file_by_inode_;
  std::vector<Seen> seen_;
};

// What a run that looked at this is to be given next, so that the runs go through all there is to
// see; none: it was the last.
struct Given {
  std::vector<LazyDisk::Seen> seen = {};
  uint32_t then = 0;
};
std::optional<Given> next_given(const std::vector<LazyDisk::Seen>& seen);

// Calls `visit` for every single image that `image` stands for, as a disk on which all is decided,
// and the view that it is. `key`: equal for equal images. False: `visit` returned false, and it
// stopped.
bool for_each_single_image(
    const LazyImage& image, ContentPool& pool, const PersonaRules& rules,
    const std::function<bool(const std::string& key, const LazyView& view, Disk disk)>& visit);

}  // namespace powercut::sim
