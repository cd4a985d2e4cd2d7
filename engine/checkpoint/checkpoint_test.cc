// The checkpoint, over a file that lets commands run wherever it is written.
#include "engine/checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_harness.h"
#include "engine/os/no_disk_testing.h"
#include "engine/os/tasks.h"

namespace powercut::engine {
namespace {

// Tasks and nothing else.
class TaskOs : public NoDiskOs {
 public:
  Instant now() override { return {0}; }
  WallTime wall_now() override { return {0}; }
  uint64_t choose(Site, uint64_t) override { return 0; }
  void spawn(std::string_view name, std::function<void()> body) override {
    tasks.spawn(name, std::move(body));
  }
  Task* current() override { return tasks.current(); }
  bool park(Instant deadline) override { return tasks.park(deadline); }
  void unpark(Task* task) override { tasks.unpark(task); }

  void run() {
    while (!tasks.ready().empty()) tasks.run(0);
  }

  Tasks tasks;
};

class HookedFile : public File {
 public:
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    if (fail_reads) return Error{Errc::kIo, "a sector cannot be read"};
    const std::string seen = damage ? damage(bytes) : bytes;
    if (offset >= seen.size()) return size_t{0};
    const size_t n = std::min({size, seen.size() - static_cast<size_t>(offset), read_max});
    std::memcpy(out, seen.data() + offset, n);
    return n;
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    if (before_write) before_write();
    if (writes_left == 0) return Error{Errc::kNoSpace, "full"};
    --writes_left;
    EXPECT_EQ(offset, bytes.size()) << "not written in order";
    longest_write = std::max(longest_write, data.size());
    const size_t n = std::min(data.size(), write_max);
    bytes.append(data.substr(0, n));
    return n;
  }
  Result<void> truncate(uint64_t) override { return Error{Errc::kRefused, "not truncated"}; }
  Result<void> sync(Site) override { return Error{Errc::kRefused, "not synced"}; }
  Result<uint64_t> size() override { return bytes.size(); }

  std::string bytes;
  std::function<void()> before_write;
  std::function<std::string(std::string)> damage;  // what is read instead
  size_t read_max = SIZE_MAX;
  size_t write_max = SIZE_MAX;
  size_t longest_write = 0;
  uint64_t writes_left = UINT64_MAX;
  bool fail_reads = false;
};

PlainKeyspace loaded(const std::string& bytes) {
  Keyspace keyspace;
  keyspace.set_loading(true);
  const auto info = load_rdb(bytes, "checkpoint", keyspace);
  EXPECT_TRUE(info.ok()) << info.error().message;
  return plain(keyspace);
}

class CheckpointTest : public ::testing::Test {
 protected:
  void put(int db, std::string_view key, std::string_view text) {
    keyspace.put(db, key, text);
    keyspace.settle();
  }
  // Takes many slices.
  void put_list(int db, std::string_view key, size_t items) {
    List list;
    for (size_t i = 0; i < items; ++i) list.push_back("item " + std::to_string(i));
    keyspace.put(db, key, Value(std::move(list)));
    keyspace.settle();
  }
  Result<CheckpointInfo> write(Checkpoint& checkpoint) { return checkpoint.write(file); }

