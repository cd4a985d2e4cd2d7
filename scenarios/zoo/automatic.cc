#include "scenarios/zoo/automatic.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "scenarios/base/apart.h"
#include "scenarios/base/status.h"
#include "scenarios/run/last_words.h"
#include "scenarios/run/targets.h"
#include "scenarios/story/scenario.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/sweep/subject.h"
#include "scenarios/zoo/reach.h"

namespace powercut::scenarios {

namespace {

namespace fs = std::filesystem;

// The engine without a mutant takes a third of the time and a tenth of the space. By the clock several times as
// much: a busy machine decides nothing.
constexpr Limits kOfRuns{60, 600, uint64_t{2} << 30};
constexpr Limits kOfTests{240, 900, uint64_t{8} << 30};  // several times what the longest takes

// --- The budget of one mutant, in a process of its own ---

// What it tells: "STAGE" as each begins, and "=RUNS WHAT" if that one finds it.
void found(const Tell& tell, uint64_t runs, std::string_view what) {
  tell(fmt::format("={} {}\n", runs, what));
}

// The budget as rows of Reach: a row a seed, a regression, or the explorer. `begins` is asked before each row, and says
// whether it is to be made.
using Begins = std::function<bool()>;

struct Stage {
  const char* name;
  const char* target;
  const char* workload;
  uint64_t one_in;  // of AutomaticOptions::seeds
};
constexpr Stage kMixed{"mixed", "store", "mixed", 1};
constexpr Stage kAllWorkloads{"all workloads", "store", "all", 1};
// What the store alone has not, or seldom.
constexpr Stage kBeside[] = {
    {"backup", "store", "backup", 4},           {"tiered", "tiered", "all", 2},
    {"tiered-warm", "tiered-warm", "all", 4},   {"tiered-archive", "tiered-archive", "all", 4},
    {"replicated-2", "replicated-2", "all", 4}, {"replicated-3", "replicated-3", "all", 8}};
// A run of these takes ten times as long as one of the store.
constexpr Stage kLastly[] = {{"write-behind", "write-behind", "all", 8},
                             {"write-through", "write-through", "all", 8},
                             {"remote-behind", "remote-behind", "all", 8},
                             {"write-behind-unlogged", "write-behind-unlogged", "all", 8}};

bool searched(const Stage& stage, uint64_t seeds, const faults::MutantInfo* mutant,
              const Begins& begins, const Tell& tell) {
  tell(fmt::format("{}\n", stage.name));
  CommonOptions common;
  common.target = stage.target;
  common.workload = stage.workload;
  const auto policies = find_target(stage.target)->policies();
  if (!policies.empty()) common.policy = fmt::format("{}", fmt::join(policies, ","));
  SweepOptions sweep = look_up(common).value();
  sweep.mutant = mutant;
  for (uint64_t i = 0; i < seeds / stage.one_in; ++i) {
    if (!begins()) continue;
    const Search result = search(sweep, first_seed_of(0) + i, 1);
    if (result.violation)
      found(tell, i + 1, code_of(result.violation->breach));
    else if (!result.harness_fault.empty())
      found(tell, i + 1, result.harness_fault);
    else
      continue;
    return true;
  }
  return false;
}

std::vector<Scenario> regressions() {
  std::vector<fs::path> paths;
  for (const auto& entry :
       fs::directory_iterator(fs::path(POWERCUT_SOURCE_DIR) / "scenarios/regressions"))
    if (entry.path().extension() == ".scn") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Scenario> scenarios;
  for (const fs::path& path : paths)
    scenarios.push_back(
        parse_scenario(read_file(path.string()).value(), path.filename().string()).value());
  return scenarios;
}

bool regressed(const faults::MutantInfo* mutant, const Begins& begins, const Tell& tell) {
  static const std::vector<Scenario> all = regressions();
  tell("regressions\n");
  CutManner manner;
  manner.illegal = sim::Illegal::kBent;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!begins()) continue;
    Scenario scenario = all[i];
    scenario.mutant = mutant;
    const auto account = run_scenario(scenario, manner);
    if (!account.ok() || !account->result.violation) continue;
    found(tell, i + 1, code_of(account->result.violation->breach));
    return true;
  }
  return false;
}

// Null: the engine without one.
void run_budget(const AutomaticOptions& options, const faults::MutantInfo* mutant,
                const Begins& asked, const Tell& tell) {
  bool made = false;
  const Begins begins = [&] {
    const bool is_made = asked();
    made = made || is_made;
    return is_made;
  };
  const auto seen = [&](const Stage& stage) {
    return searched(stage, options.seeds, mutant, begins, tell);
  };
  if (seen(kMixed) || regressed(mutant, begins, tell) || seen(kAllWorkloads)) return;
  tell("explorer\n");
  if (begins()) {
    const Exploring explored = explore_for(mutant);
    if (explored.depth != 0) return found(tell, 0, explored.oracle);
  }
  if (std::any_of(std::begin(kBeside), std::end(kBeside), seen)) return;
  if (made && mutant != nullptr) return;
  (void)std::any_of(std::begin(kLastly), std::end(kLastly), seen);
}

