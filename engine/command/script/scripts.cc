#include "engine/command/script/scripts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/sha1.h"
#include "engine/base/words.h"
#include "engine/command/client.h"
#include "engine/command/control.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

constexpr size_t kDigestDigits = 40;
constexpr Duration kLoadAtMost = milliseconds(500);
constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";

Error answered(std::string message) { return {Errc::kInvalid, "ERR " + std::move(message)}; }

std::string hexadecimal(std::string_view bytes) {
  std::string digits;
  for (const uint8_t byte : sha1(bytes))
    for (const int nibble : {byte >> 4, byte & 15}) digits += "0123456789abcdef"[nibble];
  return digits;
}

Result<uint32_t> read_flags(std::string_view names) {
  uint32_t flags = 0;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    const auto* found = std::find_if(std::begin(kScriptFlags), std::end(kScriptFlags),
                                     [&](const auto& one) { return one.name == name; });
    if (found == std::end(kScriptFlags))
      return answered(fmt::format("Unexpected flag in script shebang: {}", name));
    flags |= found->flag;
  }
  return flags;
}

}  // namespace

Result<ScriptHead> read_script_head(std::string_view text) {
  ScriptHead head;
  if (!text.starts_with("#!")) return head;
  head.body = text.find('\n');
  if (head.body == text.npos) return answered("Invalid script shebang");
  std::vector<std::string> words;
  if (!split_words(text.substr(0, head.body), words) || words.empty())
    return answered("Invalid engine in script shebang");
  if (words[0] != "#!lua")
    return answered(fmt::format("Unexpected engine in script shebang: {}", words[0]));
  head.flags = 0;
  for (size_t i = 1; i < words.size(); ++i) {
    constexpr std::string_view kFlags = "flags=";
    if (!words[i].starts_with(kFlags))
      return answered(fmt::format("Unknown lua shebang option: {}", words[i]));
    TRY_ASSIGN(const uint32_t flags, read_flags(std::string_view(words[i]).substr(kFlags.size())));
    head.flags |= flags;
  }
  return head;
}

// --- What a script asks of the store ---

class Scripts::Host final : public ScriptHost {
 public:
  Host(Scripts& scripts, RunningScript& script, Call& call)
      : scripts_(scripts), script_(script), call_(call) {}

  void call(std::span<const std::string_view> words, int protocol, std::string& reply) override {
    scripts_.commands_.run_in_script(script_, words, protocol, reply);
  }
  std::optional<bool> allows(std::span<const std::string_view> words) override {
    return scripts_.commands_.allowed_in_script(script_, words);
  }
  void log(int level, std::string_view text) override {
    static constexpr std::string_view kLevels[] = {"debug", "verbose", "notice", "warning"};
    if (call_.control != nullptr)
      call_.control->log_line(fmt::format("script, {}: {}", kLevels[level], text));
  }
  uint32_t seed() override {
    return static_cast<uint32_t>(call_.choose("script.seed", uint64_t{1} << 31));
  }
  bool slow() override {
    const Duration after = scripts_.busy_after_;
    const bool late = after.ns > 0 && scripts_.commands_.now() - script_.began >= after;
    if (late || scripts_.let_in_every_ != 0) script_.slow = true;
    return script_.slow;
  }
  int instructions_between_looks() const override {
    return scripts_.let_in_every_ != 0 ? scripts_.let_in_every_
                                       : ScriptHost::instructions_between_looks();
  }
  void let_others_run() override { scripts_.commands_.let_others_run(script_); }
  bool killed() override { return script_.killed; }

 private:
  Scripts& scripts_;
  RunningScript& script_;
  Call& call_;
};

Scripts::Scripts(Keyspace& keyspace, ScriptCommands& commands)
    : keyspace_(keyspace), commands_(commands) {}

Scripts::~Scripts() = default;

Interpreter& Scripts::scripts_box() {
  if (scripts_box_ == nullptr)
    scripts_box_ = std::make_unique<Interpreter>(Interpreter::Of::kScripts);
  return *scripts_box_;
}

Interpreter& Scripts::functions_box() {
  if (functions_box_ == nullptr)
    functions_box_ = std::make_unique<Interpreter>(Interpreter::Of::kFunctions);
  return *functions_box_;
}