  TaskOs os;
  Keyspace keyspace;
  HookedFile file;
};

TEST_F(CheckpointTest, SaysWhatItWrote) {
  put(0, "a", "1");
  put(3, "b", std::string(5000, 'x'));
  put_list(3, "c", 100);
  const PlainKeyspace expected = plain(keyspace);
  Checkpoint checkpoint(os, keyspace, {64, 1000});
  EXPECT_FALSE(checkpoint.running());
  EXPECT_EQ(checkpoint.extra_bytes(), 0u);
  EXPECT_EQ(checkpoint.keys_done(), 0u);
  checkpoint.begin({7, 8, true, {{"powercut-lsn", "77"}}});
  EXPECT_TRUE(checkpoint.running());
  EXPECT_EQ(checkpoint.keys_total(), 3u);
  file.write_max = 50;
  file.read_max = 7;
  const auto info = write(checkpoint);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_FALSE(checkpoint.running());
  EXPECT_EQ(info->bytes, file.bytes.size());
  EXPECT_EQ(info->keys, 3u);
  uint64_t stored = 0;
  std::memcpy(&stored, file.bytes.data() + file.bytes.size() - 8, 8);
  EXPECT_EQ(info->crc, stored);
  EXPECT_EQ(loaded(file.bytes), expected);
}

// What is written at once is a slice and a little: an entry, a string that is not divided.
TEST_F(CheckpointTest, WritesInSlices) {
  put_list(0, "long", 5000);
  for (int i = 0; i < 500; ++i) {
    const std::string key = "key" + std::to_string(i);
    put(1, key, std::string(20, 'x'));
  }
  Checkpoint checkpoint(os, keyspace, {1000, 4000});
  checkpoint.begin({});
  ASSERT_TRUE(write(checkpoint).ok());
  EXPECT_LT(file.longest_write, 1400u);
  // So are those of a table that was flushed.
  file = {};
  checkpoint.begin({});
  keyspace.flush(1);
  EXPECT_GT(checkpoint.extra_bytes(), 500u * sizeof(Table::Entry));
  ASSERT_TRUE(write(checkpoint).ok());
  EXPECT_LT(file.longest_write, 1400u);
}

// A random change of one of a few keys of three databases.
void change_something(Keyspace& keyspace) {
  static const std::vector<std::string> keys{"a", "b", "c", "d", "e", "a longer key than others"};
  const std::string& key = keys[*rc::gen::inRange<size_t>(0, keys.size())];
  const int db = *rc::gen::inRange(0, 3);
  const int what = *rc::gen::weightedElement<int>(
      {{6, 0}, {4, 1}, {4, 2}, {3, 3}, {2, 4}, {1, 5}, {1, 6}, {2, 7}});
  if (what == 0) {
    keyspace.put(db, key, random_value());
  } else if (what == 1) {
    keyspace.remove(db, key);
  } else if (what == 2) {
    Object* object = keyspace.find_for_write(db, key);
    if (object != nullptr && object->value.list() != nullptr)
      object->value.list()->push_back("new");
    if (object != nullptr && object->value.hash() != nullptr) object->value.hash()->set("new", "f");
  } else if (what == 3) {
    Object* object = keyspace.find_for_write(db, key);
    if (object != nullptr) keyspace.set_expiry(db, key, object, *rc::gen::inRange(1, 1000));
  } else if (what == 4) {
    if (keyspace.find(db, key) == nullptr) return;
    Object taken = keyspace.take(db, key);
    keyspace.put(*rc::gen::inRange(0, 3), keys[*rc::gen::inRange<size_t>(0, keys.size())],
                 std::move(taken.value));
  } else if (what == 5) {
    keyspace.flush(db);
  } else if (what == 6) {
    keyspace.swap(db, *rc::gen::inRange(0, 3));
  } else {
    List list;
    for (int i = *rc::gen::inRange(1, 60); i > 0; --i) list.push_back(std::to_string(i) + " items");
    keyspace.put(db, key, Value(std::move(list)));
  }
  keyspace.settle();
}

RC_GTEST_PROP(CheckpointProperty, IsTheKeyspaceOfOneInstant, ()) {
  TaskOs os;
  Keyspace keyspace;
  keyspace.set_loading(true);  // no expiry
  const auto slice = *rc::gen::inRange<size_t>(1, 300);
  Checkpoint checkpoint(os, keyspace, {slice, slice + *rc::gen::inRange<size_t>(0, 500)});
  for (int rounds = *rc::gen::inRange(1, 4); rounds > 0; --rounds) {
    for (int i = *rc::gen::inRange(0, 20); i > 0; --i) change_something(keyspace);
    const PlainKeyspace cut = plain(keyspace);
    checkpoint.begin({});
    RC_ASSERT(checkpoint.keys_total() == cut.size());
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) change_something(keyspace);
    HookedFile file;
    file.before_write = [&] {
      for (int i = *rc::gen::inRange(0, 3); i > 0; --i) change_something(keyspace);
    };
    file.write_max = *rc::gen::element<size_t>(10, 100, SIZE_MAX);
    const auto info = checkpoint.write(file);
    RC_ASSERT(info.ok());
    RC_ASSERT(info->keys == cut.size());
    RC_ASSERT(info->bytes == file.bytes.size());
    RC_ASSERT(loaded(file.bytes) == cut);
    RC_ASSERT(checkpoint.extra_bytes() <= 0u);
  }
}

