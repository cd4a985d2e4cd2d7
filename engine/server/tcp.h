// The few socket calls that the server needs. Every descriptor here is non-blocking.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/os/posix/descriptor.h"

namespace powercut::engine {

// Listens on a numeric address; port 0: any that is free.
Result<Descriptor> listen_on(const std::string& address, int port);
// A waiting connection; kNotFound if none waits, kIo if there cannot be one now.
Result<Descriptor> accept_from(int listener);
// "127.0.0.1:6379" of this end, and of the other.
std::string local_name(int fd);
std::string peer_name(int fd);

enum class Io : unsigned char { kDone, kWouldBlock, kClosed };
// At most `size` bytes into `out`; `count` says how many.
Io receive(int fd, char* out, size_t size, size_t& count);
// A prefix of `data`; `count` says how much of it.
Io send_some(int fd, std::string_view data, size_t& count);
// Both directions end; the other side's reads and a reader here see the end.
void hang_up(int fd);

// A descriptor that becomes readable when SIGTERM or SIGINT comes; they do nothing else from now on. Call it before
// any thread is started.
Result<Descriptor> open_signals();
void take_signal(int fd);

}  // namespace powercut::engine
