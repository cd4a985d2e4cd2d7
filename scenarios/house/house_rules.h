// The house rules: who may include whom, what may not be said and what to say instead, how long a
// function may grow. Every exemption is a line in a table, with its reason.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scenarios/house/scan.h"

namespace powercut::house {

using Strings = std::vector<std::string>;

// Of a function, from its opening brace to its closing one. No exemptions.
constexpr size_t kFunctionLinesMax = 70;

// Single files that a rule does not bind.
struct Exemption {
  std::string path;
  std::string rule;
  std::string reason;
};
inline const std::vector<Exemption> kExemptions = {
    {"engine/os/fiber.cc", "posix", "sysconf: the page size, for the guard page of a stack"},
    {"engine/os/posix/plain_reactor.cc", "threads",
     "without io_uring a sync needs a thread, not to stop the tasks"},
    {"engine/os/os_contract.h", "skipped", "faults can be injected on the simulated side alone"},
    {"engine/os/fiber_test.cc", "threads", "shows that each thread has a stack pool of its own"},
    {"faults/splice/planted_by_environment.cc", "threads",
     "a thread that the store starts has the mutant of its process"},
    {"faults/splice/planted_by_environment.cc", "files",
     "what each test came to is told to the zoo, which has started the process"},
    {"faults/splice/text_file.cc", "files", "the generator: the build hands it pages and sources"},
    {"scenarios/base/apart.cc", "posix",
     "a process for each mutant, and files in memory to hear of it"},
    {"scenarios/sweep/sweep.cc", "threads", "a sweep's workers: each run is a world of its own"},
    {"scenarios/record/sync_pool.h", "threads",
     "a recorded program's syncs wait, and its other calls do not wait for them"},
    {"scenarios/record/program_main.cc", "threads", "a program that tests record has them"},
    {"scenarios/base/workers.cc", "threads",
     "independent runs and explorations: each is a world of its own"},
    {"scenarios/base/terminal.cc", "threads", "how many workers there are by default"},
    {"scenarios/sweep/determinism_test.cc", "threads", "runs beside each other must not meet"},
    {"scenarios/posix/kernel_calls.h", "posix", "takes the system calls over, to look at them"},
    {"scenarios/posix/kill_child.h", "posix",
     "a pipe to the parent, and a process that waits for SIGKILL"},
    {"scenarios/posix/kill_test.cc", "posix", "fork, pipe and kill: a real process dies"},
    {"scenarios/base/terminal.cc", "posix", "isatty: bars and colours only on a terminal"},
    {"scenarios/base/terminal.h", "clock", "how long a sweep took; no decision of a run reads it"},
    {"scenarios/run/last_words.cc", "posix", "write and _exit: all that a signal handler may call"},
};

// What stands left of a room: all it may include besides itself. As in CMakeLists.txt.
inline const std::map<std::string, std::set<std::string>> kRooms = [] {
  const std::set<std::string> os{"engine/base", "engine/os"};
  const auto with = [](std::set<std::string> rooms, const Strings& more) {
    rooms.insert(more.begin(), more.end());
    return rooms;
  };
  const auto command = with(os, {"engine/store", "engine/checkpoint", "engine/command",
                                 "engine/command/user", "engine/command/script"});
  const auto recovery = with(command, {"engine/aof", "engine/tier", "engine/recovery"});
  const auto backup = with(recovery, {"engine/backup"});
  const auto owner = with(backup, {"engine/replication", "engine/sink"});
  const auto rooms_of_sink = with(command, {"engine/aof", "engine/sqlite"});
  const auto engine = with(owner, {"engine", "engine/os/posix"});
  const auto faults = with(os, {"sim", "faults", "faults/splice"});
  // The judge's floors, from bottom to top. It knows no engine but through sim/target.h: only `store`
  // knows ours.
  auto judge = faults;
  std::map<std::string, std::set<std::string>> rooms;
  for (const char* floor :
       {"base", "trace", "record", "workload", "judge", "store", "sqlite", "run", "sweep", "story",
        "shrink", "explore", "view", "lab", "zoo", "campaign", "cli"}) {
    judge.insert(std::string("scenarios/") + floor);
    rooms[std::string("scenarios/") + floor] = judge;
  }
  const Strings of_store = {"scenarios/store",          "scenarios/store/files",
                            "scenarios/store/keyspace", "scenarios/store/database",
                            "scenarios/store/replicas", "scenarios/store/starts"};
  const auto store = with(with(rooms["scenarios/store"], of_store), {engine.begin(), engine.end()});
  for (const std::string& room : of_store) rooms[room] = with(store, {"engine/sqlite"});
  rooms["scenarios/sqlite"].insert("engine/sqlite");
  judge.insert(engine.begin(), engine.end());
  const auto postgres = with(rooms_of_sink, {"engine/os/posix", "engine/sink"});
  const auto server = with(engine, {"engine/postgres"});
  auto experiments =
      with(with(judge, of_store), {"experiments", "engine/server", "engine/postgres"});
  rooms.merge(std::map<std::string, std::set<std::string>>{
      {"engine/base", {}},
      {"engine/os", os},
      {"engine/os/posix", os},
      {"engine/sqlite", os},
      {"engine/store", os},
      {"engine/checkpoint", with(os, {"engine/store"})},
      {"engine/command", command},
      {"engine/command/string", command},
      {"engine/command/keys", command},
      {"engine/command/list", command},
      {"engine/command/hash", command},
      {"engine/command/set", command},
      {"engine/command/sorted_set", command},
      {"engine/command/geo", with(command, {"engine/command/sorted_set"})},
      {"engine/command/stream", command},
      {"engine/command/server", command},
      {"engine/command/script", command},
      {"engine/command/user", command},
      {"engine/aof", os},
      {"engine/tier", with(os, {"engine/store", "engine/checkpoint", "engine/aof", "engine/tier"})},
      {"engine/recovery", recovery},
      {"engine/backup", backup},
      {"engine/replication", with(command, {"engine/aof"})},
      {"engine/sink", rooms_of_sink},
      {"engine/postgres", postgres},
      {"engine", owner},
      {"engine/server", server},
      {"engine/fuzz", with(server, {"engine/server"})},
      {"sim", os},
      {"faults", faults},
      {"faults/splice", {"engine/base"}},
      {"faults/automatic", {"engine/base", "faults/splice"}},
      {"scenarios/posix", with(with(rooms.at("scenarios/run"), of_store),
                               {"engine", "engine/os/posix", "engine/checkpoint"})},
      {"scenarios/house", {}},
      {"experiments", experiments},
  });
  return rooms;
}();

// Rooms whose files stand in an order of their own, from bottom to top, a line a floor: a file
// without its ending, or a folder of files that know each other. What stands on a floor knows the
// floors below it. Tests know all.
inline const std::map<std::string, std::vector<Strings>> kFloors = {
    {"engine/command/",
     {{"slow_log", "latency", "facts", "denials"},
      {"number", "effects", "outbox", "tracking", "channels", "waiters", "events", "replica"},
      {"encoding", "user/"},
      {"control"},
      {"reply", "request_parser", "client"},
      {"call", "client_text", "confirmation", "rows"},
      {"command_table", "collection", "scan"},
      {"key_flags", "announce"},
      {"execute", "tally", "container", "news", "permission"},
      {"string/", "keys/", "list/", "hash/", "set/", "sorted_set/", "stream/", "server/",
       "script/"},
      {"geo/"},
      {"executor", "command_harness"},
      {"session", "waits", "script_calls", "follow", "cold", "unread"},
      {"executor_harness"},
      {"script_harness"}}},
    {"scenarios/store/",
     {{"files/"},
      {"keyspace/"},
      {"database/", "held_back"},
      {"undone"},
      {"store_target"},
      {"store_history"},
      {"replicas/", "read_through_target"},
      {"starts/"},
      {"not_modelled", "telling", "told"},
      {"store"},
      {"engine_life_testing", "history_testing"},
      {"behind_testing"}}},
};

// What may not be said. `where` and `except` are beginnings of paths, or `*` and an end of one.
struct Ban {
  std::string rule;
  Strings patterns;
  Strings where;
  Strings except;
  std::string instead;
};
inline const Strings kEverywhere = {""};
inline const Strings kDecides = {"engine/", "sim/", "faults/"};
inline const std::vector<Ban> kBans = {
    {"clock",
     {"system_clock", "steady_clock", "high_resolution_clock", "gettimeofday", "clock_gettime",
      "time(", "std::clock(", "sleep_for", "sleep_until", "usleep", "nanosleep"},
     kEverywhere,
     {"engine/os/posix/", "experiments/", "*_bench.cc"},
     "Os::now(), Os::wall_now() or Os::park(deadline); in the judge, virtual time"},
    {"chance",
     {"<random>", "rand(", "srand(", "random_device", "mt19937", "mt19937_64", "minstd_rand",
      "default_random_engine", "*_distribution"},
     kEverywhere,
     {},
     "Os::choose (engine) or Choices::choose (sim/choices.h): the one door for chance"},
    {"order",
     {"<unordered_map>", "<unordered_set>", "unordered_map", "unordered_set", "unordered_multimap",
      "unordered_multiset", "std::hash"},
     kDecides,
     {},
     "SlabMap (engine/store/slab_map.h), std::map or a sorted vector: iteration order must not "
     "depend on a library's hash"},
    {"address",
     {"std::map<? *", "std::set<? *", "std::map<const ? *", "std::set<const ? *", "std::map<?::? *",
      "std::set<?::? *", "std::map<const ?::? *", "std::set<const ?::? *"},
     kDecides,
     {},
     "a key that is the same in every run, such as an id: order by address reaches decisions"},
    {"floats",
     {"float", "double", "0.0"},
     {"sim/", "faults/"},
     {},
     "integers: a count, a Duration, numerator and denominator (Choices::chance)"},
    {"swallow",
     {"catch (...)"},
     kEverywhere,
     {},
     "a catch that names its type: this one would swallow the unwinding of a fiber"},
    {"posix",
     {"<fcntl.h>",  "<unistd.h>", "<sys/stat.h>", "<sys/uio.h>", "<dirent.h>",      "<liburing.h>",
      "::open(",    "::read(",    "::write(",     "::close(",    "::rename(",       "::remove(",
      "::stat(",    "openat(",    "pread(",       "pwrite(",     "preadv(",         "pwritev(",
      "fsync(",     "fdatasync(", "ftruncate(",   "::unlink(",   "unlinkat(",       "renameat(",
      "renameat2(", "mkdir(",     "rmdir(",       "opendir(",    "sync_file_range("},
     kEverywhere,
     {"engine/os/posix/", "scenarios/record/"},  // the latter does other programs' calls
     "File and Os of engine/os/os.h: what bypasses the seam is invisible to the simulated disk"},
    {"files",
     {"<fstream>", "<filesystem>", "ifstream", "ofstream", "fstream", "filesystem", "fopen(",
      "freopen(", "std::rename("},
     kDecides,
     {"engine/os/posix/", "engine/server/", "engine/fuzz/", "*_test.cc"},
     "File and Os of engine/os/os.h, or let scenarios/ read the file and hand its bytes over"},
    {"fibers",
     {"<boost/context/", "boost::context"},
     kEverywhere,
     {"engine/os/fiber."},
     "Fiber (engine/os/fiber.h), the only user of Boost.Context"},
    {"threads",
     {"std::thread", "std::jthread", "std::async", "pthread_create", "hardware_concurrency"},
     kEverywhere,
     {},
     "Os::spawn: a task; a campaign's workers are an exemption with a reason"},
    {"assert",
     {"<cassert>", "<assert.h>", "assert("},
     kEverywhere,
     {},
     "CHECK (engine/base/check.h), which stays on in every build"},
    {"planted",
     {"mutant(", "Mutant", "active_mutant"},
     {"engine/"},
     {},
     "a page in faults/mutants/: the judged engine is generated with the bug, the source knows "
     "none"},
    {"json",
     {".dump("},
     {"scenarios/", "experiments/"},
     {"scenarios/base/json_text.h"},
     "json_text (scenarios/base/json_text.h): dump() throws where a name is no UTF-8"},
    {"skipped", {"GTEST_SKIP"}, kEverywhere, {}, "a test that runs everywhere, or none"},
};

// Marks of unfinished work, in code or comment.
inline const Strings kUnfinished = {"TODO", "FIXME", "XXX", "DISABLED_"};
// Beginnings of paths that exist on one machine only.
// Each in two pieces, or this file would break its own rule.
inline const Strings kMachinePaths = {
    "/"
    "work/",
    "/"
    "home/",
    "/"
    "root/",
    "/"
    "Users/"};

inline const std::set<std::string> kRootNames = {
    "CITATION.cff", "CMakeLists.txt", "CMakePresets.json", "README.md",   "LICENSE", "engine",
    "sim",          "faults",         "scenarios",         "experiments", "results", "papers"};

using Problems = std::vector<std::string>;

inline bool under(const std::string& path, const Strings& places) {
  return std::any_of(places.begin(), places.end(), [&](const std::string& place) {
    if (place.empty() || place[0] != '*') return path.rfind(place, 0) == 0;
    const size_t tail = place.size() - 1;
    return path.size() >= tail && path.compare(path.size() - tail, tail, place, 1) == 0;
  });
}

inline std::string at(const Source& source, size_t line, const std::string& rule) {
  return source.path + ":" + std::to_string(line) + ": [" + rule + "] ";
}

// The room of a path: its folder, but all of an experiment is one room. Empty if there is none.
inline std::string room_of(const std::string& path) {
  if (path.rfind("experiments/", 0) == 0) return "experiments";
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash);
  return kRooms.count(folder) ? folder : "";
}

