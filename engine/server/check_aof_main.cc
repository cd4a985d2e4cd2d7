// powercut-check-aof: what a start would find in a log. Changes nothing unless told to, and then keeps a copy.
#include <fmt/format.h>

#include "engine/aof/manifest.h"
#include "engine/engine.h"
#include "engine/os/posix/directory_lock.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/read_only_os.h"
#include "engine/recovery/plain_log.h"
#include "engine/server/log_place.h"
#include "engine/server/named_os.h"
#include "engine/server/options.h"

namespace powercut::engine {

namespace {

int fail(const Error& error) {
  fmt::print(stderr, "powercut-check-aof: {}\n", error.message);
  return kExitUnreadable;
}

bool changes(const CheckAofOptions& options) { return options.fix || options.until_unix_s; }

RecoveryOptions as_asked(const CheckAofOptions& options) {
  RecoveryOptions recovery;
  if (changes(options)) recovery.on_corruption = OnCorruption::kTruncate;
  recovery.until_unix_s = options.until_unix_s;
  return recovery;
}

// What a start would come to.
int tell(const RecoveryReport& found) {
  fmt::print("{}\n", found.summary());
  for (const std::string& name : found.set_aside)
    fmt::print("not named by the manifest: {}\n", name);
  if (found.dropped_corruption) {
    fmt::print("whole up to entry {}; given up: {} bytes behind it, {}\n", found.last_lsn,
               found.dropped_bytes, found.dropped_reason);
    return kExitFailed;
  }
  if (found.dropped_bytes == 0) {
    fmt::print("whole: up to entry {}\n", found.last_lsn);
    return kExitOk;
  }
  fmt::print(
      "torn tail: whole up to entry {}; a start drops the {} bytes behind it: nothing shows that "
      "they were synced\n",
      found.last_lsn, found.dropped_bytes);
  return kExitFailed;
}

// One file of a log, whatever names it: a segment of ours, or a log of Redis with or without a checkpoint in front.
int check_file(Os& os, const LogPlace& place, const CheckAofOptions& options) {
  ReadOnlyOs read_only(os);
  auto file = read_only.open(place.file, Open::kRead);
  if (!file.ok()) return fail(file.error());
  Keyspace keyspace;
  keyspace.set_loading(true);
  SegmentExpectation expected;
  expected.name = place.file;
  expected.truncate_corruption = changes(options);
  expected.until_unix_s = options.until_unix_s;
  expected.any_first_lsn = true;
  const auto log = load_plain_log(**file, keyspace, expected,
                                  [](uint64_t, const EntryView&) -> Result<void> { return {}; });
  if (!log.ok()) return fail(log.error());
  if (log->preamble) fmt::print("a checkpoint of {} keys, and behind it:\n", log->checkpoint.keys);
  const uint64_t dropped = log->size - log->scan.good_end;
  fmt::print("{} entries, {} of {} bytes are whole{}{}\n", log->scan.entries, log->scan.good_end,
             log->size, dropped == 0 ? "" : "; what follows: ", log->scan.dropped_reason);
  if (!changes(options) || dropped == 0) return dropped == 0 ? kExitOk : kExitFailed;
  const auto kept = keep_copy(place);
  if (!kept.ok()) return fail(kept.error());
  fmt::print("a copy is kept: {}\n", *kept);
  auto writable = os.open(place.file, Open::kReadWrite);
  if (!writable.ok()) return fail(writable.error());
  auto cut = (*writable)->truncate(log->scan.good_end);
  if (cut.ok()) cut = (*writable)->sync("recovery.segment");
  if (!cut.ok()) return fail(cut.error());
  fmt::print("fixed: {} bytes cut off\n", dropped);
  return kExitOk;
}

// As a start does that keeps what precedes damage, and a clean end. `engine` outlives its tasks.
int fix(Os& os, const CheckAofOptions& options, std::unique_ptr<Engine>& engine) {
  EngineConfig config;
  config.recovery = as_asked(options);
  auto opened = Engine::open(os, config);
  if (!opened.ok()) return fail(opened.error());
  engine = std::move(*opened);
  const auto ended = engine->shut_down(false);
  if (ended.ok()) fmt::print("fixed: up to entry {}\n", engine->recovery().last_lsn);
  return ended.ok() ? kExitOk : fail(ended.error());
}

int check(PosixOs& os, NamedOs& store, const LogPlace& place, const CheckAofOptions& options,
          std::unique_ptr<Engine>& engine) {
  if (!place.file.empty()) return check_file(os, place, options);
  ReadOnlyOs read_only(store);
  Keyspace keyspace;
  ColdFolder cold(read_only, "");
  RecoveryOptions asked = as_asked(options);
  asked.cold = &cold;
  const auto recovered = recover(read_only, keyspace, asked);
  if (!recovered.ok())
    return fail({recovered.error().code, store.message(recovered.error().message)});
  if (const auto read = cold.bring_all_back(keyspace); !read.ok()) return fail(read.error());
  const int found = tell(recovered->report);
  if (found == kExitOk || !changes(options)) return found;
  const auto kept = keep_copy(place);
  if (!kept.ok()) return fail(kept.error());
  fmt::print("a copy is kept: {}\n", *kept);
  return fix(store, options, engine);
}

int run(int argc, char** argv) {
  CheckAofOptions options;
  int status = kExitUnreadable;
  if (!parse_check_aof_options(argc, argv, options, status)) return status;
  const auto place = find_log(options.path);
  if (!place.ok()) return fail(place.error());
  auto lock =
      changes(options) ? lock_directory(place->directory) : Result<Descriptor>(Descriptor());
  if (!lock.ok()) return fail(lock.error());
  auto os = PosixOs::open(place->directory);
  if (!os.ok()) return fail(os.error());
  NamedOs store(**os, place->names);
  std::unique_ptr<Engine> engine;
  (*os)->spawn("check", [&] { status = check(**os, store, *place, options, engine); });
  (*os)->run();
  (*os)->destroy_tasks();
  return status;
}

}  // namespace

}  // namespace powercut::engine

int main(int argc, char** argv) { return powercut::engine::run(argc, argv); }
