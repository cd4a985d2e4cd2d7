// Segments on their way to the archive and back, over files and objects in memory: in which order the steps come, what a start
// finds behind each of them, and what is left where one of them fails.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"
#include "engine/tier/archiver.h"
#include "engine/tier/cold_folder.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Objects in memory; its calls are noted among those of the disk, and fail as those do.
class MemoryObjects final : public ObjectStore {
 public:
  explicit MemoryObjects(MemoryOs& os) : os_(os) {}

  Result<void> put(std::string_view name, std::string_view bytes) override {
    TRY(made("put " + std::string(name)));
    if (while_put) while_put();
    if (keeps) objects[std::string(name)] = bytes;
    return {};
  }
  Result<std::string> get(std::string_view name, uint64_t offset, uint64_t length) override {
    TRY(made("get " + std::string(name)));
    const auto found = objects.find(std::string(name));
    if (found == objects.end()) return Error{Errc::kNotFound, "there is none"};
    return offset > found->second.size() ? "" : found->second.substr(offset, length);
  }
  Result<uint64_t> head(std::string_view) override { return Error{Errc::kUnsupported, "head"}; }
  Result<void> remove(std::string_view name) override {
    TRY(made("delete " + std::string(name)));
    objects.erase(std::string(name));
    return {};
  }
  Result<std::vector<std::string>> list(std::string_view prefix, size_t) override {
    TRY(made("list-objects " + std::string(prefix)));
    return std::vector<std::string>();
  }

  std::map<std::string, std::string> objects;
  bool keeps = true;
  std::function<void()> while_put;

 private:
  Result<void> made(const std::string& call) {
    os_.calls.push_back(call);
    const auto code = os_.breaks ? os_.breaks(call) : std::nullopt;
    if (code) return Error{*code, call + " fails"};
    return {};
  }
  MemoryOs& os_;
};

constexpr const char* kUrl = "s3://bucket/store";

class MovingTest : public ::testing::Test {
 protected:
  MovingTest() { begin(); }
  ~MovingTest() override { os.destroy_tasks(); }

  // A start, which finds what a base says: `rests_on`.
  std::string begin(const std::string& rests_on = "", const std::string& url = kUrl) {
    held.clear();
    values.clear();
    folder = std::make_unique<ColdFolder>(os, "cold");
    if (!url.empty()) folder->set_archive(objects, url);
    if (!rests_on.empty()) {
      auto found = folder->adopt(rests_on);
      if (!found.ok()) return found.error().message;
      held = std::move(*found);
    }
    const auto settled = folder->settle();
    EXPECT_TRUE(settled.ok()) << settled.error().message;
    os.calls.clear();
    return "";
  }
  // Segment n has the value "value n", which is read from it.
  ColdSegment& seal() {
    auto draft = folder->begin();
    Value value;
    value.set("value " + std::to_string(values.size()));
    const auto record = draft.add(value, false);
    held.push_back(folder->seal(std::move(draft)).value());
    values.emplace_back(held.back(), record.offset, record.length,
                        static_cast<uint8_t>(Type::kString));
    os.calls.clear();
    return *held.back();
  }
  std::string move(ColdSegment& segment) {
    of_disk = false;
    const auto moved = folder->move_to_archive(segment, of_disk);
    return moved.ok() ? "" : moved.error().message;
  }
  std::string read(size_t n) {
    const auto value = folder->read(values[n], {});
    return value.ok() ? std::string(std::string_view(*value->string())) : value.error().message;
  }
  static std::string object_of(const ColdSegment& segment) {
    return fmt::format("store/{}-{:016x}.cold", segment.sequence, segment.nonce);
  }
  std::string said() const { return folder->rests_on(held); }

  MemoryOs os;
  MemoryObjects objects{os};
  std::unique_ptr<ColdFolder> folder;
  std::vector<SegmentHold> held;
  std::vector<Away> values;
  bool of_disk = false;
};

