// The cold tier's folder over files in memory: in which order a segment comes to stand and goes, and what of each call that
// fails.
#include "engine/tier/cold_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/base/crc32c.h"
#include "engine/os/memory_os_testing.h"
#include "engine/tier/cold_record.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Value string_of(std::string_view text) {
  Value value;
  value.set(text);
  return value;
}

class ColdFolderTest : public ::testing::Test {
 protected:
  ColdFolderTest() { EXPECT_TRUE(folder.settle().ok()); }

  struct Lying {
    SegmentHold segment;
    std::vector<Away> values;
  };
  // A segment with these strings.
  Lying sealed(const std::vector<std::string>& texts, bool compress = false) {
    auto draft = folder.begin();
    std::vector<ColdFolder::Record> records;
    for (const std::string& text : texts) records.push_back(draft.add(string_of(text), compress));
    auto hold = folder.seal(std::move(draft));
    EXPECT_TRUE(hold.ok());
    Lying lying{*hold, {}};
    for (const auto& record : records)
      lying.values.emplace_back(*hold, record.offset, record.length,
                                static_cast<uint8_t>(Type::kString));
    return lying;
  }
  std::string read(const Away& away) {
    const auto value = folder.read(away, {});
    return value.ok() ? std::string(std::string_view(*value->string())) : value.error().message;
  }
  // What a start says that finds this.
  std::string adopted(const std::string& rests_on) {
    ColdFolder other(os, "cold");
    const auto all = other.adopt(rests_on);
    return all.ok() ? std::to_string(all->size()) : all.error().message;
  }

  MemoryOs os;
  ColdFolder folder{os, "cold"};
};

// --- The folder itself ---

TEST(ColdFolderName, IsThatOfAFolderInDir) {
  for (const char* path : {"", "cold", "..cold"}) EXPECT_TRUE(is_cold_path(path)) << path;
  for (const char* path : {".", "..", "a/b", "/cold"}) EXPECT_FALSE(is_cold_path(path)) << path;
}

TEST(ColdFolderSettles, DurablyAndAnewWhereItStoodEmpty) {
  MemoryOs os;
  ColdFolder folder(os, "cold");
  ASSERT_TRUE(folder.settle().ok());
  EXPECT_THAT(os.calls, ElementsAre("make cold", "sync /"));
  os.calls.clear();
  ASSERT_TRUE(folder.settle().ok());
  EXPECT_THAT(os.calls, ElementsAre("remove cold", "make cold", "sync /"))
      << "the sync of its name may have failed";
  os.put("cold/notes.txt", "");
  os.calls.clear();
  ASSERT_TRUE(folder.settle().ok());
  EXPECT_THAT(os.calls, ElementsAre("sync /"));
}

TEST(ColdFolderSettles, OrSaysWhyNot) {
  for (const char* call : {"make cold", "sync /", "list cold"}) {
    MemoryOs os;
    ColdFolder folder(os, "cold");
    os.fail_on(call, Errc::kNoSpace);
    const auto settled = folder.settle();
    ASSERT_FALSE(settled.ok()) << call;
    EXPECT_EQ(settled.error().code, Errc::kNoSpace) << call;
  }
  MemoryOs os;
  ColdFolder folder(os, "cold");
  ASSERT_TRUE(folder.settle().ok());
  int made = 0;
  os.breaks = [&](const std::string& call) {
    return call == "make cold" && ++made == 2 ? std::optional(Errc::kIo) : std::nullopt;
  };
  EXPECT_EQ(folder.settle().error().code, Errc::kIo) << "it was removed, and is not there again";
}

