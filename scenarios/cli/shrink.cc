// `powercut shrink`: from a failing run to the smallest one like it.
#include "scenarios/shrink/shrink.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/base/terminal.h"
#include "scenarios/campaign/artifacts.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/run/catalog.h"
#include "scenarios/run/last_words.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/story/story.h"

namespace powercut::scenarios {

namespace {

struct ShrinkArguments {
  std::string id;
  std::string directory;
  uint64_t tries = ShrinkOptions{}.tries_max;
  bool json = false;
  TraceArguments trace;
  std::string persona = "all";
};

Result<Scenario> scenario_of_id(const std::string& id) {
  if (!id.ends_with(".scn")) {
    TRY_ASSIGN(const Recipe recipe, parse_run_id(id));
    const UnderWay under_way(recipe.spec);
    auto scenario = scenario_of(recipe.spec);
    if (scenario.ok() || !recipe.fingerprint) return scenario;
    const auto departs = departure(*recipe.fingerprint, run_once(recipe.spec).fingerprint);
    if (!departs) return scenario;
    return Error{Errc::kCorrupt, fmt::format("{}; it departs from the recorded one {}: build the "
                                             "version that printed the ID",
                                             scenario.error().message, departure_text(*departs))};
  }
  TRY_ASSIGN(const std::string text, read_file(id));
  auto scenario = parse_scenario(text, id);
  if (!scenario.ok()) return Error{Errc::kCorrupt, scenario.error().message};
  if (const auto account = run_scenario(*scenario); !account.ok())
    return Error{Errc::kCorrupt, id + ": " + account.error().message};
  return scenario;
}

std::string name_of(const Scenario& scenario) {
  std::string name =
      fmt::format("{}-{}-{}", scenario.policy->name, scenario.persona->name,
                  scenario.mutant == nullptr ? std::string_view("bug") : scenario.mutant->name);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ':' || c == '/'; }, '-');
  return name;
}

void print_json(std::FILE* out, const Shrunk& shrunk, const std::string& scenario,
                const std::string& story, const std::vector<MissingFence>& fences) {
  nlohmann::ordered_json json;
  json["version"] = POWERCUT_VERSION;
  json["verb"] = "shrink";
  json["oracle"] = code_of(shrunk.account.result.violation->breach);
  json["operations_before"] = shrunk.operations_before;
  json["operations"] = operations(shrunk.scenario);
  json["crashes"] = shrunk.scenario.plan.crashes();
  json["tries"] = shrunk.tries;
  json["minimal"] = shrunk.complete;
  json["missing_fences"] = nlohmann::ordered_json::array();
  for (const MissingFence& fence : fences)
    json["missing_fences"].push_back(
        {{"path", fence.path}, {"after", fence.after}, {"before", fence.before}});
  json["scenario"] = scenario;
  json["story"] = story;
  fmt::print(out, "{}\n", json_text(json));
}

int shrink_verb(const ShrinkArguments& a, const Streams& streams) {
  if (!a.trace.trace.empty())
    return shrink_a_trace(a.trace, a.persona, a.directory, a.tries, a.json, streams);
  if (a.id.empty())
    return fail(streams, {Errc::kInvalid,
                          "of what? An ID, a scenario (FILE.scn), or --trace FILE of a recording"});
  const auto scenario = scenario_of_id(a.id);
  if (!scenario.ok()) return fail(streams, scenario.error());
  if (!a.directory.empty())
    if (const auto made = make_case_directory(a.directory); !made.ok())
      return fail(streams, made.error());
  const bool terminal = is_terminal(streams.err);
  ShrinkOptions options;
  options.tries_max = a.tries;
  if (terminal) {
    options.progress = [&](uint64_t tries, size_t operations) {
      fmt::print(streams.err, "\r{} tries, {} operations left ", tries, operations);
    };
  }
  const auto shrunk = shrink(*scenario, options);
  if (terminal) fmt::print(streams.err, "\r\x1b[K");
  if (!shrunk.ok()) {
    const std::string bug = unplanted(*scenario);
    return fail(streams, {shrunk.error().code,
                          fmt::format("{}: {}{}", a.id, shrunk.error().message,
                                      bug.empty() ? ""
                                                  : fmt::format("; the mutant {} that it fails "
                                                                "with is not planted",
                                                                bug))});
  }
  const auto fences = missing_fences(shrunk->scenario);
  const std::string text = print(shrunk->scenario, shrunk->account);
  const std::string story = tell_story(shrunk->scenario, shrunk->account, fences);
  if (a.json) {
    print_json(streams.out, *shrunk, text, story, fences);
  } else {
    fmt::print(streams.out, "{}", story);
  }
  const std::string name = name_of(shrunk->scenario);
  if (!a.directory.empty()) {
    const auto written = write_case(a.directory, name, text, story, shrunk->account);
    if (!written.ok()) return fail(streams, written.error());
    fmt::print(streams.err,
               "written: {0}/{1}.scn, {0}/{1}.txt, {0}/disk/; again: powercut replay {0}/{1}.scn\n",
               a.directory, name);
  }
  fmt::print(streams.err, "from {} operations to {}, in {} tries{}\n", shrunk->operations_before,
             operations(shrunk->scenario), shrunk->tries,
             shrunk->complete ? "; nothing more can be taken away, one at a time"
                              : "; stopped there, so it may not be the smallest: see --tries");
  return kBroken;
}

}  // namespace

Verb add_shrink(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("shrink", "The smallest case of a failure, and its story");
  verb->footer(
      "Prints the story; -o writes it to DIR/NAME.txt, and DIR/NAME.scn, which `powercut replay` "
      "tells again, and\nDIR/disk/, the files that the last recovery found.\n\nExample:\n  "
      "powercut shrink "
      "set100:always:posix-min:power-cut:20:1:no-sync:segment.commit -o smallest");
  auto a = std::make_shared<ShrinkArguments>();
  verb->add_option("id", a->id, "of a failing run, as a sweep prints it; or a scenario, FILE.scn");
  verb->add_option("-o,--output", a->directory,
                   "write the scenario and the disk image here; an earlier image is replaced")
      ->check([](const std::string& path) { return path.empty() ? "an empty path" : ""; });
  verb->add_option("--tries", a->tries, "runs, and recoveries judged in them, at most")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 62))
      ->capture_default_str();
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  CLI::Option* trace = add_trace_options(*verb, a->trace, {"id"});
  verb->add_option("--persona", a->persona,
                   "of a trace: filesystems; the first that breaks is told")
      ->needs(trace)
      ->capture_default_str();
  verb->add_option("--depth", a->trace.depth, "of a trace: crashes in a row, up to 2")
      ->needs(trace)
      ->check(CLI::Range(1u, 2u))
      ->capture_default_str();
  return {verb,
          [a](const std::string&, const Streams& streams) { return shrink_verb(*a, streams); }};
}

}  // namespace powercut::scenarios
