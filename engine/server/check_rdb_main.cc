// powercut-check-rdb: reads a checkpoint to its end and tells what is in it. Never changes it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "engine/checkpoint/rdb_decode.h"
#include "engine/os/posix/posix_os.h"
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
  CLI::App app{"Reads an RDB file to its end and tells what is in it. Never changes it."};
  app.footer(
      "Exit status: 0 whole, 2 usage, 3 it cannot be read.\nExample: powercut-check-rdb "
      "data/dump.rdb");
  std::string path;
  app.add_option("FILE", path, "the checkpoint")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "powercut-check-rdb: {}; see --help\n", error.what());
    return kExitUsage;
  }
  const std::filesystem::path file(path);
  auto os = PosixOs::open(file.has_parent_path() ? file.parent_path().string() : ".");
  if (!os.ok()) return fail(os.error());
  int status = kExitUnreadable;
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
