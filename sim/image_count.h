// How many images there are in all: exactly, each counted once, however many ways lead to it.
//
// Method: a decision diagram (a multi-valued one, as Bryant's of 1986 for two values): an image is
// read as a word, name by name from the root on, and behind a file's first name its size and
// sectors; equal subtrees are one node, so a product of choices takes the space of their sum, and
// the union of many products is exact.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim/lazy_image.h"

namespace powercut::sim {

class ImageCount {
 public:
  explicit ImageCount(ContentPool& pool);
  ~ImageCount();

  // The union; of several that are counted apart, number `part`.
  void add(const LazyImage& image, size_t part = 0);
  std::string decimal(size_t part = 0) const;  // of the distinct images added
  // Forgets what was added, and keeps what speeds up the next count.
  void clear();

 private:
  struct Diagram;
  std::unique_ptr<Diagram> diagram_;
};

// The sum of two decimal numbers.
std::string add_decimal(const std::string& a, const std::string& b);

}  // namespace powercut::sim
