#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstring>
#include <string>

#include "engine/base/crc32c.h"
#include "engine/base/crc64.h"

namespace powercut {
namespace {

TEST(Crc64, GoldenValues) {
  EXPECT_EQ(crc64(""), 0u);
  EXPECT_EQ(crc64("123456789"), 0xe9c6d914c4b8d9cau);
  EXPECT_EQ(crc64("This is a test of the emergency broadcast system."), 0x42153dc5db99540fu);
}

TEST(Crc32c, GoldenValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc, IncrementalAtEveryCutAndAlignment) {
  std::string bytes;
  for (int i = 0; i < 80; ++i) bytes += static_cast<char>(i * 37 + 11);
  for (size_t begin = 0; begin < 8; ++begin) {
    const std::string_view all = std::string_view(bytes).substr(begin);
    for (size_t cut = 0; cut <= all.size(); ++cut) {
      const auto a = all.substr(0, cut);
      const auto b = all.substr(cut);
      ASSERT_EQ(crc64(b, crc64(a)), crc64(all));
      ASSERT_EQ(crc32c(b, crc32c(a)), crc32c(all));
    }
  }
}

TEST(Crc32c, TablesAndInstructionAgree) {
  EXPECT_TRUE(rc::check([](const std::string& bytes, uint32_t start) {
    RC_ASSERT(crc32c(bytes, start) == crc32c_from_tables(bytes, start));
  }));
}

TEST(Crc64, AgreesWithTheDefinition) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    uint64_t crc = 0;
    for (const char c : bytes) {
      crc ^= static_cast<unsigned char>(c);
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x95ac9329ac4bc9b5u);
    }
    RC_ASSERT(crc64(bytes) == crc);
  }));
}

TEST(Crc32c, RunsBackwards) {
  const bool all = rc::check("any bytes", [](const std::string& bytes, uint32_t before) {
    RC_ASSERT(crc32c_before(bytes, crc32c(bytes, before)) == before);
  });
  EXPECT_TRUE(all);
}

TEST(Crc32c, FindsTheFourBytesBetween) {
  const bool all = rc::check("any two checksums", [](uint32_t before, uint32_t after) {
    const uint32_t number = crc32c_between(before, after);
    char bytes[4];
    std::memcpy(bytes, &number, 4);
    RC_ASSERT(crc32c({bytes, 4}, before) == after);
  });
  EXPECT_TRUE(all);
}

}  // namespace
}  // namespace powercut
