// powercut-check-rdb: reads a checkpoint to its end and tells what is in it. Never changes it.
#include <fmt/format.h>

#include <filesystem>

#include "engine/checkpoint/rdb_decode.h"
#include "engine/os/posix/posix_os.h"
#include "engine/recovery/checkpoint_file.h"
#include "engine/server/options.h"

namespace powercut::engine {

namespace {

int fail(const Error& error) {
  fmt::print(stderr, "powercut-check-rdb: {}\n", error.message);
  return kExitUnreadable;
}

Result<RdbInfo> check(Os& os, const std::string& name) {
  TRY_ASSIGN(const auto file, os.open(name, Open::kRead));
  return check_rdb(*file, name);
}

int report(const RdbInfo& info) {
  for (const auto& [name, value] : info.aux) fmt::print("{}: {}\n", name, value);
  fmt::print("version {}, {} keys, {} of them expiring, {} bytes, checksum {}\n", info.version,
             info.keys, info.expiring, info.bytes, info.checksum_present ? "matches" : "not there");
  return kExitOk;
}

int run(int argc, char** argv) {
  CheckRdbOptions options;
  int status = kExitUnreadable;
  if (!parse_check_rdb_options(argc, argv, options, status)) return status;
  std::filesystem::path file(options.path);
  std::error_code none;
  if (std::filesystem::is_directory(file, none)) file /= kCheckpointName;
  auto os = PosixOs::open(file.has_parent_path() ? file.parent_path().string() : ".");
  if (!os.ok()) return fail(os.error());
  (*os)->spawn("check", [&] {
    const auto info = check(**os, file.filename().string());
    status = info.ok() ? report(*info) : fail(info.error());
  });
  (*os)->run();
  return status;
}

}  // namespace

}  // namespace powercut::engine

int main(int argc, char** argv) { return powercut::engine::run(argc, argv); }