// --- There ---

TEST_F(MovingTest, TheNoteIsDurableBeforeTheObjectIsPutAndTheFileGoesLast) {
  ColdSegment& one = seal();
  const ColdSegment& two = seal();
  const std::string bytes = os.at("cold/1.cold");
  EXPECT_EQ(folder->bytes_here(), one.bytes + two.bytes);
  EXPECT_EQ(move(one), "");
  const std::string object = object_of(one);
  EXPECT_THAT(os.calls,
              ElementsAre("create cold/1.archive", "write cold/1.archive", "sync cold/1.archive",
                          "sync cold/", "put " + object, "get " + object, "remove cold/1.cold"));
  EXPECT_EQ(objects.objects.at(object), bytes);
  EXPECT_TRUE(one.archived && one.noted && !one.moving);
  EXPECT_EQ(folder->count_archived(), 1u);
  EXPECT_EQ(folder->bytes_here(), two.bytes);
  EXPECT_EQ(folder->bytes(), bytes.size() + two.bytes);
  EXPECT_EQ(read(0), "value 0");
  EXPECT_EQ(read(1), "value 1");
  objects.objects.clear();
  EXPECT_THAT(read(0), StartsWith("s3://bucket/store/1-"));
  EXPECT_EQ(read(1), "value 1");
}

TEST_F(MovingTest, AFileThatFailsInTheMiddleStaysAndCounts) {
  const ColdSegment& first = seal();
  const std::string object = object_of(first);
  const std::pair<std::string, bool> steps[] = {
      {"open cold/1.cold", true},      {"read cold/1.cold", true},
      {"create cold/1.archive", true}, {"write cold/1.archive", true},
      {"sync cold/1.archive", true},   {"sync cold/", true},
      {"put " + object, false},        {"get " + object, false},
      {"remove cold/1.cold", true}};
  for (const auto& [call, of_the_disk] : steps) {
    os.fail_on(call);
    EXPECT_THAT(move(*held[0]), HasSubstr(call + " fails"));
    EXPECT_EQ(of_disk, of_the_disk) << call;
    os.breaks = nullptr;
    EXPECT_FALSE(held[0]->archived) << call;
    EXPECT_FALSE(held[0]->moving) << call;
    EXPECT_EQ(folder->count_archived(), 0u);
    EXPECT_EQ(read(0), "value 0") << call;
    EXPECT_EQ(begin(said()), "") << call;
    EXPECT_FALSE(held[0]->archived) << call << ": a start takes the file";
    values.emplace_back(held[0], 20, held[0]->bytes - 36, static_cast<uint8_t>(Type::kString));
  }
  EXPECT_EQ(move(*held[0]), "");
}

TEST_F(MovingTest, NothingIsRemovedOfWhatDoesNotReadAsItWasStored) {
  ColdSegment& one = seal();
  objects.keeps = false;
  EXPECT_THAT(move(one), HasSubstr("it was stored, and cannot be read yet"));
  EXPECT_FALSE(of_disk);
  objects.objects[object_of(one)] = os.at("cold/1.cold") + "x";
  EXPECT_THAT(move(one), HasSubstr("it does not read as it was stored"));
  objects.objects[object_of(one)] = os.at("cold/1.cold").substr(1);
  EXPECT_THAT(move(one), HasSubstr("it does not read as it was stored"));
  EXPECT_TRUE(os.there("cold/1.cold"));
  os.at("cold/1.cold") += "x";
  EXPECT_EQ(move(one), fmt::format("cold/1.cold: it has {} bytes, and {} were sealed",
                                   one.bytes + 1, one.bytes));
  EXPECT_TRUE(of_disk);
}

