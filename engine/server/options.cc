#include "engine/server/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "engine/parameters.h"

namespace powercut::engine {

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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      exit_status = app.exit(error);
    } else {
      fmt::print(stderr, "powercut-server: {}; see powercut-server --help\n", error.what());
      exit_status = kExitUsage;
    }
    return false;
  }
  options.engine.directory = options.directory;
  return true;
}

int exit_status_of(const Error& error) {
  return error.code == Errc::kCorrupt || error.code == Errc::kUnsupported ? kExitUnreadable
                                                                          : kExitFailed;
}

}  // namespace powercut::engine
