// `powercut witness`.
#include "scenarios/record/witness.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "scenarios/cli/case_run.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {

namespace {

struct WitnessArguments {
  std::string file;
  std::string filesystem = "ext4";
};

std::string told(const ImageOutcome& outcome) {
  if (outcome.hangs) return "it does not end";
  std::string text = outcome.status == 0 ? "it prints " + quoted(outcome.observed, 300)
                                         : fmt::format("it ends with status {}", outcome.status);
  if (!outcome.said.empty()) text += ": " + outcome.said;
  return text;
}

int witness_verb(const WitnessArguments& a, const Streams& streams) {
  const auto text = read_file(a.file);
  if (!text.ok()) return fail(streams, text.error());
  if (!is_trace_case(*text))
    return fail(
        streams,
        {Errc::kInvalid, a.file + ": a cut of a recorded program is asked for, as `powercut shrink "
                                  "--trace` writes it"});
  TraceStudy study(streams.err);
  CaseRun run;
  if (const auto ran = run_case_file(a.file, *text, study, run); !ran.ok())
    return fail(streams, {Errc::kCorrupt, a.file + ": " + ran.error().message});
  const TraceCase& stated = run.stated;
  const auto real = witness(run.image(), modes_of(study.trace),
                            {.recover = stated.recover,
                             .observe = stated.observe,
                             .check = stated.check,
                             .limit_ms = stated.limit_s * 1000},
                            a.filesystem);
  if (!real.ok()) return fail(streams, {real.error().code, "witness: " + real.error().message});
  const ImageOutcome& simulated = study.outcomes[run.account.cut.outcome];
  const bool same = real->same_as(simulated);
  fmt::print(streams.out,
             "{} of Linux {}, unmounted and mounted again, with the files of this cut: {}\n",
             a.filesystem, kernel_release(), told(*real));
  if (!same) {
    fmt::print(streams.out, "not so on the simulated disk, where {}\n", told(simulated));
    return kDiffers;
  }
  fmt::print(
      streams.out, "the same as on the simulated disk: {}\n",
      run.account.broken ? fmt::format("broken: {}", code_of(run.account.cut.breach)) : "held");
  return run.account.broken ? kBroken : kHeld;
}

}  // namespace

Verb add_witness(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "witness", "The files of a cut, put on a real filesystem and recovered there (as root)");
  verb->footer("Example:\n  powercut witness build/small/lost.scn --filesystem ext4");
  auto a = std::make_shared<WitnessArguments>();
  verb->add_option("file", a->file, "FILE.scn, as written by `powercut shrink --trace -o`")
      ->required()
      ->check(not_empty());
  verb->add_option("--filesystem", a->filesystem, "made in a file and mounted by a loop device")
      ->check(CLI::IsMember({"ext4", "xfs", "btrfs"}))
      ->capture_default_str();
  return {verb,
          [a](const std::string&, const Streams& streams) { return witness_verb(*a, streams); }};
}

}  // namespace powercut::scenarios