// --- What it costs ---

TEST_F(CheckpointTest, KnowsWhatItHoldsAndWhenThatIsTooMuch) {
  for (const char* key : {"a", "b", "c", "d"}) put(0, key, std::string(17, 'x') + "0123456789");
  put_list(1, "l", 10);
  Checkpoint checkpoint(os, keyspace, {10, 120});
  EXPECT_FALSE(checkpoint.full());
  checkpoint.begin({});
  const size_t header = checkpoint.extra_bytes();
  std::string entry;
  append_rdb_entry(entry, "a", *keyspace.peek(0, "a"));
  put(0, "a", "new");
  // The database's number and the entry.
  EXPECT_EQ(checkpoint.extra_bytes(), header + 2 + entry.size());
  EXPECT_EQ(checkpoint.keys_done(), 1u);
  put(0, "a", "newer");
  put(0, "new", "x");
  EXPECT_EQ(checkpoint.extra_bytes(), header + 2 + entry.size());
  const size_t spare = std::string().capacity();  // of the buffer that takes turns
  while (checkpoint.extra_bytes() - spare <= 120) {
    EXPECT_FALSE(checkpoint.full());
    ASSERT_GT(keyspace.size(0), 0u);
    keyspace.remove(0, keyspace.database(0).table().at(0).key);
    keyspace.settle();
  }
  EXPECT_TRUE(checkpoint.full());
  const size_t before = checkpoint.extra_bytes();
  const size_t table = keyspace.database(1).table().memory_bytes();
  keyspace.flush(1);
  keyspace.flush(2);  // there is nothing to take
  EXPECT_EQ(checkpoint.extra_bytes(), before + table);
  checkpoint.abandon();
  EXPECT_FALSE(checkpoint.running());
  EXPECT_FALSE(checkpoint.full());
  EXPECT_EQ(checkpoint.extra_bytes(), 0u);
  EXPECT_EQ(checkpoint.keys_done(), 0u);
}

// While an entry is being sliced, others that change are put aside.
TEST_F(CheckpointTest, WhatIsPutAsideCountsAndIsWritten) {
  put_list(0, "sliced", 200);
  put(0, "first", std::string(30, 'f'));
  put(1, "aside", std::string(300, 'x') + "end");
  const PlainKeyspace cut = plain(keyspace);
  std::string entry;
  append_rdb_entry(entry, "aside", *keyspace.peek(1, "aside"));
  Checkpoint checkpoint(os, keyspace, {50, 60});
  checkpoint.begin({});
  int writes = 0;
  bool was_full = false;
  file.before_write = [&] {
    if (++writes != 20) return;
    const size_t before = checkpoint.extra_bytes();
    EXPECT_EQ(checkpoint.keys_done(), 1u);
    put(1, "aside", "new");
    EXPECT_EQ(checkpoint.extra_bytes(), before + entry.size());
    was_full = checkpoint.full();
  };
  const auto info = write(checkpoint);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(was_full, entry.size() > 60);
  EXPECT_EQ(loaded(file.bytes), cut);
  EXPECT_LT(file.longest_write, 50 + entry.size() + 30);
}