// --- The one that runs ---

std::string_view Scripts::busy_error() const {
  CHECK(running_ != nullptr);
  return running_->is_function
             ? "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN "
               "NOSAVE."
             : "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN "
               "NOSAVE.";
}

void Scripts::kill(Call& call, bool function) {
  if (running_ == nullptr) return call.fail("NOTBUSY No scripts in execution right now.");
  if (running_->wrote)
    return call.fail(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can "
        "either wait the script termination or kill the server in a hard way using the SHUTDOWN "
        "NOSAVE command.");
  if (function != running_->is_function) return call.fail(busy_error());
  running_->killed = true;
  call.reply.ok();
}

bool Scripts::may_run(Call& call, uint32_t flags, bool read_only) {
  if ((flags & (kSaysNothing | kNoWrites)) == 0) {
    if (call.writes_refused) {
      call.fail(
          "MISCONF Redis is configured to persist data, but it's currently unable to persist to "
          "disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.");
      return false;
    }
    if (read_only) {
      call.fail("ERR Can not execute a script with write flag using *_ro command.");
      return false;
    }
  }
  if ((flags & (kSaysNothing | kNoWrites | kAllowOom)) == 0 && commands_.short_of_memory()) {
    call.fail(
        "OOM allow-oom flag is not set on the script, can not run it when used memory > "
        "'maxmemory'");
    return false;
  }
  return true;
}

// The keys stand behind their number, and the arguments behind them.
void Scripts::run(Call& call, Interpreter& box, RunningScript& script, int reference,
                  int64_t keys) {
  CHECK(running_ == nullptr && call.client != nullptr);
  constexpr size_t kFirst = 3;
  script.client = call.client;
  script.db = call.db;
  script.began = commands_.now();
  script.words = call.args;
  running_ = &script;
  const struct End {
    RunningScript*& running;
    ~End() { running = nullptr; }
  } end{running_};
  Host host(*this, script, call);
  const auto count = static_cast<size_t>(keys);
  const Interpreter::Run run{reference, script.name, call.args.subspan(kFirst, count),
                             call.args.subspan(kFirst + count), call.reply.resp3() ? 3 : 2};
  call.reply.whole(box.run(run, host));
  call.error_counted = box.error_was_reported();
}

namespace {

// The number of keys in a request; negative: it was answered why there is none.
int64_t count_keys(Call& call, std::string_view no_number) {
  int64_t keys = 0;
  if (!call.integer_arg(2, keys, no_number)) return -1;
  if (keys > static_cast<int64_t>(call.argc()) - 3) {
    call.fail("ERR Number of keys can't be greater than number of args");
    return -1;
  }
  if (keys < 0) call.fail("ERR Number of keys can't be negative");
  return keys;
}

bool is_read_only(uint32_t flags, bool asked) {
  return asked || ((flags & kSaysNothing) == 0 && (flags & kNoWrites) != 0);
}

}  // namespace

// --- EVAL ---

Result<std::string> Scripts::learn(std::string_view text) {
  std::string digest = hexadecimal(text);
  if (knows(digest)) return digest;
  TRY_ASSIGN(const ScriptHead head, read_script_head(text));
  const auto compiled = scripts_box().compile(text.substr(head.body));
  if (!compiled.ok())
    return answered(
        fmt::format("Error compiling script (new function): {}", compiled.error().message));
  scripts_.emplace(digest, Script{*compiled, head.flags, text.size()});
  return digest;
}

bool Scripts::knows(std::string_view digest) const {
  return digest.size() == kDigestDigits && scripts_.contains(lower_case(digest));
}

void Scripts::forget_scripts() {
  scripts_.clear();
  scripts_box_.reset();
}

