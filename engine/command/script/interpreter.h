// Lua 5.1 in a box, as scripts of Redis know it: no files, no processes, no bytecode, globals that nobody may change, and
// a limit to its memory. It runs on a stack of its own, so that what recurses, patterns and parentheses, has room.
//
// What a script may ask of the world goes through ScriptHost. Replies are RESP, both ways.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace powercut::engine {

inline constexpr int kInstructionsBetweenLooks = 100'000;

class ScriptHost {
 public:
  virtual ~ScriptHost() = default;
  // Runs a command, and appends its reply in RESP of `protocol`; one that is refused answers an error. Never yields.
  virtual void call(std::span<const std::string_view> words, int protocol, std::string& reply) = 0;
  // May the caller's user run it? Nothing: there is no such command.
  virtual std::optional<bool> allows(std::span<const std::string_view> words) = 0;
  // `level` from 0, debug, to 3, warning.
  virtual void log(int level, std::string_view text) = 0;
  // Where math.random begins, below 2^31.
  virtual uint32_t seed() = 0;
  // Asked now and then: has it run so long that others are to be let in? Then let_others_run() is called, on the stack
  // of who called the interpreter; it may yield, and be the end of it all.
  virtual bool slow() = 0;
  // How many instructions of Lua pass between two such questions.
  virtual int instructions_between_looks() const { return kInstructionsBetweenLooks; }
  virtual void let_others_run() = 0;
  virtual bool killed() = 0;
};

// What one library registered.
struct RegisteredFunction {
  std::string name;
  std::optional<std::string> description;
  uint32_t flags = 0;
  int reference = 0;  // for Interpreter
};

// What a script says of itself, in its first line or where it is registered.
enum ScriptFlag : uint32_t {
  kNoWrites = 1,
  kAllowOom = 2,
  kAllowStale = 4,
  kNoCluster = 8,
  kAllowCrossSlot = 16,
  kSaysNothing = 32,  // it has no such line: it may write, as scripts of old
};
struct ScriptFlagName {
  uint32_t flag;
  std::string_view name;
};
inline constexpr ScriptFlagName kScriptFlags[] = {{kNoWrites, "no-writes"},
                                                  {kAllowOom, "allow-oom"},
                                                  {kAllowStale, "allow-stale"},
                                                  {kNoCluster, "no-cluster"},
                                                  {kAllowCrossSlot, "allow-cross-slot-keys"}};

class Interpreter {
 public:
  // Of scripts (EVAL), or of libraries of functions: they know other things.
  enum class Of : unsigned char { kScripts, kFunctions };
  static constexpr size_t kMostMemory = size_t{256} << 20;

  explicit Interpreter(Of what);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Compiles a script; its reference. The error is what the compiler says.
  Result<int> compile(std::string_view source);
  // Runs the code of a library, which registers its functions. `overdue`: asked now and then, true ends it. An error
  // leaves nothing.
  Result<std::vector<RegisteredFunction>> load(std::string_view code,
                                               std::function<bool()> overdue);
  // Of a script or a function that is wanted no more.
  void forget(int reference);

  struct Run {
    int reference;
    std::string_view name;  // in errors
    std::span<const std::string_view> keys;
    std::span<const std::string_view> arguments;
    int protocol;  // of the client: the reply is in it
  };
  // The reply, valid until the next run. Yields where the host does.
  std::string_view run(const Run& run, ScriptHost& host);
  // The error in it is one that the host answered.
  bool error_was_reported() const;

  size_t memory_bytes() const;

  struct Box;  // lua.h
 private:
  std::unique_ptr<Box> box_;
};

}  // namespace powercut::engine
