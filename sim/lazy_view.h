// One lazy image, as far as it was looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/lazy_image.h"

namespace powercut::sim {

// What somebody looked at, and could not know.
struct Look {
  enum Kind : uint8_t { kSector, kSize, kSearch };
  Kind kind = kSector;
  uint32_t file = 0;      // of LazyImage::files
  uint64_t sector = 0;    // kSector
  engine::Search what{};  // kSearch
  bool operator==(const Look&) const = default;
};

// What is still possible in one lazy image, given what was seen of it.
class LazyView {
 public:
  LazyView(const LazyImage& image, ContentPool& pool);

  struct Answer {
    uint64_t seen;  // a ContentId; a size; 0 or 1
    Options left;   // of the file
  };
  // Everything that can be seen; at least one. Valid as long as the image is.
  const std::vector<Answer>& answers(const Look& look) const;
  // It was seen: what is possible is less now.
  void settle(const Look& look, const Answer& answer);

  const LazyImage& image() const { return *image_; }
  ContentPool& pool() const { return *pool_; }
  std::vector<Options> left;                                // by file
  std::vector<std::vector<std::optional<ContentId>>> seen;  // by file and sector

 private:
  std::vector<Answer> work_out(const Look& look) const;
  std::vector<Answer> search(const Look& look) const;

  const LazyImage* image_;
  ContentPool* pool_;
};

}  // namespace powercut::sim
