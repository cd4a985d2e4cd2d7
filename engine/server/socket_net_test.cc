// The seam to other machines over real sockets keeps its contract.
#include "engine/server/socket_net.h"

#include <gtest/gtest.h>

#include "engine/os/net_contract.h"

namespace powercut::engine {
namespace {

class SocketNetUnderTest final : public NetUnderTest {
 public:
  SocketNetUnderTest() : os_(std::move(PosixOs::open(".").value())), net_(*os_) {}
  Os& os() override { return *os_; }
  Net& here() override { return net_; }
  Net& there() override { return net_; }
  std::string host_of_there() override { return "127.0.0.1"; }
  void run(std::function<void()> body) override {
    os_->spawn("test", std::move(body));
    EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  }

 private:
  std::unique_ptr<PosixOs> os_;
  SocketNet net_;
};

TEST(SocketNet, AHostThatThereIsNot) {
  auto os = std::move(PosixOs::open(".").value());
  os->spawn("test", [&] {
    SocketNet net(*os);
    const auto made = net.connect("no.such.host.invalid", 1, os->now() + seconds(5));
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Errc::kNotFound);
    EXPECT_NE(made.error().message.find("no.such.host.invalid"), std::string::npos);
  });
  os->run();
}

INSTANTIATE_TEST_SUITE_P(Sockets, NetContract,
                         ::testing::Values(NetFactory{
                             "Sockets", [] { return std::make_unique<SocketNetUnderTest>(); }}),
                         name_of_factory);

}  // namespace
}  // namespace powercut::engine
