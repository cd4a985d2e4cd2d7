#include "faults/calibrate.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "engine/base/check.h"
#include "sim/crash_space.h"
#include "sim/survival.h"

namespace powercut::faults {
namespace {

using sim::Disk;
using sim::Image;
using sim::InodeId;

// Runs steps of one program. A file keeps its inode through a rename by way of `open_`.
class Interpreter {
 public:
  explicit Interpreter(const sim::PersonaRules& rules) : disk(rules) {}

  // Empty, or what of this step the disk does not model: then nothing is done.
  std::string not_modelled(const std::string& step) const;
  // A sync begins only; `finish_syncs` ends it.
  //   Errors: the disk's, and kInvalid: what it cannot do now.
  // REQUIRES: it is modelled.
  Result<void> run(const std::string& step);
  void finish_syncs() {
    for (const sim::SyncTicket& ticket : syncs_) CHECK(disk.finish_sync(ticket).ok());
    syncs_.clear();
  }
  void make_all_durable();

  Disk disk;

 private:
  Result<InodeId> file(const std::string& name) {
    const auto at = open_.find(name);
    if (at != open_.end()) return at->second;
    TRY_ASSIGN(const InodeId found, disk.lookup(name));
    if (disk.is_directory(found)) return Error{Errc::kInvalid, "a directory: '" + name + "'"};
    return found;
  }
  Result<void> append(InodeId file, uint64_t offset, const std::string& letter, uint64_t n) {
    TRY(disk.write(file, offset, std::string(n, letter[0])));
    return {};
  }
  // Space that is reserved shows in nothing we model. Holes and ranges of zeros are written as
  // zeros: looser than a filesystem that makes them in one transaction.
  Result<void> allocate(InodeId file, uint64_t offset, uint64_t n, const std::string& mode) {
    const uint64_t size = disk.size(file);
    if (mode == "punch" || mode == "zero")
      return append(file, offset, std::string(1, '\0'), std::min(n, size - std::min(size, offset)));
    if (mode != "keep" && offset + n > size) disk.truncate(file, offset + n);
    return {};
  }
  Result<void> run_on_file(std::istream& in, const std::string& verb, const std::string& name);
  bool is_directory(const std::string& name) const {
    const Result<InodeId> found = disk.lookup(name);
    return found.ok() && disk.is_directory(*found);
  }

