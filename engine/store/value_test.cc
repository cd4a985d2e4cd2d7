#include "engine/store/value.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/zset.h"

namespace powercut::engine {
namespace {

std::string random_text() {
  return std::string(*rc::gen::element<size_t>(0, 1, 15, 16, 31, 40, 80),
                     *rc::gen::element('a', 'b'));
}

// --- One of each type ---

struct OneOfEach {
  Value of_list{List()};
  Value of_hash{Hash()};
  Value of_set{Set()};
  Value of_zset{Zset()};
  Value of_string{String(100, 's')};
  List* list = of_list.list();
  Hash* hash = of_hash.hash();
  Set* set = of_set.set();
  Zset* zset = of_zset.zset();

  OneOfEach() = default;
  void fill() {
    for (const char c : {'x', 'y', 'z'}) {
      const std::string item(50, c);
      list->push_back(item);
      hash->set(item, std::string(70, c));
      set->add(item);
      zset->set(item, c);
    }
  }
};

TEST(Value, KnowsItsType) {
  OneOfEach each;
  EXPECT_EQ(each.of_string.type(), Type::kString);
  EXPECT_EQ(each.of_list.type(), Type::kList);
  EXPECT_EQ(each.of_hash.type(), Type::kHash);
  EXPECT_EQ(each.of_set.type(), Type::kSet);
  EXPECT_EQ(each.of_zset.type(), Type::kZset);
  EXPECT_EQ(type_name(Type::kString), "string");
  EXPECT_EQ(type_name(Type::kList), "list");
  EXPECT_EQ(type_name(Type::kHash), "hash");
  EXPECT_EQ(type_name(Type::kSet), "set");
  EXPECT_EQ(type_name(Type::kZset), "zset");
  EXPECT_EQ(type_name(Type::kStream), "stream");
}

TEST(Value, ACollectionWithoutItemsIsEmptyAndATextNever) {
  OneOfEach each;
  for (const Value* value : {&each.of_list, &each.of_hash, &each.of_set, &each.of_zset}) {
    EXPECT_TRUE(value->is_empty_collection()) << type_name(value->type());
  }
  EXPECT_FALSE(Value().is_empty_collection());
  EXPECT_FALSE(Value(std::make_unique<Stream>()).is_empty_collection());
  each.fill();
  for (const Value* value :
       {&each.of_list, &each.of_hash, &each.of_set, &each.of_zset, &each.of_string}) {
    EXPECT_FALSE(value->is_empty_collection()) << type_name(value->type());
  }
}

TEST(Value, CountsTheBytesOfWhatItHolds) {
  OneOfEach each;
  each.fill();
  EXPECT_EQ(each.of_string.memory_bytes(), heap_bytes(100));
  EXPECT_EQ(each.of_list.memory_bytes(), each.list->memory_bytes());
  EXPECT_EQ(each.of_hash.memory_bytes(), each.hash->memory_bytes());
  EXPECT_EQ(each.of_set.memory_bytes(), each.set->memory_bytes());
  EXPECT_EQ(each.of_zset.memory_bytes(), each.zset->memory_bytes());
  EXPECT_EQ(Value(String(15, 's')).memory_bytes(), 0u);
}

TEST(Value, ACloneIsEqualAndItsOwn) {
  OneOfEach each;
  each.fill();
  const Value text = each.of_string.clone();
  EXPECT_EQ(*text.string(), String(100, 's'));
  const Value list = each.of_list.clone();
  const Value hash = each.of_hash.clone();
  const Value set = each.of_set.clone();
  const Value zset = each.of_zset.clone();
  EXPECT_EQ(text.memory_bytes(), each.of_string.memory_bytes());
  EXPECT_EQ(list.memory_bytes(), each.of_list.memory_bytes());
  EXPECT_EQ(hash.memory_bytes(), each.of_hash.memory_bytes());
  EXPECT_EQ(set.memory_bytes(), each.of_set.memory_bytes());
  EXPECT_EQ(zset.memory_bytes(), each.of_zset.memory_bytes());
  // What becomes of the one is nothing to the other.
  each.of_string.set("changed");
  each.list->set(0, "changed");
  each.hash->set(std::string(50, 'x'), "changed");
  each.set->erase(std::string(50, 'x'));
  each.zset->set(std::string(50, 'x'), 1000);
  ASSERT_EQ(list.list()->size(), 3u);
  ASSERT_EQ(hash.hash()->size(), 3u);
  ASSERT_EQ(set.set()->size(), 3u);
  ASSERT_EQ(zset.zset()->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const char c = "xyz"[i];
    const std::string item(50, c);
    EXPECT_EQ(list.list()->at(i), item);
    EXPECT_EQ(*hash.hash()->find(item), std::string(70, c));
    EXPECT_TRUE(set.set()->contains(item));
    EXPECT_EQ(zset.zset()->score(item), c);
    // Also the order in which SCAN and a checkpoint meet them.
    EXPECT_EQ(hash.hash()->entries().at(i).key, item);
    EXPECT_EQ(set.set()->entries().at(i).key, item);
    EXPECT_EQ(zset.zset()->entries().at(i).key, item);
  }
}

TEST(Value, IsAssignedWithItsBufferOrWithoutOne) {
  Value value(String(1000, 'x'));
  value = Value(String("short"));
  EXPECT_EQ(*value.string(), "short");
  EXPECT_EQ(value.memory_bytes(), 0u);
  Value& same = value;
  value = std::move(same);
  EXPECT_EQ(*value.string(), "short");
  value = Value(Set());
  EXPECT_EQ(value.type(), Type::kSet);
  EXPECT_EQ(value.string(), nullptr);
}

TEST(Value, BecomesAStringOfJustItsSize) {
  for (const size_t before : {0, 15, 16, 100}) {
    for (const size_t after : {0, 15, 16, 20, 50, 100, 101}) {
      Value value(String(before, 'x'));
      const String text(after, 'y');
      value.set(text);
      EXPECT_EQ(*value.string(), text);
      EXPECT_EQ(value.memory_bytes(), heap_bytes(text)) << before << " -> " << after;
    }
  }
  Value list{List()};
  list.set("text");
  ASSERT_NE(list.string(), nullptr);
  EXPECT_EQ(*list.string(), "text");
}

// AddressSanitizer's malloc does not count: then there is nothing to compare.
TEST(Value, LeavesNothingBehind) {
  const auto churn = [] {
    Value value;
    for (int i = 0; i < 50; ++i) {
      value = Value(String(10'000, 'x'));
      value.set(std::string(9000, 'y'));
      OneOfEach each;
      each.fill();
      value = std::move(each.of_hash);
      value = each.of_zset.clone();
      value = std::move(each.of_list);
      value.set("z");
    }
  };
  churn();  // what is allocated once
  const size_t before = mallinfo2().uordblks;
  churn();
  EXPECT_LT(mallinfo2().uordblks, before + 10'000);
}

// --- Hashes ---

// Its strings, and where it is packed all that it takes.
size_t recount(const Hash& hash) {
  size_t packed = 0;
  size_t strings = 0;
  for (size_t i = 0; i < hash.size(); ++i) {
    const auto entry = hash.entries().at(i);
    packed += 2 + entry.key.size() + entry.value.size();
    strings += heap_bytes(Text(entry.key)) + heap_bytes(Text(entry.value));
  }
  return hash.entries().packed() ? heap_bytes(packed) : strings;
}

RC_GTEST_PROP(HashProperty, BehavesAsAMapAndKnowsItsMemory, ()) {
  Hash hash;
  std::map<std::string, std::string> model;
  for (int steps = *rc::gen::inRange(0, 100); steps > 0; --steps) {
    const std::string field = random_text();
    if (*rc::gen::inRange(0, 3) > 0) {
      const std::string value = random_text();
      RC_ASSERT(hash.set(field, value) == model.insert_or_assign(field, value).second);
    } else {
      RC_ASSERT(hash.erase(field) == (model.erase(field) == 1));
    }
    RC_ASSERT(hash.size() == model.size());
    if (hash.entries().packed()) RC_ASSERT(hash.memory_bytes() == recount(hash));
    RC_ASSERT(hash.memory_bytes() >= recount(hash));
    RC_ASSERT(hash.contains(field) == model.contains(field));
  }
  for (const auto& [field, value] : model) RC_ASSERT(*hash.find(field) == value);
}

// A long value must not stay behind a short one.
TEST(Hash, AValueTakesWhatItIsLong) {
  Hash hash;
  hash.set("f", std::string(65, 'v'));
  EXPECT_FALSE(hash.entries().packed());
  hash.set("f", "");
  const size_t empty = hash.memory_bytes();
  // What a value of so many bytes has for itself.
  const auto bytes_of = [&](size_t size) {
    hash.set("f", std::string(size, 'v'));
    EXPECT_EQ(*hash.find("f"), std::string(size, 'v'));
    return hash.memory_bytes() - empty;
  };
  for (const size_t size : {100, 150, 16, 3000, 15, 3}) {
    EXPECT_EQ(bytes_of(size), heap_bytes(Text(size, 'v'))) << size;
  }
}

// --- Sets ---

RC_GTEST_PROP(SetProperty, ToldWhatIsNew, ()) {
  Set set;
  std::map<std::string, bool> model;
  for (int steps = *rc::gen::inRange(0, 50); steps > 0; --steps) {
    const std::string member = random_text();
    if (*rc::gen::arbitrary<bool>()) {
      RC_ASSERT(set.add(member) == model.emplace(member, true).second);
    } else {
      RC_ASSERT(set.erase(member) == (model.erase(member) == 1));
    }
    RC_ASSERT(set.size() == model.size() && set.contains(member) == model.contains(member));
  }
}

}  // namespace
}  // namespace powercut::engine