void Scripts::eval(Call& call, bool by_digest, bool read_only) {
  if (by_digest && call.arg(1).size() != kDigestDigits) return call.fail(kNoScript);
  const int64_t keys = count_keys(call, kNotInteger);
  if (keys < 0) return;
  RunningScript running;
  if (by_digest) {
    if (!knows(call.arg(1))) return call.fail(kNoScript);
    running.name = lower_case(call.arg(1));
  } else {
    auto learnt = learn(call.arg(1));
    if (!learnt.ok()) return call.fail(learnt.error().message);
    running.name = *std::move(learnt);
  }
  const Script script = scripts_.find(running.name)->second;
  if (!may_run(call, script.flags, read_only)) return;
  running.read_only = is_read_only(script.flags, read_only);
  running.short_of_memory = (script.flags & kAllowOom) == 0 && commands_.short_of_memory();
  run(call, scripts_box(), running, script.reference, keys);
}

// --- Functions ---

const Scripts::LibraryMap& Scripts::libraries() {
  if (version_ == keyspace_.libraries_version()) return libraries_;
  version_ = keyspace_.libraries_version();
  broken_.clear();
  LibraryMap found;
  for (const auto& [name, text] : keyspace_.libraries()) {
    const auto here = libraries_.find(name);
    if (here != libraries_.end() && here->second.text == text) {
      found.insert(libraries_.extract(here));
      continue;
    }
    auto compiled = compile(text);
    if (!compiled.ok() && broken_.empty())
      broken_ = fmt::format("the library {}: {}", name, compiled.error().message.substr(4));
    found.emplace(name, compiled.ok() ? *std::move(compiled) : Library{text, {}});
  }
  for (const auto& [name, library] : libraries_) drop(library);
  libraries_ = std::move(found);
  index_functions();
  return libraries_;
}

std::string Scripts::broken_library() {
  libraries();
  return broken_;
}

void Scripts::index_functions() {
  functions_.clear();
  for (const auto& [name, library] : libraries_)
    for (const RegisteredFunction& function : library.functions)
      functions_.emplace(lower_case(function.name), &function);
}

size_t Scripts::count_functions() {
  libraries();
  return functions_.size();
}

Result<Scripts::Library> Scripts::compile(std::string_view text) {
  const auto head = read_library_head(text);
  if (!head.ok()) return answered(head.error().message);
  const Instant until = commands_.now() + kLoadAtMost;
  auto functions = functions_box().load(text.substr(head->body),
                                        [this, until] { return commands_.now() > until; });
  if (!functions.ok()) return answered(functions.error().message);
  if (functions->empty()) return answered("No functions registered");
  return Library{std::string(text), *std::move(functions)};
}

void Scripts::drop(const Library& library) {
  for (const RegisteredFunction& function : library.functions)
    functions_box().forget(function.reference);
}

void Scripts::keep(LibraryMap changed, std::span<const std::string> removed) {
  const auto take_out = [&](std::string_view name) {
    const auto found = libraries_.find(name);
    if (found == libraries_.end()) return;
    drop(found->second);
    libraries_.erase(found);
  };
  for (const std::string& name : removed) take_out(name);
  for (const auto& [name, library] : changed) take_out(name);
  libraries_.merge(changed);
  version_ = keyspace_.libraries_version();
  index_functions();
}

void Scripts::call_function(Call& call, bool read_only) {
  libraries();
  const auto found = functions_.find(lower_case(call.arg(1)));
  if (found == functions_.end()) return call.fail("ERR Function not found");
  const RegisteredFunction& function = *found->second;
  const int64_t keys = count_keys(call, "ERR Bad number of keys provided");
  if (keys < 0 || !may_run(call, function.flags, read_only)) return;
  RunningScript running;
  running.name = function.name;
  running.is_function = true;
  running.read_only = is_read_only(function.flags, read_only);
  running.short_of_memory = (function.flags & kAllowOom) == 0 && commands_.short_of_memory();
  run(call, functions_box(), running, function.reference, keys);
}

// --- INFO ---

size_t Scripts::script_memory() const {
  return scripts_box_ == nullptr ? 0 : scripts_box_->memory_bytes();
}
size_t Scripts::function_memory() const {
  return functions_box_ == nullptr ? 0 : functions_box_->memory_bytes();
}
size_t Scripts::cached_bytes() const {
  size_t bytes = 0;
  for (const auto& [digest, script] : scripts_) bytes += digest.size() + script.bytes;
  return bytes;
}

}  // namespace powercut::engine
