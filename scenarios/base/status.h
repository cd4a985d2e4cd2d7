// The exit statuses of every verb.
#pragma once

namespace powercut::scenarios {

enum Status : int {
  kHeld = 0,
  kBroken = 1,         // a promise
  kUsage = 2,          // an argument is wrong
  kInput = 3,          // what was given cannot be read or judged, or an output not written
  kHarness = 4,        // powercut itself is at fault
  kIncomplete = 5,     // no promise was broken in what was explored, and that is not all
  kDiffers = 6,        // a scenario does not go as its file says
  kInterrupted = 130,  // Ctrl-C: what is printed covers the runs made until then
};

}  // namespace powercut::scenarios
