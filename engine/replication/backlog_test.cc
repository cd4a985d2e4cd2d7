// The backlog against all that was ever written.
#include "engine/replication/backlog.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace powercut::engine {
namespace {

RC_GTEST_PROP(Backlog, HasTheNewestAndWhatIsNeeded, ()) {
  Backlog backlog;
  std::string all;
  uint64_t needed = 0;  // as an offset behind which nothing may go
  const size_t most = *rc::gen::inRange<size_t>(1, 100);
  for (int i = 0; i < 100; ++i) {
    const std::string piece(*rc::gen::inRange<size_t>(1, 40), static_cast<char>('a' + i % 26));
    all += piece;
    backlog.append(piece);
    if (*rc::gen::inRange(0, 3) == 0) needed = *rc::gen::inRange<uint64_t>(needed, all.size() + 1);
    backlog.trim(most, needed);
    RC_ASSERT(backlog.end() == all.size());
    RC_ASSERT(backlog.size() >= std::min(most, all.size()));
    RC_ASSERT(backlog.first() <= needed + 1);
    RC_ASSERT(backlog.from(backlog.first()) == std::string_view(all).substr(backlog.first() - 1));
    RC_ASSERT(backlog.from(all.size() + 1).empty());
    RC_ASSERT(!backlog.has(all.size() + 2) && !backlog.has(backlog.first() - 1));
    // Not for ever: what nobody needs is at most as much again.
    const uint64_t kept = std::max<uint64_t>(most, all.size() - needed);
    RC_ASSERT(backlog.size() <= 2 * kept + 40);
  }
}

}  // namespace
}  // namespace powercut::engine