TEST_F(ColdFolderTest, AStartRemovesSegmentsThatNoBaseNamesAndNothingElse) {
  const Lying kept = sealed({"a"});
  for (const char* name : {"9.cold", "12.cold"}) os.put(std::string("cold/") + name, "x");
  for (const char* name : {"x.cold", "3.cold.old", "notes.txt", "4x.cold", "5.colt"})
    os.put(std::string("cold/") + name, "x");
  os.fail_on("remove cold/12.cold");
  ASSERT_TRUE(folder.settle().ok());
  EXPECT_THAT(os.names(),
              ElementsAre("cold/1.cold", "cold/12.cold", "cold/3.cold.old", "cold/4x.cold",
                          "cold/5.colt", "cold/notes.txt", "cold/x.cold"));
  EXPECT_EQ(sealed({"b"}).segment->sequence, 13u) << "a name that may come back is not used again";
}

TEST_F(ColdFolderTest, ThereIsAlwaysANextNumber) {
  os.put("cold/" + std::to_string(kHighestSequence) + ".cold", "x");
  os.put("cold/" + std::to_string(kHighestSequence + 1) + ".cold", "x");
  ASSERT_TRUE(folder.settle().ok());
  EXPECT_THAT(os.names(), ElementsAre("cold/" + std::to_string(kHighestSequence + 1) + ".cold"))
      << "the store makes none of that number";
}

// --- Sealing ---

TEST_F(ColdFolderTest, ASegmentIsWholeAndItsNameDurableBeforeAnythingRefersToIt) {
  os.calls.clear();
  const Lying lying = sealed({"a", "b"});
  EXPECT_THAT(os.calls, ElementsAre("create cold/1.cold", "write cold/1.cold", "sync cold/1.cold",
                                    "sync cold/"));
  const std::string& bytes = os.at("cold/1.cold");
  EXPECT_EQ(lying.segment->bytes, bytes.size());
  EXPECT_EQ(from_little(std::string_view(bytes).substr(bytes.size() - 8, 4)), 2u) << "its records";
  EXPECT_EQ(folder.find(1), lying.segment.get());
  EXPECT_EQ(folder.count(), 1u);
  EXPECT_EQ(folder.bytes(), lying.segment->bytes);
  EXPECT_EQ(folder.values(), 2u);
}

TEST_F(ColdFolderTest, OneThatCannotBeSealedIsRemovedAndHoldsNothing) {
  for (const char* call : {"create cold/", "write cold/", "sync cold/", "sync cold//"}) {
    auto draft = folder.begin();
    (void)draft.add(string_of("a"), false);
    os.breaks = [&](const std::string& made) {
      const bool whole = std::string(call) == "sync cold//"
                             ? made == "sync cold/"
                             : made.starts_with(call) && made != "sync cold/";
      return whole ? std::optional(Errc::kNoSpace) : std::nullopt;
    };
    const auto hold = folder.seal(std::move(draft));
    os.breaks = nullptr;
    ASSERT_FALSE(hold.ok()) << call;
    EXPECT_EQ(hold.error().code, Errc::kNoSpace) << call;
    EXPECT_THAT(os.names(), IsEmpty()) << call << ": the log may need its space";
    EXPECT_EQ(folder.count(), 0u);
  }
}

TEST_F(ColdFolderTest, EachHasAnotherNumberAndAnotherNonce) {
  const Lying one = sealed({"a"});
  const Lying two = sealed({"a"});
  EXPECT_EQ(one.segment->sequence + 1, two.segment->sequence);
  EXPECT_NE(one.segment->nonce, two.segment->nonce);
  EXPECT_NE(os.at("cold/1.cold"), os.at("cold/2.cold"));
}

// --- Reading ---

TEST_F(ColdFolderTest, EachValueIsReadAsItWas) {
  os.most = 3;
  const Lying plain = sealed({"a", std::string(500, 'b'), ""});
  const Lying small = sealed({std::string(500, 'c')}, true);
  EXPECT_LT(small.segment->bytes, 200u);
  EXPECT_EQ(read(plain.values[0]), "a");
  EXPECT_EQ(read(plain.values[1]), std::string(500, 'b'));
  EXPECT_EQ(read(plain.values[2]), "");
  EXPECT_EQ(read(small.values[0]), std::string(500, 'c'));
}

