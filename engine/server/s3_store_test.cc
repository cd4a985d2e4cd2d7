// The object store over HTTP keeps the seam's contract; what it makes of each answer, and of none.
#include "engine/server/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/os/object_store_contract.h"
#include "engine/server/fake_s3_testing.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class S3World {
 public:
  S3World() : os_(open_os()), fake(*os_) {}
  ~S3World() {
    os_->destroy_tasks();
    store.reset();
  }
  // Runs `body` in a task until it has ended.
  void run(const std::function<void()>& body) {
    bool ended = false;
    os_->spawn("test", [&] {
      if (store == nullptr) begin();
      body();
      ended = true;
      os_->stop();
    });
    EXPECT_EQ(os_->run(), RunEnd::kStopped);
    EXPECT_TRUE(ended);
  }
  PosixOs& os() { return *os_; }

 private:
  static std::unique_ptr<PosixOs> open_os() {
    auto os = PosixOs::open(".");
    CHECK(os.ok());
    return std::move(*os);
  }
  void begin() {
    fake.begin();
    options.endpoint = fmt::format("http://127.0.0.1:{}", fake.port);
    auto opened = S3Store::open(*os_, options);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store = std::move(*opened);
  }
  std::unique_ptr<PosixOs> os_;

 public:
  FakeS3 fake;
  S3Options options{.endpoint = {},
                    .region = "us-east-1",
                    .bucket = "bucket",
                    .access_key = "who",
                    .secret_key = "secret",
                    .session_token = {},
                    .tries = 3,
                    .first_pause = milliseconds(1)};
  std::unique_ptr<S3Store> store;
};

class S3UnderTest final : public ObjectStoreUnderTest {
 public:
  S3UnderTest() {
    world_.options.tries = 1;
    world_.fake.keeps_links = false;
    world_.run([] {});
  }
  Os& os() override { return world_.os(); }
  ObjectStore& store() override { return *world_.store; }
  void set_out_of_reach(bool is) override { world_.fake.break_next = is ? 1'000'000 : 0; }
  void lose_next_answer() override { world_.fake.lose_next = 1; }
  void run(std::function<void()> body) override { world_.run(body); }

 private:
  S3World world_;
};

class S3StoreTest : public ::testing::Test {
 protected:
  void run(const std::function<void()>& body) { world.run(body); }
  S3Store& store() { return *world.store; }
  static std::string told(int status, const std::string& code) {
    const std::string body = "<Error><Code>" + code + "</Code><Message>said</Message></Error>";
    return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
  }
  // What is said of that answer.
  Error refusal(const std::string& answer) {
    Error error;
    run([&] {
      world.fake.always = answer;
      const auto got = store().get("x", 0, 1);
      world.fake.always.clear();
      ASSERT_FALSE(got.ok());
      error = got.error();
    });
    return error;
  }
  S3World world;
};

TEST_F(S3StoreTest, SignsForRegionAndService) {
  run([&] { EXPECT_TRUE(store().put("x", "1").ok()); });
  EXPECT_THAT(world.fake.last_authorization, HasSubstr("AWS4-HMAC-SHA256 Credential=who/"));
  EXPECT_THAT(world.fake.last_authorization, HasSubstr("/us-east-1/s3/aws4_request"));
  EXPECT_THAT(world.fake.last_authorization, HasSubstr("x-amz-content-sha256"));
  EXPECT_THAT(world.fake.last_authorization, Not(HasSubstr("secret")));
}

