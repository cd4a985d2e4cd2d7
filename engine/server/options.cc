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

bool parse_server_options(int argc, char** argv, ServerOptions& options, int& exit_status) {
  CLI::App app{"The powercut store for clients that speak Redis's protocol."};
  app.footer(
      "Example: powercut-server --port 6379 --dir data --appendfsync always --save \"3600 1\"");
  app.set_version_flag("--version", "powercut-server 0.1.0");
  app.add_option("--port", options.port, "TCP port; 0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--bind", options.bind, "numeric address to listen on")->capture_default_str();
  app.add_option("--dir", options.directory, "where the data are; it must exist")
      ->capture_default_str();
  app.add_flag("!--no-io-uring", options.use_io_uring, "use plain system calls for the disk");
  for (const Parameter& parameter : parameters()) {
    if (parameter.set == nullptr || parameter.name == "dir") continue;
    const auto set = [&parameter, &options](const std::string& value) {
      const auto outcome = parameter.set(options.engine, value);
      if (!outcome.ok())
        throw CLI::ValidationError("--" + std::string(parameter.name), outcome.error().message);
    };
    app.add_option_function<std::string>("--" + std::string(parameter.name), set,
                                         std::string(parameter.help))
        ->type_name(parameter.get(options.engine).empty()
                        ? "VALUE"
                        : "[" + parameter.get(options.engine) + "]");
  }
  if (!parse(app, "powercut-server", argc, argv, exit_status)) return false;
  options.engine.directory = options.directory;
  return true;
}

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
