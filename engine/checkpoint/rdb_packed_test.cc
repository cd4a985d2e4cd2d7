// Every encoding of the packed structures at its edges, and blobs that are not what they say.
#include "engine/checkpoint/rdb_packed.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "engine/checkpoint/rdb_harness.h"

namespace powercut::engine {
namespace {

using Strings = std::vector<std::string>;
using Walk = const char* (*)(std::string_view, const PackedSink&);

struct Walked {
  Strings items;
  std::string wrong;  // empty: nothing
};
Walked walked(Walk walk, std::string_view blob) {
  Walked out;
  const char* wrong = walk(blob, [&out](std::string_view item) -> const char* {
    out.items.emplace_back(item);
    return nullptr;
  });
  if (wrong != nullptr) out.wrong = wrong;
  return out;
}
std::string wrong_with(Walk walk, std::string_view blob) { return walked(walk, blob).wrong; }

// The blob with its first four bytes made its size again.
std::string sized(std::string blob) { return blob.replace(0, 4, little(blob.size(), 4)); }

// --- Listpacks ---

// The size of an item as Redis writes it behind it (lpEncodeBacklen).
std::string back_size(size_t size) {
  std::string groups(1, static_cast<char>(size & 0x7f));
  const size_t limits[] = {127, 16383 - 1, 2097151 - 1};
  for (size_t i = 0; i < 3 && size > limits[i]; ++i) {
    groups.back() = static_cast<char>(groups.back() | 0x80);
    groups += static_cast<char>(size >> (7 * (i + 1)) & 0x7f);
  }
  return {groups.rbegin(), groups.rend()};
}

std::string listpack(const Strings& encodings, uint64_t count) {
  std::string blob = little(0, 4) + little(count, 2);
  for (const std::string& item : encodings) blob += item + back_size(item.size());
  return sized(blob + "\xff");
}
std::string listpack(const Strings& encodings) { return listpack(encodings, encodings.size()); }

struct Encoded {
  std::string bytes;
  std::string text;
};

std::vector<Encoded> listpack_items() {
  std::vector<Encoded> out;
  for (const auto& [digits, text] : std::vector<std::pair<const char*, const char*>>{
           {"00", "0"},
           {"7f", "127"},
           {"c000", "0"},
           {"cfff", "4095"},
           {"d000", "-4096"},
           {"dfff", "-1"},
           {"f10000", "0"},
           {"f1ff7f", "32767"},
           {"f10080", "-32768"},
           {"f1ffff", "-1"},
           {"f2ffff7f", "8388607"},
           {"f2000080", "-8388608"},
           {"f3ffffff7f", "2147483647"},
           {"f300000080", "-2147483648"},
           {"f4ffffffffffffff7f", "9223372036854775807"},
           {"f40000000000000080", "-9223372036854775808"}}) {
    out.push_back({unhex(digits), text});
  }
  const auto text = [](size_t size) { return std::string(size, 't'); };
  for (const size_t n : {0, 1, 63}) {
    out.push_back({std::string(1, static_cast<char>(0x80 | n)) + text(n), text(n)});
  }
  for (const size_t n : {0, 255, 256, 4095}) {
    out.push_back(
        {std::string{static_cast<char>(0xe0 | n >> 8), static_cast<char>(n)} + text(n), text(n)});
  }
  // With the five bytes before it, these are the sizes at which the one behind grows.
  for (const size_t n : {0, 122, 123, 16377, 16378, 16379, 2097145, 2097146, 2097147}) {
    out.push_back({"\xf0" + little(n, 4) + text(n), text(n)});
  }
  return out;
}

TEST(Listpack, EveryEncodingAtItsEdges) {
  const std::vector<Encoded> items = listpack_items();
  Strings encodings;
  for (const Encoded& item : items) {
    const Walked one = walked(walk_listpack, listpack({item.bytes}));
    EXPECT_EQ(one.wrong, "") << hex(item.bytes.substr(0, 9));
    EXPECT_TRUE(one.items == Strings{item.text}) << hex(item.bytes.substr(0, 9));
    encodings.push_back(item.bytes);
  }
  const Walked all = walked(walk_listpack, listpack(encodings));
  EXPECT_EQ(all.wrong, "");
  ASSERT_EQ(all.items.size(), items.size());
  for (size_t i = 0; i < items.size(); ++i) EXPECT_TRUE(all.items[i] == items[i].text) << i;
}

TEST(Listpack, EachWrongSizeBehindAnItemIsFound) {
  for (const Encoded& item : listpack_items()) {
    const std::string good = listpack({item.bytes});
    const size_t behind = 6 + item.bytes.size();
    for (size_t at = behind; at + 1 < good.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
        EXPECT_EQ(wrong_with(walk_listpack, bad), "an item of a listpack has the wrong size");
      }
    }
  }
}

TEST(Listpack, WhatIsWrongIsSaid) {
  const std::string good = listpack({"\x05", "\x81x"});
  ASSERT_EQ(wrong_with(walk_listpack, good), "");
  EXPECT_EQ(wrong_with(walk_listpack, ""), "a listpack of the wrong size");
  EXPECT_EQ(wrong_with(walk_listpack, good + "x"), "a listpack of the wrong size");
  EXPECT_EQ(wrong_with(walk_listpack, sized(good + "x")), "a listpack that ends early");
  EXPECT_EQ(wrong_with(walk_listpack, sized(good.substr(0, 5))), "a listpack of the wrong size");
  EXPECT_EQ(wrong_with(walk_listpack, sized(good.substr(0, 6))), "a listpack without an end");
  EXPECT_EQ(wrong_with(walk_listpack, listpack({}, 0)), "");
  for (size_t size = 7; size < good.size(); ++size) {
    const std::string cut = good.substr(0, size);
    EXPECT_EQ(wrong_with(walk_listpack, cut), "a listpack of the wrong size");
    const bool between = size == 8 || size == good.size() - 1;
    EXPECT_EQ(wrong_with(walk_listpack, sized(cut)),
              between ? "a listpack without an end" : "an item of a listpack has the wrong size");
  }
  for (const uint64_t count : {0, 1, 3, 0xfffe}) {
    EXPECT_EQ(wrong_with(walk_listpack, listpack({"\x05", "\x81x"}, count)),
              "a listpack with the wrong number of items");
  }
  EXPECT_EQ(wrong_with(walk_listpack, listpack({"\x05", "\x81x"}, 0xffff)), "");  // not known
  for (int first = 0xf5; first < 0xff; ++first) {
    EXPECT_EQ(wrong_with(walk_listpack, listpack({std::string(1, static_cast<char>(first))})),
              "an unknown encoding in a listpack");
  }
}

// --- Ziplists ---

std::string ziplist(const Strings& encodings, uint64_t count) {
  std::string blob = little(0, 4) + little(0, 4) + little(count, 2);
  size_t before = 0;
  size_t last = blob.size();
  for (const std::string& item : encodings) {
    last = blob.size();
    blob += before < 254 ? little(before, 1) : "\xfe" + little(before, 4);
    blob += item;
    before = blob.size() - last;
  }
  blob.replace(4, 4, little(last, 4));
  return sized(blob + "\xff");
}
std::string ziplist(const Strings& encodings) { return ziplist(encodings, encodings.size()); }

std::vector<Encoded> ziplist_items() {
  std::vector<Encoded> out;
  for (const auto& [digits, text] : std::vector<std::pair<const char*, const char*>>{
           {"c0ff7f", "32767"},
           {"c00080", "-32768"},
           {"d0ffffff7f", "2147483647"},
           {"d000000080", "-2147483648"},
           {"e0ffffffffffffff7f", "9223372036854775807"},
           {"e00000000000000080", "-9223372036854775808"},
           {"f0ffff7f", "8388607"},
           {"f0000080", "-8388608"},
           {"fe7f", "127"},
           {"fe80", "-128"},
           {"f1", "0"},
           {"f2", "1"},
           {"fd", "12"}}) {
    out.push_back({unhex(digits), text});
  }
  const auto text = [](size_t size) { return std::string(size, 't'); };
  for (const size_t n : {0, 1, 63})
    out.push_back({std::string(1, static_cast<char>(n)) + text(n), text(n)});
  // 250 to 253: around the size from which that of the item before takes five bytes.
  for (const size_t n : {0, 250, 251, 252, 253, 255, 256, 16383}) {
    out.push_back(
        {std::string{static_cast<char>(0x40 | n >> 8), static_cast<char>(n)} + text(n), text(n)});
  }
  for (const size_t n : {0, 255, 256, 65536, 100'000}) {
    std::string size = little(n, 4);
    out.push_back({"\x80" + std::string(size.rbegin(), size.rend()) + text(n), text(n)});
  }
  return out;
}

TEST(Ziplist, EveryEncodingAtItsEdges) {
  const std::vector<Encoded> items = ziplist_items();
  Strings encodings;
  for (const Encoded& item : items) {
    const Walked one = walked(walk_ziplist, ziplist({item.bytes}));
    EXPECT_EQ(one.wrong, "") << hex(item.bytes.substr(0, 9));
    EXPECT_TRUE(one.items == Strings{item.text}) << hex(item.bytes.substr(0, 9));
    encodings.push_back(item.bytes);
  }
  const Walked all = walked(walk_ziplist, ziplist(encodings));
  EXPECT_EQ(all.wrong, "");
  ASSERT_EQ(all.items.size(), items.size());
  for (size_t i = 0; i < items.size(); ++i) EXPECT_TRUE(all.items[i] == items[i].text) << i;
}

TEST(Ziplist, WhatIsWrongIsSaid) {
  const std::string good = ziplist({std::string("\x01x", 2), "\xf3"});
  ASSERT_EQ(wrong_with(walk_ziplist, good), "");
  EXPECT_EQ(wrong_with(walk_ziplist, ziplist({})), "");
  EXPECT_EQ(wrong_with(walk_ziplist, ""), "a ziplist of the wrong size");
  EXPECT_EQ(wrong_with(walk_ziplist, good + "x"), "a ziplist of the wrong size");
  EXPECT_EQ(wrong_with(walk_ziplist, sized(good + "x")), "a ziplist that ends early");
  EXPECT_EQ(wrong_with(walk_ziplist, sized(good.substr(0, 9))), "a ziplist of the wrong size");
  EXPECT_EQ(wrong_with(walk_ziplist, sized(good.substr(0, 10))), "a ziplist without an end");
  // 10: 00 01 'x', 13: 03 f3, 15: ff.
  EXPECT_EQ(wrong_with(walk_ziplist, sized(good.substr(0, 12))),
            "an item of a ziplist has the wrong size");
  EXPECT_EQ(wrong_with(walk_ziplist, sized(good.substr(0, 13))), "a ziplist without an end");
  EXPECT_EQ(wrong_with(walk_ziplist, sized(good.substr(0, 15))), "a ziplist without an end");
  for (const size_t at : {10, 13}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] + 1);
    EXPECT_EQ(wrong_with(walk_ziplist, bad), "an item of a ziplist has the wrong size");
  }
  for (const uint64_t tail : {0, 10, 12, 14}) {
    std::string bad = good;
    bad.replace(4, 4, little(tail, 4));
    EXPECT_EQ(wrong_with(walk_ziplist, bad), "a ziplist with the wrong tail");
  }
  for (const uint64_t count : {0, 1, 3, 0xfffe}) {
    EXPECT_EQ(wrong_with(walk_ziplist, ziplist({"\xf1", "\xf2"}, count)),
              "a ziplist with the wrong number of items");
  }
  EXPECT_EQ(wrong_with(walk_ziplist, ziplist({"\xf1", "\xf2"}, 0xffff)), "");
  for (const int first : {0x81, 0xbf, 0xc1, 0xcf, 0xd1, 0xe1, 0xef, 0xff}) {
    EXPECT_EQ(wrong_with(walk_ziplist, ziplist({std::string(1, static_cast<char>(first))})),
              "an unknown encoding in a ziplist")
        << first;
  }
}