TEST_F(ColdFolderTest, NoRecordPassesForAnotherOne) {
  const Lying lying = sealed({"aaaa", "bbbb"});
  const Away& first = lying.values[0];
  const Away& second = lying.values[1];
  std::string& bytes = os.at("cold/1.cold");
  const std::string whole = bytes;
  bytes.replace(first.offset(), first.length(), whole.substr(second.offset(), second.length()));
  EXPECT_EQ(read(first), "cold/1.cold offset 20: its checksum does not fit");
  bytes = whole;
  bytes[second.offset() + second.length() - 1] ^= 1;
  EXPECT_THAT(read(second), HasSubstr("its checksum does not fit"));
  EXPECT_EQ(read(first), "aaaa");
  bytes = whole.substr(0, second.offset() + second.length() - 1);
  EXPECT_THAT(read(second), HasSubstr("it ends early"));
  EXPECT_THAT(read(Away(lying.segment, 20, 8, 0)), HasSubstr("it ends early"));
  bytes = whole;
  EXPECT_THAT(
      read(Away(lying.segment, first.offset(), first.length(), static_cast<uint8_t>(Type::kHash))),
      HasSubstr("it is of another type"));
  // An older file of that name, with the same value at the same place.
  const Lying other = sealed({"aaaa", "bbbb"});
  os.put("cold/1.cold", os.at("cold/2.cold"));
  EXPECT_THAT(read(first), HasSubstr("its checksum does not fit"));
  EXPECT_EQ(folder.read(first, {}).error().code, Errc::kCorrupt);
}

TEST_F(ColdFolderTest, WhatIsNoValueIsNamedWithItsPlace) {
  const Lying lying = sealed({"aaaa"});
  const Away& away = lying.values[0];
  std::string record = little(2, 4) + "\x63";
  record.resize(away.length() - 4);
  os.at("cold/1.cold")
      .replace(away.offset(), away.length(),
               little(crc32c(record, bound(lying.segment->nonce, away.offset())), 4) + record);
  EXPECT_THAT(read(away), ::testing::StartsWith("cold/1.cold offset 20: it "));
  EXPECT_THAT(read(away), HasSubstr("expand"));
}

TEST_F(ColdFolderTest, WhatCannotBeReadIsAnErrorOfTheSeam) {
  const Lying lying = sealed({"aaaa"});
  os.fail_on("read cold/1.cold");
  EXPECT_EQ(folder.read(lying.values[0], {}).error().code, Errc::kIo);
  os.breaks = nullptr;
  EXPECT_TRUE(os.remove("cold/1.cold").ok());
  EXPECT_EQ(folder.read(lying.values[0], {}).error().code, Errc::kNotFound);
}

TEST_F(ColdFolderTest, AToolBringsAllBackIntoMemory) {
  const Lying lying = sealed({"one", "two"});
  Keyspace keyspace;
  for (const int db : {0, 3}) {
    keyspace.put(db, "here", "here");
    keyspace.put(db, "k", "k");
    keyspace.settle();
    Database& database = keyspace.mutable_database(db);
    keyspace.move_out(database, *keyspace.entry_of(database, "k"), lying.values[db == 0 ? 0 : 1]);
  }
  ASSERT_TRUE(folder.bring_all_back(keyspace).ok());
  const auto text = [&](int db, const char* key) {
    return std::string(std::string_view(*keyspace.peek(db, key)->value.string()));
  };
  EXPECT_EQ(text(0, "k"), "one");
  EXPECT_EQ(text(3, "k"), "two");
  EXPECT_EQ(text(3, "here"), "here");
  Database& database = keyspace.mutable_database(0);
  keyspace.move_out(database, *keyspace.entry_of(database, "k"), lying.values[0]);
  os.fail_on("read cold/1.cold");
  EXPECT_FALSE(folder.bring_all_back(keyspace).ok());
}

