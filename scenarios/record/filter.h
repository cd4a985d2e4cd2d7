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

}  // namespace powercut::scenarios
