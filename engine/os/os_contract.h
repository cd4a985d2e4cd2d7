// The contract of the seam (engine/os/os.h) as tests that every Os must pass. To put one under
// test, in exactly one *_test.cc of its room:
//
//   #include "engine/os/os_contract.h"
//   namespace powercut::engine {
//   struct MyOsUnderTest : OsUnderTest { ... };
//   INSTANTIATE_TEST_SUITE_P(My, OsContract, ::testing::Values(OsFactory{
//       "MyOs", [] { return std::make_unique<MyOsUnderTest>(); }}), name_of_factory);
//   }
//
// What only a power cut can show is not here: the simulated side tests it (sim/).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/os/contract.h"
#include "engine/os/os.h"

namespace powercut::engine {

// What an implementation may be asked to do on purpose, once unless it says otherwise.
enum class OsFault : unsigned char {
  kShortReads,       // from now on, reads return less than asked when there is more than one byte
  kShortWrites,      // from now on, writes take less than asked when there is more than one byte
  kReadIo,           // the next read_at fails with kIo
  kWriteIo,          // the next write_at fails with kIo
  kWriteNoSpace,     // the next write_at fails with kNoSpace
  kTruncateNoSpace,  // the next truncate fails with kNoSpace
  kSyncIo,           // the next sync fails with kIo
  kSyncDirectoryIo,  // the next sync_directory fails with kIo
  kOpenNoSpace,      // the next open with kCreateNew, or of scratch, fails with kNoSpace
  kRenameIo,         // the next rename fails with kIo
  kLinkIo,           // the next link fails with kIo
  kRemoveIo,         // the next remove fails with kIo
};

// An Os with an empty root, and the means to run code on it.
class OsUnderTest {
 public:
  virtual ~OsUnderTest() = default;
  virtual Os& os() = 0;
  // Runs `body` in a task; returns when it and every task it spawned has ended.
  virtual void run(std::function<void()> body) = 0;
  // The process dies (a kill, not a power cut) and starts again on the same root. Called outside
  // run(); os() is a new one afterwards.
  virtual void kill_and_restart() = 0;
  // False if this implementation cannot do that on purpose; the test is then skipped.
  virtual bool inject(OsFault) { return false; }
};

using OsFactory = FactoryOf<OsUnderTest>;

class OsContract : public ContractOf<OsUnderTest> {
 protected:
  Os& os() { return under_test_->os(); }

  // The three that follow loop over short reads and writes, as every user of the seam must.
  static Result<void> write_all(File& file, uint64_t offset, std::string_view data) {
    while (!data.empty()) {
      TRY_ASSIGN(const size_t n, file.write_at(offset, data));
      EXPECT_GE(n, 1u);
      EXPECT_LE(n, data.size());
      offset += n;
      data.remove_prefix(n);
    }
    return {};
  }
  static Result<std::string> read_all(File& file, uint64_t offset = 0) {
    std::string content;
    for (char buffer[1000];;) {
      TRY_ASSIGN(const size_t n, file.read_at(offset + content.size(), buffer, sizeof buffer));
      EXPECT_LE(n, sizeof buffer);
      if (n == 0) return content;
      content.append(buffer, n);
    }
  }
  Result<void> write_new(std::string_view path, std::string_view content) {
    TRY_ASSIGN(const auto file, os().open(path, Open::kCreateNew));
    return write_all(*file, 0, content);
  }
  Result<std::string> read_path(std::string_view path) {
    TRY_ASSIGN(const auto file, os().open(path, Open::kRead));
    return read_all(*file);
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OsContract);

template <class T>
::testing::AssertionResult is_ok(const Result<T>& result) {
  if (result.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << to_string(result.error().code) << " (" << result.error().message << ")";
}

// Also demands a message of one line.
template <class T>
::testing::AssertionResult fails_with(const Result<T>& result, Errc code) {
  if (result.ok()) return ::testing::AssertionFailure() << "it succeeded";
  const Error& error = result.error();
  if (error.code != code) return is_ok(result);
  if (error.message.empty() || error.message.find('\n') != std::string::npos) {
    return ::testing::AssertionFailure() << "not a line: \"" << error.message << "\"";
  }
  return ::testing::AssertionSuccess();
}

#define POWERCUT_INJECT(fault) \
  if (!under_test_->inject(fault)) GTEST_SKIP() << "no faults on purpose here"

}  // namespace powercut::engine

// The tests themselves.
#include "engine/os/os_contract_faults.h"   // NOLINT
#include "engine/os/os_contract_files.h"    // NOLINT
#include "engine/os/os_contract_scratch.h"  // NOLINT
#include "engine/os/os_contract_tasks.h"    // NOLINT
