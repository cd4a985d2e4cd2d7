// What a process asks of the kernel for itself: its number, its descriptors, its signals, its place in the background.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/os/posix/descriptor.h"

namespace powercut::engine {

int process_id();
// Blocks the thread: for before the first task alone.
void wait_outside_tasks(Duration duration);
WallTime wall_clock_now();
// "29 Nov 2026 19:57:37.547", in local time.
std::string local_time_text(WallTime at);

// What the process has used, and what it is, as lines of INFO's sections "server", "memory" and "cpu"; else nothing.
std::string process_info(std::string_view section);

// So many bytes that nobody can guess.
std::string secret_bytes(size_t count);
// Gives what is free on the heap back to the system.
void give_back_memory();

// Raises the limit of open descriptors to `wanted`, or as near as the kernel lets it; what it is then.
uint64_t raise_descriptor_limit(uint64_t wanted);

// Whoever was started with standard output or error closed would have his files there, and messages written into them:
// /dev/null stands in. Call it before anything is open.
void keep_standard_descriptors();

// SIGHUP, SIGPIPE and SIGXFSZ do nothing from now on: neither a terminal that closes nor a reader that goes away ends the store.
void ignore_signals();
// A descriptor that becomes readable when SIGTERM or SIGINT comes; they do nothing else from now on. Call it before
// any thread is started.
Result<Descriptor> open_signals();
// The signal that came; 0: none.
int take_signal(int fd);

// Goes on in a child of its own session, with nothing open on the terminal; the parent ends with 0. Call it before
// anything else is open.
Result<void> go_to_background();
// Tells who supervises the process, through $NOTIFY_SOCKET; nothing if nobody does.
void notify_supervisor(const std::string& state);

// Writes the process's number into a file; and takes it away.
Result<void> write_pid_file(const std::string& path);
void remove_file(const std::string& path);
bool change_mode(const std::string& path, uint64_t mode);

// A path from the root, for what is to be found after the working directory changed.
std::string absolute_path(const std::string& path);

}  // namespace powercut::engine