// A sync that failed meanwhile may have taken the note's name with it.
TEST_F(MovingTest, ANoteWhoseNameMayBeGoneIsNoneToGoBy) {
  ColdSegment& one = seal();
  bool begun = false, fails = false;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (call == "sync cold/" && fails) return Errc::kIo;
    if (call != "write cold/1.archive" || std::exchange(begun, true)) return {};
    fails = true;
    EXPECT_FALSE(folder->seal(folder->begin()).ok());
    fails = false;
    return {};
  };
  EXPECT_THAT(move(one), HasSubstr("a sync of it failed meanwhile"));
  EXPECT_THAT(objects.objects, IsEmpty());
  EXPECT_EQ(move(one), "");
}

// --- A start ---

TEST_F(MovingTest, AStartFindsItThereByItsNote) {
  move(seal());
  EXPECT_EQ(begin(said()), "");
  EXPECT_TRUE(held[0]->archived && held[0]->noted);
  EXPECT_TRUE(folder->check_standing(held).ok());
  const std::string rests_on = said();
  EXPECT_EQ(begin(rests_on, ""),
            "cold/1.cold: values of the data set lie in the archive s3://bucket/store: start with "
            "archive-url s3://bucket/store");
  EXPECT_THAT(begin(rests_on, "s3://bucket/else"), HasSubstr("archive-url is s3://bucket/else"));
  const std::string note = os.at("cold/1.archive");
  for (size_t i = 0; i < note.size(); ++i) {
    os.at("cold/1.archive") = note;
    os.at("cold/1.archive")[i] ^= 1;
    EXPECT_THAT(begin(rests_on), HasSubstr("cold/1.cold: it is missing")) << i;
  }
  os.at("cold/1.archive") = note.substr(0, note.size() - 1);
  EXPECT_THAT(begin(rests_on), HasSubstr("it is missing"));
  os.at("cold/1.archive") = note;
  EXPECT_EQ(begin(rests_on), "");
  os.put("cold/1.archive", "");
  EXPECT_THAT(folder->check_standing(held).error().message,
              HasSubstr("it is in the archive, and its note is missing"));
}

// Of another file of that number, or another length of it.
TEST_F(MovingTest, ANoteIsOfOneSegmentAlone) {
  ColdSegment& one = seal();
  move(one);
  const std::string other_nonce = fmt::format("cold 1:{}:{}", one.nonce + 1, one.bytes);
  const std::string other_bytes = fmt::format("cold 1:{}:{}", one.nonce, one.bytes + 1);
  os.put("cold/2.archive", os.at("cold/1.archive"));
  const std::string other_number = fmt::format("cold 2:{}:{}", one.nonce, one.bytes);
  EXPECT_THAT(begin(other_nonce), HasSubstr("cold/1.cold: it is missing"));
  EXPECT_THAT(begin(other_bytes), HasSubstr("cold/1.cold: it is missing"));
  EXPECT_THAT(begin(other_number), HasSubstr("cold/2.cold: it is missing"));
}

// A power cut may bring a removed file back, whole or with others' bytes.
TEST_F(MovingTest, AFileThatComesBackCountsIfItHasItsBytes) {
  ColdSegment& one = seal();
  const std::string whole = os.at("cold/1.cold");
  move(one);
  const std::string rests_on = said();
  os.put("cold/1.cold", whole);
  EXPECT_EQ(begin(rests_on), "");
  EXPECT_FALSE(held[0]->archived);
  EXPECT_TRUE(held[0]->noted) << "there is an object as well";
  EXPECT_TRUE(os.there("cold/1.cold"));
  for (const size_t at : {size_t{0}, size_t{25}, whole.size() - 1}) {
    std::string others = whole;
    others[at] ^= 1;
    os.put("cold/1.cold", others);
    EXPECT_EQ(begin(rests_on), "") << at;
    EXPECT_TRUE(held[0]->archived) << at;
    EXPECT_TRUE(os.there("cold/1.cold")) << "until the object has been seen";
    os.fail_on("get " + object_of(*held[0]));
    EXPECT_FALSE(folder->settle_disputed().ok());
    os.breaks = nullptr;
    EXPECT_TRUE(os.there("cold/1.cold")) << "it was not";
    EXPECT_TRUE(folder->settle_disputed().ok());
    EXPECT_FALSE(folder->any_disputed());
    EXPECT_TRUE(held[0]->archived) << at;
    EXPECT_FALSE(os.there("cold/1.cold")) << "it is no copy of anything";
  }
  // Without the archive there is nothing else to go by than the file.
  os.put("cold/1.cold", whole);
  EXPECT_EQ(begin(rests_on, ""), "");
  os.at("cold/1.cold").back() ^= 1;
  EXPECT_THAT(begin(rests_on, ""), HasSubstr("it is not sealed"));
}