inline void check_bans(const Source& source, Problems* problems) {
  for (const Ban& ban : kBans) {
    if (!under(source.path, ban.where) || under(source.path, ban.except)) continue;
    for (const std::string& pattern : ban.patterns)
      for (const size_t line : matches(source, pattern))
        problems->push_back(at(source, line, ban.rule) + pattern + " -> " + ban.instead);
  }
}

inline void check_includes(const Source& source, Problems* problems) {
  const std::string room = room_of(source.path);
  if (room.empty()) {
    problems->push_back(at(source, 1, "rooms") + "is in no room -> one that CMakeLists.txt names");
    return;
  }
  std::set<std::string> allowed = kRooms.at(room);
  allowed.insert(room);
  // These tests may open the real thing.
  if ((room == "engine" || room == "engine/recovery") && under(source.path, {"*_test.cc"}))
    allowed.insert("engine/os/posix");
  for (const Include& include : source.includes) {
    if (include.path.front() != '"') continue;
    const std::string target = include.path.substr(1, include.path.size() - 2);
    if (room_of(target).empty()) {
      problems->push_back(at(source, include.line, "rooms") + target +
                          " -> the path from the root of the tree");
    } else if (!allowed.count(room_of(target))) {
      problems->push_back(at(source, include.line, "rooms") + target + " -> " + room +
                          " may only know what stands left of it; move the shared part there");
    }
  }
}

