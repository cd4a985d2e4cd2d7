// The contract of the object store's seam (engine/os/object_store.h) as tests that every ObjectStore must pass. To put one
// under test, in exactly one *_test.cc of its room:
//
//   INSTANTIATE_TEST_SUITE_P(My, ObjectStoreContract, ::testing::Values(ObjectStoreFactory{
//       "MyStore", [] { return std::make_unique<MyStoreUnderTest>(); }}), name_of_factory);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/os/contract.h"
#include "engine/os/object_store.h"
#include "engine/os/os.h"

namespace powercut::engine {

// A store that is empty, and the means to run code at it.
class ObjectStoreUnderTest {
 public:
  virtual ~ObjectStoreUnderTest() = default;
  virtual Os& os() = 0;
  virtual ObjectStore& store() = 0;
  // Nobody is reached, or somebody again.
  virtual void set_out_of_reach(bool is) = 0;
  // The next put or removal is done, and its answer lost, however often it is asked by the store itself.
  virtual void lose_next_answer() = 0;
  // Runs `body` in a task; returns when it has ended.
  virtual void run(std::function<void()> body) = 0;
};

using ObjectStoreFactory = FactoryOf<ObjectStoreUnderTest>;

class ObjectStoreContract : public ContractOf<ObjectStoreUnderTest> {
 protected:
  ObjectStore& store() { return under_test_->store(); }
  ObjectStoreUnderTest& under_test() { return *under_test_; }
  static bool is_ok(const Result<void>& result) {
    if (!result.ok()) ADD_FAILURE() << result.error().message;
    return result.ok();
  }
  std::string content(std::string_view name, uint64_t offset = 0, uint64_t length = 1 << 20) {
    const auto got = store().get(name, offset, length);
    return got.ok() ? *got : std::string("error: ") + to_string(got.error().code);
  }
};

inline bool is_passing(Errc code) { return code == Errc::kIo || code == Errc::kTimeout; }

TEST_P(ObjectStoreContract, WhatWasPutIsReadWholeOrInPart) {
  run([&] {
    std::string bytes(100'000, '\0');
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
    ASSERT_TRUE(is_ok(store().put("a/one", bytes)));
    EXPECT_EQ(content("a/one"), bytes);
    EXPECT_EQ(content("a/one", 0, 4), bytes.substr(0, 4));
    EXPECT_EQ(content("a/one", 99'990, 10), bytes.substr(99'990));
    EXPECT_EQ(content("a/one", 99'990, 5000), bytes.substr(99'990)) << "it ends early";
    EXPECT_EQ(store().head("a/one").value(), bytes.size());
  });
}

TEST_P(ObjectStoreContract, AnObjectMayBeEmpty) {
  run([&] {
    ASSERT_TRUE(is_ok(store().put("none", "")));
    EXPECT_EQ(store().head("none").value(), 0u);
  });
}

TEST_P(ObjectStoreContract, WhatIsNotThereIsNotFound) {
  run([&] {
    EXPECT_EQ(store().get("no", 0, 1).error().code, Errc::kNotFound);
    EXPECT_EQ(store().head("no").error().code, Errc::kNotFound);
    EXPECT_TRUE(is_ok(store().remove("no")));
  });
}

TEST_P(ObjectStoreContract, ASecondPutReplacesTheFirst) {
  run([&] {
    ASSERT_TRUE(is_ok(store().put("x", "longer")));
    ASSERT_TRUE(is_ok(store().put("x", "new")));
    EXPECT_EQ(content("x"), "new");
  });
}

TEST_P(ObjectStoreContract, WhatIsRemovedIsGone) {
  run([&] {
    ASSERT_TRUE(is_ok(store().put("x", "1")));
    ASSERT_TRUE(is_ok(store().put("y", "2")));
    ASSERT_TRUE(is_ok(store().remove("x")));
    EXPECT_EQ(store().head("x").error().code, Errc::kNotFound);
    EXPECT_EQ(content("y"), "2");
  });
}

TEST_P(ObjectStoreContract, ListsByPrefixInOrder) {
  run([&] {
    for (const char* name : {"p/b", "p/a", "q/c", "p/c d+e&f"})
      ASSERT_TRUE(is_ok(store().put(name, name)));
    using Names = std::vector<std::string>;
    EXPECT_EQ(store().list("p/", 10).value(), (Names{"p/a", "p/b", "p/c d+e&f"}));
    EXPECT_EQ(store().list("p/", 1).value(), Names{"p/a"});
    EXPECT_EQ(store().list("r/", 10).value(), Names{});
    EXPECT_EQ(content("p/c d+e&f"), "p/c d+e&f");
  });
}

TEST_P(ObjectStoreContract, OutOfReachEveryCallFailsAndALaterOneSucceeds) {
  run([&] {
    ASSERT_TRUE(is_ok(store().put("x", "1")));
    under_test().set_out_of_reach(true);
    const auto put = store().put("y", "2");
    ASSERT_FALSE(put.ok());
    EXPECT_TRUE(is_passing(put.error().code)) << put.error().message;
    EXPECT_TRUE(is_passing(store().get("x", 0, 1).error().code)) << "not: there is none";
    EXPECT_TRUE(is_passing(store().head("x").error().code));
    EXPECT_TRUE(is_passing(store().remove("x").error().code));
    EXPECT_TRUE(is_passing(store().list("", 1).error().code));
    under_test().set_out_of_reach(false);
    EXPECT_EQ(content("x"), "1");
    EXPECT_TRUE(is_ok(store().put("y", "2")));
  });
}

TEST_P(ObjectStoreContract, ALostAnswerIsAnErrorOfWhatWasDone) {
  run([&] {
    under_test().lose_next_answer();
    const auto put = store().put("x", "1");
    ASSERT_FALSE(put.ok());
    EXPECT_TRUE(is_passing(put.error().code)) << put.error().message;
    EXPECT_EQ(content("x"), "1");
    EXPECT_TRUE(is_ok(store().put("x", "1"))) << "said again";
    under_test().lose_next_answer();
    EXPECT_FALSE(store().remove("x").ok());
    EXPECT_EQ(store().head("x").error().code, Errc::kNotFound);
    EXPECT_TRUE(is_ok(store().remove("x")));
  });
}

}  // namespace powercut::engine