TEST_F(S3StoreTest, WhatFailsInPassingIsTriedAgain) {
  run([&] {
    world.fake.fail_next = 2;
    EXPECT_TRUE(store().put("x", std::string(300'000, 'x')).ok());
    world.fake.break_next = 2;
    EXPECT_EQ(store().get("x", 299'999, 9).value(), "x");
    world.fake.lose_next = 1;
    EXPECT_TRUE(store().remove("x").ok()) << "removed twice is removed";
    world.fake.fail_next = 3;
    const auto put = store().put("y", "1");
    ASSERT_FALSE(put.ok());
    EXPECT_EQ(put.error().code, Errc::kIo);
    EXPECT_THAT(put.error().message, HasSubstr("HTTP 503 SlowDown"));
    EXPECT_EQ(world.fake.fail_next, 0) << "and no more often than it was told";
  });
}

TEST_F(S3StoreTest, OthersGoOnWhileOneIsNotAnswered) {
  world.options.time_limit = milliseconds(200);
  world.options.tries = 1;
  run([&] {
    EXPECT_TRUE(store().put("x", "1").ok());
    world.fake.silent = true;
    bool ended = false;
    Result<std::string> got = std::string();
    world.os().spawn("asks", [&] {
      got = store().get("x", 0, 1);
      ended = true;
    });
    int turns = 0;
    while (!ended) {
      ++turns;
      world.os().park(world.os().now() + milliseconds(1));
    }
    EXPECT_GT(turns, 3);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Errc::kTimeout) << got.error().message;
    world.fake.silent = false;
  });
}

TEST_F(S3StoreTest, SaysInOneLineWhatIsWrongAndWhatToDo) {
  struct Case {
    int status;
    const char* code;
    Errc errc;
    const char* says;
  };
  for (const Case& c : {
           Case{404, "NoSuchKey", Errc::kNotFound, "there is no such object"},
           Case{404, "NoSuchBucket", Errc::kInvalid, "there is no bucket bucket: make it"},
           Case{403, "AccessDenied", Errc::kRefused, "may not do that"},
           Case{403, "SignatureDoesNotMatch", Errc::kRefused, "AWS_SECRET_ACCESS_KEY"},
           Case{403, "InvalidAccessKeyId", Errc::kRefused, "AWS_ACCESS_KEY_ID"},
           Case{403, "RequestTimeTooSkewed", Errc::kRefused, "clock"},
           Case{400, "AuthorizationHeaderMalformed", Errc::kInvalid, "archive-region"},
           Case{301, "PermanentRedirect", Errc::kInvalid, "archive-region"},
           Case{400, "InvalidRequest", Errc::kInvalid, "said"},
           Case{500, "InternalError", Errc::kIo, "InternalError"},
       }) {
    const Error error = refusal(told(c.status, c.code));
    EXPECT_EQ(error.code, c.errc) << error.message;
    EXPECT_THAT(error.message, HasSubstr(c.says));
    EXPECT_THAT(error.message, HasSubstr(fmt::format("127.0.0.1:{}/bucket/x", world.fake.port)));
    EXPECT_THAT(error.message, Not(HasSubstr("\n")));
  }
}

TEST_F(S3StoreTest, WhatIsNoS3ApiIsToldApart) {
  const std::string page = "HTTP/1.1 404 X\r\nContent-Length: 6\r\n\r\n<html>";
  EXPECT_EQ(refusal(page).code, Errc::kInvalid) << "not: there is no such object";
  EXPECT_THAT(refusal(page).message, HasSubstr("archive-endpoint"));
  run([&] {
    world.fake.always = "HTTP/1.1 200 X\r\nContent-Length: 6\r\n\r\n<html>";
    const auto listed = store().list("", 1);
    ASSERT_FALSE(listed.ok());
    EXPECT_EQ(listed.error().code, Errc::kInvalid);
    EXPECT_THAT(listed.error().message, HasSubstr("archive-endpoint"));
  });
}

TEST_F(S3StoreTest, AServerWithoutRangesServesToo) {
  run([&] {
    world.fake.knows_ranges = false;
    EXPECT_TRUE(store().put("x", "0123456789").ok());
    EXPECT_EQ(store().get("x", 3, 4).value(), "3456");
    EXPECT_EQ(store().get("x", 10, 4).value(), "");
  });
}

TEST_F(S3StoreTest, ManyAskAtOnce) {
  run([&] {
    constexpr int kMany = 40;
    int done = 0;
    for (int n = 0; n < kMany; ++n)
      world.os().spawn("asks", [&, n] {
        const std::string name = "n" + std::to_string(n);
        EXPECT_TRUE(store().put(name, std::string(20'000, static_cast<char>('a' + n % 26))).ok());
        EXPECT_EQ(store().head(name).value(), 20'000u);
        ++done;
      });
    while (done < kMany) world.os().park(world.os().now() + milliseconds(1));
    EXPECT_EQ(world.fake.objects.size(), static_cast<size_t>(kMany));
  });
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Http, ObjectStoreContract,
                         ::testing::Values(ObjectStoreFactory{
                             "S3Store", [] { return std::make_unique<S3UnderTest>(); }}),
                         name_of_factory);

}  // namespace powercut::engine