// What knows an engine stands in one room; above it, only its name is known.
inline void check_target(const Source& source, Problems* problems) {
  const Strings own = {"scenarios/store/", "scenarios/sqlite/", "scenarios/posix/", "experiments/"};
  if (under(source.path, own) || source.path == "scenarios/run/targets.cc") return;
  for (const Include& include : source.includes)
    if (include.path.rfind("\"scenarios/store/", 0) == 0 ||
        include.path.rfind("\"scenarios/sqlite/", 0) == 0)
      problems->push_back(at(source, include.line, "target") + include.path +
                          " -> sim/target.h: the judge drives any engine");
}

// What a path is called on the floors of its room: "session", "list/".
inline std::string floor_name(const std::string& path, const std::string& room) {
  const std::string rest = path.substr(room.size());
  const size_t slash = rest.find('/');
  return slash == std::string::npos ? rest.substr(0, rest.find('.')) : rest.substr(0, slash + 1);
}

inline void check_floors(const Source& source, Problems* problems) {
  if (under(source.path, {"*_test.cc"})) return;
  for (const auto& [room, floors] : kFloors) {
    if (!under(source.path, {room})) continue;
    const auto floor_of = [&floors = floors](const std::string& name) {
      return std::find_if(floors.begin(), floors.end(), [&](const Strings& floor) {
        return std::find(floor.begin(), floor.end(), name) != floor.end();
      });
    };
    const std::string own = floor_name(source.path, room);
    if (floor_of(own) == floors.end())
      problems->push_back(at(source, 1, "floors") + own + " -> a floor of " + room +
                          " in scenarios/house/house_rules.h");
    for (const Include& include : source.includes) {
      const std::string target = include.path.substr(1, include.path.size() - 2);
      if (!under(target, {room}) || floor_name(target, room) == own) continue;
      if (floor_of(floor_name(target, room)) >= floor_of(own))
        problems->push_back(at(source, include.line, "floors") + target + " -> " + own +
                            " may only know what stands below it; move the shared part there");
    }
  }
}

