// `powercut view`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "scenarios/cli/cli.h"
#include "scenarios/run/catalog.h"
#include "scenarios/run/names.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/view/page.h"
#include "scenarios/view/record.h"

namespace powercut::scenarios {

namespace {

struct ViewArguments {
  std::string id;
  std::string personas;
  std::string output = "run.html";
  std::string format = "html";
};

Result<ViewSubject> view_subject(const ViewArguments& arguments) {
  ViewSubject subject;
  subject.title = arguments.id;
  subject.command = "powercut view " + arguments.id;
  if (!arguments.personas.empty()) subject.command += " --personas " + arguments.personas;
  for (const std::string& name : arguments.personas.empty() ? std::vector<std::string>{}
                                                            : comma_separated(arguments.personas)) {
    const faults::Persona* persona = faults::find_persona(name);
    if (persona == nullptr)
      return Error{Errc::kInvalid, "personas: " + no_such(Named::kPersona, name)};
    subject.personas.push_back(persona);
  }
  if (!arguments.id.ends_with(".scn")) {
    TRY_ASSIGN(subject.recipe, parse_run_id(arguments.id));
    return subject;
  }
  const size_t slash = arguments.id.rfind('/');
  subject.title = arguments.id.substr(slash == std::string::npos ? 0 : slash + 1);
  TRY_ASSIGN(const std::string text, read_file(arguments.id));
  auto scenario = parse_scenario(text, arguments.id);
  if (!scenario.ok()) return Error{Errc::kCorrupt, scenario.error().message};
  subject.scenario = std::move(scenario).value();
  return subject;
}

int view(const ViewArguments& arguments, const Streams& streams) {
  const auto subject = view_subject(arguments);
  if (!subject.ok()) return fail(streams, subject.error());
  const auto record = record_view(*subject);
  if (!record.ok())
    return fail(streams, {Errc::kCorrupt, arguments.id + ": " + record.error().message});
  const std::string text =
      arguments.format == "html" ? view_page(*record) : perfetto_trace(*record);
  if (arguments.output == "-") {
    fmt::print(streams.out, "{}", text);
  } else {
    if (const auto written = write_file(arguments.output, text); !written.ok())
      return fail(streams, written.error());
    fmt::print(streams.err, "written: {} ({} bytes)\n", arguments.output, text.size());
  }
  return (*record)["columns"][0]["verdict"]["held"] ? kHeld : kBroken;
}

}  // namespace

Verb add_view(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "view", "A run as a page to step through: what was safe when, and what a cut could leave");
  verb->footer("Example:\n  powercut view demo8:always:ext4-ordered:power-cut:8:1 -o run.html");
  auto a = std::make_shared<ViewArguments>();
  verb->add_option("id", a->id, "of a run, as a sweep prints it; or a scenario, FILE.scn")
      ->required();
  verb->add_option("--personas", a->personas, "how it ends on these filesystems as well")
      ->check(not_empty());
  verb->add_option("-o,--output", a->output, "the file; - is standard output")
      ->check(not_empty())
      ->capture_default_str();
  verb->add_option("--format", a->format, "html, or perfetto: a trace for ui.perfetto.dev")
      ->check(CLI::IsMember({"html", "perfetto"}))
      ->capture_default_str();
  return {verb, [a](const std::string&, const Streams& streams) { return view(*a, streams); }};
}

}  // namespace powercut::scenarios