// The note may be there already, and the object not yet, or not whole: what the file still has is all there is.
TEST_F(MovingTest, ADamagedFileCountsWhereNoSuchObjectIs) {
  seal();
  auto draft = folder->begin();
  Value value;
  for (const char* text : {"one", "two"}) {
    value.set(text);
    const auto record = draft.add(value, false);
    values.emplace_back(held.back(), record.offset, record.length,
                        static_cast<uint8_t>(Type::kString));
  }
  const auto away = values;
  held = {folder->seal(std::move(draft)).value()};
  const std::string whole = os.at("cold/2.cold");
  const std::string rests_on = said();
  for (const std::string& object : {std::string(), "x" + whole.substr(1)}) {
    os.put("cold/2.cold", whole);
    EXPECT_TRUE(folder->archive()->write_note(2, held[0]->nonce, whole).ok());
    objects.objects.clear();
    if (!object.empty()) objects.objects[object_of(*held[0])] = object;
    os.at("cold/2.cold")[away[2].offset() + 9] ^= 1;
    EXPECT_EQ(begin(rests_on), "");
    ASSERT_TRUE(folder->any_disputed());
    EXPECT_TRUE(folder->settle_disputed().ok());
    EXPECT_FALSE(folder->any_disputed());
    EXPECT_FALSE(held[0]->archived);
    ASSERT_TRUE(os.there("cold/2.cold"));
    for (const Away& one : {away[1], away[2]})
      values.emplace_back(held[0], one.offset(), one.length(), one.type());
    EXPECT_EQ(read(0), "one");
    EXPECT_THAT(read(1), HasSubstr("cold/2.cold offset"));
  }
}

// A backup fetches it meanwhile: the file is the segment, from when it has its name.
TEST_F(MovingTest, AFileThatIsFetchedIsNotInDispute) {
  ColdSegment& one = seal();
  const std::string whole = os.at("cold/1.cold");
  move(one);
  os.put("cold/1.cold", "others' bytes");
  EXPECT_EQ(begin(said()), "");
  ASSERT_TRUE(folder->any_disputed());
  bool named = false;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (call != "sync cold/" || os.at("cold/1.cold") != whole || std::exchange(named, true))
      return {};
    EXPECT_TRUE(folder->settle_disputed().ok());
    EXPECT_TRUE(os.there("cold/1.cold"));
    return {};
  };
  EXPECT_TRUE(folder->keep_here(*held[0]).ok());
  os.breaks = nullptr;
  EXPECT_TRUE(named && !folder->any_disputed());
  EXPECT_FALSE(held[0]->archived);
  EXPECT_EQ(os.at("cold/1.cold"), whole);
}

// The note may be there already, and the object not yet: what cannot be read proves nothing.
TEST_F(MovingTest, AFileThatCannotBeReadIsNoneThatHasOthersBytes) {
  ColdSegment& one = seal();
  const std::string rests_on = said();
  EXPECT_TRUE(folder->archive()->write_note(1, one.nonce, os.at("cold/1.cold")).ok());
  for (int nth = 1; nth <= 3; ++nth) {  // its header, its footer, all of it
    int reads = 0;
    os.breaks = [&](const std::string& call) -> std::optional<Errc> {
      if (call == "read cold/1.cold" && ++reads == nth) return Errc::kIo;
      return {};
    };
    EXPECT_THAT(begin(rests_on), HasSubstr("read cold/1.cold fails")) << nth;
    EXPECT_TRUE(os.there("cold/1.cold")) << nth;
  }
  os.breaks = nullptr;
  EXPECT_EQ(begin(rests_on), "");
  EXPECT_FALSE(held[0]->archived);
}

