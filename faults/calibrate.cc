#include "faults/calibrate.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "engine/base/check.h"
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

  // False: the disk has no such step. A sync begins only; `finish_syncs` ends it.
  bool run(const std::string& step);
  void finish_syncs() {
    for (const sim::SyncTicket& ticket : syncs_) CHECK(disk.finish_sync(ticket).ok());
    syncs_.clear();
  }
  void make_all_durable();

  Disk disk;

 private:
  InodeId file(const std::string& name) {
    const auto at = open_.find(name);
    return at != open_.end() ? at->second : disk.lookup(name).value();
  }
  void append(const std::string& name, uint64_t offset, const std::string& letter, uint64_t n) {
    CHECK(disk.write(file(name), offset, std::string(n, letter[0])).ok());
  }
  // Space that is reserved shows in nothing we model. Holes and ranges of zeros are written as
  // zeros: looser than a filesystem that makes them in one transaction.
  void allocate(const std::string& name, uint64_t offset, uint64_t n, const std::string& mode) {
    const uint64_t size = disk.size(file(name));
    if (mode == "punch" || mode == "zero")
      append(name, offset, std::string(1, '\0'), std::min(n, size - std::min(size, offset)));
    else if (mode != "keep" && offset + n > size)
      disk.truncate(file(name), offset + n);
  }

  std::map<std::string, InodeId> open_;
  std::vector<sim::SyncTicket> syncs_;
};

bool Interpreter::run(const std::string& step) {
  std::istringstream in(step);
  std::string verb, name, other;
  uint64_t n = 0, offset = 0;
  in >> verb >> name;
  if (verb == "creat") {
    open_[name] = disk.create(name).value();
  } else if (verb == "append") {
    in >> other >> n;
    append(name, disk.size(file(name)), other, n);
  } else if (verb == "pwrite" || verb == "mmapw") {
    in >> offset >> other >> n;
    append(name, offset, other, n);
  } else if (verb == "ftrunc") {
    in >> n;
    disk.truncate(file(name), n);
  } else if (verb == "opentrunc") {
    open_[name] = disk.lookup(name).value();
    disk.truncate(file(name), 0);
  } else if (verb == "fsync" || verb == "fdatasync" || verb == "msync") {
    syncs_.push_back(disk.begin_sync(file(name)));
  } else if (verb == "fsyncdir") {
    syncs_.push_back(disk.begin_sync_directory(name == "." ? "" : name).value());
  } else if (verb == "rename") {
    in >> other;
    const InodeId moved = file(name);
    CHECK(disk.rename(name, other).ok());
    open_.erase(name);
    open_[other] = moved;
  } else if (verb == "link") {
    in >> other;
    CHECK(disk.hard_link(name, other).ok());
  } else if (verb == "exchange") {
    in >> other;
    CHECK(disk.exchange(name, other).ok());
    open_.erase(name);
    open_.erase(other);
  } else if (verb == "falloc") {
    in >> offset >> n >> other;
    allocate(name, offset, n, other);
  } else if (verb == "unlink" || verb == "rmdir") {
    CHECK(disk.remove(name).ok());
  } else if (verb == "mkdir") {
    CHECK(disk.make_directory(name).ok());
  } else if (verb == "open") {
    open_[name] = disk.lookup(name).value();
    disk.retain(open_[name]);
  } else if (verb == "close") {
    // Blocks of a removed file are free from its last close on.
    disk.release(file(name));
    open_.erase(name);
  } else {
    // sync_file_range starts writeback and promises nothing, so it forces nothing.
    return verb == "sfr";
  }
  return true;
}

// A cut that keeps everything, since a device that lies cannot be asked. No handle lives on.
void Interpreter::make_all_durable() {
  disk = disk.after_power_cut(sim::Survival{.rest_kept = true, .slots = {}}).value();
  open_.clear();
  CHECK(!disk.anything_pending());
}

}  // namespace

std::vector<Boundary> run_program(const ObservedProgram& program, const sim::PersonaRules& rules,
                                  std::string* unsupported) {
  Interpreter interpreter(rules);
  for (const std::string& step : program.setup) {
    if (!interpreter.run(step)) {
      *unsupported = step;
      return {};
    }
    interpreter.finish_syncs();
  }
  interpreter.make_all_durable();
  std::vector<Boundary> boundaries{{interpreter.disk, interpreter.disk}};
  for (const std::string& step : program.steps) {
    if (!interpreter.run(step)) {
      *unsupported = step;
      return {};
    }
    boundaries.back().during = interpreter.disk;
    interpreter.finish_syncs();
    boundaries.push_back({interpreter.disk, interpreter.disk});
  }
  return boundaries;
}

Calibration calibrate(const ObservedProgram& program, const sim::PersonaRules& rules,
                      uint64_t tapes_max) {
  Calibration result;
  result.program = program.name;
  sim::PersonaRules whole = rules;
  whole.sector_bytes = sim::kBlockBytes;
  const std::vector<Boundary> torn = run_program(program, rules, &result.unsupported);
  const std::vector<Boundary> untorn = run_program(program, whole, &result.unsupported);
  if (!result.unsupported.empty()) return result;
  std::set<Image> observed;
  for (const ObservedState& state : program.states) {
    ++result.observed;
    if (state.abbreviated || state.unreadable) {
      ++(state.abbreviated ? result.unchecked : result.unreadable);
      continue;
    }
    if (!state.torn) observed.insert(state.image);
    const std::vector<Boundary>& at = state.torn ? torn : untorn;
    std::string where;
    for (const uint64_t step : {state.step_min, state.step_max})
      if (!sim::is_legal_crash_state(at.at(step).returned, state.image) &&
          !sim::is_legal_crash_state(at.at(step).during, state.image))
        where = " after " + std::to_string(step) + " steps";
    if (where.empty())
      ++result.contained;
    else
      result.missing.push_back(describe(state.image) + where);
  }
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
