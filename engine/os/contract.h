// What the contracts of the seams have in common (os_contract.h and its kin): tests over whatever can be put under test, each by
// a name, whose bodies run in a task.
//
//   class ThingUnderTest { virtual void run(std::function<void()> body) = 0; ... };
//   using ThingFactory = FactoryOf<ThingUnderTest>;
//   class ThingContract : public ContractOf<ThingUnderTest> {};
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

namespace powercut::engine {

template <class UnderTest>
struct FactoryOf {
  std::string name;
  std::function<std::unique_ptr<UnderTest>()> make;
};
template <class UnderTest>
void PrintTo(const FactoryOf<UnderTest>& factory, std::ostream* out) {
  *out << factory.name;
}
// For INSTANTIATE_TEST_SUITE_P.
struct NameOfFactory {
  template <class UnderTest>
  std::string operator()(const ::testing::TestParamInfo<FactoryOf<UnderTest>>& info) const {
    return info.param.name;
  }
};
inline constexpr NameOfFactory name_of_factory;

template <class UnderTest>
class ContractOf : public ::testing::TestWithParam<FactoryOf<UnderTest>> {
 protected:
  ContractOf() : under_test_(this->GetParam().make()) {}

  void run(std::function<void()> body) {
    bool ended = false;
    under_test_->run([&] {
      body();
      ended = true;
    });
    EXPECT_TRUE(ended) << "the task did not run to its end";
  }

  const std::unique_ptr<UnderTest> under_test_;
};

}  // namespace powercut::engine
