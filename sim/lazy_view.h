// One lazy image, as far as it was looked at: which names are decided, which options each file has
// left, and what its sectors showed. What a look may find is worked out here; who looks, in which
// order, is another's business (sim/lazy_disk.h). A look can be taken back, so that one view walks
// through all there is to see.
//
// Files and directories are known by numbers, in the order in which a name was first found to lead
// to them; the root is directory 0. So equal looks and answers mean the same in every image.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/lazy_image.h"
#include "sim/lazy_search.h"

namespace powercut::sim {

// What somebody looked at, and could not know.
struct Look {
  enum Kind : uint8_t {
    kNext,    // the first name behind `name` in a directory; behind the empty one: the first of all
    kEnd,     // what `name` in a directory leads to
    kSector,  // of a file
    kSize,
    kSearch,
  };
  Kind kind = kSector;
  uint32_t of = 0;                       // the number of the file or directory
  uint64_t sector = 0;                   // kSector
  engine::Search what{};                 // kSearch
  ContentId name = ContentPool::kEmpty;  // kNext, kEnd
  bool operator==(const Look&) const = default;
};

// What is still possible in one lazy image, given what was seen of it.
class LazyView {
 public:
  LazyView(const LazyImage& image, ContentPool& pool);

  // What kEnd shows.
  static constexpr uint64_t kNothing = 0;
  static constexpr uint64_t kDirectory = 1;
  static constexpr uint64_t kFirstFile = 2;  // and from there on by number

  struct Answer {
    uint64_t seen;  // a name (none: kEmpty); what a name leads to; a ContentId; a size; a Found
    Options left;   // of the file
    uint32_t index = 0;  // kNext: in the directory's names; kEnd: in the name's ends
  };
  // Some are shared by all views of an image.
  class Answers {
   public:
    explicit Answers(const std::vector<Answer>& shared) : shared_(&shared) {}
    explicit Answers(std::vector<Answer>&& own) : own_(std::move(own)) {}
    const std::vector<Answer>& all() const { return shared_ != nullptr ? *shared_ : own_; }

   private:
    const std::vector<Answer>* shared_ = nullptr;
    std::vector<Answer> own_;
  };
  // Everything that can be seen, in a fixed order; at least one. Different ends of a name may look
  // the same. Valid as long as the image is.
  Answers answers(const Look& look) const;

  // It was seen: what is possible is less now. unsettle() takes the newest back.
  struct Before {
    Options left;
    size_t decisions;
    bool found_file;
    bool found_directory;
  };
  Before settle(const Look& look, const Answer& answer);
  void unsettle(const Look& look, const Before& before);

  const LazyImage& image() const { return *image_; }
  ContentPool& pool() const { return *pool_; }
  // What the sectors of file `of` may show, from sector `first` on, if `option` is its.
  void alternatives(uint32_t of, size_t option, uint64_t first, Alternatives& all) const;
  // By number.
  size_t files() const { return files_.size(); }
  const LazyFile& file(uint32_t number) const { return *image_->files[files_[number]]; }
  std::vector<Options> left;
  std::vector<std::vector<std::optional<ContentId>>> seen;  // and sector

  // The images that are still possible, as far as names, sizes and sectors say: of a search that found
  // something, all of them, with a match or without.
  LazyImage narrowed() const;

  // The number of that inode of the disk that was cut, if it is known as a file.
  std::optional<uint32_t> number_of(InodeId file) const;
  // The version of that entry's slot: the first that is still possible, except that a name nobody
  // looked at keeps what it had.
  uint64_t version_of(InodeId directory, std::string_view name) const;

 private:
  // Of one name: the index of its end, or
  static constexpr int32_t kOpen = -1;
  static constexpr int32_t kThere = -2;  // it leads to something
  std::vector<Answer> next_names(const Look& look) const;
  std::vector<Answer> ends(const Look& look) const;
  // In the image's names of directory number `of`; none: their number.
  size_t place_of(uint32_t of, ContentId name) const;
  const std::vector<LazyImage::Name>& names(uint32_t directory) const {
    return image_->directories[directories_[directory]].names;
  }
  size_t first_state(uint32_t directory) const { return first_[directories_[directory]]; }
  uint64_t seen_at(const LazyImage::End& end) const;
  LazyFile narrowed_file(uint32_t number) const;
  void decide(size_t name, int32_t state);
  std::vector<Answer> work_out(const Look& look) const;
  std::vector<Answer> search(const Look& look) const;

  const LazyImage* image_;
  ContentPool* pool_;
  std::vector<uint32_t> files_;        // by number: in the image
  std::vector<uint32_t> directories_;  // by number: in the image
  std::vector<size_t> first_;          // by directory of the image: its first name in `names_`
  std::vector<int32_t> names_;
  std::vector<std::pair<size_t, int32_t>> decisions_;  // what was there before each
};

}  // namespace powercut::sim
