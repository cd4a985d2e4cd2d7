#include "scenarios/campaign/triage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "scenarios/base/table.h"
#include "scenarios/run/catalog.h"
#include "scenarios/run/last_words.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/story/story.h"

namespace powercut::scenarios {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

Result<Shrunk> made_small(const RunSpec& spec, uint64_t tries_max) {
  const UnderWay under_way(spec);
  TRY_ASSIGN(const Scenario scenario, scenario_of(spec));
  ShrinkOptions options;
  options.tries_max = tries_max;
  return shrink(scenario, options);
}

// One violation, looked at: where no bug is planted, the cause is known only when it is small.
Failure look_at(const ViolationKind& kind, const FoundViolation& found,
                const TriageOptions& options, const std::vector<Failure>& before) {
  Failure failure;
  failure.signature = {kind.first, "unknown", kind.second};
  failure.id = found.id;
  const auto recipe = parse_run_id(found.id);
  if (!recipe.ok()) {
    failure.not_small = recipe.error().message;
    return failure;
  }
  const bool planted = recipe->spec.mutant != nullptr;
  if (planted) failure.signature.cause = recipe->spec.mutant->name;
  const bool is_there = std::any_of(before.begin(), before.end(), [&](const Failure& other) {
    return other.signature == failure.signature;
  });
  if (planted && is_there) return failure;
  auto small = made_small(recipe->spec, options.tries_max);
  if (!small.ok()) {
    failure.not_small = small.error().message;
    return failure;
  }
  if (!planted) failure.signature.cause = cause_of(small->scenario);
  failure.small = std::move(small).value();
  return failure;
}

bool is_smaller(const Failure& a, const Failure& b) {
  if (!a.small || !b.small) return a.small && !b.small;
  return operations(a.small->scenario) < operations(b.small->scenario);
}

// Beside those of the same signature: the smallest is the case, the others are variants of it.
void add_failure(std::vector<Failure>& failures, Failure failure, uint64_t variants_most) {
  const auto same = std::find_if(failures.begin(), failures.end(), [&](const Failure& other) {
    return other.signature == failure.signature;
  });
  if (same == failures.end()) {
    failures.push_back(std::move(failure));
    return;
  }
  if (is_smaller(failure, *same)) {
    failure.variants = std::move(same->variants);
    std::swap(failure, *same);
  }
  if (same->variants.size() < variants_most) same->variants.push_back(failure.id);
}

const KnownFailure* find_known(const std::vector<KnownFailure>& known, const Signature& signature) {
  const auto at = std::find_if(known.begin(), known.end(),
                               [&](const KnownFailure& one) { return one.signature == signature; });
  return at == known.end() ? nullptr : &*at;
}

}  // namespace

std::string without_numbers(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (!digit)
      plain += c;
    else if (!plain.ends_with('#'))
      plain += '#';
  }
  return plain;
}

std::string cause_of(const Scenario& scenario) {
  const auto fences = missing_fences(scenario);
  if (fences.empty()) return "no single sync would have kept it";
  const MissingFence& first = fences.front();
  return without_numbers(fmt::format("no sync of {} after {}", first.path, first.after));
}

std::string print(const Signature& signature) {
  return fmt::format("{}, {}, {}", signature.promise, signature.cause, signature.personas);
}

Result<std::vector<KnownFailure>> read_known(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_file(path));
  std::vector<KnownFailure> known;
  try {
    const json all = json::parse(text);
    if (!all.is_array()) return Error{Errc::kCorrupt, path + ": no list of known failures"};
    for (const json& one : all)
      known.push_back({{one.at("promise"), one.at("cause"), one.at("personas")},
                       one.value("note", "known"),
                       one.value("fixed", false)});
  } catch (const json::exception& wrong) {
    return Error{Errc::kCorrupt, fmt::format("{}: no list of known failures: {}; `--json` prints "
                                             "such failures",
                                             path, wrong.what())};
  }
  return known;
}

