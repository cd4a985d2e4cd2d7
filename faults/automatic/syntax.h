// The syntax tree of a source, by libclang: where a mutant can be, and whether what was spliced
// still compiles.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/splice/change.h"

namespace powercut::faults {

class Syntax {
 public:
  // `root`: of the tree; `path`: of the source, from there.
  //   Errors: kInvalid: the source does not compile.
  static Result<Syntax> of(const std::string& root, const std::string& path,
                           const std::string& text);
  Syntax(Syntax&&) noexcept;
  ~Syntax();

  // Every change there is, in the order of their places. What is inside CHECK and fmt::format is left
  // alone: a CHECK that says something else, or a message, decides nothing.
  std::vector<Change> changes() const;

  // Where in `text`, put in place of the source, the compiler finds the first mistake. A function that
  // may end without its value, or may read what was never set, is one.
  std::optional<size_t> mistake(const std::string& text);

 private:
  struct Unit;
  explicit Syntax(std::unique_ptr<Unit> unit);
  std::unique_ptr<Unit> unit_;
};

}  // namespace powercut::faults
