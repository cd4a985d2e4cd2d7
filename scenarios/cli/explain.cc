// `powercut explain`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "faults/nearest.h"
#include "scenarios/base/glossary.h"
#include "scenarios/base/table.h"
#include "scenarios/cli/cli.h"
#include "scenarios/run/catalog.h"

namespace powercut::scenarios {

namespace {

// What was chosen behind a persona's name.
std::string axes_of(std::string_view persona) {
  std::string text;
  for (const auto& value : faults::axis_values()) {
    const std::string chosen = fmt::format("/{}={}", value.axis, value.value);
    const size_t at = persona.find(chosen);
    if (at == persona.npos) continue;
    const std::string_view rest = persona.substr(at + chosen.size());
    if (rest.empty() || rest[0] == '/')
      text += fmt::format(" {}: {}.", chosen.substr(1), value.about);
  }
  return text;
}

// What it says of a name of anything that has one; empty: there is none.
std::string meaning(const std::string& name) {
  if (const Term* term = find_term(name)) return std::string(term->text);
  if (const Policy* policy = find_policy(name))
    return fmt::format("A policy. It promises: {}.", policy->promise);
  if (const auto* persona = faults::find_persona(name))
    return fmt::format("A persona{}. {}.{}",
                       persona->name == name ? "" : fmt::format(", {}", persona->name),
                       persona->guarantee, axes_of(persona->name));
  for (int i = 0; i < faults::kFaultClasses; ++i) {
    const auto fault = static_cast<faults::FaultClass>(i);
    if (faults::name(fault) == name) return fmt::format("A fault: {}.", faults::describe(fault));
  }
  for (const BreachRow& row : kBreachRows)
    if (row.code == name) return fmt::format("A judgement: {}. {}", row.sentence, row.story);
  if (const auto* mutant = faults::find_mutant(name))
    return fmt::format("A planted bug: {}. `powercut list mutants {}` shows it.", mutant->story,
                       mutant->name);
  return "";
}

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const Term& term : all_terms()) names.emplace_back(term.name);
  for (const Policy& policy : all_policies()) names.emplace_back(policy.name);
  for (const auto& persona : faults::all_personas()) names.emplace_back(persona.name);
  for (const BreachRow& row : kBreachRows) names.emplace_back(row.code);
  return names;
}

int explain_verb(const std::vector<std::string>& words, const Streams& streams) {
  if (words.empty()) {
    fmt::print(streams.out, "{}", glossary_page());
    return kHeld;
  }
  const std::string name = fmt::format("{}", fmt::join(words, " "));
  const std::string text = meaning(name);
  if (text.empty()) {
    const std::string why = faults::no_such(name, known_names(), "");
    return fail(streams,
                {Errc::kInvalid, fmt::format("explain: {}{} `powercut explain` lists the terms",
                                             why, why.ends_with('?') ? "" : ";")});
  }
  fmt::print(streams.out, "{}", folded(fmt::format("{}: {}", name, text)));
  return kHeld;
}

}  // namespace

Verb add_explain(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("explain", "What a term of a table or a name means");
  verb->footer("Example:\n  powercut explain span");
  auto words = std::make_shared<std::vector<std::string>>();
  verb->add_option("term", *words,
                   "a term, or a name of a policy, persona, fault, judgement or bug; "
                   "none: the whole glossary, as a page");
  return {verb, [words](const std::string&, const Streams& streams) {
            return explain_verb(*words, streams);
          }};
}

}  // namespace powercut::scenarios