// --- A start ---

TEST_F(ColdFolderTest, ABaseSaysOnWhatItRestsAndAStartFindsThat) {
  const Lying one = sealed({"a"});
  const Lying two = sealed({"b", "c"});
  const Lying unused{sealed({"d"}).segment, {}};
  const auto in_use = folder.in_use();
  ASSERT_EQ(in_use.size(), 2u) << "no value of a key lies in the third";
  const std::string said = folder.rests_on(in_use);
  EXPECT_EQ(said, "cold 1:" + std::to_string(one.segment->nonce) + ":" +
                      std::to_string(one.segment->bytes) +
                      " 2:" + std::to_string(two.segment->nonce) + ":" +
                      std::to_string(two.segment->bytes));
  EXPECT_TRUE(folder.check_standing(in_use).ok());
  ColdFolder again(os, "cold");
  const auto found = again.adopt(said);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[1]->sequence, 2u);
  EXPECT_EQ((*found)[1]->nonce, two.segment->nonce);
  EXPECT_EQ((*found)[1]->bytes, two.segment->bytes);
  EXPECT_EQ(again.seal(again.begin()).value()->sequence, 3u) << "no number is given twice";
  ASSERT_TRUE(again.settle().ok());
  EXPECT_TRUE(os.there("cold/3.cold"));
  EXPECT_TRUE(os.there("cold/2.cold"));
  EXPECT_EQ(adopted("cold"), "0");
  const Lying none = sealed({});
  EXPECT_EQ(adopted(folder.rests_on({none.segment})), "1") << "one without values is whole as well";
}

TEST_F(ColdFolderTest, WhatIsNotTheSegmentThatWasSealedIsNamed) {
  const Lying lying = sealed({"aaaa"});
  const std::string said = folder.rests_on(folder.in_use());
  EXPECT_EQ(adopted(said), "1");
  EXPECT_EQ(adopted(said + said.substr(4)), "it names segment 1 twice");
  for (const char* text : {"cold x", "cold 1:2", "cold 1", "cold  "})
    EXPECT_EQ(adopted(text), "what it says of the cold tier cannot be read") << text;
  std::string& bytes = os.at("cold/1.cold");
  const std::string whole = bytes;
  const auto with = [&](size_t at) {
    bytes = whole;
    bytes[at] ^= 1;
    return adopted(said);
  };
  EXPECT_THAT(with(0), HasSubstr("it is no segment of the cold tier"));
  EXPECT_THAT(with(9), HasSubstr("it is no segment of the cold tier"));
  EXPECT_THAT(with(16), HasSubstr("it is no segment of the cold tier"));
  for (size_t i = 1; i <= 16; ++i)
    EXPECT_THAT(with(whole.size() - i), HasSubstr("it is not sealed"));
  EXPECT_EQ(with(20), "1") << "a value that is damaged is found by who reads it";
  bytes = whole + "x";
  EXPECT_EQ(adopted(said), "cold/1.cold: it has " + std::to_string(whole.size() + 1) +
                               " bytes, and " + std::to_string(whole.size()) +
                               " were sealed; values of the data set lie in it (is cold-tier-path "
                               "right?)");
  bytes = "short";
  EXPECT_THAT(adopted("cold 1:7:5"), HasSubstr("it has 5 bytes"));
  bytes = whole;
  const Lying other = sealed({"aaaa"});
  os.put("cold/1.cold", os.at("cold/2.cold"));
  EXPECT_THAT(adopted(said), HasSubstr("it is another file of the same name"));
  EXPECT_THAT(folder.check_standing({lying.segment}).error().message,
              HasSubstr("it is another file of the same name"));
  EXPECT_TRUE(os.remove("cold/1.cold").ok());
  EXPECT_THAT(adopted(said), HasSubstr("cold/1.cold: it is missing"));
  EXPECT_EQ(folder.check_standing({lying.segment}).error().code, Errc::kCorrupt);
}

