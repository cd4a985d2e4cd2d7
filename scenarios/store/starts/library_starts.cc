#include "scenarios/store/starts/library_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/starts/copied_starts.h"

namespace powercut::scenarios {

namespace {

constexpr std::string_view kOfLibraries = "where libraries of functions come and go";
constexpr uint64_t kMostLibraries = 3;

// The version of each that is there.
using Libraries = std::map<uint64_t, uint64_t>;

std::string judged_library(uint64_t name, uint64_t version) {
  return fmt::format(
      "#!lua name=judged{}\nredis.register_function{{function_name='judged_f{}', callback="
      "function() return {} end, flags={{'no-writes'}}}}",
      name, name, version);
}

class LibraryStarts final : CopiedStarts {
 public:
  explicit LibraryStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  struct Dumped {
    std::string payload;
    Libraries of;
  };
  bool do_something(engine::Session& session);
  bool load(engine::Session& session);
  bool restore(engine::Session& session);
  // It is answered as it should be.
  bool expect(bool done, std::string_view reply, std::string_view what);
  bool look(engine::Session& session, std::string_view when);
  uint64_t versions_ = 0;
  Libraries there_;
  std::vector<Dumped> dumped_;
  std::string story_;
  std::string amiss_;
};

bool LibraryStarts::expect(bool done, std::string_view reply, std::string_view what) {
  story_ += fmt::format("{}{}", story_.empty() ? "" : ", ", what);
  if (done != reply.starts_with('-')) return true;
  amiss_ =
      fmt::format("a client says FUNCTION {}: it is answered {:?}", story_, reply.substr(0, 60));
  return false;
}

bool LibraryStarts::load(engine::Session& session) {
  const uint64_t name = draw("library.name", kMostLibraries);
  const bool replaces = draw("library.replaces", 2) == 0;
  std::vector<std::string> words{"FUNCTION", "LOAD"};
  if (replaces) words.push_back("REPLACE");
  words.push_back(judged_library(name, ++versions_));
  const bool done = replaces || !there_.contains(name);
  if (done) there_[name] = versions_;
  return expect(done, ask(session, words),
                fmt::format("LOAD{} {}", replaces ? " REPLACE" : "", name));
}

// APPEND changes nothing where one of them is there.
bool LibraryStarts::restore(engine::Session& session) {
  constexpr std::string_view kPolicies[] = {"FLUSH", "APPEND", "REPLACE"};
  if (dumped_.empty()) return true;
  const Dumped& from = dumped_[draw("library.dump", dumped_.size())];
  const std::string policy(kPolicies[draw("library.policy", std::size(kPolicies))]);
  const bool collides = std::any_of(from.of.begin(), from.of.end(),
                                    [&](const auto& one) { return there_.contains(one.first); });
  const bool done = policy != "APPEND" || !collides;
  if (policy == "FLUSH") there_.clear();
  if (done)
    for (const auto& [name, version] : from.of) there_[name] = version;
  return expect(done, ask(session, {"FUNCTION", "RESTORE", from.payload, policy}),
                fmt::format("RESTORE {} of {}", policy, from.of.size()));
}

bool LibraryStarts::do_something(engine::Session& session) {
  switch (draw("library.step", 8)) {
    case 0:
    case 1:
    case 2:
      return load(session);
    case 3: {
      const uint64_t name = draw("library.name", kMostLibraries);
      const bool done = there_.erase(name) != 0;
      return expect(done, ask(session, {"FUNCTION", "DELETE", fmt::format("judged{}", name)}),
                    fmt::format("DELETE {}", name));
    }
    case 4:
      there_.clear();
      return expect(true, ask(session, {"FUNCTION", "FLUSH"}), "FLUSH");
    case 5: {
      const std::string said = ask(session, {"FUNCTION", "DUMP"});
      const size_t begin = std::min(said.find('\n'), said.size() - 3) + 1;
      dumped_.push_back({said.substr(begin, said.size() - begin - 2), there_});
      return expect(true, said, "DUMP");
    }
    default:
      return restore(session);
  }
}

bool LibraryStarts::look(engine::Session& session, std::string_view when) {
  for (uint64_t name = 0; name < kMostLibraries; ++name) {
    const std::string said = ask(session, {"FCALL", fmt::format("judged_f{}", name), "0"});
    const auto is = there_.find(name);
    if (is == there_.end() ? said.starts_with('-') : said == fmt::format(":{}\r\n", is->second))
      continue;
    amiss_ = fmt::format("a client says FUNCTION {}: {} the function of library {} answers {:?}",
                         story_, when, name, said.substr(0, 60));
    return false;
  }
  return true;
}

std::optional<Violation> LibraryStarts::judge() {
  sim::WorldState copy = world_;
  bool begun = false;
  const Came came = open(copy, nullptr, [&](engine::Os&, engine::Engine& engine) {
    engine.set_active_expire(false);
    const auto session = engine.connect();
    (void)ask(*session, {"CONFIG", "SET", "maxmemory", "0"});
    begun = ask(*session, {"FUNCTION", "FLUSH"}) == "+OK\r\n";
    for (int n = 0; begun && n < 16; ++n)
      if (!do_something(*session) || !look(*session, "then")) return;
    if (options_.append_only) (void)ask(*session, {"WAITAOF", "1", "0", "5000"});
  });
  expect_same(came, kOfLibraries);
  if (!wrong_ && amiss_.empty() && begun && options_.append_only) {
    copy.disk = copy.disk.after_kill();
    const Came then = open(copy, nullptr, [&](engine::Os&, engine::Engine& engine) {
      (void)look(*engine.connect(), "behind a restart");
    });
    if (!then.started()) wrong(Breach::kNoStart, kOfLibraries, then.text());
  }
  if (!wrong_ && !amiss_.empty()) wrong(Breach::kUntrue, kOfLibraries, amiss_);
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_library_starts(const CopiedStarts& as) {
  return LibraryStarts(as).judge();
}

}  // namespace powercut::scenarios