// --- Intsets ---

std::string intset(size_t width, const std::vector<int64_t>& numbers) {
  std::string blob = little(width, 4) + little(numbers.size(), 4);
  for (const int64_t n : numbers) blob += little(static_cast<uint64_t>(n), width);
  return blob;
}

TEST(Intset, OfEveryWidth) {
  EXPECT_EQ(walked(walk_intset, intset(2, {INT16_MIN, -1, 0, 7, INT16_MAX})).items,
            (Strings{"-32768", "-1", "0", "7", "32767"}));
  EXPECT_EQ(walked(walk_intset, intset(4, {INT32_MIN, 0, INT32_MAX})).items,
            (Strings{"-2147483648", "0", "2147483647"}));
  EXPECT_EQ(walked(walk_intset, intset(8, {INT64_MIN, 0, INT64_MAX})).items,
            (Strings{"-9223372036854775808", "0", "9223372036854775807"}));
  EXPECT_EQ(wrong_with(walk_intset, intset(2, {})), "");
  EXPECT_EQ(wrong_with(walk_intset, intset(2, {-5})), "");
}

TEST(Intset, WhatIsWrongIsSaid) {
  for (const size_t width : {0, 1, 3, 5, 6, 7, 9, 16}) {
    EXPECT_EQ(wrong_with(walk_intset, intset(width, {1, 2})), "an intset of an unknown width");
  }
  for (const size_t width : {2, 4, 8}) {
    const std::string good = intset(width, {1, 2, 3});
    ASSERT_EQ(wrong_with(walk_intset, good), "");
    for (size_t size = 4; size < good.size(); ++size) {
      const Walked cut = walked(walk_intset, std::string_view(good).substr(0, size));
      EXPECT_EQ(cut.wrong, "an intset of the wrong size") << size;
      EXPECT_TRUE(cut.items.empty());
    }
    EXPECT_EQ(wrong_with(walk_intset, good + "x"), "an intset of the wrong size");
    EXPECT_EQ(wrong_with(walk_intset, intset(width, {1, 1})), "an intset out of order");
    EXPECT_EQ(wrong_with(walk_intset, intset(width, {1, 2, 0})), "an intset out of order");
    EXPECT_EQ(wrong_with(walk_intset, intset(width, {-1, -2})), "an intset out of order");
  }
  // So many that their size is beyond 32 bits.
  EXPECT_EQ(wrong_with(walk_intset, little(8, 4) + little(0x20000000, 4)),
            "an intset of the wrong size");
}

