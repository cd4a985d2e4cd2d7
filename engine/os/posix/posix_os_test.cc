#include "engine/os/posix/posix_os.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "engine/os/os_contract.h"
#include "engine/os/posix/os_error.h"
#include "engine/os/posix/scratch.h"

namespace powercut::engine {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "powercut_os_XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<PosixOs> open_os(const TemporaryDirectory& root, PosixOptions options) {
  auto os = PosixOs::open(root.path(), options);
  CHECK(os.ok());
  return std::move(*os);
}

class PosixOsUnderTest : public OsUnderTest {
 public:
  explicit PosixOsUnderTest(PosixOptions options) : options_(options) { kill_and_restart(); }
  PosixOs& os() override { return *os_; }
  void run(std::function<void()> body) override {
    os_->spawn("test", std::move(body));
    EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  }
  void kill_and_restart() override { os_ = open_os(root_, options_); }
  const std::string& root() const { return root_.path(); }

 private:
  TemporaryDirectory root_;
  PosixOptions options_;
  std::unique_ptr<PosixOs> os_;
};

OsFactory factory(std::string name, PosixOptions options) {
  return {std::move(name), [options] { return std::make_unique<PosixOsUnderTest>(options); }};
}

const OsFactory kIoUring = factory("IoUring", {});  // or the fallback, where io_uring is refused
const OsFactory kTinyRing = factory("TinyRing", {.ring_entries = 2});
const OsFactory kPlainCalls = factory("PlainCalls", {.use_io_uring = false});

}  // namespace

INSTANTIATE_TEST_SUITE_P(Posix, OsContract, ::testing::Values(kIoUring, kTinyRing, kPlainCalls),
                         name_of_factory);

namespace {

class PosixOsTest : public ::testing::TestWithParam<OsFactory> {
 protected:
  PosixOsTest() : under_test_(GetParam().make()) {}
  PosixOsUnderTest& under_test() { return static_cast<PosixOsUnderTest&>(*under_test_); }
  PosixOs& os() { return under_test().os(); }
  void run(std::function<void()> body) { under_test_->run(std::move(body)); }

