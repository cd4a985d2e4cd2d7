// For tests of scripts: requests in RESP, whose words may have blanks.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/command/effects.h"
#include "engine/command/executor_harness.h"

namespace powercut::engine {

class ScriptTest : public ExecutorTest {
 protected:
  using Strings = std::vector<std::string>;
  using Words = std::initializer_list<std::string_view>;

  std::string run(Session& from, Words words) {
    std::string request;
    append_command(request, std::span<const std::string_view>(words.begin(), words.size()));
    from.feed(request);
    if (release_all) log.released = log.applied;
    return taken(from);
  }
  std::string run(Words words) { return run(session, words); }
  // Of a script without keys.
  std::string eval(std::string_view text) { return run({"EVAL", text, "0"}); }
  // What a script raises is told with its digest and line behind it: the text before that.
  std::string error_of(std::string_view text) {
    const std::string reply = eval(text);
    return reply.substr(0, reply.find(" script: "));
  }
};

}  // namespace powercut::engine
