// The contract of the network's seam (engine/os/net.h) as tests that every Net must pass. To put one under test, in
// exactly one *_test.cc of its room:
//
//   INSTANTIATE_TEST_SUITE_P(My, NetContract, ::testing::Values(NetFactory{
//       "MyNet", [] { return std::make_unique<MyNetUnderTest>(); }}), name_of_factory);
//
// What only a partition or a power cut can show is not here: the simulated side tests it (sim/sim_net_test.cc).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/os/contract.h"
#include "engine/os/net.h"
#include "engine/os/os.h"
#include "engine/os/wait_queue.h"

namespace powercut::engine {

// Two ends of a network, and the means to run code at them.
class NetUnderTest {
 public:
  virtual ~NetUnderTest() = default;
  virtual Os& os() = 0;
  virtual Net& here() = 0;
  virtual Net& there() = 0;
  virtual std::string host_of_there() = 0;
  // Runs `body` in a task; returns when it and every task it spawned has ended.
  virtual void run(std::function<void()> body) = 0;
};

using NetFactory = FactoryOf<NetUnderTest>;

class NetContract : public ContractOf<NetUnderTest> {
 protected:
  Os& os() { return under_test_->os(); }
  Instant soon() { return os().now() + milliseconds(20); }
  Instant late() { return os().now() + seconds(30); }

  struct Pair {
    std::unique_ptr<Listener> listener;
    std::unique_ptr<Link> here;
    std::unique_ptr<Link> there;
  };
  // A link, with both its ends.
  Pair linked() {
    Pair pair;
    auto listener = under_test_->there().listen(under_test_->host_of_there(), 0);
    EXPECT_TRUE(listener.ok());
    pair.listener = std::move(*listener);
    auto made =
        under_test_->here().connect(under_test_->host_of_there(), pair.listener->port(), late());
    EXPECT_TRUE(made.ok()) << made.error().message;
    pair.here = std::move(*made);
    auto accepted = pair.listener->accept(late());
    EXPECT_TRUE(accepted.ok());
    pair.there = std::move(*accepted);
    return pair;
  }

