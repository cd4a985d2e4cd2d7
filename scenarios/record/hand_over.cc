#include "scenarios/record/hand_over.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "scenarios/record/hand_over_protocol.h"

extern char** environ;

namespace powercut::scenarios {

namespace {

constexpr char kLibrary[] = "libpowercut-hand-over.so";
constexpr char kPreload[] = "LD_PRELOAD";

struct Handed {
  Fd file;
  HandOverAnswer answer;
};

// None: nobody answers any more.
std::optional<Handed> ask(const Fd& connection, int fd) {
  const HandOverWish wish{fd};
  if (::send(connection.get(), &wish, sizeof wish, MSG_NOSIGNAL) != sizeof wish)
    return std::nullopt;
  Handed handed;
  iovec piece{&handed.answer, sizeof handed.answer};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  ssize_t got = 0;
  do got = ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got != sizeof handed.answer) return std::nullopt;
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    int file = -1;
    std::memcpy(&file, CMSG_DATA(rights), sizeof file);
    handed.file = Fd(file);
  }
  return handed;
}

std::string beside(const std::filesystem::path& folder) { return (folder / kLibrary).string(); }

}  // namespace

// Asked once: an exploration starts thousands of programs.
bool HandOver::is_needed() {
  static const bool needed = [] {
    const Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!self) return false;  // which is said elsewhere
    const Fd taken(static_cast<int>(::syscall(SYS_pidfd_getfd, self.get(), self.get(), 0)));
    return !taken && (errno == EPERM || errno == ENOSYS);
  }();
  return needed;
}

Result<void> HandOver::open() {
  std::error_code ignored;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const std::string places[] = {beside(here), beside(here / "../lib/powercut")};
  for (const std::string& place : places)
    if (library_.empty() && ::access(place.c_str(), R_OK) == 0) library_ = place;
  if (library_.empty())
    return Error{
        Errc::kUnsupported,
        fmt::format(
            "nothing can be recorded here: pidfd_getfd is not permitted (in Docker: run "
            "with --cap-add SYS_PTRACE), and the library that does without it is neither {} nor {}",
            places[0], places[1])};
  static int number = 0;  // one process may record, and look at what it recorded
  name_ = fmt::format("powercut-{}-{}", ::getpid(), ++number);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name_.data(), name_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
  listener_ = Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_ ||
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener_.get(), SOMAXCONN) != 0)
    return Error{Errc::kUnsupported,
                 fmt::format("nothing can be recorded here: no socket can be had: {}",
                             std::strerror(errno))};
  return {};
}

std::vector<std::string> HandOver::environment() const {
  std::vector<std::string> all;
  std::string preload = std::string(kPreload) + "=" + library_;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text = *one;
    if (text.starts_with(std::string(kPreload) + "="))
      preload += ":" + std::string(text.substr(sizeof kPreload));
    else
      all.emplace_back(text);
  }
  all.push_back(preload);
  all.push_back(std::string(kHandOverVariable) + "=" + name_);
  return all;
}

// Those that have connected since. A process that runs another program by now has a new connection.
void HandOver::take_in() {
  for (;;) {
    Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return;
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) continue;
    const auto hello = ask(connection, HandOverWish::kHello);
    if (hello) peers_[who.pid] = {std::move(connection), hello->answer.own};
  }
}

HandOver::Peer* HandOver::peer_of(pid_t process) {
  take_in();
  const auto at = peers_.find(process);
  return at == peers_.end() ? nullptr : &at->second;
}

Fd HandOver::open_file(pid_t process, int fd) {
  if (fd < 0) {
    errno = EBADF;
    return Fd();
  }
  while (Peer* peer = peer_of(process)) {
    auto handed = ask(peer->connection, fd);
    if (!handed) {
      peers_.erase(process);
      continue;
    }
    errno = handed->file || handed->answer.error != 0 ? handed->answer.error : EMFILE;  // ours
    return std::move(handed->file);
  }
  errno = ENOTCONN;
  return Fd();
}

bool HandOver::keeps(pid_t process, int fd) {
  const Peer* peer = peer_of(process);
  return peer != nullptr && peer->own == fd;
}

void HandOver::leave(pid_t process, int fd) {
  if (!keeps(process, fd)) return;
  (void)ask(peers_[process].connection, HandOverWish::kLeave);
  peers_.erase(process);
}

}  // namespace powercut::scenarios
