#include "engine/base/decimal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

namespace powercut {
namespace {

std::string written(uint64_t value) {
  char digits[20];
  return {digits, write_digits(digits, value)};
}

TEST(Decimal, WritesWhatItReads) {
  for (uint64_t value = 0; value < 20'000; ++value)
    ASSERT_EQ(written(value), std::to_string(value));
  EXPECT_EQ(written(UINT64_MAX), std::to_string(UINT64_MAX));
  const bool all = rc::check("any number", [](uint64_t value) {
    const std::string text = written(value);
    RC_ASSERT(text == std::to_string(value));
    if (text.size() > 19) return;
    uint64_t read = 0;
    RC_ASSERT(read_digits(text.data(), text.data() + text.size(), read) == &*text.end());
    RC_ASSERT(read == value);
  });
  EXPECT_TRUE(all);
}

TEST(Decimal, ReadsHexadecimalUpToSixteenDigits) {
  const auto read = [](const std::string& text, uint64_t& value) {
    return read_hex_digits(text.data(), text.data() + text.size(), value) - text.data();
  };
  uint64_t value = 0;
  EXPECT_EQ(read("0123456789abcdef", value), 16);
  EXPECT_EQ(value, 0x0123456789abcdefu);
  EXPECT_EQ(read("FFFFFFFFFFFFFFFFF", value), 16) << "the seventeenth is left standing";
  EXPECT_EQ(value, UINT64_MAX);
  EXPECT_EQ(read("", value), 0);
  for (int c = 0; c < 256; ++c) {
    const std::string text = fmt::format("a{}", static_cast<char>(c));
    const bool digit = std::isxdigit(c) != 0;
    ASSERT_EQ(read(text, value), digit ? 2 : 1) << c;
    ASSERT_EQ(value, digit ? std::stoull(text, nullptr, 16) : 10u) << c;
  }
}

TEST(Decimal, ReadsEightHexadecimalDigits) {
  for (const uint32_t number : {0u, 0x01234567u, 0x89abcdefu, 0xffffffffu, 0xa0f0900fu}) {
    uint32_t value = 1;
    ASSERT_TRUE(read_hex8(fmt::format("{:08x}", number).data(), value));
    ASSERT_EQ(value, number);
  }
  for (size_t at = 0; at < 8; ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = "7c0a9f3e";
      text[at] = static_cast<char>(c);
      uint32_t value = 0;
      const bool digits = text.find_first_not_of("0123456789abcdef") == std::string::npos;
      ASSERT_EQ(read_hex8(text.data(), value), digits) << text;
      ASSERT_EQ(value, digits ? std::stoul(text, nullptr, 16) : 0) << text;
    }
  }
}

}  // namespace
}  // namespace powercut
