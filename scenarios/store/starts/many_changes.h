// Changes of many kinds, for judges whose store is to change much in little time: of keys of their own, small and large, in three
// databases; of whole databases; several at once, and by scripts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "engine/base/site.h"

namespace powercut::engine {
class Session;
}

namespace powercut::scenarios {

class ManyChanges {
 public:
  using Draw = std::function<uint64_t(Site site, uint64_t n)>;
  explicit ManyChanges(Draw draw) : draw_(std::move(draw)) {}

  // The keys. Yields.
  void lay_out(engine::Session& session);
  // One thing, or several at once, and the replies taken. As a story has it. Yields.
  std::string say(engine::Session& session);
  // To what was said last.
  const std::string& replies() const { return replies_; }

 private:
  Draw draw_;
  std::string replies_;
};

}  // namespace powercut::scenarios