TEST_F(MovingTest, AStartClearsUpWhatAMoveHasLeft) {
  move(seal());
  seal();
  move(*held[1]);
  const std::string of_two = os.at("cold/2.archive");
  const uint64_t nonce_of_two = held[1]->nonce;
  const std::string rests_on = folder->rests_on({held[0]});
  os.put("cold/1.fetched", "x");
  os.put("cold/9.fetched", "x");
  os.put("cold/x.fetched", "mine");
  os.put("cold/7.archive", "not whole");
  os.put("cold/1.cold", "others' bytes");
  EXPECT_EQ(begin(rests_on), "");
  EXPECT_THAT(os.names(),
              ElementsAre("cold/1.archive", "cold/1.cold", "cold/2.archive", "cold/x.fetched"));
  EXPECT_TRUE(folder->settle_disputed().ok());
  EXPECT_THAT(os.names(), ElementsAre("cold/1.archive", "cold/2.archive", "cold/x.fetched"));
  os.calls.clear();
  EXPECT_EQ(folder->begin().size(), 20u);
  EXPECT_EQ(seal().sequence, 9u) << "behind every number that was given, and one draft";
  ASSERT_TRUE(folder->any_doomed()) << "nobody rests on the second";
  EXPECT_TRUE(folder->remove_doomed().ok());
  EXPECT_THAT(os.calls, ElementsAre(fmt::format("delete store/2-{:016x}.cold", nonce_of_two),
                                    "remove cold/2.archive"));
  EXPECT_FALSE(folder->any_doomed());
  EXPECT_EQ(objects.objects.size(), 1u);
  // One of another archive is left alone, as is one where there is none.
  os.put("cold/2.archive", of_two);
  EXPECT_EQ(begin("cold", "s3://bucket/else"), "");
  EXPECT_FALSE(folder->any_doomed());
  EXPECT_EQ(begin("cold", ""), "");
  EXPECT_FALSE(folder->any_doomed());
  EXPECT_TRUE(os.there("cold/2.archive"));
}

// The file is here, and the note was not finished: an object may be sent under it again, and must go with the segment.
TEST_F(MovingTest, AnUnfinishedNoteOfASegmentThatIsHereStandsForAnObject) {
  seal();
  os.put("cold/1.archive", "not wh");
  EXPECT_EQ(begin(said()), "");
  EXPECT_TRUE(held[0]->noted);
  EXPECT_TRUE(os.there("cold/1.archive"));
  EXPECT_EQ(begin(said(), ""), "");
  EXPECT_FALSE(held[0]->noted);
}

// A number's note may be of a file before this one.
TEST_F(MovingTest, AnObjectOfAnOlderFileOfThatNumberIsRemoved) {
  ColdSegment& one = seal();
  const std::string bytes = os.at("cold/1.cold");
  EXPECT_TRUE(folder->archive()->write_note(1, one.nonce + 1, bytes).ok());
  EXPECT_EQ(begin(said()), "");
  EXPECT_FALSE(held[0]->noted);
  EXPECT_TRUE(folder->any_doomed());
  EXPECT_EQ(folder->any_here(), nullptr) << "its note would be taken away with that object";
  EXPECT_EQ(folder->coldest_here(), nullptr);
  EXPECT_TRUE(folder->remove_doomed().ok());
  EXPECT_EQ(folder->any_here(), held[0].get());
}

// --- What goes ---