  std::unique_ptr<OsUnderTest> under_test_;
};

INSTANTIATE_TEST_SUITE_P(Posix, PosixOsTest, ::testing::Values(kIoUring, kPlainCalls),
                         name_of_factory);

TEST_P(PosixOsTest, TheFallbackIsForced) {
  const bool uses_io_uring = os().uses_io_uring();
  if (GetParam().name == "PlainCalls") {
    EXPECT_FALSE(uses_io_uring);
  }
  RecordProperty("uses_io_uring", uses_io_uring);
}

TEST_P(PosixOsTest, OtherTasksRunDuringASync) {
  run([&] {
    auto file = os().open("f", Open::kCreateNew);
    ASSERT_TRUE(is_ok(file));
    bool other_ran = false;
    os().spawn("other", [&] { other_ran = true; });
    EXPECT_TRUE(is_ok((*file)->sync("test")));
    EXPECT_TRUE(other_ran);
  });
}

TEST_P(PosixOsTest, FileCallsBlockOutsideEveryTask) {
  auto file = os().open("f", Open::kCreateNew);
  ASSERT_TRUE(is_ok(file));
  EXPECT_EQ((*file)->write_at(0, "abc").value(), 3u);
  EXPECT_TRUE(is_ok((*file)->sync("test")));
  EXPECT_TRUE(is_ok(os().sync_directory("", "test")));
  EXPECT_TRUE(is_ok(os().remove("f")));
}

// Devices that fail, behind names in the root.
TEST_P(PosixOsTest, ErrorsOfTheKernelArrive) {
  std::filesystem::create_symlink("/dev/full", under_test().root() + "/full");
  std::filesystem::create_symlink("/proc/self/mem", under_test().root() + "/unreadable");
  run([&] {
    auto full = os().open("full", Open::kReadWrite);
    ASSERT_TRUE(is_ok(full));
    const auto written = (*full)->write_at(0, "abc");
    ASSERT_TRUE(fails_with(written, Errc::kNoSpace));
    EXPECT_EQ(written.error().message, "write full: No space left on device");
    auto unreadable = os().open("unreadable", Open::kRead);
    ASSERT_TRUE(is_ok(unreadable));
    char byte = 0;
    EXPECT_TRUE(fails_with((*unreadable)->read_at(0, &byte, 1), Errc::kIo));
    EXPECT_TRUE(fails_with((*full)->write_at(UINT64_MAX, "abc"), Errc::kInvalid));
    EXPECT_TRUE(fails_with((*full)->read_at(UINT64_MAX, &byte, 1), Errc::kInvalid));
  });
}

// A page that the device does not give is an error of the call that asked for it, and of that alone.
TEST_P(PosixOsTest, AFailureBehindScratchIsAnErrorOfTheCall) {
  constexpr uint64_t kSize = 3 * 4096;
  const std::string name = under_test().root() + "/f";
  Descriptor file(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  Descriptor other(dup(file.get()));
  ASSERT_EQ(ftruncate(file.get(), kSize), 0);
  const auto scratch = map_scratch(std::move(file), kSize);
  ASSERT_TRUE(is_ok(scratch));
  run([&] {
    EXPECT_TRUE(is_ok((*scratch)->write(100, "abc")));
    EXPECT_TRUE(is_ok((*scratch)->write(2 * 4096, "def")));
    ASSERT_EQ(ftruncate(other.get(), 4096), 0);  // as if the rest could not be read
    char bytes[3];
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(fails_with((*scratch)->read(2 * 4096, bytes, 3), Errc::kIo));
      EXPECT_TRUE(fails_with((*scratch)->write(4095, "gh"), Errc::kIo));
      EXPECT_TRUE(is_ok((*scratch)->read(100, bytes, 3)));
      EXPECT_EQ(std::string(bytes, 3), "abc");
    }
  });
}

TEST_P(PosixOsTest, ScratchSetsItsSpaceAside) {
  EXPECT_TRUE(fails_with(os().open_scratch(uint64_t{1} << 62), Errc::kNoSpace));
  const auto free_bytes = [&] { return std::filesystem::space(under_test().root()).free; };
  const auto before = free_bytes();
  const auto scratch = os().open_scratch(64 << 20);
  ASSERT_TRUE(is_ok(scratch));
  EXPECT_LT(free_bytes(), before);
}

TEST_P(PosixOsTest, ReadinessOfASocket) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  Descriptor ours(pair[0]);
  Descriptor theirs(pair[1]);
  std::string received;
  run([&] {
    os().spawn("reader", [&] {
      char buffer[100];
      for (;;) {
        ssize_t n = ::read(ours.get(), buffer, sizeof buffer);
        if (n == 0) return;
        if (n > 0) received.append(buffer, static_cast<size_t>(n));
        if (n < 0) {
          ASSERT_EQ(errno, EAGAIN);
          EXPECT_TRUE(os().wait_readable(ours.get()));
        }
      }
    });
    EXPECT_TRUE(os().wait_writable(theirs.get(), os().now() + seconds(10)));
    for (const char* word : {"one ", "two ", "three"}) {
      os().park(os().now() + milliseconds(1));
      ASSERT_GT(::write(theirs.get(), word, strlen(word)), 0);
    }
    const Instant deadline = os().now() + milliseconds(2);
    EXPECT_FALSE(os().wait_readable(theirs.get(), deadline));
    EXPECT_GE(os().now(), deadline);
    EXPECT_FALSE(os().wait_readable(theirs.get(), deadline));  // in the past
    // An unpark meanwhile neither ends the wait nor is lost.
    os().unpark(os().current());
    EXPECT_FALSE(os().wait_readable(theirs.get(), os().now() + milliseconds(1)));
    EXPECT_TRUE(os().park(os().now() + milliseconds(1)));
    theirs = Descriptor();  // the reader sees the end
  });
  EXPECT_EQ(received, "one two three");
}

TEST_P(PosixOsTest, ManyCallsAtOnce) {
  run([&] {
    auto file = os().open("f", Open::kCreateNew);
    ASSERT_TRUE(is_ok(file));
    std::shared_ptr<File> shared = std::move(*file);
    for (uint64_t i = 0; i < 1000; ++i) {
      os().spawn("writer", [shared, i] {
        const std::string record(100, static_cast<char>('a' + i % 26));
        EXPECT_EQ(shared->write_at(i * 100, record).value(), 100u);
        char back[100];
        EXPECT_EQ(shared->read_at(i * 100, back, 100).value(), 100u);
        EXPECT_EQ(record, std::string(back, 100));
        if (i % 100 == 0) {
          EXPECT_TRUE(is_ok(shared->sync("test")));
        }
      });
    }
  });
}

TEST_P(PosixOsTest, SignalsDisturbNothing) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART: calls are interrupted
  struct sigaction old_action;
  sigaction(SIGALRM, &action, &old_action);
  const itimerval often{{0, 200}, {0, 200}};
  setitimer(ITIMER_REAL, &often, nullptr);
  run([&] {
    auto file = os().open("f", Open::kCreateNew);
    ASSERT_TRUE(is_ok(file));
    const std::string block(100'000, 'x');
    for (uint64_t i = 0; i < 50; ++i) {
      for (size_t done = 0; done < block.size();) {
        const auto n = (*file)->write_at(i * block.size() + done, block.substr(done));
        ASSERT_TRUE(is_ok(n));
        done += *n;
      }
      EXPECT_TRUE(is_ok((*file)->sync("test")));
      const Instant deadline = os().now() + microseconds(500);
      EXPECT_FALSE(os().park(deadline));
      EXPECT_GE(os().now(), deadline);
    }
    EXPECT_EQ((*file)->size().value(), 50 * block.size());
  });
  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &old_action, nullptr);
}