std::string found_where(const AutomaticOptions& options, const faults::MutantInfo* mutant,
                        const Begins& begins) {
  std::string stage;
  std::string found;
  run_budget(options, mutant, begins, [&](const std::string& line) {
    if (line.starts_with('='))
      found = stage + " " + line.substr(1, line.size() - 2);
    else
      stage = line.substr(0, line.size() - 1);
  });
  return found;
}

// Where the budget comes to, as the engine without a mutant shows. Errors: it is accused itself, so that no verdict on a
// mutant would say anything.
Result<Reach> reach_of_budget(const AutomaticOptions& options, Drawn drawn, const ZooHooks& hooks) {
  if (faults::all_automatic().mutants.empty() || drawn.empty()) return Reach();
  Result<Reach> reach = Reach();
  run_apart(
      1, 1, kOfRuns,
      [&](size_t, const Tell& tell) {
        ReachNotes notes(drawn);
        bool first = true;
        const auto begins = [&] {
          const std::string row = notes.row();
          if (!std::exchange(first, false)) tell(row);
          return true;
        };
        const std::string found = found_where(options, nullptr, begins);
        tell(notes.row());
        if (found.empty()) return;
        fmt::print(stderr, "{}", found);
        std::_Exit(kHarness);
      },
      [&](size_t, const Ended& ended) {
        if (ended.hung) return;
        if (ended.died || ended.status != 0)
          reach = Error{Errc::kCorrupt, "the engine without a mutant: " + ended.said};
        else
          reach = Reach(drawn.size(), ended.told);
      },
      hooks.stop);
  return reach;
}

// --- What it came to ---

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

void take(const Ended& ended, AutomaticRow& row) {
  const std::string last = last_line(ended.told);
  const bool was_found = last.starts_with('=');
  const std::string stages = was_found ? ended.told.substr(0, ended.told.rfind('=')) : ended.told;
  if (was_found) {
    row.fate = Fate::kFound;
    const size_t space = last.find(' ');
    std::from_chars(last.data() + 1, last.data() + space, row.runs);
    row.what = last.substr(space + 1);
  } else if (ended.hung || ended.died || ended.status != 0) {
    row.fate = ended.hung ? Fate::kHung : Fate::kDied;
    row.what = last_line(ended.said);
  }
  if (row.fate != Fate::kSurvived) row.by = last_line(stages);
}

// --- Unit tests ---

// That of its own room first: most fall there.
std::vector<std::string> tests_for(const faults::AutomaticMutant& mutant) {
  if (is_posix(mutant)) return {"engine_os_posix_test", "engine_test", "scenarios_posix_test"};
  std::vector<std::string> tests = {
      "engine_store_test",  "engine_checkpoint_test",  "engine_command_test",
      "engine_aof_test",    "engine_tier_test",        "engine_recovery_test",
      "engine_backup_test", "engine_replication_test", "engine_sink_test",
      "engine_test",        "scenarios_store_test"};
  const auto own = std::find_if(tests.begin(), tests.end(), [&](std::string test) {
    std::replace(test.begin(), test.end(), '_', '/');
    return mutant.file.starts_with(test.substr(0, test.rfind('/') + 1));
  });
  if (own != tests.end()) std::rotate(tests.begin(), own, own + 1);
  return tests;
}

// What each test program comes to, without a mutant. One that does not pass so would find every mutant.
Result<std::map<std::string, TestReach>> reach_of_tests(const AutomaticOptions& options,
                                                        const std::set<std::string>& programs,
                                                        const ZooHooks& hooks) {
  const std::vector<std::string> all(programs.begin(), programs.end());
  const auto notes = [&](size_t number) { return options.tests + "/" + all[number] + ".asked"; };
  std::map<std::string, TestReach> reach;
  std::string fails;
  run_apart(
      all.size(), options.jobs, kOfTests,
      [&](size_t number, const Tell&) {
        become(options.tests + "/" + all[number], {"POWERCUT_ASKED=" + notes(number)});
      },
      [&](size_t number, const Ended& ended) {
        const auto noted = read_file(notes(number));
        fs::remove(notes(number));
        if (!ended.hung && !ended.died && ended.status == 0 && noted.ok())
          reach.emplace(all[number], TestReach::parse(noted.value()));
        else
          fails = fmt::format("{} {} without a mutant", all[number],
                              ended.hung ? "is out of time" : "does not pass");
      },
      hooks.stop);
  const bool stopped = hooks.stop != nullptr && *hooks.stop;  // which ends them as well
  if (!fails.empty() && !stopped) return Error{Errc::kInvalid, fails};
  return reach;
}

