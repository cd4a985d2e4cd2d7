// Where an archive is, as people write it.
#include "engine/tier/archive.h"

#include <gtest/gtest.h>

#include <string>

namespace powercut::engine {
namespace {

TEST(ArchiveUrl, IsABucketAndAPrefix) {
  const auto parsed = parse_archive_url("s3://my-bucket.9/aZ0/-_.x//");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->bucket, "my-bucket.9");
  EXPECT_EQ(parsed->prefix, "aZ0/-_.x");
  EXPECT_EQ(parse_archive_url("s3://abc")->prefix, "");
  EXPECT_EQ(parse_archive_url("s3://abc/AZaz09")->prefix, "AZaz09");
}

TEST(ArchiveUrl, ItsNamesHaveTheirLimits) {
  const std::string longest(63, 'b');
  EXPECT_TRUE(parse_archive_url("s3://" + longest + "/" + std::string(512, 'k')).ok());
  for (const std::string& wrong :
       {std::string("s3:/abc"), std::string("http://abc"), std::string("s3://ab"),
        "s3://" + longest + "b", "s3://abc/" + std::string(513, 'k'), std::string("s3://Abc"),
        std::string("s3://a_c"), std::string("s3://abc/x y"), std::string("s3://abc/@"),
        std::string("s3://abc/["), std::string("s3://abc/`"), std::string("s3://abc/{")})
    EXPECT_FALSE(parse_archive_url(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace powercut::engine
