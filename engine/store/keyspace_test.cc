#include "engine/store/keyspace.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <optional>

#include "engine/store/list.h"
#include "engine/store/zset.h"

namespace powercut::engine {
namespace {

std::optional<std::string> text_of(const Object* object) {
  if (object == nullptr) return std::nullopt;
  const String* text = object->value.string();
  return text == nullptr ? "(" + std::string(type_name(object->value.type())) + ")"
                         : std::string(*text);
}

// Writes down what the door saw: the value as it was before the change.
struct Recorder : KeyspaceObserver, ExpiryListener {
  void before_change(Database& db, std::string_view key, Object* object) override {
    seen.push_back(std::to_string(db.identity()) + " " + std::string(key) + " " +
                   text_of(object).value_or("-"));
  }
  void before_flush(Database& db) override {
    seen.push_back("flush " + std::to_string(db.identity()) + " of " +
                   std::to_string(db.table().size()));
  }
  void before_swap(int a, int b) override {
    seen.push_back("swap " + std::to_string(a) + " " + std::to_string(b));
  }
  void on_expired(int db, std::string_view key) override {
    seen.push_back("expired " + std::to_string(db) + " " + std::string(key));
  }
  std::vector<std::string> take() { return std::exchange(seen, {}); }
  std::vector<std::string> seen;
};

class KeyspaceTest : public testing::Test {
 protected:
  using Seen = std::vector<std::string>;

  KeyspaceTest() {
    keyspace.set_now({1000});
    keyspace.add_observer(&recorder);
    keyspace.set_expiry_listener(&recorder);
  }
  void put(std::string_view key, std::string text, int64_t expire_at_ms = Object::kNoExpiry) {
    Object* object = keyspace.put(0, key, Value(std::move(text)));
    keyspace.set_expiry(0, key, object, expire_at_ms);
    keyspace.settle();
    recorder.take();
  }

