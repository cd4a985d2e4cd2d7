#include "scenarios/campaign/corpus.h"

#include <map>
#include <optional>
#include <sstream>

#include "scenarios/base/workers.h"
#include "scenarios/run/last_words.h"
#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {

namespace {

struct One {
  bool readable = false;
  bool foreign = false;
  bool departs = false;
  std::string id;
  CellSet cells;
  Tally tally;
};

One replay(const std::string& id, const SweepOptions& options) {
  One one;
  const auto recipe = parse_run_id(id);
  if (!recipe.ok()) return one;
  one.readable = true;
  one.id = id;
  one.foreign = recipe->spec.mutant != options.mutant ||
                &target_or_store(recipe->spec.target) != &target_or_store(options.target);
  if (one.foreign) return one;
  const UnderWay under_way(recipe->spec);
  const RunResult result = run_once(recipe->spec);
  one.departs = recipe->fingerprint && !(*recipe->fingerprint == result.fingerprint);
  one.id = replay_id(recipe->spec, result);
  one.cells = result.cells;
  one.tally.add(recipe->spec, result);
  return one;
}

}  // namespace

Result<std::vector<std::string>> read_corpus(const std::string& path) {
  const auto text = read_file(path);
  if (!text.ok() && text.error().code == Errc::kNotFound) return std::vector<std::string>{};
  if (!text.ok()) return text.error();
  std::vector<std::string> ids;
  std::istringstream in(*text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') ids.push_back(line);
  return ids;
}

Replayed replay_corpus(const std::vector<std::string>& ids, const SweepOptions& options) {
  std::vector<One> runs(ids.size());
  on_all_cores(ids.size(), options.jobs, [&](size_t i) { runs[i] = replay(ids[i], options); });
  Replayed all;
  for (One& one : runs) {
    if (!one.readable) {
      ++all.unreadable;
    } else if (one.foreign) {
      all.foreign.push_back(std::move(one.id));
    } else {
      all.of_another_build += one.departs ? 1 : 0;
      all.tally.merge(one.tally);
      const bool is_new = (one.cells & ~all.reached).any();
      all.pruned += is_new ? 0 : 1;
      all.reached |= one.cells;
      if (is_new) all.kept.push_back(std::move(one.id));
    }
  }
  return all;
}

std::vector<std::string> new_runs(const Tally& tally, const CellSet& reached) {
  std::map<uint64_t, std::string> by_seed;
  for (const auto& [cell, witness] : tally.witnesses)
    if (!reached[cell]) by_seed.emplace(witness.seed, witness.id);
  std::vector<std::string> ids;
  for (auto& [seed, id] : by_seed) ids.push_back(std::move(id));
  return ids;
}

std::string print_corpus(const std::vector<std::string>& ids) {
  std::string text = "# Runs that reach what no other here reaches: powercut sweep --corpus.\n";
  for (const std::string& id : ids) text += id + '\n';
  return text;
}

}  // namespace powercut::scenarios
