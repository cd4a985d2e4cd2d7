// Where pidfd_getfd is not permitted (as in a container without CAP_SYS_PTRACE), a library that the program loads hands over
// its open files: the recorder's side of that (hand_over_protocol.h). Who has not loaded it, a statically linked program, is
// seen all the same, and what it does to a recorded file is refused by name.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/record/fd.h"

namespace powercut::scenarios {

class HandOver {
 public:
  // pidfd_getfd is refused here, whatever the program is.
  static bool is_needed();

  // Listens, and finds the library: beside this program, or where it is installed.
  //   Errors: kUnsupported: there is no library; the line says where it was looked for.
  Result<void> open();
  // The environment of a program that is to load it: ours, with two more variables.
  std::vector<std::string> environment() const;

  // The file that it has open under that number; none, and errno: EBADF, or ENOTCONN: the process has not loaded the library.
  Fd open_file(pid_t process, int fd);
  // Is that the library's own descriptor? Then it is not to be closed.
  bool keeps(pid_t process, int fd);
  // That number is about to be another file.
  void leave(pid_t process, int fd);

 private:
  struct Peer {
    Fd connection;
    int own = -1;
  };
  void take_in();
  Peer* peer_of(pid_t process);

  Fd listener_;
  std::string name_;
  std::string library_;
  std::map<pid_t, Peer> peers_;
};

}  // namespace powercut::scenarios
