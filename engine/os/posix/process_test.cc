#include "engine/os/posix/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace powercut::engine {
namespace {

namespace fs = std::filesystem;

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    std::string name = (fs::temp_directory_path() / "powercut_process_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~ProcessTest() override { fs::remove_all(root_); }

  // In a process of its own, for what cannot be taken back: what `body` returns, below 256.
  static int in_a_child(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + status;
  }

  fs::path root_;
};

#ifndef __SANITIZE_ADDRESS__  // whose heap is another
// Not at the top of the heap, which goes by itself.
TEST_F(ProcessTest, MemoryThatIsFreeIsGivenBack) {
  const auto resident = [] {
    const std::string text = process_info("memory");
    return std::stoull(text.substr(text.find(':') + 1));
  };
  constexpr size_t kBytes = 64 << 10;
  std::vector<std::unique_ptr<char[]>> blocks;
  for (int i = 0; i < 1000; ++i) {
    blocks.push_back(std::make_unique_for_overwrite<char[]>(kBytes));
    std::memset(blocks.back().get(), 1, kBytes);
  }
  blocks.erase(blocks.begin(), blocks.end() - 1);
  const uint64_t before = resident();
  give_back_memory();
  EXPECT_LT(resident() + 500 * kBytes, before);
}
#endif

TEST_F(ProcessTest, ThePidFileHasItsNumberAndNothingElse) {
  const std::string path = root_ / "pid";
  std::ofstream(path) << "what stood there before is longer than a number";
  EXPECT_TRUE(write_pid_file(path).ok());
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), std::to_string(getpid()) + "\n");
  remove_file(path);
  EXPECT_FALSE(fs::exists(path));
  const auto refused = write_pid_file(root_ / "no/pid");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kNotFound);
  EXPECT_EQ(refused.error().message,
            "open the pid file " + (root_ / "no/pid").string() + ": No such file or directory");
  const auto full = write_pid_file("/dev/full");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().message, "write the pid file /dev/full: No space left on device");
}

TEST_F(ProcessTest, ModesAreChanged) {
  const std::string path = root_ / "f";
  std::ofstream(path) << "x";
  EXPECT_TRUE(change_mode(path, 0640));
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_FALSE(change_mode(root_ / "no", 0640));
}

TEST_F(ProcessTest, PathsFromTheRoot) {
  EXPECT_EQ(absolute_path("/a/b"), "/a/b");
  EXPECT_EQ(absolute_path("a/b"), fs::current_path().string() + "/a/b");
  EXPECT_EQ(absolute_path(""), fs::current_path().string());
}

TEST_F(ProcessTest, LocalTimeAsLogsShowIt) {
  const char* before = getenv("TZ");
  const std::string zone = before == nullptr ? "" : before;
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(local_time_text({1'700'000'000'007}), "14 Nov 2023 22:13:20.007");
  EXPECT_EQ(local_time_text({1'700'000'000'999}), "14 Nov 2023 22:13:20.999");
  setenv("TZ", "XYZ-2", 1);
  tzset();
  EXPECT_EQ(local_time_text({1'700'000'000'120}), "15 Nov 2023 00:13:20.120");
  before == nullptr ? unsetenv("TZ") : setenv("TZ", zone.c_str(), 1);
  tzset();
}

TEST_F(ProcessTest, TheClockDoesNotStandStill) {
  const WallTime before = wall_clock_now();
  wait_outside_tasks(milliseconds(2));
  EXPECT_GT(wall_clock_now().unix_ms, before.unix_ms);
  EXPECT_EQ(process_id(), getpid());
}

TEST_F(ProcessTest, MoreDescriptorsAsFarAsTheKernelLetsIt) {
  EXPECT_EQ(in_a_child([] {
              rlimit limit{100, 200};
              if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
              if (raise_descriptor_limit(50) != 100) return 2;  // never lowered
              if (raise_descriptor_limit(100) != 100) return 3;
              if (raise_descriptor_limit(150) != 150) return 4;
              getrlimit(RLIMIT_NOFILE, &limit);
              if (limit.rlim_cur != 150 || limit.rlim_max != 200) return 5;
              if (raise_descriptor_limit(uint64_t{1} << 62) != 200)
                return 6;  // more than any kernel has
              getrlimit(RLIMIT_NOFILE, &limit);
              return limit.rlim_cur == 200 && limit.rlim_max == 200 ? 0 : 7;
            }),
            0);
}

