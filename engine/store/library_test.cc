// The first line of a library of functions, and the names that it may give.
#include "engine/store/library.h"

#include <gtest/gtest.h>

namespace powercut::engine {
namespace {

TEST(Library, NamesHaveLettersDigitsAndUnderscores) {
  for (const char* good : {"a", "z", "A", "Z", "0", "9", "_", "aZ0_9"})
    EXPECT_TRUE(is_function_name(good)) << good;
  for (const char* bad : {"", "@", "[", "`", "{", "/", ":", "a-b", "a b", "\xc3\xa4"})
    EXPECT_FALSE(is_function_name(bad)) << bad;
}

TEST(Library, ItsHeadSaysItsName) {
  const auto head = read_library_head("#!lua name=lib_1\nreturn 1");
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->name, "lib_1");
  EXPECT_EQ(head->body, 16u);
  for (const char* bad : {"", "return 1", "#!lua", "#!lua name=a-b\n", "#!lua name=\n",
                          "#!lua name=a name=b\n", "#!lua size=1\n", "#!python name=a\n"})
    EXPECT_FALSE(read_library_head(bad).ok()) << bad;
}

}  // namespace
}  // namespace powercut::engine
