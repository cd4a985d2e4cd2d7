// What the clients of each life say, word by word: a workload in given manners, written out.
//
// One step a line:   [@CLIENT] [+THINK] [dbN] [wait] COMMAND ARG... [; COMMAND ARG...]
//
//   SET a 1                      client 0 sends it as soon as it may
//   @1 +40ms INCR n              client 1 thinks 40 ms before
//   db2 MULTI; INCR a; EXEC      one transaction, in database 2
//   wait BGREWRITEAOF            nothing more is sent before all replies are there
//   CONFIG SET appendonly yes    in life 0: the store begins without its log, and turns it on here,
//                                    unless it was turned off before (or Script::log_late says)
//
// An argument stands as it is, or in double quotes with \" \\ \n \r \t \xHH; "c"*500 is 500 times c.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "scenarios/workload/workload.h"

namespace powercut::scenarios {

struct Step {
  uint64_t client = 0;
  Duration think;  // before it is sent
  Unit unit;
  bool wait = false;  // for every reply, before the client goes on

  bool turns_log_on() const;
  bool operator==(const Step&) const = default;
};

struct Script {
  uint64_t pipeline = 1;   // requests a client sends before it waits
  bool clean_end = false;  // the store is shut down before the last cut
  bool lingers = false;    // ... after it was idle for a while
  // The store begins its first life without a log, and a client turns it on. None: so it is where a client turns it
  // on who has not turned it off before.
  std::optional<bool> log_late = {};
  bool asks = false;        // when all is answered, until a write is taken
  bool rests = false;       // ... and is left alone for a minute: is its own work done?
  uint32_t by_another = 0;  // behind so many lives another server writes the log
  bool starts = false;      // behind each life it is started otherwise as well, on copies
  bool alone = false;       // no twins hear what is said
  std::vector<std::vector<Step>> lives;  // in the order in which the steps are begun

  uint64_t clients(size_t life) const;
  bool begins_without_log() const;
  bool operator==(const Script&) const = default;
};

// What became of a step: for the account of a run.
struct Said {
  size_t step = 0;
  uint64_t lsn = 0;      // of the operation it was; 0: it changed nothing
  bool promised = true;  // an acknowledgement means something: the log is on
  bool answered = false;
  bool error = false;  // the answer was one
};

std::string print(const Step& step);
// The commands alone.
std::string print(const Unit& unit);
// Errors: kInvalid: one line.
Result<Step> parse_step(std::string_view line);

}  // namespace powercut::scenarios
