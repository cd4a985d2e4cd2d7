// The few socket calls that the server needs. Every descriptor here is non-blocking.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/os/posix/descriptor.h"

namespace powercut::engine {

// Listens on an address, a name, or "*" for all of IPv4 and "::*" for all of IPv6; port 0: any that is free.
//   Errors: kExists: the port is taken. kUnsupported: there is no such address, or no such protocol, here.
Result<Descriptor> listen_on(const std::string& address, int port, int backlog);
// Listens at a path; what an earlier process left there goes. `mode` 0: as the umask says.
Result<Descriptor> listen_at(const std::string& path, uint64_t mode, int backlog);
// A waiting connection; kNotFound if none waits, kIo if there cannot be one now.
Result<Descriptor> accept_from(int listener);
// Begins to connect to an address or a name; once it can be written to, connected() says how that went.
//   Errors: kNotFound: there is no such host. kRefused, kIo.
Result<Descriptor> begin_to_connect(const std::string& host, int port);
Result<void> connected(int fd, const std::string& host, int port);
// "127.0.0.1:6379" of this end, and of the other.
std::string local_name(int fd);
std::string peer_name(int fd);
int local_port(int fd);
// Is the other end this machine, by its address or by a socket of the filesystem?
bool peer_is_local(int fd);
// Asks now and then whether the other end still lives; 0: never.
void keep_alive(int fd, int64_t seconds);

enum class Io : unsigned char {
  kDone,
  kWouldBlock,
  kClosed,  // the other side says no more, or nobody is there
  kBroken,  // what came before it may be lost
};
// At most `size` bytes into `out`; `count` says how many.
Io receive(int fd, char* out, size_t size, size_t& count);
// A prefix of `data`; `count` says how much of it.
Io send_some(int fd, std::string_view data, size_t& count);
// Both directions end; the other side's reads and a reader here see the end.
void hang_up(int fd);

}  // namespace powercut::engine
