// powercut-check-aof: what a start would find in a data directory. Changes nothing unless --fix.
#include <fmt/format.h>

#include "engine/engine.h"
#include "engine/os/posix/directory_lock.h"
#include "engine/os/posix/posix_os.h"
#include "engine/server/options.h"
#include "engine/server/read_only_os.h"

namespace powercut::engine {

namespace {

int fail(const Error& error) {
  fmt::print(stderr, "powercut-check-aof: {}\n", error.message);
  return kExitUnreadable;
}

int report(const Recovered& recovered, const std::string& directory) {
  if (!recovered.manifest.base && recovered.manifest.segments.empty()) {
    return fail({Errc::kNotFound,
                 fmt::format("{}: no {}/{}; give the directory that the server has as --dir",
                             directory, kAofDirectory, kManifestName)});
  }
  const RecoveryReport& found = recovered.report;
  fmt::print("{}\n", found.summary());
  for (const std::string& name : found.set_aside)
    fmt::print("not named by the manifest: {}\n", name);
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

// As a start does that keeps what precedes damage, and a clean end. `engine` outlives its tasks.
int fix(PosixOs& os, std::unique_ptr<Engine>& engine) {
  EngineConfig config;
  config.recovery.on_corruption = OnCorruption::kTruncate;
  auto opened = Engine::open(os, config);
  if (!opened.ok()) return fail(opened.error());
  engine = std::move(*opened);
  const auto ended = engine->shut_down(false);
  if (ended.ok()) fmt::print("fixed: {}\n", engine->recovery().summary());
  return ended.ok() ? kExitOk : fail(ended.error());
}

int run(int argc, char** argv) {
  CheckAofOptions options;
  int status = kExitUnreadable;
  if (!parse_check_aof_options(argc, argv, options, status)) return status;
  auto lock = options.fix ? lock_directory(options.directory) : Result<Descriptor>(Descriptor());
  if (!lock.ok()) return fail(lock.error());
  auto os = PosixOs::open(options.directory);
  if (!os.ok()) return fail(os.error());
  std::unique_ptr<Engine> engine;
  (*os)->spawn("check", [&] {
    if (options.fix) {
      status = fix(**os, engine);
      return;
    }
    ReadOnlyOs read_only(**os);
    Keyspace keyspace;
    auto recovered = recover(read_only, keyspace, {});
    status = recovered.ok() ? report(*recovered, options.directory) : fail(recovered.error());
  });
  (*os)->run();
  (*os)->destroy_tasks();
  return status;
}

}  // namespace

}  // namespace powercut::engine

int main(int argc, char** argv) { return powercut::engine::run(argc, argv); }