// Whoever would change or move the entry that is being sliced has the rest of it written first.
// They were flushed together, and are read one by one.
TEST_F(CheckpointTest, ValuesThatLieElsewhereAreNotAllInMemoryAtOnce) {
  const SegmentHold segment(new ColdSegment{.sequence = 1});
  Database& database = keyspace.mutable_database(0);
  for (const char* key : {"a", "b", "c", "d"}) {
    put(0, key, "x");
    keyspace.move_out(database, *keyspace.entry_of(database, key), Away(segment, 0, 1, 0));
  }
  Checkpoint checkpoint(os, keyspace, {100, 1000});
  checkpoint.set_read_away([](const Away&) -> Result<Value> {
    std::string text;  // not to be compressed
    for (int i = 0; i < 200; ++i) text += static_cast<char>(i);
    Value value;
    value.set(text);
    return value;
  });
  checkpoint.begin({});
  keyspace.flush(0);
  ASSERT_TRUE(write(checkpoint).ok());
  EXPECT_EQ(loaded(file.bytes).size(), 4u);
  EXPECT_LT(file.longest_write, 400u);
}

TEST_F(CheckpointTest, TheSlicedEntryIsFinishedBeforeItChangesOrMoves) {
  const std::vector<std::function<void(Keyspace&)>> changes{
      [](Keyspace& k) { k.find_for_write(0, "sliced")->value.list()->set(150, "changed"); },
      [](Keyspace& k) { k.remove(0, "sliced"); },
      [](Keyspace& k) { k.put(0, "sliced", "replaced"); },
      [](Keyspace& k) { k.remove(0, "before"); },  // moves the last entry into its place
      [](Keyspace& k) { k.flush(0); },
      [](Keyspace& k) { k.swap(0, 5); },
      [](Keyspace& k) { k.flush(1); },
      [](Keyspace& k) { k.put(0, "new", "x"); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Keyspace fresh;
    fresh.put(0, "before", "1");
    List list;
    for (int item = 0; item < 200; ++item) list.push_back("item " + std::to_string(item));
    fresh.put(0, "sliced", Value(std::move(list)));
    fresh.put(1, "other", "2");
    fresh.settle();
    const PlainKeyspace cut = plain(fresh);
    Checkpoint checkpoint(os, fresh, {50, 60});
    checkpoint.begin({});
    HookedFile written;
    int writes = 0;
    written.before_write = [&] {
      if (++writes != 5) return;
      changes[i](fresh);
      fresh.settle();
    };
    const auto info = checkpoint.write(written);
    ASSERT_TRUE(info.ok()) << i << ": " << info.error().message;
    EXPECT_EQ(loaded(written.bytes), cut) << i;
    EXPECT_GT(writes, 5);
  }
}

// --- When it fails ---

TEST_F(CheckpointTest, AFailedWriteEndsItAndTheNextIsWhole) {
  put_list(0, "list", 100);
  for (int i = 0; i < 20; ++i) put(1, "abcdefghijklmnopqrst" + i, std::string(100, 'x') + "y");
  Checkpoint checkpoint(os, keyspace, {100, 100});
  for (const bool flushed : {false, true}) {
    for (uint64_t writes = 0; writes < 1000; ++writes) {
      file = {};
      file.writes_left = writes;
      checkpoint.begin({});
      if (flushed) keyspace.flush(1);
      const auto info = write(checkpoint);
      if (info.ok()) {
        checkpoint.abandon();  // nothing is left to give up
        break;
      }
      EXPECT_EQ(info.error().code, Errc::kNoSpace);
      checkpoint.abandon();
      EXPECT_EQ(checkpoint.extra_bytes(), 0u);
    }
  }
  file = {};
  const PlainKeyspace cut = plain(keyspace);
  checkpoint.begin({});
  put(0, "list", "replaced");
  ASSERT_TRUE(write(checkpoint).ok());
  EXPECT_EQ(loaded(file.bytes), cut);
}

TEST_F(CheckpointTest, AnAbandonedOneSeesNoChanges) {
  put(0, "a", "1");
  alignas(Checkpoint) unsigned char room[sizeof(Checkpoint)];
  auto* checkpoint = new (room) Checkpoint(os, keyspace, {100, 100});
  checkpoint->begin({});
  checkpoint->abandon();
  put(0, "a", "2");
  EXPECT_EQ(checkpoint->extra_bytes(), 0u);
  checkpoint->abandon();
  checkpoint->begin({});
  std::destroy_at(checkpoint);
  std::memset(room, 0, sizeof room);  // whoever calls it now falls
  put(0, "a", "3");                   // it is gone, and so is what it saw
  EXPECT_EQ(*keyspace.peek(0, "a")->value.string(), "3");
}

TEST_F(CheckpointTest, AKeyTooFewIsNoticed) {
  put(0, "a", "1");
  put(0, "b", "2");
  Checkpoint checkpoint(os, keyspace, {100, 100});
  checkpoint.begin({});
  keyspace.mutable_database(0).stamp(0, keyspace.epoch());  // as a bug would
  const auto info = write(checkpoint);
  ASSERT_FALSE(info.ok());
  EXPECT_EQ(info.error().code, Errc::kCorrupt);
  EXPECT_EQ(info.error().message, "the checkpoint has 1 keys instead of 2");
}

TEST_F(CheckpointTest, WhatReadsBackDifferentlyIsRefused) {
  put(0, "a", "123 bytes would be more");
  const auto outcome = [&](std::function<std::string(std::string)> damage, size_t slice) {
    file = {};
    file.damage = std::move(damage);
    Checkpoint checkpoint(os, keyspace, {slice, 1000});
    checkpoint.begin({});
    const auto info = write(checkpoint);
    return info.ok() ? std::string() : info.error().message;
  };
  const std::string wrong = "the checkpoint reads back differently from what was written";
  ASSERT_EQ(outcome({}, 7), "");
  const size_t size = file.bytes.size();
  for (const size_t slice : {size_t{1}, size_t{7}, size - 8, size - 3, size, size + 50}) {
    EXPECT_EQ(outcome({}, slice), "") << slice;
    for (size_t at = 0; at < size; ++at) {
      EXPECT_EQ(outcome([at](std::string s) { return s[at] ^= 4, s; }, slice), wrong) << at;
      EXPECT_EQ(outcome([at](std::string s) { return s.substr(0, at); }, slice), wrong) << at;
    }
  }
  EXPECT_EQ(outcome([](std::string s) { return s + "more"; }, size + 50), wrong);
  file = {};
  file.fail_reads = true;
  Checkpoint checkpoint(os, keyspace, {100, 100});
  checkpoint.begin({});
  EXPECT_EQ(write(checkpoint).error().code, Errc::kIo);
}

// --- Room ---

TEST_F(CheckpointTest, WhoWaitsForRoomIsTold) {
  put_list(0, "a", 100);
  Checkpoint checkpoint(os, keyspace, {100, 100});
  int told = 0;
  const auto wait = [&] {
    os.spawn("waits", [&] {
      checkpoint.room().wait();
      ++told;
    });
    os.run();
  };
  checkpoint.begin({});
  wait();
  EXPECT_EQ(told, 0);
  // By the first bytes that are written, ...
  int writes = 0;
  file.before_write = [&] {
    os.run();
    if (++writes != 2) return;
    EXPECT_EQ(told, 1);
    wait();
  };
  ASSERT_TRUE(write(checkpoint).ok());
  os.run();
  EXPECT_EQ(told, 2);
  // ... and when it is given up.
  checkpoint.begin({});
  wait();
  EXPECT_EQ(told, 2);
  checkpoint.abandon();
  os.run();
  EXPECT_EQ(told, 3);
}

}  // namespace
}  // namespace powercut::engine
