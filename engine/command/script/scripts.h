// Scripts and functions: those that are known, and the one that runs.
//
// A script is one operation of the log, with all that its commands did: they are run as one transaction, and whoever is
// let in meanwhile, while a script takes long, is told that the store is busy. What it did before it failed stays, as in
// Redis, and is logged. Scripts are a cache; libraries of functions are data (engine/store/keyspace.h), and what is here
// of them is made of that.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/command/call.h"
#include "engine/command/script/interpreter.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

// The one that runs.
struct RunningScript {
  Client* client = nullptr;                 // who called it
  std::string name;                         // its digest, or the function's
  std::span<const std::string_view> words;  // of the command that runs it
  bool is_function = false;
  bool read_only = false;
  bool short_of_memory = false;  // as it began: until it has written, what may grow is refused
  int db = 0;
  Instant began;
  bool wrote = false;  // it has called a command that may write: it cannot be killed any more
  bool slow = false;   // others are let in, and told so
  bool killed = false;
};

// What runs the commands of a script, and has the clock.
class ScriptCommands {
 public:
  virtual ~ScriptCommands() = default;
  virtual void run_in_script(RunningScript& script, std::span<const std::string_view> words,
                             int protocol, std::string& reply) = 0;
  virtual std::optional<bool> allowed_in_script(const RunningScript& script,
                                                std::span<const std::string_view> words) = 0;
  // The store holds more than it may.
  virtual bool short_of_memory() = 0;
  virtual void let_others_run(const RunningScript& script) = 0;
  virtual Instant now() = 0;
};

class Scripts {
 public:
  Scripts(Keyspace& keyspace, ScriptCommands& commands);
  ~Scripts();

  // busy-reply-threshold; 0: others are never let in.
  void set_busy_after(Duration after) { busy_after_ = after; }
  // For the judge: others are let in each time that so many instructions of a script have passed; 0: when it is slow.
  void set_let_in_every(int instructions) { let_in_every_ = instructions; }
  // DEBUG SET-DISABLE-DENY-SCRIPTS: scripts may call a few commands that they may not otherwise.
  void set_lax(bool lax) { lax_ = lax; }
  bool lax() const { return lax_; }
  // nullptr: none runs.
  const RunningScript* running() const { return running_; }
  bool busy() const { return running_ != nullptr && running_->slow; }
  // What others are told meanwhile. REQUIRES: busy().
  std::string_view busy_error() const;
  // Asks the one that runs to end; answers.
  void kill(Call& call, bool function);

  // --- EVAL ---
  // The script's digest in hexadecimal; it is known from now on. The error is what is answered.
  Result<std::string> learn(std::string_view text);
  bool knows(std::string_view digest) const;
  void forget_scripts();
  void eval(Call& call, bool by_digest, bool read_only);

  // --- FUNCTION ---
  struct Library {
    std::string text;
    std::vector<RegisteredFunction> functions;
  };
  using LibraryMap = std::map<std::string, Library, std::less<>>;
  // As data has them. A library that another server wrote, and that does not load here, has no functions.
  const LibraryMap& libraries();
  // Those that answer; nullptr: the data have changed, and nobody has looked since.
  const LibraryMap* loaded() const {
    return version_ == keyspace_.libraries_version() ? &libraries_ : nullptr;
  }
  size_t count_functions();
  // Loads a library that is to be kept; what it registers. The error is what is answered.
  Result<Library> compile(std::string_view text);
  // Of a library that is not kept after all.
  void drop(const Library& library);
  // Takes over what `changed` has, and drops what is replaced: the keyspace has just been changed so.
  void keep(LibraryMap changed, std::span<const std::string> removed);
  void call_function(Call& call, bool read_only);
  // Why one that is stored does not load; empty: all do.
  std::string broken_library();

  // --- INFO ---
  size_t script_memory() const;    // of Lua, for scripts
  size_t function_memory() const;  // ... for functions
  size_t cached_scripts() const { return scripts_.size(); }
  size_t cached_bytes() const;

 private:
  struct Script {
    int reference;
    uint32_t flags;
    size_t bytes;
  };
  class Host;
  Interpreter& scripts_box();
  Interpreter& functions_box();
  // False: it was answered why not.
  bool may_run(Call& call, uint32_t flags, bool read_only);
  void run(Call& call, Interpreter& box, RunningScript& script, int reference, int64_t keys);
  void index_functions();

  Keyspace& keyspace_;
  ScriptCommands& commands_;
  Duration busy_after_{0};
  int let_in_every_ = 0;
  bool lax_ = false;
  RunningScript* running_ = nullptr;
  std::unique_ptr<Interpreter> scripts_box_;
  std::map<std::string, Script, std::less<>> scripts_;  // by digest
  std::unique_ptr<Interpreter> functions_box_;
  LibraryMap libraries_;
  std::map<std::string, const RegisteredFunction*, std::less<>>
      functions_;         // by name, in small letters
  uint64_t version_ = 0;  // of the keyspace's libraries, as they are here
  std::string broken_;
};

// A script's text without its first line, where that is "#!lua ...", and what it says. The error is what is answered.
struct ScriptHead {
  uint32_t flags = kSaysNothing;
  size_t body = 0;
};
Result<ScriptHead> read_script_head(std::string_view text);

}  // namespace powercut::engine
