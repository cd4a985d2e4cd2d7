// `powercut lab`.
#include "scenarios/lab/lab.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "scenarios/base/table.h"
#include "scenarios/cli/cli.h"
#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {

namespace {

struct LabArguments {
  std::vector<std::string> words;
  uint64_t student = 0;
  bool answer = false;
  bool hint = false;
};

const Lab* find_lab(const std::string& word) {
  for (const Lab& lab : all_labs())
    if (std::to_string(lab.number) == word) return &lab;
  return nullptr;
}

int check(const LabArguments& arguments, const Lab& lab, const Streams& streams) {
  const std::string& file = arguments.words[2];
  const auto text = read_file(file);
  if (!text.ok()) return fail(streams, text.error());
  const auto grade = lab.check(*text, arguments.student);
  if (!grade.ok()) return fail(streams, {grade.error().code, file + ": " + grade.error().message});
  for (const std::string& line : grade->lines) fmt::print(streams.out, "{}", folded(line));
  fmt::print(streams.out, "lab {}: {}\n", lab.number, grade->right ? "done" : "not yet");
  return grade->right ? kHeld : kBroken;
}

int lab_verb(const LabArguments& arguments, const Streams& streams) {
  const auto& words = arguments.words;
  if (words.empty()) {
    for (const Lab& lab : all_labs())
      fmt::print(streams.out, "{}  {}  ({})\n", lab.number, lab.title, lab.minutes);
    return kHeld;
  }
  const bool checks = words[0] == "check";
  if (words.size() != (checks ? 3 : 1))
    return fail(streams, {Errc::kInvalid,
                          "lab: `powercut lab`, `powercut lab N`, or `powercut lab "
                          "check N FILE`"});
  const Lab* lab = find_lab(words[checks ? 1 : 0]);
  if (lab == nullptr)
    return fail(streams,
                {Errc::kInvalid, fmt::format("lab: there is no lab \"{}\"; there are 1 to {}",
                                             words[checks ? 1 : 0], all_labs().size())});
  if (checks) return check(arguments, *lab, streams);
  if (arguments.answer) {
    fmt::print(streams.out, "{}", lab->answer(arguments.student));
  } else if (arguments.hint) {
    fmt::print(streams.out, "{}", folded(lab->hint, 0));
  } else {
    const std::string whose =
        arguments.student == 0 ? "" : fmt::format(" --student {}", arguments.student);
    fmt::print(streams.out,
               "Lab {0}. {1} ({2})\n\n{3}\n"
               "To be graded: powercut lab check {0} FILE{4}\n"
               "A hint:       powercut lab {0} --hint{4}\n"
               "An answer:    powercut lab {0} -c{4}\n",
               lab->number, lab->title, lab->minutes, lab->question(arguments.student), whose);
  }
  return kHeld;
}

}  // namespace

Verb add_lab(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("lab", "Six exercises, graded by running the answer");
  verb->footer("Example:\n  powercut lab 1");
  auto a = std::make_shared<LabArguments>();
  verb->add_option("words", a->words,
                   "none: what labs there are; N: what is asked; check N FILE: grade the answer");
  verb->add_option("--student", a->student, "a number of yours: what is asked differs by it")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 62))
      ->capture_default_str();
  verb->add_flag("-c,--answer", a->answer, "show an answer that is right");
  verb->add_flag("--hint", a->hint, "show a hint");
  return {verb, [a](const std::string&, const Streams& streams) { return lab_verb(*a, streams); }};
}

}  // namespace powercut::scenarios