TEST_F(ColdFolderTest, WhatCannotBeLookedAtIsNotCalledDamage) {
  const Lying lying = sealed({"aaaa"});
  const std::string said = folder.rests_on(folder.in_use());
  for (const char* call : {"open cold/1.cold", "size cold/1.cold", "read cold/1.cold"}) {
    os.fail_on(call);
    ColdFolder other(os, "cold");
    EXPECT_EQ(other.adopt(said).error().code, Errc::kIo) << call;
    EXPECT_EQ(other.count(), 0u);
  }
  os.most = 5;
  os.breaks = nullptr;
  EXPECT_EQ(adopted(said), "1") << "reads may be short";
}

TEST_F(ColdFolderTest, AToolFindsThemBesideTheBaseOrWhereTheBaseSays) {
  const Lying lying = sealed({"aaaa"});
  const std::string said = folder.rests_on(folder.in_use());
  ColdFolder there(os, "");
  ASSERT_TRUE(there.adopt(said).ok());
  EXPECT_EQ(there.path(), "cold");
  EXPECT_TRUE(os.make_directory("appendonlydir").ok());
  EXPECT_TRUE(os.rename("cold/1.cold", "appendonlydir/1.cold").ok());
  ColdFolder beside(os, "");
  ASSERT_TRUE(beside.adopt(said).ok());
  EXPECT_EQ(beside.path(), "appendonlydir");
  EXPECT_THAT(adopted(said), HasSubstr("it is missing")) << "who names a folder means that";
}

// --- What nobody holds ---

TEST_F(ColdFolderTest, ASegmentThatNobodyHoldsIsRemovedAndNoOther) {
  int told = 0;
  folder.set_on_unheld([&] { ++told; });
  Lying one = sealed({"a"});
  const Lying two = sealed({"b"});
  folder.remove_unheld();
  EXPECT_EQ(folder.count(), 2u);
  one.values.clear();
  EXPECT_EQ(told, 0);
  EXPECT_FALSE(folder.any_unheld());
  one.segment = SegmentHold();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(folder.any_unheld());
  folder.remove_unheld();
  EXPECT_FALSE(folder.any_unheld());
  EXPECT_THAT(os.names(), ElementsAre("cold/2.cold"));
  EXPECT_EQ(folder.find(1), nullptr);
  EXPECT_EQ(folder.count(), 1u);
}

TEST_F(ColdFolderTest, OneThatIsHeldAgainStays) {
  Lying one = sealed({"a"});
  one.values.clear();
  one.segment = SegmentHold();
  SegmentHold again(folder.find(1));
  folder.remove_unheld();
  EXPECT_TRUE(os.there("cold/1.cold"));
  again = SegmentHold();
  folder.remove_unheld();
  EXPECT_FALSE(os.there("cold/1.cold"));
}

TEST_F(ColdFolderTest, WhichOneIsMostlyDead) {
  const std::string digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  Lying one = sealed({"a" + digits, "b" + digits, "c" + digits});
  EXPECT_EQ(folder.mostly_dead(), nullptr);
  one.values.pop_back();
  EXPECT_EQ(folder.mostly_dead(), nullptr) << "most of it is some key's";
  one.values.pop_back();
  EXPECT_EQ(folder.mostly_dead(), one.segment.get());
  one.values.pop_back();
  EXPECT_EQ(folder.mostly_dead(), nullptr) << "nothing of it would have to come back";
  EXPECT_THAT(folder.in_use(), IsEmpty());
  EXPECT_EQ(folder.values(), 0u);
  // Just half of it is not less than half.
  Lying two = sealed({"a" + digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+", "b" + digits});
  two.values.pop_back();
  ASSERT_EQ(two.segment->live_bytes, two.segment->bytes / 2);
  EXPECT_EQ(folder.mostly_dead(), nullptr);
}

}  // namespace
}  // namespace powercut::engine