inline void check_form(const Source& source, const std::set<std::string>& tree,
                       Problems* problems) {
  const size_t dot = source.path.rfind('.');
  if (source.path.substr(dot) == ".h") {
    if (!source.pragma_once)
      problems->push_back(at(source, 1, "form") +
                          "no guard -> #pragma once below the first comment");
    return;
  }
  // A header that its own .cc includes first cannot need another one before it.
  const std::string header = source.path.substr(0, dot) + ".h";
  const bool first = !source.includes.empty() && source.includes[0].path == '"' + header + '"';
  if (tree.count(header) && !first)
    problems->push_back(at(source, 1, "form") + header + " -> include it first");
}

inline void check_length(const Source& source, Problems* problems) {
  for (const Function& function : functions_of(source))
    if (function.last - function.first >= kFunctionLinesMax)
      problems->push_back(at(source, function.first, "length") + "a function of " +
                          std::to_string(function.last - function.first + 1) + " lines -> one of " +
                          std::to_string(kFunctionLinesMax) + " at most");
}

inline void check_words(const Source& source, Problems* problems) {
  const auto search = [&](const std::string& text, const Strings& words, const std::string& rule,
                          const std::string& instead) {
    for (const std::string& word : words) {
      const auto glued = [&](size_t i) { return i < text.size() && is_word(text[i]); };
      for (size_t i = text.find(word); i != std::string::npos; i = text.find(word, i + 1)) {
        const bool part_of_word =
            (i > 0 && (glued(i - 1) || (word[0] == '/' && text[i - 1] == '.'))) ||
            (is_word(word.back()) && word.back() != '_' && glued(i + word.size()));
        const size_t line = 1 + std::count(text.begin(), text.begin() + i, '\n');
        if (!part_of_word) problems->push_back(at(source, line, rule) + word + " -> " + instead);
      }
    }
  };
  search(source.prose, kUnfinished, "unfinished",
         "finish it, or say in the README what is missing");
  search(source.raw, kMachinePaths, "machine", "a path relative to the tree, or an argument");
}

inline Problems check(const Source& source, const std::set<std::string>& tree = {}) {
  Problems problems;
  check_bans(source, &problems);
  check_includes(source, &problems);
  check_target(source, &problems);
  check_floors(source, &problems);
  check_form(source, tree, &problems);
  check_length(source, &problems);
  check_words(source, &problems);
  return problems;
}

}  // namespace powercut::house
