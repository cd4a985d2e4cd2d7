#include "engine/command/container.h"

#include <fmt/format.h>

#include "engine/base/words.h"

namespace powercut::engine {

void dispatch(Call& call) {
  const CommandSpec* spec = resolve(call.args);
  CHECK(spec != nullptr);
  if (spec->subcommand_count != 0) return call.fail(unknown_subcommand_error(call.args));
  if (!arity_fits(*spec, call.argc()))
    return call.fail(fmt::format("ERR wrong number of arguments for '{}' command", spec->name));
  spec->handler(call);
}

void help(Call& call) {
  const CommandSpec* spec = find_command(call.arg(0));
  CHECK(spec != nullptr && spec->subcommand_count != 0);
  call.reply.array(spec->subcommand_count + 2);
  call.reply.simple(fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                                upper_case(spec->name)));
  for (const CommandSpec& subcommand : spec->subcommands())
    call.reply.simple(upper_case(subcommand.name.substr(spec->name.size() + 1)));
  call.reply.simple("    HELP prints this.");
}

std::string unknown_subcommand_error(std::span<const std::string_view> args) {
  return fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", args[1].substr(0, 128),
                     upper_case(args[0].substr(0, 128)));
}

}  // namespace powercut::engine
