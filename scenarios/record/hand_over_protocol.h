// What the recorder and the library that it has a program load (hand_over_preload.cc) say to one another, over a
// SOCK_SEQPACKET connection each process makes. The recorder names a descriptor; the answer brings the open file (SCM_RIGHTS).
#pragma once

#include <sys/socket.h>

#include <cstdint>

namespace powercut::scenarios {

// The abstract socket that the recorder listens at, by its name.
inline constexpr char kHandOverVariable[] = "POWERCUT_HAND_OVER";

struct HandOverWish {
  // The connection's own descriptor is about to be another file: make a new one.
  static constexpr int32_t kLeave = -1;
  static constexpr int32_t kHello = -2;
  int32_t fd = kHello;
};

struct HandOverAnswer {
  int32_t error = 0;  // errno: no file comes with it
  int32_t own = -1;   // the connection's descriptor, in that process
};

// Of the sendmsg by which the library answers: the recorder would be asked about any other, and waits for this one. TCP's
// words, which mean nothing on such a socket, so that no program says them.
inline constexpr int kHandOverFlags = MSG_FIN | MSG_SYN | MSG_RST | MSG_NOSIGNAL;

}  // namespace powercut::scenarios