TEST_P(PosixOsTest, RunEndsWhenToldAndGoesOn) {
  int rounds = 0;
  os().spawn("ticker", [&] {
    for (;;) {
      ++rounds;
      if (rounds == 5) os().stop();
      os().park(os().now() + microseconds(10));
    }
  });
  EXPECT_EQ(os().run([&] { return rounds == 3; }), RunEnd::kStopped);
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(os().run(), RunEnd::kStopped);
  EXPECT_EQ(rounds, 5);
  os().destroy_tasks();
  EXPECT_EQ(os().run(), RunEnd::kNoTasks);
}

TEST_P(PosixOsTest, RunSeesThatNothingCanHappen) {
  os().spawn("waits for ever", [&] { os().park(kForever); });
  EXPECT_EQ(os().run(), RunEnd::kStuck);
}

TEST_P(PosixOsTest, DestroyingTasksWaitsForTheirCallsAndRefusesMore) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  Descriptor ours(pair[0]);
  Descriptor theirs(pair[1]);
  int refused = 0;
  {
    auto file = os().open("f", Open::kCreateNew);
    ASSERT_TRUE(is_ok(file));
    struct Refused {
      PosixOs& os;
      File& file;
      int fd;
      int& count;
      ~Refused() {
        EXPECT_TRUE(fails_with(file.write_at(0, "x"), Errc::kIo));
        EXPECT_TRUE(fails_with(file.truncate(100), Errc::kIo));
        EXPECT_TRUE(fails_with(file.sync("test"), Errc::kIo));
        EXPECT_TRUE(fails_with(os.open("g", Open::kCreateNew), Errc::kIo));
        EXPECT_TRUE(fails_with(os.remove("f"), Errc::kIo));
        EXPECT_TRUE(fails_with(os.sync_directory("", "test"), Errc::kIo));
        EXPECT_FALSE(os.wait_readable(fd));
        EXPECT_FALSE(os.park(kForever));
        ++count;
      }
    };
    os().spawn("reads", [&] {
      Refused end{os(), **file, ours.get(), refused};
      std::string buffer(1 << 20, ' ');
      for (;;) (void)(*file)->read_at(0, buffer.data(), buffer.size());
    });
    os().spawn("syncs", [&] {
      Refused end{os(), **file, ours.get(), refused};
      for (;;) (void)(*file)->sync("test");
    });
    os().spawn("waits", [&] {
      Refused end{os(), **file, ours.get(), refused};
      os().wait_readable(ours.get());
    });
    int rounds = 0;
    EXPECT_EQ(os().run([&] { return ++rounds == 1; }), RunEnd::kStopped);
    EXPECT_EQ(os().run([&] { return ++rounds > 10; }), RunEnd::kStopped);
    os().destroy_tasks();
    EXPECT_EQ((*file)->size().value(), 0u);
  }
  EXPECT_EQ(refused, 3);
}

TEST_P(PosixOsTest, AKilledProcessLosesNothingWritten) {
  const pid_t child = fork();
  if (child == 0) {
    auto os = PosixOs::open(under_test().root(), {.use_io_uring = GetParam().name == "IoUring"});
    (*os)->spawn("dies", [&] {
      auto file = (*os)->open("f", Open::kCreateNew);
      for (uint64_t i = 0;; ++i) {
        (void)(*file)->write_at(i * 4, "data");
        if (i == 1000) kill(getpid(), SIGKILL);
      }
    });
    (*os)->run();
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  run([&] {
    auto file = os().open("f", Open::kRead);
    ASSERT_TRUE(is_ok(file));
    EXPECT_EQ((*file)->size().value(), 4004u);
  });
}

TEST(PosixOs, TheRootMustBeADirectory) {
  TemporaryDirectory root;
  EXPECT_TRUE(fails_with(PosixOs::open(root.path() + "/missing"), Errc::kNotFound));
  std::filesystem::create_symlink("/dev/null", root.path() + "/null");
  EXPECT_TRUE(fails_with(PosixOs::open(root.path() + "/null"), Errc::kInvalid));
}

TEST(PosixOs, ErrorNumbers) {
  EXPECT_EQ(errc_of(EIO), Errc::kIo);
  EXPECT_EQ(errc_of(EDQUOT), Errc::kNoSpace);
  EXPECT_EQ(errc_of(EACCES), Errc::kRefused);
  EXPECT_EQ(errc_of(EROFS), Errc::kRefused);
  EXPECT_EQ(errc_of(ENOTDIR), Errc::kInvalid);
  EXPECT_EQ(os_error("open", "a/b", ENOENT).message, "open a/b: No such file or directory");
  EXPECT_EQ(os_error("list", "", ENOENT).message, "list .: No such file or directory");
}

}  // namespace
}  // namespace powercut::engine