  std::map<std::string, InodeId> open_;
  std::vector<sim::SyncTicket> syncs_;
};

// The steps that the disk has, and of how many words each is at most.
constexpr struct {
  std::string_view verb;
  size_t words;
} kVerbs[] = {{"creat", 2},    {"open", 2},  {"opentrunc", 2}, {"close", 2},  {"append", 4},
              {"pwrite", 5},   {"mmapw", 5}, {"msync", 2},     {"ftrunc", 3}, {"falloc", 5},
              {"fsync", 2},    {"sfr", 2},   {"fdatasync", 2}, {"mkdir", 2},  {"rmdir", 2},
              {"fsyncdir", 2}, {"link", 3},  {"unlink", 2},    {"rename", 3}, {"exchange", 3}};

std::string Interpreter::not_modelled(const std::string& step) const {
  std::istringstream in(step);
  const std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
  if (words.empty()) return "an empty step";
  const std::string& verb = words[0];
  const auto known = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                  [&](const auto& row) { return row.verb == verb; });
  if (known == std::end(kVerbs)) return verb;
  if (words.size() > known->words) return verb + " with " + words[known->words];
  if (verb == "falloc" && words.size() == 5 && words[4] != "keep" && words[4] != "punch" &&
      words[4] != "zero")
    return verb + " with " + words[4];
  const bool moves = verb == "rename" || verb == "exchange";
  if (moves && words.size() == 3 && (is_directory(words[1]) || is_directory(words[2])))
    return verb + " of a directory";
  return "";
}

// What a step does to a file that is there.
Result<void> Interpreter::run_on_file(std::istream& in, const std::string& verb,
                                      const std::string& name) {
  TRY_ASSIGN(const InodeId at, file(name));
  std::string word;
  uint64_t n = 0, offset = 0;
  if (verb == "append") {
    in >> word >> n;
    TRY(append(at, disk.size(at), word, n));
  } else if (verb == "pwrite" || verb == "mmapw") {
    in >> offset >> word >> n;
    TRY(append(at, offset, word, n));
  } else if (verb == "ftrunc") {
    in >> n;
    disk.truncate(at, n);
  } else if (verb == "falloc") {
    in >> offset >> n >> word;
    TRY(allocate(at, offset, n, word));
  } else if (verb == "opentrunc") {
    open_[name] = at;
    disk.truncate(at, 0);
  } else if (verb == "fsync" || verb == "fdatasync" || verb == "msync") {
    syncs_.push_back(disk.begin_sync(at));
  } else if (verb == "open") {
    open_[name] = at;
    disk.retain(at);
  } else if (verb == "close") {
    // Blocks of a removed file are free from its last close on.
    disk.release(at);
    open_.erase(name);
  } else {
    // sync_file_range starts writeback and promises nothing, so it forces nothing.
    CHECK(verb == "sfr");
  }
  return {};
}

Result<void> Interpreter::run(const std::string& step) {
  std::istringstream in(step);
  std::string verb, name, other;
  in >> verb >> name;
  if (verb == "creat") {
    TRY_ASSIGN(open_[name], disk.create(name));
  } else if (verb == "fsyncdir") {
    TRY_ASSIGN(const sim::SyncTicket ticket, disk.begin_sync_directory(name == "." ? "" : name));
    syncs_.push_back(ticket);
  } else if (verb == "rename") {
    in >> other;
    TRY_ASSIGN(const InodeId moved, file(name));
    TRY(disk.rename(name, other));
    open_.erase(name);
    open_[other] = moved;
  } else if (verb == "link") {
    in >> other;
    TRY(disk.hard_link(name, other));
  } else if (verb == "exchange") {
    in >> other;
    TRY(disk.exchange(name, other));
    open_.erase(name);
    open_.erase(other);
  } else if (verb == "unlink" || verb == "rmdir") {
    TRY(disk.remove(name));
  } else if (verb == "mkdir") {
    TRY(disk.make_directory(name));
  } else {
    return run_on_file(in, verb, name);
  }
  return {};
}

// A cut that keeps everything, since a device that lies cannot be asked. No handle lives on.
void Interpreter::make_all_durable() {
  disk = disk.after_power_cut(sim::Survival{.rest_kept = true, .slots = {}}).value();
  open_.clear();
  CHECK(!disk.anything_pending());
}

}  // namespace

Result<std::string> check_program(const ObservedProgram& program) {
  Interpreter interpreter{{}};
  for (const auto* steps : {&program.setup, &program.steps}) {
    for (const std::string& step : *steps) {
      if (std::string what = interpreter.not_modelled(step); !what.empty()) return what;
      if (const Result<void> done = interpreter.run(step); !done.ok())
        return Error{Errc::kInvalid, "the step \"" + step + "\": " + done.error().message};
      interpreter.finish_syncs();
    }
    if (steps == &program.setup) interpreter.make_all_durable();
  }
  return std::string();
}

std::vector<Boundary> run_program(const ObservedProgram& program, const sim::PersonaRules& rules) {
  Interpreter interpreter(rules);
  for (const std::string& step : program.setup) {
    CHECK(interpreter.run(step).ok());
    interpreter.finish_syncs();
  }
  interpreter.make_all_durable();
  std::vector<Boundary> boundaries{{interpreter.disk, interpreter.disk}};
  for (const std::string& step : program.steps) {
    CHECK(interpreter.run(step).ok());
    boundaries.back().during = interpreter.disk;
    interpreter.finish_syncs();
    boundaries.push_back({interpreter.disk, interpreter.disk});
  }
  CHECK(boundaries.size() == program.steps.size() + 1);
  return boundaries;
}

