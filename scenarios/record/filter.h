// Which system calls this process is asked about, as seccomp filters. All others run as ever.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace powercut::scenarios {

// Of x86-64. Calls of other ABIs, and those that would do what cannot be seen (io_uring, openat2,
// clone3), are answered with ENOSYS: programs have another way then.
std::vector<sock_filter> record_filter();

// Every call by which a program can see, or change, what files there are and what they hold.
std::vector<sock_filter> look_filter();

// One of these where files are handed over (hand_over.h): what the library says to us is not asked about, and nothing is
// closed by ranges, its own descriptor among them; programs close one by one then. Nor is a thread stopped by a debugger
// that might have to answer us.
std::vector<sock_filter> with_hand_over(std::vector<sock_filter> filter);

}  // namespace powercut::scenarios