Result<void> run_tests(const AutomaticOptions& options, const ZooHooks& hooks, uint64_t done,
                       std::vector<AutomaticRow>& rows) {
  std::vector<size_t> left;
  std::set<std::string> programs;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].fate != Fate::kSurvived) continue;
    left.push_back(i);
    // Those of POSIX run in processes and threads whose places nobody notes.
    if (is_posix(*rows[i].mutant)) continue;
    for (std::string& test : tests_for(*rows[i].mutant)) programs.insert(std::move(test));
  }
  TRY_ASSIGN(auto reach, reach_of_tests(options, programs, hooks));
  for (size_t round = 0; !left.empty(); ++round) {
    std::vector<std::pair<size_t, std::string>> tests;  // whose row, and which
    for (const size_t i : left) {
      const faults::AutomaticMutant& mutant = *rows[i].mutant;
      const std::string program = tests_for(mutant)[round];
      const std::string filter = is_posix(mutant) ? "*" : reach[program].filter(mutant);
      if (!filter.empty()) tests.emplace_back(i, filter);
    }
    const auto work = [&](size_t number, const Tell&) {
      const auto& [row, filter] = tests[number];
      const faults::AutomaticMutant& mutant = *rows[row].mutant;
      become(options.tests + "/" + tests_for(mutant)[round],
             {fmt::format("POWERCUT_MUTANT={}", mutant.info.name), "GTEST_FILTER=" + filter,
              "GTEST_FAIL_FAST=1"});
    };
    const auto on_end = [&](size_t number, const Ended& ended) {
      AutomaticRow& row = rows[tests[number].first];
      if (!ended.hung && !ended.died && ended.status == 0) return;
      row.fate = Fate::kTested;
      row.by = tests_for(*row.mutant)[round];
      hooks.on_tick(++done, rows.size());
    };
    // Twice as many: who hangs mostly waits.
    run_apart(tests.size(), 2 * options.jobs, kOfTests, work, on_end, hooks.stop);
    std::erase_if(left, [&](size_t i) {
      return rows[i].fate != Fate::kSurvived || tests_for(*rows[i].mutant).size() <= round + 1;
    });
  }
  return {};
}

}  // namespace

std::string found_by_budget(const AutomaticOptions& options, const faults::MutantInfo* mutant) {
  return found_where(options, mutant, [] { return true; });
}

std::string_view name(Fate fate) {
  static constexpr std::string_view kNames[] = {"found", "died", "hung", "tested", "survived"};
  return kNames[static_cast<size_t>(fate)];
}

bool is_posix(const faults::AutomaticMutant& mutant) {
  return mutant.file.starts_with("engine/os/posix/");
}

Result<std::vector<AutomaticRow>> run_automatic(const AutomaticOptions& options,
                                                const ZooHooks& hooks) {
  const bool tests = !options.tests.empty();
  std::vector<AutomaticRow> rows;
  std::vector<const faults::AutomaticMutant*> drawn;  // those that runs execute
  std::vector<size_t> row_of;
  for (const auto* mutant : options.mutants) {
    if (is_posix(*mutant) && !tests) continue;
    rows.push_back({mutant, Fate::kSurvived, "", 0, ""});
    if (is_posix(*mutant)) continue;
    drawn.push_back(mutant);
    row_of.push_back(rows.size() - 1);
  }
  TRY_ASSIGN(const Reach reach, reach_of_budget(options, drawn, hooks));
  std::vector<size_t> reached;
  for (size_t i = 0; i < drawn.size(); ++i) {
    if (reach.ever(i))
      reached.push_back(i);
    else
      rows[row_of[i]].by = kNeverReached;
  }
  uint64_t done = 0;
  run_apart(
      reached.size(), options.jobs, kOfRuns,
      [&](size_t number, const Tell& tell) {
        const size_t i = reached[number];
        size_t run = 0;
        run_budget(
            options, &drawn[i]->info, [&] { return reach.comes(run++, i); }, tell);
      },
      [&](size_t number, const Ended& ended) {
        take(ended, rows[row_of[reached[number]]]);
        hooks.on_tick(++done, rows.size());
      },
      hooks.stop);
  if (tests) TRY(run_tests(options, hooks, done, rows));
  return rows;
}

Result<Equivalents> parse_equivalents(std::string_view text, const std::string& name) {
  Equivalents all;
  Equivalent* last = nullptr;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    const auto wrong = [&](std::string_view what) {
      return Error{Errc::kInvalid, fmt::format("{}:{}: {}", name, number, what)};
    };
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("  ")) {
      if (last == nullptr) return wrong("an argument of no mutant");
      if (!last->argument.empty()) last->argument += ' ';
      last->argument += line.substr(line.find_first_not_of(' '));
      continue;
    }
    const size_t space = line.find(' ');
    if (space == line.npos) return wrong("not \"NAME FUNCTION\"");
    if (last != nullptr && last->argument.empty()) return wrong("the one before has no argument");
    const auto [entry, fresh] =
        all.emplace(line.substr(0, space), Equivalent{std::string(line.substr(space + 1)), ""});
    if (!fresh) return wrong("a second time");
    last = &entry->second;
  }
  if (last != nullptr && last->argument.empty())
    return Error{Errc::kInvalid, fmt::format("{}:{}: no argument", name, number)};
  return all;
}

Result<Equivalents> read_equivalents() {
  const std::string name = "faults/automatic/equivalent.txt";
  TRY_ASSIGN(const std::string text, read_file((fs::path(POWERCUT_SOURCE_DIR) / name).string()));
  return parse_equivalents(text, name);
}

}  // namespace powercut::scenarios