TEST_F(MovingTest, WhatNobodyHoldsGoesFromThereAsWell) {
  ColdSegment& one = seal();
  const std::string object = object_of(one);
  move(one);
  values.clear();
  held.clear();
  EXPECT_FALSE(folder->any_doomed());
  folder->remove_unheld();
  EXPECT_EQ(folder->count(), 0u);
  ASSERT_TRUE(folder->any_doomed());
  os.calls.clear();
  for (const std::string& call : {"delete " + object, std::string("remove cold/1.archive")}) {
    os.fail_on(call);
    EXPECT_FALSE(folder->remove_doomed().ok()) << call;
    EXPECT_TRUE(folder->any_doomed()) << call;
  }
  os.breaks = nullptr;
  EXPECT_TRUE(os.there("cold/1.archive"));
  EXPECT_TRUE(os.remove("cold/1.archive").ok());
  EXPECT_TRUE(folder->remove_doomed().ok()) << "a note that is gone need not go";
  EXPECT_FALSE(folder->any_doomed());
  EXPECT_THAT(objects.objects, IsEmpty());
}

TEST_F(MovingTest, WhichOneGoesFirst) {
  EXPECT_EQ(folder->coldest_here(), nullptr);
  EXPECT_EQ(folder->any_here(), nullptr);
  for (int i = 0; i < 3; ++i) {
    os.rest(seconds(10));
    seal();
  }
  EXPECT_EQ(folder->coldest_here(), held[0].get());
  EXPECT_EQ(folder->coldest_here(held[0]->used), held[0].get());
  EXPECT_EQ(folder->coldest_here(Instant{held[0]->used.ns - 1}), nullptr);
  EXPECT_EQ(read(0), "value 0");
  EXPECT_EQ(folder->coldest_here(), held[1].get()) << "the first was read since";
  move(*held[1]);
  EXPECT_EQ(folder->coldest_here(), held[0].get());
  // The last one is nobody's any more: it goes by itself.
  values.pop_back();
  held.pop_back();
  for (uint64_t i = 0; i < 4; ++i) EXPECT_EQ(folder->any_here(), held[0].get());
  held[0]->stays = true;
  EXPECT_EQ(folder->any_here(), nullptr);
  EXPECT_EQ(folder->coldest_here(), nullptr);
}

// --- And back ---

TEST_F(MovingTest, ABackupHasTheFileWhereverItIs) {
  ColdSegment& one = seal();
  ColdSegment& two = seal();
  const std::string bytes = os.at("cold/1.cold");
  move(one);
  os.calls.clear();
  EXPECT_TRUE(folder->keep_here(one).ok());
  EXPECT_TRUE(folder->keep_here(two).ok());
  EXPECT_THAT(os.calls, ElementsAre("get " + object_of(one), "create cold/1.fetched",
                                    "write cold/1.fetched", "sync cold/1.fetched", "sync cold/",
                                    "rename cold/1.fetched cold/1.cold", "sync cold/"));
  EXPECT_EQ(os.at("cold/1.cold"), bytes);
  EXPECT_FALSE(one.archived);
  EXPECT_TRUE(one.stays && two.stays);
  objects.objects.clear();
  EXPECT_EQ(read(0), "value 0");
}

TEST_F(MovingTest, WhatComesBackIsTheSegmentOrItStaysThere) {
  ColdSegment& one = seal();
  move(one);
  const std::string object = object_of(one);
  for (const std::string& call :
       {"get " + object, std::string("create cold/1.fetched"), std::string("sync cold/1.fetched"),
        std::string("open cold/1.fetched"), std::string("sync cold/"),
        std::string("rename cold/1.fetched cold/1.cold")}) {
    os.fail_on(call);
    EXPECT_FALSE(folder->keep_here(one).ok()) << call;
    EXPECT_TRUE(one.archived) << call;
  }
  int synced = 0;
  os.breaks = [&](const std::string& call) {
    return call == "sync cold/" && ++synced == 2 ? std::optional(Errc::kIo) : std::nullopt;
  };
  EXPECT_FALSE(folder->keep_here(one).ok()) << "its name may not last";
  EXPECT_TRUE(one.archived);
  os.breaks = nullptr;
  const std::string bytes = objects.objects.at(object);
  for (const std::string& others : {bytes + "x", bytes.substr(1), bytes.substr(0, 30)}) {
    objects.objects[object] = others;
    const auto kept = folder->keep_here(one);
    ASSERT_FALSE(kept.ok());
    EXPECT_EQ(kept.error().code, Errc::kCorrupt);
    EXPECT_TRUE(one.archived);
  }
}

