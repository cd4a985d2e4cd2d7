// Streams: entries in blocks, what is deleted and trimmed of them, and groups.
#include "engine/store/stream.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <map>
#include <memory>

#include "engine/store/value.h"

namespace powercut::engine {
namespace {

using Words = std::vector<std::string>;

void append(Stream& stream, StreamId id, const Words& words, const StreamLimits& limits = {}) {
  stream.append(id, std::vector<std::string_view>(words.begin(), words.end()), limits);
}

std::string shown(const StreamEntry& entry) {
  std::string text = entry.id.text();
  entry.for_each([&](std::string_view field, std::string_view value) {
    text += " " + std::string(field) + "=" + std::string(value);
  });
  return text;
}

std::string shown(const Stream& stream, StreamId first = {}, StreamId last = StreamId::most(),
                  bool reverse = false) {
  std::string text;
  stream.for_range(first, last, reverse, [&](const StreamEntry& entry) {
    text += shown(entry) + ";";
    return true;
  });
  return text;
}

Stream numbered(uint64_t entries, const StreamLimits& limits) {
  Stream stream;
  for (uint64_t i = 1; i <= entries; ++i) append(stream, {1, i}, {"n", std::to_string(i)}, limits);
  return stream;
}

// --- IDs and items ---

TEST(StreamId, HasNeighboursAndAnOrder) {
  EXPECT_EQ((StreamId{5, 7}.text()), "5-7");
  EXPECT_EQ(StreamId::most().text(), "18446744073709551615-18446744073709551615");
  EXPECT_EQ((StreamId{5, UINT64_MAX}.next()), (StreamId{6, 0}));
  EXPECT_EQ((StreamId{6, 0}.previous()), (StreamId{5, UINT64_MAX}));
  EXPECT_FALSE(StreamId::most().next());
  EXPECT_FALSE(StreamId().previous());
  EXPECT_LT((StreamId{1, 9}), (StreamId{2, 0}));
}

TEST(Listpack, KeepsNumbersAndTextsAsRedisDoes) {
  const auto packed = [](std::string_view text) {
    std::string items;
    append_listpack_item(items, text);
    return items;
  };
  EXPECT_EQ(packed("0"), std::string("\x00\x01", 2));
  EXPECT_EQ(packed("127"), "\x7f\x01");
  EXPECT_EQ(packed("128"), "\xc0\x80\x02");
  EXPECT_EQ(packed("-1"), "\xdf\xff\x02");
  EXPECT_EQ(packed("4096"), std::string("\xf1\x00\x10\x03", 4));
  EXPECT_EQ(packed("-8388608"), std::string("\xf2\x00\x00\x80\x04", 5));
  EXPECT_EQ(packed("2147483647"), "\xf3\xff\xff\xff\x7f\x05");
  EXPECT_EQ(packed("007"),
            "\x83"
            "007"
            "\x04");
  EXPECT_EQ(packed(std::string(64, 'x')).substr(0, 2), "\xe0\x40");
}

RC_GTEST_PROP(Listpack, WhatIsAppendedIsRead, (std::vector<int64_t> numbers)) {
  Words texts;
  for (const int64_t n : numbers) texts.push_back(std::to_string(n));
  for (const size_t size : {0, 1, 63, 64, 127, 4095, 4096, 20000})
    texts.push_back(*rc::gen::element(std::string(size, 'x'), std::string(size, '9')));
  std::string items;
  for (const std::string& text : texts) append_listpack_item(items, text);
  ListpackReader reader(items);
  for (const std::string& text : texts) RC_ASSERT(reader.text() == text);
  RC_ASSERT(reader.at_end());
  int64_t bytes = 0;
  for (const int64_t n : numbers) bytes += static_cast<int64_t>(listpack_number_bytes(n));
  std::string packed;
  for (const int64_t n : numbers) append_listpack_number(packed, n);
  RC_ASSERT(static_cast<int64_t>(packed.size()) == bytes);
  ListpackReader again(packed);
  for (const int64_t n : numbers) RC_ASSERT(again.number() == n);
}

// --- Entries ---

TEST(Stream, GivesRangesInBothDirections) {
  Stream stream;
  append(stream, {1, 1}, {"a", "1", "b", "two"});
  append(stream, {1, 2}, {"a", "x", "b", ""});
  append(stream, {3, 0}, {"other", "y"});
  EXPECT_EQ(shown(stream), "1-1 a=1 b=two;1-2 a=x b=;3-0 other=y;");
  EXPECT_EQ(shown(stream, {}, StreamId::most(), true), "3-0 other=y;1-2 a=x b=;1-1 a=1 b=two;");
  EXPECT_EQ(shown(stream, {1, 2}, {2, 9}), "1-2 a=x b=;");
  EXPECT_EQ(shown(stream, {4, 0}, StreamId::most()), "");
  EXPECT_EQ(stream.size(), 3u);
  EXPECT_EQ(stream.entries_added(), 3u);
  EXPECT_EQ(stream.first_id(), (StreamId{1, 1}));
  EXPECT_EQ(stream.blocks().size(), 1u);
}

TEST(Stream, RemembersWhatWasDeletedLast) {
  Stream stream = numbered(4, {});
  EXPECT_FALSE(stream.erase({9, 9}));
  EXPECT_TRUE(stream.erase({1, 3}));
  EXPECT_FALSE(stream.erase({1, 3}));
  EXPECT_TRUE(stream.erase({1, 1}));
  EXPECT_EQ(stream.max_deleted_id(), (StreamId{1, 3}));
  EXPECT_EQ(stream.first_id(), (StreamId{1, 2}));
  EXPECT_TRUE(stream.erase({1, 2}) && stream.erase({1, 4}));
  EXPECT_EQ(stream.first_id(), StreamId());
  EXPECT_EQ(stream.last_id(), (StreamId{1, 4}));
  EXPECT_TRUE(stream.blocks().empty());
}

TEST(Stream, TrimsByLengthAndByIdInWholeBlocksOrNot) {
  const StreamLimits limits{4096, 3};
  StreamTrim to_five{false, 5, {}, false, 0};
  Stream exact = numbered(10, limits);
  EXPECT_EQ(exact.blocks().size(), 4u);
  EXPECT_EQ(exact.trim(to_five), 5u);
  EXPECT_EQ(exact.first_id(), (StreamId{1, 6}));
  EXPECT_EQ(exact.blocks().size(), 3u);

  Stream about = numbered(10, limits);
  to_five.whole_blocks = true;
  EXPECT_EQ(about.trim(to_five), 3u);
  EXPECT_EQ(about.size(), 7u);

  Stream limited = numbered(10, limits);
  StreamTrim all{false, 0, {}, true, 7};
  EXPECT_EQ(limited.trim(all), 6u);

  Stream by_id = numbered(10, limits);
  EXPECT_EQ(by_id.trim({true, 0, {1, 5}, true, 0}), 3u);
  EXPECT_EQ(by_id.trim({true, 0, {1, 5}, false, 0}), 1u);
  EXPECT_EQ(by_id.first_id(), (StreamId{1, 5}));
  EXPECT_EQ(by_id.trim({true, 0, {2, 0}, false, 0}), 6u);
  EXPECT_EQ(by_id.size(), 0u);
  EXPECT_EQ(by_id.max_deleted_id(), StreamId());
}

TEST(Stream, AFullBlockIsFollowedByAnother) {
  EXPECT_EQ(numbered(101, {}).blocks().size(), 2u);
  EXPECT_EQ(numbered(1000, {0, 0}).blocks().size(), 1u);
  Stream stream;
  for (uint64_t i = 1; i <= 3; ++i) append(stream, {i, 0}, {"f", std::string(3000, 'x')});
  EXPECT_EQ(stream.blocks().size(), 3u);
}

// Against a map, which has no blocks.
RC_GTEST_PROP(Stream, IsAnOrderedMap, ()) {
  Stream stream;
  std::map<StreamId, std::string> model;
  const StreamLimits limits{*rc::gen::inRange<uint64_t>(0, 200), *rc::gen::inRange<uint64_t>(0, 5)};
  for (int step = *rc::gen::inRange(0, 60); step > 0; --step) {
    const StreamId id{*rc::gen::inRange<uint64_t>(0, 4), *rc::gen::inRange<uint64_t>(0, 30)};
    if (*rc::gen::inRange(0, 3) > 0) {
      if (id <= stream.last_id()) continue;
      Words words{"f", *rc::gen::arbitrary<std::string>()};
      if (*rc::gen::arbitrary<bool>()) words.insert(words.end(), {"g", "12"});
      append(stream, id, words, limits);
      model[id] = id.text() + " f=" + words[1] + (words.size() > 2 ? " g=12" : "");
    } else {
      RC_ASSERT(stream.erase(id) == (model.erase(id) == 1));
    }
  }
  std::string all;
  for (const auto& [id, text] : model) all += text + ";";
  RC_ASSERT(shown(stream) == all);
  RC_ASSERT(stream.size() == model.size());
  RC_ASSERT(stream.first_id() == (model.empty() ? StreamId() : model.begin()->first));
  const StreamId low{*rc::gen::inRange<uint64_t>(0, 4), *rc::gen::inRange<uint64_t>(0, 30)};
  const StreamId high{*rc::gen::inRange<uint64_t>(0, 4), *rc::gen::inRange<uint64_t>(0, 30)};
  std::string range, reversed;
  for (const auto& [id, text] : model) {
    if (id < low || id > high) continue;
    range += text + ";";
    reversed = text + ";" + reversed;
  }
  RC_ASSERT(shown(stream, low, high) == range);
  RC_ASSERT(shown(stream, low, high, true) == reversed);
  RC_ASSERT(stream.has_behind(low) == (model.upper_bound(low) != model.end()));
  RC_ASSERT(stream.contains(low) == (model.count(low) == 1));
}

TEST(Stream, CountsNodesAsARadixTreeHasThem) {
  Stream stream;
  EXPECT_EQ(stream.radix_nodes(), 1u);
  const StreamLimits one{4096, 1};
  append(stream, {1, 1}, {"f", "v"}, one);
  EXPECT_EQ(stream.radix_nodes(), 2u);
  append(stream, {1, 2}, {"f", "v"}, one);
  EXPECT_EQ(stream.radix_nodes(), 4u);  // what they share, where they part, two ends
  append(stream, {2, 0}, {"f", "v"}, one);
  EXPECT_EQ(stream.radix_nodes(), 8u);
}

// --- Groups ---

TEST(StreamGroup, AnEntryIsPendingForOneConsumer) {
  StreamGroup group;
  auto* a = group.add_consumer("a", 1);
  auto* b = group.add_consumer("b", 1);
  group.deliver({1, 1}, a, 100, 1);
  group.deliver({1, 2}, a, 100, 1);
  group.deliver({1, 1}, b, 200, 2);
  EXPECT_EQ(a->second.pending, (std::set<StreamId>{{1, 2}}));
  EXPECT_EQ(b->second.pending, (std::set<StreamId>{{1, 1}}));
  EXPECT_EQ(group.find_pending({1, 1})->delivered_ms, 200);
  EXPECT_TRUE(group.acknowledge({1, 1}));
  EXPECT_FALSE(group.acknowledge({1, 1}));
  EXPECT_TRUE(b->second.pending.empty());
  group.erase_consumer("a");
  EXPECT_TRUE(group.pending().empty());
  EXPECT_EQ(group.find_consumer("a"), nullptr);
}

TEST(Stream, ACopyHasGroupsOfItsOwn) {
  Stream stream = numbered(3, {});
  StreamGroup* group = stream.add_group("g", {1, 2}, 2);
  group->deliver({1, 1}, group->add_consumer("c", 5), 100, 3);
  EXPECT_EQ(stream.add_group("g", {}, 0), nullptr);
  const Value value(std::make_unique<Stream>(stream));
  const Value copy = value.clone();
  group->acknowledge({1, 1});
  EXPECT_TRUE(stream.erase_group("g"));
  const StreamGroup* copied = copy.stream()->find_group("g");
  ASSERT_NE(copied, nullptr);
  EXPECT_EQ(copied->last_id, (StreamId{1, 2}));
  EXPECT_EQ(copied->entries_read, 2);
  EXPECT_EQ(copied->find_pending({1, 1})->owner, copied->find_consumer("c"));
  EXPECT_EQ(copied->find_pending({1, 1})->deliveries, 3u);
  EXPECT_EQ(shown(*copy.stream()), shown(stream));
  EXPECT_GT(value.memory_bytes(), stream.memory_bytes());
}

TEST(Stream, TellsHowManyWereAddedWhereItCan) {
  Stream stream = numbered(5, {});
  EXPECT_EQ(stream.added_up_to({1, 5}), 5);
  EXPECT_EQ(stream.added_up_to({1, 1}), 1);
  EXPECT_EQ(stream.added_up_to({0, 1}), 0);
  EXPECT_EQ(stream.added_up_to({1, 3}), StreamGroup::kUnknown);
  EXPECT_EQ(stream.added_up_to({9, 0}), StreamGroup::kUnknown);
  EXPECT_FALSE(stream.may_have_gap_from({}));
  stream.erase({1, 3});
  EXPECT_TRUE(stream.may_have_gap_from({1, 2}));
  EXPECT_FALSE(stream.may_have_gap_from({1, 4}));
  EXPECT_EQ(stream.added_up_to({1, 1}), StreamGroup::kUnknown);
  EXPECT_EQ(Stream().added_up_to({1, 1}), 0);
}

// XSETID may go back behind what was deleted, but no further than what lives.
TEST(Stream, GoesOnBehindWhatWasDeleted) {
  Stream stream = numbered(3, {});
  stream.erase({1, 2});
  stream.erase({1, 3});
  EXPECT_TRUE(stream.has_behind({1, 0}));
  stream.set_last_id({1, 1});
  append(stream, {1, 2}, {"n", "second"});
  EXPECT_EQ(shown(stream), "1-1 n=1;1-2 n=second;");
  EXPECT_TRUE(stream.erase({1, 2}));
  EXPECT_TRUE(stream.erase({1, 1}));
  stream.set_last_id({0, 5});
  append(stream, {0, 6}, {"n", "sixth"});
  EXPECT_EQ(shown(stream), "0-6 n=sixth;");
  EXPECT_EQ(stream.first_id(), (StreamId{0, 6}));
}

// In a file of another server one may stand in which nothing lives.
TEST(Stream, ABlockInWhichNothingLivesIsNone) {
  Stream stream;
  const size_t empty = stream.memory_bytes();
  const Stream other = numbered(1, {});
  const std::string packed = other.blocks().begin()->second.listpack();
  stream.add_block({1, 1}, StreamBlock(packed, {1, 1}, 0, 1, 9));
  EXPECT_EQ(stream.memory_bytes(), empty);
  append(stream, {0, 6}, {"n", "sixth"});
  EXPECT_EQ(shown(stream), "0-6 n=sixth;");
}

TEST(Stream, WhatItTakesIsCountedBack) {
  Stream stream;
  const size_t empty = stream.memory_bytes();
  for (uint64_t i = 1; i <= 500; ++i) append(stream, {i, 0}, {"field", "value"});
  EXPECT_GT(stream.memory_bytes(), empty + 500 * 5);
  stream.add_group("g", {}, 0)->add_consumer("c", 0);
  stream.erase_group("g");
  for (uint64_t i = 1; i <= 500; ++i) stream.erase({i, 0});
  EXPECT_EQ(stream.memory_bytes(), empty);
}

}  // namespace
}  // namespace powercut::engine
