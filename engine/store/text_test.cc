#include "engine/store/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace powercut::engine {
namespace {

std::string shown(const Text& text) { return std::string(text); }

TEST(Text, Is16BytesAndHolds15) {
  EXPECT_EQ(sizeof(Text), 16u);
  for (const size_t size : {0, 1, 14, 15, 16, 255, 256, 100'000}) {
    const std::string bytes(size, 'x');
    const Text text(bytes);
    EXPECT_EQ(text.size(), size);
    EXPECT_EQ(shown(text), bytes);
    EXPECT_EQ(text.on_heap(), size > Text::kInline);
    EXPECT_EQ(text.empty(), size == 0);
  }
  // Its last byte has a meaning of its own only behind the fifteenth.
  const Text full(std::string(15, '\xff'));
  EXPECT_FALSE(full.on_heap());
  EXPECT_EQ(full.size(), 15u);
}

TEST(Text, IsMovedAndCopied) {
  for (const size_t size : {3, 300}) {
    Text text(size, 'x');
    const Text copy(text);
    Text moved(std::move(text));
    EXPECT_EQ(copy, moved);
    EXPECT_TRUE(text.empty());  // NOLINT: it is said to be
    Text other(20, 'y');
    other = std::move(moved);
    EXPECT_EQ(other, copy);
    other = other;
    EXPECT_EQ(other, copy);
    moved = copy;
    EXPECT_EQ(moved, other);
  }
}

TEST(Text, IsOrderedAsBytes) {
  EXPECT_LT(Text("a"), Text("b"));
  EXPECT_LT(Text("a"), Text("aa"));
  EXPECT_LT(Text("z"), Text("\xff"));
  EXPECT_EQ(Text("abc").substr(1), Text("bc"));
  EXPECT_NE(Text(std::string_view("a\0b", 3)), Text("a"));
}

RC_GTEST_PROP(TextProperty, DoesWhatAStringDoes, ()) {
  Text text;
  std::string model;
  for (int steps = *rc::gen::inRange(0, 60); steps > 0; --steps) {
    const std::string some(*rc::gen::inRange<size_t>(0, 40),
                           static_cast<char>(*rc::gen::inRange('a', 'z')));
    const size_t at = *rc::gen::inRange<size_t>(0, model.size() + 1);
    const size_t count = *rc::gen::inRange<size_t>(0, model.size() - at + 1);
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        text.assign(some);
        model = some;
        break;
      case 1:
        text.append(some);
        model += some;
        break;
      case 2:
        text.resize(some.size(), 'r');
        model.resize(some.size(), 'r');
        break;
      case 3:
        text.replace(at, count, some);
        model.replace(at, count, some);
        break;
      case 4:
        text += 'c';
        model += 'c';
        break;
      default:
        text = Text(text).substr(at, count);
        model = model.substr(at, count);
    }
    RC_ASSERT(shown(text) == model);
    RC_ASSERT(text.on_heap() == (model.size() > Text::kInline));
  }
}

}  // namespace
}  // namespace powercut::engine