// It has been sent, and a backup has asked for its file meanwhile.
TEST_F(MovingTest, WhatIsToStayIsNotRemovedBehindTheSending) {
  ColdSegment& one = seal();
  objects.while_put = [&] { EXPECT_TRUE(folder->keep_here(one).ok()); };
  EXPECT_EQ(move(one), "");
  EXPECT_FALSE(one.archived);
  EXPECT_TRUE(os.there("cold/1.cold"));
  EXPECT_EQ(read(0), "value 0");
}

// --- When ---

class ArchiverTest : public MovingTest {
 protected:
  ~ArchiverTest() override {
    if (archiver == nullptr) return;
    archiver->stop();
    os.rest(Duration{0});
    EXPECT_FALSE(os.any_task()) << "it ends when it is told to";
  }
  void run(bool restless = false) {
    archiver = std::make_unique<Archiver>(os, *folder, options, restless);
    archiver->set_log_line([this](std::string_view line) { lines.emplace_back(line); });
    archiver->set_on_failure([this](const Error& error) { failures.push_back(error.message); });
    os.spawn("archiver", [this] { archiver->run(); });
    os.rest(Duration{0});
  }
  const ArchiverStats& stats() const { return archiver->stats(); }

  TierOptions options;
  std::unique_ptr<Archiver> archiver;
  std::vector<std::string> lines;
  std::vector<std::string> failures;
};

TEST_F(ArchiverTest, TheColdestGoWhileFilesTakeMoreThanTheSize) {
  for (int i = 0; i < 3; ++i) seal(), os.rest(seconds(1));
  options.cold_bytes = held[0]->bytes + held[1]->bytes;
  run();
  EXPECT_TRUE(held[0]->archived);
  EXPECT_FALSE(held[1]->archived || held[2]->archived) << "just the size is not too much";
  EXPECT_EQ(stats().sent, 1u);
  EXPECT_EQ(stats().sent_bytes, held[0]->bytes);
  options.cold_bytes = 1;
  archiver->set_options(options);
  os.rest(Duration{0});
  EXPECT_TRUE(held[1]->archived && held[2]->archived);
  EXPECT_EQ(stats().sent, 3u);
  EXPECT_EQ(folder->bytes_here(), 0u);
}

TEST_F(ArchiverTest, WhatHasRestedForSoLongGoesByItself) {
  options.archive_after_s = 10;
  seal();
  os.rest(seconds(4));
  seal();
  run();
  os.rest(milliseconds(5999));
  EXPECT_FALSE(held[0]->archived);
  os.rest(milliseconds(1));
  EXPECT_TRUE(held[0]->archived);
  EXPECT_FALSE(held[1]->archived);
  EXPECT_EQ(read(1), "value 1");
  os.rest(seconds(9));
  EXPECT_FALSE(held[1]->archived) << "it was read";
  os.rest(seconds(1));
  EXPECT_TRUE(held[1]->archived);
}

