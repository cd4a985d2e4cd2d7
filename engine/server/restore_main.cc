// powercut-restore: what a backup, or a log, had at one moment, as the data of a server to come. Changes neither.
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <string>

#include "engine/backup/restore.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/read_only_os.h"
#include "engine/recovery/recovery.h"
#include "engine/server/log_place.h"
#include "engine/server/named_os.h"
#include "engine/server/options.h"

namespace powercut::engine {

namespace {

namespace fs = std::filesystem;

int fail(const Error& error) {
  fmt::print(stderr, "powercut-restore: {}\n", error.message);
  return exit_status_of(error);
}

bool has_manifest(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".manifest") && !name.starts_with("temp-")) return true;
  }
  return false;
}

// A backup's folder, a log's, or a server's --dir.
Result<LogPlace> find_source(const std::string& given) {
  const fs::path path(given);
  std::error_code error;
  if (!fs::exists(path, error)) return Error{Errc::kNotFound, given + ": it is not there"};
  if (has_manifest(path)) return find_log(given);
  if (has_manifest(path / kAofDirectory)) return find_log((path / kAofDirectory).string());
  return Error{Errc::kNotFound,
               fmt::format("{}: no {} in it: it is no backup, or one that was never sealed", given,
                           kManifestName)};
}

// Runs it as a task of a world that has that root.
Result<void> in_directory(const std::string& root,
                          const std::function<Result<void>(PosixOs&)>& work) {
  TRY_ASSIGN(const auto os, PosixOs::open(root));
  Result<void> outcome;
  os->spawn("restore", [&] { outcome = work(*os); });
  os->run();
  os->destroy_tasks();
  return outcome;
}

Result<Restored> load(const RestoreOptions& options, Keyspace& keyspace) {
  TRY_ASSIGN(const LogPlace place, find_source(options.from));
  Restored restored;
  const auto loaded = in_directory(place.directory, [&](PosixOs& os) -> Result<void> {
    NamedOs store(os, place.names);
    ReadOnlyOs read_only(store);
    auto state = load_state(read_only, keyspace, {options.lsn, options.unix_s});
    if (state.ok()) restored = *state;
    if (state.ok()) return {};
    return Error{state.error().code,
                 fmt::format("{}: {}", options.from, store.message(state.error().message))};
  });
  if (!loaded.ok()) return loaded.error();
  return restored;
}

// Into a directory of its own, made if it is not there, whose name is durable as well.
Result<void> write(const RestoreOptions& options, Keyspace& keyspace, uint64_t lsn) {
  fs::path path = fs::absolute(options.to).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::error_code error;
  if (fs::create_directory(path, error); error)
    return Error{Errc::kIo, fmt::format("{}: {}", options.to, error.message())};
  TRY(in_directory(path.parent_path().string(),
                   [](PosixOs& os) { return os.sync_directory("", "restore.directory"); }));
  const auto written =
      in_directory(path.string(), [&](PosixOs& os) { return write_restored(os, keyspace, lsn); });
  if (written.ok()) return {};
  return Error{written.error().code, fmt::format("{}: {}", options.to, written.error().message)};
}

int restore(const RestoreOptions& options) {
  Keyspace keyspace(options.databases);
  const auto state = load(options, keyspace);
  if (!state.ok()) return fail(state.error());
  if (const auto written = write(options, keyspace, state->lsn); !written.ok())
    return fail(written.error());
  if (state->dropped_bytes != 0)
    fmt::print("{} bytes of its end are torn, and are not in it\n", state->dropped_bytes);
  fmt::print("restored: up to entry {} (there are {} to {}); start powercut-server --dir {}\n",
             state->lsn, state->first_lsn, state->last_lsn, options.to);
  return kExitOk;
}

int run(int argc, char** argv) {
  RestoreOptions options;
  int status = kExitUnreadable;
  if (!parse_restore_options(argc, argv, options, status)) return status;
  return restore(options);
}

}  // namespace

}  // namespace powercut::engine

int main(int argc, char** argv) { return powercut::engine::run(argc, argv); }
