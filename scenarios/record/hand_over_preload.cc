// A library for LD_PRELOAD: where the kernel does not let a recorder take a program's open files (pidfd_getfd), a thread in
// the program hands them over. It is cloned without a C library's thread around it, so that nothing which counts the
// program's threads, or waits for the last of them, knows of it; so it makes system calls alone, and none that would be
// asked about (kHandOverFlags).
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "scenarios/record/hand_over_protocol.h"

namespace {

using powercut::scenarios::HandOverAnswer;
using powercut::scenarios::HandOverWish;

constexpr size_t kStack = 64 << 10;
constexpr int kOutOfTheWay = 900;  // programs use the small numbers

sockaddr_un recorder{};
socklen_t recorder_size = 0;  // nought: nobody records
int connection = -1;

// Without errno, which is the thread's that cloned us.
long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  long result = 0;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

long address_of(const void* what) { return reinterpret_cast<long>(what); }

int connect_as_first_free() {
  const long made = call(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC);
  if (made < 0) return -1;
  return static_cast<int>(call(SYS_connect, made, address_of(&recorder), recorder_size) == 0 ? made
                                                                                             : -1);
}

// A negative one: errno.
long answer_with(int to, HandOverAnswer answer, int fd) {
  iovec piece{&answer, sizeof answer};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  return call(SYS_sendmsg, to, address_of(&message), powercut::scenarios::kHandOverFlags);
}

int hand_over(void* began_with) {
  int own = static_cast<int>(reinterpret_cast<intptr_t>(began_with));
  while (own >= 0) {
    HandOverWish wish;
    const long got = call(SYS_recvfrom, own, address_of(&wish), sizeof wish);
    if (got == -EINTR) continue;
    if (got != sizeof wish) return 0;  // nobody records any more
    const int before = own;
    if (wish.fd == HandOverWish::kLeave) connection = own = connect_as_first_free();
    const HandOverAnswer answer{0, own};
    const long sent = answer_with(before, answer, wish.fd);
    if (sent < 0 && wish.fd >= 0) answer_with(own, {static_cast<int32_t>(-sent), own}, -1);
  }
  return 0;
}

void begin() {
  if (recorder_size == 0) return;
  const int made = connect_as_first_free();
  if (made < 0) return;
  const int moved = fcntl(made, F_DUPFD_CLOEXEC, kOutOfTheWay);
  connection = moved >= 0 ? moved : made;
  void* stack =
      mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  // The program's signals are for the program's threads.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  constexpr int kThread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  const bool serves =
      stack != MAP_FAILED && clone(hand_over, static_cast<char*>(stack) + kStack, kThread,
                                   reinterpret_cast<void*>(static_cast<intptr_t>(connection))) >= 0;
  if (!serves) shutdown(connection, SHUT_RDWR);  // so that nobody waits for its answer
  sigprocmask(SIG_SETMASK, &before, nullptr);
  // The program is to see the numbers that it always does. Not before: who is asked about this call asks the thread.
  if (moved >= 0) close(made);
}

void begin_in_child() {
  if (connection >= 0) close(connection);
  begin();
}

__attribute__((constructor)) void load() {
  const char* name = std::getenv(powercut::scenarios::kHandOverVariable);
  if (name == nullptr) return;
  const size_t length = std::strlen(name);
  if (length == 0 || length >= sizeof recorder.sun_path) return;
  recorder.sun_family = AF_UNIX;
  std::memcpy(recorder.sun_path + 1, name, length);  // abstract
  recorder_size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  begin();
  pthread_atfork(nullptr, nullptr, begin_in_child);
}

}  // namespace