TEST_F(ArchiverTest, NothingGoesWhereNothingSaysSo) {
  options.archive_after_s = 0;
  seal();
  run();
  os.rest(seconds(100'000));
  EXPECT_EQ(stats().sent, 0u);
  EXPECT_FALSE(held[0]->archived);
}

TEST_F(ArchiverTest, RestlesslyOneGoesEachTimeItIsAsked) {
  for (int i = 0; i < 3; ++i) seal();
  run(true);
  EXPECT_EQ(stats().sent, 0u);
  for (const uint64_t sent : {1, 2, 3, 3}) {
    archiver->look();
    os.rest(seconds(1));
    EXPECT_EQ(stats().sent, sent);
  }
}

TEST_F(ArchiverTest, OneThatIsNotReachedIsTriedLaterAndLaterAndSaidOnce) {
  seal();
  options.cold_bytes = 1;
  int tries = 0;
  std::vector<int64_t> at_ms;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (!call.starts_with("put ")) return {};
    ++tries;
    at_ms.push_back(os.now().ns / 1'000'000);
    return Errc::kTimeout;
  };
  run();
  os.rest(seconds(100));
  EXPECT_THAT(at_ms, ElementsAre(0, 500, 1500, 3500, 7500, 15'500, 31'500, 61'500, 91'500));
  EXPECT_THAT(lines, ElementsAre(StartsWith("the archive takes nothing at present, and segments "
                                            "stay on the disk: s3://bucket/store/1-")));
  EXPECT_THAT(failures, IsEmpty()) << "no disk has failed";
  EXPECT_EQ(stats().failures, 9u);
  EXPECT_FALSE(stats().reached);
  EXPECT_THAT(stats().last_error, HasSubstr("fails"));
  os.breaks = nullptr;
  os.rest(seconds(30));
  EXPECT_TRUE(held[0]->archived);
  EXPECT_TRUE(stats().reached);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], "the archive takes segments again");
  // And from the beginning, the next time.
  seal();
  os.fail_on("put " + object_of(*held[1]));
  archiver->look();
  os.rest(milliseconds(400));
  EXPECT_EQ(stats().failures, 10u);
  os.rest(milliseconds(200));
  EXPECT_EQ(stats().failures, 11u);
}

TEST_F(ArchiverTest, AFileInDisputeIsSettledWhenTheArchiveIsReached) {
  move(seal());
  os.put("cold/1.cold", "others' bytes");
  EXPECT_EQ(begin(said()), "");
  os.fail_on("get " + object_of(*held[0]));
  run();
  os.rest(seconds(5));
  EXPECT_TRUE(os.there("cold/1.cold"));
  EXPECT_FALSE(stats().reached);
  os.breaks = nullptr;
  os.rest(seconds(30));
  EXPECT_FALSE(os.there("cold/1.cold"));
  EXPECT_TRUE(held[0]->archived);
  EXPECT_TRUE(stats().reached);
}

TEST_F(ArchiverTest, ADiskThatFailsIsToldOf) {
  seal();
  options.cold_bytes = 1;
  os.fail_on("sync cold/1.archive");
  run();
  EXPECT_THAT(failures, ElementsAre(HasSubstr("sync cold/1.archive fails")));
}

TEST_F(ArchiverTest, ObjectsThatNobodyRestsOnAreRemoved) {
  seal();
  options.cold_bytes = 1;
  run();
  EXPECT_EQ(objects.objects.size(), 1u);
  os.breaks = [](const std::string& call) {
    return call.starts_with("delete ") ? std::optional(Errc::kIo) : std::nullopt;
  };
  values.clear();
  held.clear();
  folder->remove_unheld();
  archiver->look();
  os.rest(Duration{0});
  EXPECT_EQ(stats().removed, 0u);
  EXPECT_EQ(stats().failures, 1u);
  EXPECT_THAT(failures, IsEmpty());
  os.breaks = nullptr;
  os.rest(seconds(1));
  EXPECT_EQ(stats().removed, 1u);
  EXPECT_THAT(objects.objects, IsEmpty());
  EXPECT_THAT(os.names(), IsEmpty());
}

}  // namespace
}  // namespace powercut::engine