  void send_all(Link& link, std::string_view data) {
    while (!data.empty()) {
      const auto sent = link.send(data, late());
      ASSERT_TRUE(sent.ok()) << sent.error().message;
      ASSERT_GE(*sent, 1u);
      ASSERT_LE(*sent, data.size());
      data.remove_prefix(*sent);
    }
  }
  // All until the end, or until so many bytes.
  std::string receive_all(Link& link, size_t most = SIZE_MAX) {
    std::string all;
    for (char buffer[1000]; all.size() < most;) {
      const auto got = link.receive(buffer, std::min(sizeof buffer, most - all.size()), late());
      EXPECT_TRUE(got.ok()) << got.error().message;
      if (!got.ok() || *got == 0) break;
      all.append(buffer, *got);
    }
    return all;
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NetContract);

TEST_P(NetContract, WhatIsSentArrivesInOrderAndThenTheEnd) {
  run([&] {
    Pair pair = linked();
    send_all(*pair.here, "one ");
    send_all(*pair.here, "two");
    pair.here.reset();
    EXPECT_EQ(receive_all(*pair.there), "one two");
    char byte;
    EXPECT_EQ(pair.there->receive(&byte, 1, late()).value(), 0u) << "the end stays the end";
  });
}

TEST_P(NetContract, BothDirectionsAreApart) {
  run([&] {
    Pair pair = linked();
    send_all(*pair.here, "question");
    send_all(*pair.there, "answer");
    EXPECT_EQ(receive_all(*pair.there, 8), "question");
    EXPECT_EQ(receive_all(*pair.here, 6), "answer");
  });
}

TEST_P(NetContract, ALongTextArrivesThroughASmallDoor) {
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + ",";
  std::string received;
  run([&] {
    Pair pair = linked();
    WaitQueue over(os());
    bool read = false;
    os().spawn("reader", [&] {
      received = receive_all(*pair.there);
      read = true;
      over.notify_all();
    });
    send_all(*pair.here, text);
    pair.here.reset();
    while (!read) over.wait();
  });
  EXPECT_TRUE(received == text) << received.size();
}

TEST_P(NetContract, ASilentLinkTimesOutAndGoesOn) {
  run([&] {
    Pair pair = linked();
    char byte = 0;
    const Instant deadline = soon();
    const auto nothing = pair.there->receive(&byte, 1, deadline);
    ASSERT_FALSE(nothing.ok());
    EXPECT_EQ(nothing.error().code, Errc::kTimeout);
    EXPECT_GE(os().now(), deadline);
    send_all(*pair.here, "x");
    EXPECT_EQ(receive_all(*pair.there, 1), "x");
  });
}

TEST_P(NetContract, ASenderWaitsWhereNobodyReads) {
  run([&] {
    Pair pair = linked();
    const std::string much(1 << 20, 'x');
    size_t taken = 0;
    for (;;) {
      const auto sent = pair.here->send(much, soon());
      if (!sent.ok()) {
        EXPECT_EQ(sent.error().code, Errc::kTimeout);
        break;
      }
      taken += *sent;
      ASSERT_LT(taken, size_t{1} << 30) << "a link that keeps everything";
    }
    EXPECT_EQ(receive_all(*pair.there, taken).size(), taken);
    send_all(*pair.here, "again");
    EXPECT_EQ(receive_all(*pair.there, 5), "again");
  });
}

TEST_P(NetContract, WhoHasGoneIsNoticed) {
  run([&] {
    Pair pair = linked();
    pair.there.reset();
    // The end, or a break, whatever comes first; then sends fail.
    char byte;
    (void)pair.here->receive(&byte, 1, late());
    for (int i = 0; i < 1000; ++i) {
      const auto sent = pair.here->send("x", late());
      if (sent.ok()) {
        os().park(soon());
        continue;
      }
      EXPECT_EQ(sent.error().code, Errc::kIo);
      return;
    }
    FAIL() << "nobody says that the other side is gone";
  });
}

TEST_P(NetContract, NobodyListens) {
  run([&] {
    int port = 0;
    {
      auto listener = under_test_->there().listen(under_test_->host_of_there(), 0);
      ASSERT_TRUE(listener.ok());
      port = (*listener)->port();
      EXPECT_NE(port, 0);
      const auto second = under_test_->there().listen(under_test_->host_of_there(), port);
      ASSERT_FALSE(second.ok());
      EXPECT_EQ(second.error().code, Errc::kExists);
      const auto nobody = (*listener)->accept(soon());
      ASSERT_FALSE(nobody.ok());
      EXPECT_EQ(nobody.error().code, Errc::kTimeout);
    }
    const auto refused = under_test_->here().connect(under_test_->host_of_there(), port, late());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::kRefused) << refused.error().message;
    EXPECT_FALSE(refused.error().message.empty());
  });
}

TEST_P(NetContract, SeveralLinksToOnePlace) {
  run([&] {
    auto listener = under_test_->there().listen(under_test_->host_of_there(), 0);
    ASSERT_TRUE(listener.ok());
    std::vector<std::unique_ptr<Link>> links;
    for (int i = 0; i < 5; ++i) {
      auto made =
          under_test_->here().connect(under_test_->host_of_there(), (*listener)->port(), late());
      ASSERT_TRUE(made.ok()) << made.error().message;
      send_all(**made, std::to_string(i));
      links.push_back(std::move(*made));
    }
    std::string heard;
    for (int i = 0; i < 5; ++i) {
      auto accepted = (*listener)->accept(late());
      ASSERT_TRUE(accepted.ok());
      heard += receive_all(**accepted, 1);
    }
    std::sort(heard.begin(), heard.end());
    EXPECT_EQ(heard, "01234");
  });
}

}  // namespace powercut::engine