// --- Zipmaps ---

std::string zipmap_pair(std::string_view field, std::string_view value, size_t free_bytes = 0) {
  const auto size = [](std::string_view text) {
    return text.size() < 254 ? little(text.size(), 1) : "\xfe" + little(text.size(), 4);
  };
  return size(field) + std::string(field) + size(value) + little(free_bytes, 1) +
         std::string(value) + std::string(free_bytes, '#');
}

TEST(Zipmap, OfEverySize) {
  for (const size_t n : {0, 1, 252, 253, 254, 255, 256, 70'000}) {
    const std::string field(n, 'f');
    const std::string value(n, 'v');
    const Walked out = walked(
        walk_zipmap, "\x02" + zipmap_pair(field, "1") + zipmap_pair("2", value, n % 5) + "\xff");
    EXPECT_EQ(out.wrong, "");
    EXPECT_TRUE((out.items == Strings{field, "1", "2", value})) << n;
  }
  EXPECT_EQ(wrong_with(walk_zipmap, std::string("\x00\xff", 2)), "");
}

TEST(Zipmap, WhatIsWrongIsSaid) {
  EXPECT_EQ(wrong_with(walk_zipmap, ""), "a zipmap without an end");
  EXPECT_EQ(wrong_with(walk_zipmap, "\x01"), "a zipmap without an end");
  EXPECT_EQ(wrong_with(walk_zipmap,
                       "\x01\xff"
                       "x"),
            "a zipmap that ends early");
  EXPECT_EQ(wrong_with(walk_zipmap,
                       "\x01\x01"
                       "f\xff"),
            "a field of a zipmap without a value");
  const std::string good = "\x01" + zipmap_pair("field", "value", 3) + "\xff";
  ASSERT_EQ(wrong_with(walk_zipmap, good), "");
  for (size_t size = 2; size + 1 < good.size(); ++size) {
    const Walked cut = walked(walk_zipmap, std::string_view(good).substr(0, size));
    EXPECT_EQ(cut.wrong, "an item of a zipmap has the wrong size") << size;
    EXPECT_TRUE(cut.items.empty());
  }
  EXPECT_EQ(wrong_with(walk_zipmap, std::string_view(good).substr(0, good.size() - 1)),
            "a zipmap without an end");
}

// --- All ---

TEST(Packed, TheWalkEndsWithWhatTheSinkSays) {
  const std::vector<std::pair<Walk, std::string>> all{
      {walk_listpack, listpack({"\x01", "\x02", "\x03", "\x04"})},
      {walk_ziplist, ziplist({"\xf2", "\xf3", "\xf4", "\xf5"})},
      {walk_intset, intset(4, {1, 2, 3, 4})},
      {walk_zipmap, "\x02" + zipmap_pair("1", "2") + zipmap_pair("3", "4") + "\xff"}};
  for (const auto& [walk, blob] : all) {
    ASSERT_EQ(walked(walk, blob).items, (Strings{"1", "2", "3", "4"}));
    for (const char last : {'1', '2', '3', '4'}) {
      char seen = 0;
      const char* wrong = walk(blob, [&](std::string_view item) -> const char* {
        seen = item[0];
        return seen == last ? "enough" : nullptr;
      });
      EXPECT_STREQ(wrong, "enough");
      EXPECT_EQ(seen, last);
    }
  }
}

RC_GTEST_PROP(PackedProperty, NoBytesAreTooMuch, (std::string blob)) {
  for (const Walk walk : {walk_listpack, walk_ziplist, walk_intset, walk_zipmap}) {
    (void)walked(walk, blob);
    if (blob.size() >= 4) (void)walked(walk, sized(blob));
  }
}

}  // namespace
}  // namespace powercut::engine
