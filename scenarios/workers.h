// Independent pieces of work on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace powercut::scenarios {

// Calls work(0) to work(count - 1), each once, on `jobs` threads; returns when all are done.
void on_all_cores(size_t count, unsigned jobs, const std::function<void(size_t)>& work);

}  // namespace powercut::scenarios