  Keyspace keyspace;
  Recorder recorder;
};

TEST_F(KeyspaceTest, ShowsObserversWhatIsAboutToChange) {
  keyspace.put(0, "k", Value(String("one")));
  EXPECT_EQ(recorder.take(), Seen{"0 k -"});
  keyspace.put(0, "k", Value(String("two")));
  EXPECT_EQ(recorder.take(), Seen{"0 k one"});
  *keyspace.find_for_write(0, "k")->value.string() = "three";
  EXPECT_EQ(recorder.take(), Seen{"0 k two"});
  EXPECT_TRUE(keyspace.remove(0, "k"));
  EXPECT_EQ(recorder.take(), Seen{"0 k three"});
  EXPECT_FALSE(keyspace.remove(0, "k"));
  EXPECT_EQ(keyspace.find_for_write(0, "k"), nullptr);
  EXPECT_EQ(recorder.take(), Seen{});
}

TEST_F(KeyspaceTest, TakesAnObjectWithItsExpiry) {
  put("k", "text", 5000);
  Object taken = keyspace.take(0, "k");
  EXPECT_EQ(recorder.take(), Seen{"0 k text"});
  EXPECT_EQ(*taken.value.string(), "text");
  EXPECT_EQ(taken.expire_at_ms, 5000);
  EXPECT_EQ(keyspace.find(0, "k"), nullptr);
  EXPECT_EQ(keyspace.database(0).expires_count(), 0u);
  keyspace.put(1, "l", std::move(taken.value));
  keyspace.settle();
  EXPECT_EQ(text_of(keyspace.find(1, "l")), "text");
}

TEST_F(KeyspaceTest, RemovesAnExpiredKeyWhenItIsFound) {
  put("k", "text", 2000);
  keyspace.set_now({1999});
  EXPECT_NE(keyspace.find(0, "k"), nullptr);
  keyspace.set_now({2000});
  EXPECT_EQ(keyspace.peek(0, "k"), nullptr);
  EXPECT_EQ(keyspace.size(0), 1u);
  EXPECT_EQ(keyspace.find(0, "k"), nullptr);
  EXPECT_EQ(keyspace.size(0), 0u);
  EXPECT_EQ(recorder.take(), (Seen{"0 k text", "expired 0 k"}));
}

TEST_F(KeyspaceTest, ReplacingAnExpiredKeyReportsItFirst) {
  put("k", "old", 2000);
  keyspace.set_now({3000});
  keyspace.put(0, "k", Value(String("new")));
  EXPECT_EQ(recorder.take(), (Seen{"0 k old", "expired 0 k", "0 k -"}));
  EXPECT_FALSE(keyspace.find(0, "k")->expires());
}

TEST_F(KeyspaceTest, RemovesExpiredKeysSoonestFirst) {
  put("c", "", 3000);
  put("a", "", 1500);
  put("later", "", 9000);
  put("b", "", 2000);
  put("changed", "", 1200);
  keyspace.set_expiry(0, "changed", keyspace.find_for_write(0, "changed"), 8000);
  put("cleared", "", 1100);
  keyspace.set_expiry(0, "cleared", keyspace.find_for_write(0, "cleared"), Object::kNoExpiry);
  recorder.take();
  keyspace.set_now({5000});
  EXPECT_EQ(keyspace.remove_expired(2), 2u);
  EXPECT_EQ(recorder.take(), (Seen{"0 a ", "expired 0 a", "0 b ", "expired 0 b"}));
  EXPECT_EQ(keyspace.remove_expired(100), 1u);
  EXPECT_EQ(keyspace.remove_expired(100), 0u);
  EXPECT_EQ(keyspace.size(0), 3u);
  EXPECT_EQ(keyspace.next_expiry_ms(), 8000);
  EXPECT_EQ(keyspace.database(0).expires_count(), 2u);
}

TEST_F(KeyspaceTest, NothingExpiresWhileALogIsReplayed) {
  put("k", "text", 2000);
  keyspace.set_now({3000});
  keyspace.set_loading(true);
  EXPECT_NE(keyspace.find(0, "k"), nullptr);
  EXPECT_EQ(keyspace.remove_expired(10), 0u);
  keyspace.set_loading(false);
  EXPECT_EQ(keyspace.next_expiry_ms(), 2000);
  EXPECT_EQ(keyspace.remove_expired(10), 1u);
}

// Setting a key's expiry again and again leaves stale entries behind; they must not pile up.
TEST_F(KeyspaceTest, ForgetsStaleExpiries) {
  for (int i = 0; i < 3; ++i) put("key" + std::to_string(i), "", 1'000'000 + i);
  for (int round = 0; round < 10'000; ++round) {
    const std::string key = "key" + std::to_string(round % 3);
    keyspace.set_expiry(0, key, keyspace.find_for_write(0, key), 2'000'000 - round % 7);
  }
  EXPECT_LT(keyspace.database(0).due_bytes(), 10'000u);
  keyspace.set_now({3'000'000});
  EXPECT_EQ(keyspace.remove_expired(10), 3u);
}

TEST_F(KeyspaceTest, SwapsContentWithItsIdentity) {
  put("k", "text", 2000);
  keyspace.swap(0, 3);
  EXPECT_EQ(recorder.take(), Seen{"swap 0 3"});
  EXPECT_EQ(keyspace.size(0), 0u);
  EXPECT_EQ(text_of(keyspace.find(3, "k")), "text");
  EXPECT_EQ(keyspace.database(3).identity(), 0);
  keyspace.set_now({2000});
  EXPECT_EQ(keyspace.remove_expired(10), 1u);
  EXPECT_EQ(recorder.take(), (Seen{"0 k text", "expired 3 k"}));
}

TEST_F(KeyspaceTest, FlushEmptiesOneDatabase) {
  put("k", std::string(1000, 'x'), 2000);
  keyspace.put(1, "other", Value(String("stays")));
  keyspace.settle();
  recorder.take();
  keyspace.flush(0);
  EXPECT_EQ(recorder.take(), Seen{"flush 0 of 1"});
  EXPECT_EQ(keyspace.size(0), 0u);
  EXPECT_EQ(keyspace.size(1), 1u);
  EXPECT_EQ(keyspace.database(0).expires_count(), 0u);
  EXPECT_EQ(keyspace.next_expiry_ms(), INT64_MAX);
}

// The checkpoint moves a flushed table out; what it held is no longer the keyspace's.
TEST_F(KeyspaceTest, AFlushedTableMayBeTakenOver) {
  struct Taker : KeyspaceObserver {
    void before_change(Database&, std::string_view, Object*) override {}
    void before_flush(Database& db) override { table = db.take_table(); }
    Table table;
  } taker;
  const size_t empty = keyspace.memory_bytes();
  keyspace.add_observer(&taker);
  put("k", std::string(1000, 'x'), 2000);
  keyspace.flush(0);
  EXPECT_EQ(taker.table.size(), 1u);
  EXPECT_EQ(keyspace.memory_bytes(), empty);
}

TEST_F(KeyspaceTest, AShortTextDoesNotKeepALongOnesMemory) {
  put("k", "short");
  const size_t small = keyspace.memory_bytes();
  put("k", std::string(1'000'000, 'x'));
  EXPECT_GT(keyspace.memory_bytes(), 1'000'000u);
  put("k", "short");
  EXPECT_EQ(keyspace.memory_bytes(), small);
}

TEST_F(KeyspaceTest, AnObserverSeesOnlyWhileItIsOne) {
  Recorder second;
  keyspace.add_observer(&second);
  keyspace.put(0, "k", Value(String("one")));
  keyspace.flush(0);
  keyspace.swap(1, 2);
  EXPECT_EQ(second.take(), (Seen{"0 k -", "flush 0 of 1", "swap 1 2"}));
  keyspace.remove_observer(&second);
  recorder.take();
  keyspace.put(0, "k", Value(String("two")));
  EXPECT_EQ(second.take(), Seen{});
  EXPECT_EQ(recorder.take(), Seen{"0 k -"});
}

TEST_F(KeyspaceTest, WhatIsCreatedOrReplacedBearsTheEpoch) {
  keyspace.set_epoch(5);
  keyspace.put(0, "old", Value(String("x")));
  keyspace.put(0, "changed", "x");
  keyspace.put(0, "replaced", Value(String("x")));
  keyspace.set_epoch(6);
  EXPECT_EQ(keyspace.epoch(), 6u);
  keyspace.put(0, "new", "x");
  keyspace.put(0, "replaced", "y");
  EXPECT_EQ(keyspace.find_for_write(0, "changed")->epoch, 5u);
  EXPECT_EQ(keyspace.peek(0, "old")->epoch, 5u);
  EXPECT_EQ(keyspace.peek(0, "new")->epoch, 6u);
  EXPECT_EQ(keyspace.peek(0, "replaced")->epoch, 6u);
}

TEST_F(KeyspaceTest, ThereAreSixteenDatabases) {
  for (int db = 0; db < Keyspace::kDatabases; ++db) {
    EXPECT_EQ(keyspace.database(db).identity(), db);
    keyspace.put(db, "k", std::to_string(db));
  }
  keyspace.settle();
  for (int db = 0; db < Keyspace::kDatabases; ++db) {
    EXPECT_EQ(text_of(keyspace.find(db, "k")), std::to_string(db));
    EXPECT_EQ(keyspace.size(db), 1u);
  }
}

// --- Expiry ---

TEST_F(KeyspaceTest, AnExpiredKeyIsGoneForWhoeverAsks) {
  for (const char* key : {"find", "write", "remove", "put", "peek"}) put(key, "old", 2000);
  keyspace.set_now({1999});
  EXPECT_FALSE(keyspace.any_due());
  keyspace.set_now({2000});
  EXPECT_TRUE(keyspace.any_due());
  EXPECT_EQ(keyspace.find(0, "find"), nullptr);
  EXPECT_EQ(keyspace.find_for_write(0, "write"), nullptr);
  EXPECT_FALSE(keyspace.remove(0, "remove"));
  EXPECT_EQ(text_of(keyspace.put(0, "put", "new")), "new");
  EXPECT_EQ(keyspace.peek(0, "peek"), nullptr);
  EXPECT_EQ(recorder.take(),
            (Seen{"0 find old", "expired 0 find", "0 write old", "expired 0 write", "0 remove old",
                  "expired 0 remove", "0 put old", "expired 0 put", "0 put -"}));
  EXPECT_EQ(keyspace.database(0).expires_count(), 1u);
  keyspace.settle();
  EXPECT_EQ(keyspace.remove_expired(10), 1u);
  EXPECT_FALSE(keyspace.any_due());
}

// The walk of a table asks with the keys that stand in it.
TEST_F(KeyspaceTest, AnExpiredKeyIsNamedThoughItWasAskedByItsOwnName) {
  put("a key that does not fit its string", "text", 2000);
  put("another key that does not fit its string", "text");
  keyspace.set_now({2000});
  EXPECT_EQ(keyspace.find(0, keyspace.database(0).table().at(0).key), nullptr);
  EXPECT_EQ(recorder.take(), (Seen{"0 a key that does not fit its string text",
                                   "expired 0 a key that does not fit its string"}));
  keyspace.set_expiry_listener(nullptr);
  put("silent", "text", 1500);
  EXPECT_EQ(keyspace.find(0, "silent"), nullptr);
}

TEST_F(KeyspaceTest, RemovesExpiredKeysOfEveryDatabaseUpToTheLimit) {
  for (int db = 0; db < 3; ++db) {
    for (const char* key : {"a", "b"}) {
      keyspace.set_expiry(db, key, keyspace.put(db, key, "x"), 2000 + db);
    }
  }
  keyspace.settle();
  keyspace.set_now({3000});
  EXPECT_EQ(keyspace.remove_expired(0), 0u);
  EXPECT_EQ(keyspace.remove_expired(3), 3u);
  EXPECT_EQ(keyspace.next_expiry_ms(), 2001);
  EXPECT_EQ(keyspace.size(0), 0u);
  EXPECT_EQ(keyspace.size(1), 1u);
  EXPECT_EQ(keyspace.remove_expired(3), 3u);
  EXPECT_EQ(keyspace.next_expiry_ms(), INT64_MAX);
}

TEST_F(KeyspaceTest, CountsWhatExpires) {
  const auto count = [&] { return keyspace.database(0).expires_count(); };
  put("k", "x", 2000);
  put("l", "x", 2000);
  EXPECT_EQ(count(), 2u);
  keyspace.set_expiry(0, "k", keyspace.find_for_write(0, "k"), 3000);
  EXPECT_EQ(count(), 2u);
  keyspace.set_expiry(0, "k", keyspace.find_for_write(0, "k"), Object::kNoExpiry);
  keyspace.set_expiry(0, "k", keyspace.find_for_write(0, "k"), Object::kNoExpiry);
  EXPECT_EQ(count(), 1u);
  put("l", "replaced");
  EXPECT_EQ(count(), 0u);
  put("m", "x", 2000);
  EXPECT_TRUE(keyspace.remove(0, "m"));
  EXPECT_EQ(count(), 0u);
}

TEST_F(KeyspaceTest, AFlushLeavesWhatOtherDatabasesExpire) {
  put("k", "x", 2000);
  keyspace.set_expiry(1, "l", keyspace.put(1, "l", "x"), 3000);
  keyspace.settle();
  EXPECT_EQ(keyspace.next_expiry_ms(), 2000);
  keyspace.flush(0);
  EXPECT_EQ(keyspace.next_expiry_ms(), 3000);
  put("k", "x", 2500);
  EXPECT_EQ(keyspace.database(0).expires_count(), 1u);
  EXPECT_EQ(keyspace.next_expiry_ms(), 2500);
}

// A few stale entries cost less than to look for them.
TEST_F(KeyspaceTest, DropsStaleExpiriesWhenTheyAreMostOfTheQueue) {
  const std::string key(100, 'k');  // so that each entry shows in the bytes
  const size_t each = heap_bytes(key.size() + 1);
  const auto set_to = [&](int64_t at_ms) {
    keyspace.set_expiry(0, key, keyspace.find_for_write(0, key), at_ms);
    keyspace.settle();
  };
  put(key, "x");
  for (int i = 0; i < 65; ++i) set_to(5000 + i);
  EXPECT_GE(keyspace.database(0).due_bytes(), 65 * each);
  EXPECT_EQ(keyspace.next_expiry_ms(), 5000);
  set_to(9000);
  EXPECT_LT(keyspace.database(0).due_bytes(), 3 * each);
  EXPECT_EQ(keyspace.next_expiry_ms(), 9000);
  // With more that expires, more may be stale.
  std::vector<std::string> others;
  for (int i = 0; i < 29; ++i) others.push_back(std::string(100, 'o') + std::to_string(i));
  for (const std::string& other : others) put(other, "x", 8000);
  for (int i = 0; i < 91; ++i) set_to(10'000 + i);
  EXPECT_GE(keyspace.database(0).due_bytes(), 121 * each);
  set_to(20'000);
  EXPECT_LT(keyspace.database(0).due_bytes(), 60 * each);
  EXPECT_EQ(keyspace.next_expiry_ms(), 8000);
  keyspace.set_now({20'000});
  EXPECT_EQ(keyspace.remove_expired(100), 30u);
  EXPECT_EQ(keyspace.database(0).expires_count(), 0u);
}

// Times that come back stand in the queue twice, between those of other keys.
TEST_F(KeyspaceTest, DropsDoublesOfTheQueueAndKeepsItsOrder) {
  std::vector<std::string> keys;
  for (int i = 0; i < 10; ++i) keys.push_back("a key of more than 15 bytes: " + std::to_string(i));
  for (const std::string& key : keys) put(key, "x");
  for (int round = 0; round < 60; ++round) {
    for (size_t i = 0; i < keys.size(); ++i) {
      const int64_t at = 5000 + static_cast<int64_t>(i % 3) * 100 + (round % 2) * 1000;
      keyspace.set_expiry(0, keys[i], keyspace.find_for_write(0, keys[i]), at);
    }
    keyspace.settle();
  }
  keyspace.set_now({9000});
  recorder.take();
  EXPECT_EQ(keyspace.remove_expired(100), 10u);
  std::vector<std::string> order;
  for (const std::string& seen : recorder.take()) {
    if (seen.starts_with("expired")) order.push_back(seen.substr(seen.size() - 1));
  }
  ASSERT_EQ(order.size(), 10u);
  for (size_t i = 1; i < order.size(); ++i) EXPECT_LE(order[i - 1][0] % 3, order[i][0] % 3);
}

// --- Random operations against a model ---

size_t measure(const Keyspace& keyspace) {
  size_t bytes = 0;
  for (int db = 0; db < Keyspace::kDatabases; ++db) {
    const Database& database = keyspace.database(db);
    const Table& table = database.table();
    bytes += table.memory_bytes() + database.due_bytes();
    for (size_t i = 0; i < table.size(); ++i) bytes += table.at(i).value.value.memory_bytes();
  }
  return bytes;
}

struct Modelled {
  std::string text;
  int64_t expire_at_ms = Object::kNoExpiry;
};
using Model = std::map<std::string, Modelled>;

class Trial {
 public:
  void step() {
    // The clock goes on now and then; what has expired in the model is absent in the keyspace.
    now_ += *rc::gen::inRange(0, 20);
    keyspace_.set_now({now_});
    const int db = *rc::gen::inRange(0, 2);
    const std::string key =
        "key-that-is-longer-than-15-" + std::to_string(*rc::gen::inRange(0, 20));
    Model& model = models_[db];
    for (Model& m : models_) {
      std::erase_if(m, [&](const auto& kv) {
        return kv.second.expire_at_ms != Object::kNoExpiry && kv.second.expire_at_ms <= now_;
      });
    }
    RC_ASSERT((keyspace_.peek(db, key) != nullptr) == model.contains(key));
    change(db, key, model);
    keyspace_.settle();
    RC_ASSERT(keyspace_.memory_bytes() == measure(keyspace_));
  }

  void compare() {
    keyspace_.remove_expired(1'000'000);
    for (int db = 0; db < 2; ++db) {
      RC_ASSERT(keyspace_.size(db) == models_[db].size());
      size_t expiring = 0;
      int64_t left_ms = 0;
      for (const auto& [key, expected] : models_[db]) {
        const Object* object = keyspace_.find(db, key);
        RC_ASSERT(object != nullptr);
        RC_ASSERT(*object->value.string() == expected.text);
        RC_ASSERT(object->expire_at_ms == expected.expire_at_ms);
        expiring += object->expires();
        if (object->expires()) left_ms += object->expire_at_ms - now_;
      }
      RC_ASSERT(keyspace_.database(db).expires_count() == expiring);
      const auto average = expiring == 0 ? 0 : left_ms / static_cast<int64_t>(expiring);
      RC_ASSERT(keyspace_.database(db).average_ttl_ms(now_) == average);
    }
  }

 private:
  void change(int db, const std::string& key, Model& model) {
    const int what = *rc::gen::weightedElement<int>(
        {{8, 0}, {4, 1}, {4, 2}, {6, 3}, {2, 4}, {1, 5}, {1, 6}, {2, 7}});
    const std::string text(static_cast<size_t>(*rc::gen::element(0, 3, 20, 500)), 'x');
    if (what == 0) {
      keyspace_.put(db, key, Value(text));
      model[key] = {text};
    } else if (what == 1) {
      RC_ASSERT(keyspace_.remove(db, key) == (model.erase(key) == 1));
    } else if (what == 2) {
      if (Object* object = keyspace_.find_for_write(db, key)) {
        object->value.string()->append(text);
        model[key].text += text;
      }
    } else if (what == 3) {
      if (Object* object = keyspace_.find_for_write(db, key)) {
        const int64_t at =
            *rc::gen::arbitrary<bool>() ? now_ + *rc::gen::inRange(1, 200) : Object::kNoExpiry;
        keyspace_.set_expiry(db, key, object, at);
        model[key].expire_at_ms = at;
      }
    } else if (what == 4) {
      rename(db, key, model);
    } else if (what == 5) {
      keyspace_.flush(db);
      model.clear();
    } else if (what == 6) {
      keyspace_.swap(0, 1);
      std::swap(models_[0], models_[1]);
    } else {
      keyspace_.remove_expired(static_cast<size_t>(*rc::gen::inRange(0, 3)));
    }
  }

  // Several changes between two settlings, as RENAME does them; to itself too.
  void rename(int db, const std::string& key, Model& model) {
    if (keyspace_.find(db, key) == nullptr) return;
    const std::string other = "renamed" + std::to_string(*rc::gen::inRange(0, 3));
    Object taken = keyspace_.take(db, key);
    Object* placed = keyspace_.put(db, other, std::move(taken.value));
    keyspace_.set_expiry(db, other, placed, taken.expire_at_ms);
    keyspace_.find_for_write(db, other)->value.string()->append("!");
    keyspace_.settle();  // `other` is a local
    Modelled moved = model[key];
    moved.text += "!";
    model.erase(key);
    model[other] = moved;
  }

  Keyspace keyspace_;
  Model models_[2];
  int64_t now_ = 1000;
};

// A command may do much before it settles: create, move, remove and flush what it has touched.
TEST(Keyspace, KnowsItsMemoryHoweverMuchHappensBeforeItSettles) {
  ASSERT_TRUE(rc::check([] {
    std::vector<std::string> keys;
    for (int i = 0; i < 12; ++i) keys.push_back(std::string(20, 'k') + std::to_string(i));
    Keyspace keyspace;
    const auto text = [] { return std::string(*rc::gen::element<size_t>(0, 3, 40, 500), 'x'); };
    for (int commands = *rc::gen::inRange(0, 30); commands > 0; --commands) {
      for (int changes = *rc::gen::inRange(0, 6); changes > 0; --changes) {
        const std::string& key = keys[*rc::gen::inRange<size_t>(0, keys.size())];
        const int db = *rc::gen::inRange(0, 2);
        const int what = *rc::gen::weightedElement<int>({{6, 0}, {3, 1}, {3, 2}, {2, 3}, {1, 4}});
        if (what == 0) {
          *rc::gen::arbitrary<bool>() ? keyspace.put(db, key, Value(text()))
                                      : keyspace.put(db, key, std::string_view(text()));
        } else if (what == 1) {
          keyspace.remove(db, key);
        } else if (what == 2) {
          if (Object* object = keyspace.find_for_write(db, key))
            object->value.string()->append(text());
        } else if (what == 3) {
          if (keyspace.find(db, key) == nullptr) continue;
          Object taken = keyspace.take(db, key);
          keyspace.put(1 - db, keys[*rc::gen::inRange<size_t>(0, keys.size())],
                       std::move(taken.value));
        } else {
          keyspace.flush(db);
        }
      }
      keyspace.settle();
      RC_ASSERT(keyspace.memory_bytes() == measure(keyspace));
    }
    for (const int db : {0, 1}) {
      for (const std::string& key : keys) keyspace.remove(db, key);
    }
    keyspace.settle();
    RC_ASSERT(keyspace.memory_bytes() == measure(keyspace));
  }));
}

// --- Copies ---

TEST(KeyspaceLends, NobodyHearsOfACopyUntilItIsChanged) {
  struct Adopting final : Adopter {
    std::vector<std::string> keys;
    void on_adopted(int db, std::string_view key, const Object& copy) override {
      keys.push_back(std::to_string(db) + std::string(key) + std::string(*copy.value.string()));
    }
  } adopter;
  struct Hearing final : KeyspaceObserver {
    std::vector<std::string> heard;
    void before_change(Database&, std::string_view key, Object* object) override {
      heard.push_back(std::string(key) + (object == nullptr ? " is new" : " changes"));
    }
    void before_flush(Database&) override {}
  } hearing;
  Keyspace keyspace;
  keyspace.set_now({5});
  keyspace.add_observer(&hearing);
  keyspace.set_adopter(&adopter);
  Value one, other;
  one.set("1");
  other.set(std::string(100, 'x'));
  const size_t before = keyspace.value_bytes();
  keyspace.lend(0, "a", std::move(one), 9);
  keyspace.lend(1, "b", std::move(other), 5);
  EXPECT_NE(keyspace.find(1, "b"), nullptr) << "it does not expire here";
  EXPECT_EQ(keyspace.find(0, "a")->expire_at_ms, 9);
  EXPECT_TRUE(hearing.heard.empty());
  keyspace.find_for_write(0, "a")->value.set("2");
  keyspace.settle();
  EXPECT_EQ(keyspace.lent(), 2u);
  ASSERT_TRUE(keyspace.take_back().has_value());
  EXPECT_FALSE(keyspace.take_back().has_value()) << "it was changed";
  EXPECT_EQ(hearing.heard, std::vector<std::string>{"a is new"});
  EXPECT_EQ(adopter.keys, std::vector<std::string>{"0a1"});
  EXPECT_EQ(keyspace.size(0) + keyspace.size(1), 1u);
  EXPECT_EQ(keyspace.value_bytes(), before);
  keyspace.set_now({9});
  EXPECT_EQ(keyspace.find(0, "a"), nullptr) << "it is a key like any";
  keyspace.remove_observer(&hearing);
}

TEST(Keyspace, BehavesAsAModelAndKnowsItsMemory) {
  ASSERT_TRUE(rc::check([] {
    Trial trial;
    const int steps = *rc::gen::inRange(0, 600);
    for (int i = 0; i < steps; ++i) trial.step();
    trial.compare();
  }));
}

}  // namespace
}  // namespace powercut::engine