bool Triage::knows(const FoundViolation& found) const {
  return known_kinds.count(
             {std::string(code_of(found.breach)), std::string(persona_class(found.persona))}) != 0;
}

Triage compare_with_known(std::vector<Failure> failures, const std::vector<KnownFailure>& known) {
  Triage triage;
  std::set<Signature> seen;
  for (Failure& failure : failures) {
    const KnownFailure* one = find_known(known, failure.signature);
    failure.came_back = one != nullptr && one->fixed;
    if (one != nullptr) failure.known = one->note.empty() ? "known" : one->note;
    seen.insert(failure.signature);
  }
  triage.failures = std::move(failures);
  std::stable_sort(triage.failures.begin(), triage.failures.end(),
                   [](const auto& a, const auto& b) { return a.signature < b.signature; });
  for (const KnownFailure& one : known)
    if (!one.fixed && seen.count(one.signature) == 0) triage.not_seen.push_back(one);
  return triage;
}

Triage triage(const Tally& tally, const std::vector<KnownFailure>& known,
              const TriageOptions& options) {
  std::vector<Failure> all;
  std::set<ViolationKind> known_kinds;
  uint64_t known_violations = 0;
  for (const auto& [kind, some] : tally.kinds) {
    std::vector<Failure> failures;
    for (const auto& [seed, found] : some.found)
      add_failure(failures, look_at(kind, found, options, failures), options.variants);
    bool all_known = true;
    for (Failure& failure : failures) {
      failure.alike = some.violations;
      const KnownFailure* one = find_known(known, failure.signature);
      all_known = all_known && one != nullptr && !one->fixed;
      all.push_back(std::move(failure));
    }
    if (!all_known) continue;
    known_kinds.insert(kind);
    known_violations += some.violations;
  }
  Triage triage = compare_with_known(std::move(all), known);
  triage.known_kinds = std::move(known_kinds);
  triage.known_violations = known_violations;
  return triage;
}

ordered_json failures_json(const Triage& triage) {
  ordered_json all = ordered_json::array();
  for (const Failure& failure : triage.failures) {
    ordered_json one = {{"promise", failure.signature.promise},
                        {"cause", failure.signature.cause},
                        {"personas", failure.signature.personas},
                        {"alike", failure.alike},
                        {"run", failure.id},
                        {"operations", nullptr},
                        {"variants", failure.variants},
                        {"known", nullptr},
                        {"came_back", failure.came_back}};
    if (failure.small) one["operations"] = operations(failure.small->scenario);
    if (!failure.known.empty()) one["known"] = failure.known;
    all.push_back(std::move(one));
  }
  return all;
}

ordered_json not_seen_json(const Triage& triage) {
  ordered_json all = ordered_json::array();
  for (const KnownFailure& one : triage.not_seen)
    all.push_back({{"promise", one.signature.promise},
                   {"cause", one.signature.cause},
                   {"personas", one.signature.personas},
                   {"note", one.note}});
  return all;
}

std::string failures_text(const Triage& triage, const std::string& program) {
  std::string text;
  for (const Failure& failure : triage.failures) {
    const std::string state = failure.came_back        ? " came back: " + failure.known
                              : !failure.known.empty() ? " is known: " + failure.known
                                                       : "";
    text += folded(fmt::format("failure ({}){}; {} violations like it{}", print(failure.signature),
                               state, failure.alike,
                               failure.small ? fmt::format("; the smallest has {} of its requests",
                                                           operations(failure.small->scenario))
                                             : ""));
    text += "  " + (program.empty() ? failure.id : replay_command(program, failure.id)) + '\n';
    for (const std::string& id : failure.variants)
      text += "  " + replay_command(program, id) + '\n';
    if (!failure.not_small.empty())
      text += folded(fmt::format("  it could not be made small: {}", failure.not_small), 4);
  }
  for (const KnownFailure& one : triage.not_seen)
    text += folded(fmt::format("known, and not seen: ({}): {}", print(one.signature), one.note));
  return text;
}

}  // namespace powercut::scenarios
