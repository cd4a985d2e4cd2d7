#include "engine/server/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "engine/parameters.h"

namespace powercut::engine {

namespace {

bool parse(CLI::App& app, const char* program, int argc, char** argv, int& exit_status) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      exit_status = app.exit(error);
    } else {
      fmt::print(stderr, "{}: {}; see {} --help\n", program, error.what(), program);
      exit_status = kExitUsage;
    }
    return false;
  }
}

}  // namespace

bool parse_check_aof_options(int argc, char** argv, CheckAofOptions& options, int& exit_status) {
  CLI::App app{
      "Checks an append-only log as a start would read it. Changes nothing without --fix, or "
      "--truncate-to-timestamp."};
  app.footer(
      "What would be changed is said first, and a copy of the log is kept beside it.\n"
      "Exit status: 0 whole, 1 a torn tail, 2 usage, 3 it cannot be read.\nExample: "
      "powercut-check-aof data");
  app.add_option("PATH", options.path,
                 "the server's --dir, its appendonlydir, the manifest in it, or one file of a log")
      ->required();
  app.add_flag("--fix", options.fix,
               "cut a torn tail, or at the first damage, and write a new generation");
  app.add_option("--truncate-to-timestamp", options.until_unix_s,
                 "give up what was logged after this second, in a log with timestamps");
  return parse(app, "powercut-check-aof", argc, argv, exit_status);
}

bool parse_check_rdb_options(int argc, char** argv, CheckRdbOptions& options, int& exit_status) {
  CLI::App app{"Reads a checkpoint to its end and tells what is in it. Never changes it."};
  app.footer(
      "Exit status: 0 whole, 2 usage, 3 it cannot be read.\nExample: powercut-check-rdb "
      "data/dump.rdb");
  app.add_option("PATH", options.path, "the checkpoint, or the directory with a dump.rdb")
      ->required();
  return parse(app, "powercut-check-rdb", argc, argv, exit_status);
}

bool parse_restore_options(int argc, char** argv, RestoreOptions& options, int& exit_status) {
  CLI::App app{
      "Restores what a backup, or a log, had at one moment. Never changes what it restores from."};
  app.footer(
      "Exit status: 0 restored, 1 it cannot be, 2 usage, 3 it cannot be read.\nExample: "
      "powercut-restore data/backups/monday --to restored --to-lsn 1200");
  app.add_option("DIR", options.from, "a backup's folder, a log's, or the --dir of a server")
      ->required();
  app.add_option("--to", options.to, "an empty directory, or one to be made")->required();
  CLI::Option* const lsn =
      app.add_option("--to-lsn", options.lsn, "as it was after this entry of the log");
  app.add_option("--to-time", options.unix_s,
                 "as it was at the end of this second, in a log with timestamps")
      ->excludes(lsn);
  app.add_option("--databases", options.databases, "as many as the server has")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  return parse(app, "powercut-restore", argc, argv, exit_status);
}

int exit_status_of(const Error& error) {
  return error.code == Errc::kCorrupt || error.code == Errc::kUnsupported ? kExitUnreadable
                                                                          : kExitFailed;
}

}  // namespace powercut::engine
