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
      "Checks the append-only log in a data directory as a start would read it. Changes nothing "
      "without --fix."};
  app.footer(
      "Exit status: 0 whole, 1 a torn tail, 2 usage, 3 it cannot be read.\nExample: "
      "powercut-check-aof data");
  app.add_option("DIR", options.directory, "the server's --dir")->required();
  app.add_flag("--fix", options.fix,
               "cut a torn tail, or at the first damage, and write a new generation");
  return parse(app, "powercut-check-aof", argc, argv, exit_status);
}

bool parse_check_rdb_options(int argc, char** argv, CheckRdbOptions& options, int& exit_status) {
  CLI::App app{"Reads an RDB file to its end and tells what is in it. Never changes it."};
  app.footer(
      "Exit status: 0 whole, 2 usage, 3 it cannot be read.\nExample: powercut-check-rdb "
      "data/dump.rdb");
  app.add_option("FILE", options.path, "the checkpoint")->required();
  return parse(app, "powercut-check-rdb", argc, argv, exit_status);
}

int exit_status_of(const Error& error) {
  return error.code == Errc::kCorrupt || error.code == Errc::kUnsupported ? kExitUnreadable
                                                                          : kExitFailed;
}

}  // namespace powercut::engine
