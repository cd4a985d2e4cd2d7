// `powercut shrink`: from a failing run to the smallest one like it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "scenarios/catalog.h"
#include "scenarios/cli.h"
#include "scenarios/last_words.h"
#include "scenarios/scenario_file.h"
#include "scenarios/shrink.h"
#include "scenarios/terminal.h"

namespace powercut::scenarios {

namespace {

struct ShrinkArguments {
  std::string id;
  std::string directory;
  uint64_t tries = ShrinkOptions{}.tries_max;
  bool json = false;
};

int shrink_verb(const ShrinkArguments& a, const Streams& streams) {
  Scenario scenario;
  if (a.id.ends_with(".scn")) {
    const auto text = read_file(a.id);
    if (!text.ok()) return fail(streams, text.error());
    auto parsed = parse_scenario(*text, a.id);
    if (!parsed.ok()) return fail(streams, {Errc::kCorrupt, parsed.error().message});
    scenario = std::move(parsed).value();
  } else {
    auto recipe = parse_run_id(a.id);
    if (!recipe.ok()) return fail(streams, recipe.error());
    const UnderWay under_way(recipe->spec);
    auto written = scenario_of(recipe->spec);
    if (!written.ok()) return fail(streams, written.error());
    scenario = std::move(written).value();
  }
  ShrinkOptions options;
  options.tries_max = a.tries;
  auto shrunk = shrink(scenario, options);
  if (!shrunk.ok()) return fail(streams, shrunk.error());
  fmt::print(streams.out, "{}", print(shrunk->scenario, shrunk->account));
  fmt::print(streams.err, "{} tries, from {} operations to {}{}\n", shrunk->tries,
             shrunk->operations_before, operations(shrunk->scenario),
             shrunk->complete ? "" : " incomplete");
  return kBroken;
}

}  // namespace

Verb add_shrink(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("shrink", "The smallest case of a failure, and its story");
  auto a = std::make_shared<ShrinkArguments>();
  verb->add_option("id", a->id, "of a failing run, as a sweep prints it; or a scenario, FILE.scn")
      ->required();
  verb->add_option("-o,--output", a->directory, "write the scenario and the disk image here");
  verb->add_option("--tries", a->tries, "runs to try, at most")->capture_default_str();
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb,
          [a](const std::string&, const Streams& streams) { return shrink_verb(*a, streams); }};
}

}  // namespace powercut::scenarios