TEST_F(ProcessTest, SignalsComeThroughADescriptor) {
  EXPECT_EQ(in_a_child([] {
              const auto fd = open_signals();
              if (!fd.ok()) return 1;
              sigset_t blocked;
              sigprocmask(SIG_SETMASK, nullptr, &blocked);
              for (int number = 1; number < 32; ++number) {
                const bool ours = number == SIGTERM || number == SIGINT;
                if ((sigismember(&blocked, number) == 1) != ours) return 6;
              }
              if (take_signal(fd->get()) != 0) return 2;
              for (const int number : {SIGTERM, SIGINT}) {
                raise(number);
                pollfd ready{fd->get(), POLLIN, 0};
                if (poll(&ready, 1, 10'000) != 1) return 3;
                if (take_signal(fd->get()) != number) return 4;
              }
              return take_signal(fd->get()) == 0 ? 0 : 5;
            }),
            0);
  EXPECT_EQ(in_a_child([] {
              for (const int number : {SIGHUP, SIGPIPE, SIGXFSZ}) signal(number, SIG_DFL);
              ignore_signals();
              raise(SIGHUP);
              raise(SIGPIPE);
              raise(SIGXFSZ);
              return 0;
            }),
            0);
}

// The lines of a section of INFO, by name.
std::map<std::string, std::string> info(std::string_view section) {
  std::map<std::string, std::string> lines;
  std::string text = process_info(section);
  for (size_t end; (end = text.find("\r\n")) != std::string::npos; text.erase(0, end + 2)) {
    const size_t colon = text.find(':');
    lines[text.substr(0, colon)] = text.substr(colon + 1, end - colon - 1);
  }
  EXPECT_EQ(text, "");
  return lines;
}

TEST_F(ProcessTest, TellsOfItself) {
  EXPECT_EQ(process_info("keyspace"), "");
  auto server = info("server");
  EXPECT_EQ(server["process_id"], std::to_string(getpid()));
  EXPECT_EQ(server["executable"], fs::read_symlink("/proc/self/exe").string());
  EXPECT_EQ(server["run_id"].size(), 40u);
  EXPECT_EQ(server["run_id"].find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(server["run_id"], std::string(40, '0'));
  EXPECT_EQ(info("server")["run_id"], server["run_id"]);  // as long as it lives
  EXPECT_TRUE(server["os"].starts_with("Linux "));
  auto memory = info("memory");
  EXPECT_GT(std::stoull(memory["used_memory_rss"]), 100'000u);
  EXPECT_GT(std::stoull(memory["used_memory_rss_peak"]), 100'000u);
  EXPECT_GT(std::stoull(memory["total_system_memory"]), std::stoull(memory["used_memory_rss"]));
  EXPECT_LT(std::stoull(memory["used_memory_rss"]), uint64_t{1} << 36);
  EXPECT_GE(std::stoull(memory["allocator_active"]), std::stoull(memory["allocator_allocated"]));
  EXPECT_GT(std::stod(memory["mem_fragmentation_ratio"]), 0);
  EXPECT_EQ(process_info("memory").find("human:0"), std::string::npos);
  auto cpu = info("cpu");
  for (const char* name : {"used_cpu_sys", "used_cpu_user", "used_cpu_user_main_thread"}) {
    EXPECT_EQ(cpu[name].size() - cpu[name].find('.'), 7u) << cpu[name];
  }
  EXPECT_EQ(cpu["used_cpu_sys_children"], "0.000000");
}

TEST_F(ProcessTest, TheBackgroundHasASessionOfItsOwn) {
  const std::string told = root_ / "told";
  EXPECT_EQ(
      in_a_child([&] {
        const pid_t parent = getpid();
        const int next = dup(STDIN_FILENO);
        close(next);
        if (!go_to_background().ok()) return 1;
        if (getpid() == parent) return 2;  // it has ended
        char link[100] = {};
        bool fine = getsid(0) == getpid();
        fine = fine && dup(STDIN_FILENO) == next;  // nothing else was left open
        for (const char* standard : {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"}) {
          std::memset(link, 0, sizeof link);
          fine = readlink(standard, link, sizeof link - 1) > 0 && fine;
          fine = fine && std::string_view(link) == "/dev/null";
        }
        std::ofstream(told + ".new") << (fine ? "fine" : "wrong");
        fs::rename(told + ".new", told);
        return 0;
      }),
      0);
  for (int i = 0; i < 10'000 && !fs::exists(told); ++i) wait_outside_tasks(milliseconds(1));
  std::ifstream file(told);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "fine");
}

TEST_F(ProcessTest, ABackgroundWithoutDescriptorsIsAnError) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  EXPECT_EQ(in_a_child([&] {
              const rlimit none{0, 0};
              if (setrlimit(RLIMIT_NOFILE, &none) != 0) return 1;
              const auto outcome = go_to_background();
              const std::string text = outcome.ok() ? "ok" : outcome.error().message;
              return ::write(told[1], text.data(), text.size()) > 0 ? 0 : 2;
            }),
            0);
  close(told[1]);
  char buffer[100] = {};
  EXPECT_GT(::read(told[0], buffer, sizeof buffer - 1), 0);
  EXPECT_STREQ(buffer, "open /dev/null: Too many open files");
  close(told[0]);
}

TEST_F(ProcessTest, ASupervisorMayHaveTheLongestNameThereIs) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = "@" + root_.string();
  path.resize(sizeof address.sun_path, 'x');
  std::memcpy(address.sun_path, path.data(), path.size());
  address.sun_path[0] = '\0';
  const Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  char buffer[20] = {};
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_supervisor("READY=1");
  EXPECT_EQ(::read(fd.get(), buffer, sizeof buffer), 7);
  setenv("NOTIFY_SOCKET", (path + "x").c_str(), 1);
  notify_supervisor("READY=1");
  EXPECT_EQ(::read(fd.get(), buffer, sizeof buffer), -1);
  unsetenv("NOTIFY_SOCKET");
}

TEST_F(ProcessTest, WhoeverSupervisesItIsTold) {
  notify_supervisor("READY=1");  // nobody does
  for (const bool abstract : {false, true}) {
    const std::string path = (abstract ? "@" : "") + (root_ / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    if (abstract) address.sun_path[0] = '\0';
    const Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size())),
              0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    notify_supervisor("READY=1");
    char buffer[20] = {};
    EXPECT_EQ(::read(fd.get(), buffer, sizeof buffer), 7);
    EXPECT_STREQ(buffer, "READY=1");
    setenv("NOTIFY_SOCKET", ("x" + path).c_str(), 1);
    notify_supervisor("READY=1");
    setenv("NOTIFY_SOCKET", (path + std::string(200, 'x')).c_str(), 1);
    notify_supervisor("READY=1");
    EXPECT_EQ(::read(fd.get(), buffer, sizeof buffer), -1);
    unsetenv("NOTIFY_SOCKET");
  }
}

}  // namespace
}  // namespace powercut::engine