Calibration calibrate(const ObservedProgram& program, const sim::PersonaRules& rules,
                      uint64_t tapes_max) {
  Calibration result;
  result.program = program.name;
  sim::PersonaRules whole = rules;
  whole.sector_bytes = sim::kBlockBytes;
  result.not_run = program.not_run;
  if (!result.not_run.empty()) return result;
  const std::vector<Boundary> torn = run_program(program, rules);
  const std::vector<Boundary> untorn = run_program(program, whole);
  std::set<Image> observed;
  std::set<Image> members;  // of what is enumerated below
  for (const ObservedState& state : program.states) {
    ++result.observed;
    CHECK(state.step_min <= state.step_max && state.step_max < torn.size());
    if (state.abbreviated || state.unreadable) {
      ++(state.abbreviated ? result.unchecked : result.unreadable);
      continue;
    }
    if (!state.torn) observed.insert(state.image);
    const std::vector<Boundary>& at = state.torn ? torn : untorn;
    std::string where;
    for (const uint64_t step : {state.step_min, state.step_max}) {
      const bool during = sim::is_legal_crash_state(at[step].during, state.image);
      if (during && !state.torn) members.insert(state.image);
      if (!during && !sim::is_legal_crash_state(at[step].returned, state.image))
        where = " after " + std::to_string(step) + " steps";
    }
    if (where.empty())
      ++result.contained;
    else
      result.missing.push_back(describe(state.image) + where);
  }
  CHECK(result.contained + result.missing.size() + result.unchecked + result.unreadable ==
        result.observed);
  std::set<Image> legal;
  uint64_t left = tapes_max;
  for (const Boundary& at : untorn) {
    const auto keep = [&](const Disk&, const Image& image) { legal.insert(image); };
    const sim::Enumeration done = sim::for_each_crash_state(at.during, left, keep);
    if (!done.complete) return result;
    left -= done.tapes;
  }
  result.enumerated = true;
  result.legal = legal.size();
  for (const Image& image : legal) result.legal_observed += observed.count(image);
  for (const Image& image : members) CHECK(legal.contains(image));
  return result;
}

std::string describe(const Image& image) {
  std::string text = "{";
  for (const sim::FoundFile& file : image) {
    text += text.size() > 1 ? ", " : "";
    text += file.path + "=";
    const std::string& bytes = file.content;
    if (bytes.empty()) text += "empty";
    for (size_t at = 0; at < bytes.size();) {
      size_t end = std::min(bytes.find_first_not_of(bytes[at], at), bytes.size());
      CHECK(end > at);
      text += at > 0 ? " " : "";
      const auto is_stale = [&](size_t i) { return i < bytes.size() && (bytes[i] & 0x80) != 0; };
      const bool stale = is_stale(at);
      while (stale && is_stale(end)) ++end;
      const std::string what = stale               ? "STALE"
                               : bytes[at] == '\0' ? "ZERO"
                                                   : std::string(1, bytes[at]);
      text += what + "*" + std::to_string(end - at);
      at = end;
    }
  }
  return text + "}";
}

std::string parse_runs(const std::string& runs) {
  std::string bytes;
  std::istringstream in(runs);
  for (std::string run; in >> run;) {
    if (run == "empty" || run == "dir") continue;
    const size_t star = run.find('*');
    CHECK(star != std::string::npos);
    const std::string what = run.substr(0, star);
    const uint64_t n = std::stoull(run.substr(star + 1));
    if (what == "STALE")
      for (const uint64_t end = bytes.size() + n; bytes.size() < end;)
        bytes += sim::CrashSpace::garbage_at(bytes.size());
    else
      bytes.append(n, what == "ZERO" ? '\0' : what[0]);
  }
  return bytes;
}

}  // namespace powercut::faults
