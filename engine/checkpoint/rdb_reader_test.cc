// The primitives of RDB files: from memory and through a buffer that is always too small, whole and cut short
// wherever that may be; then values, and files, of which the same is asked.
#include "engine/checkpoint/rdb_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/checkpoint/lzf.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_dump.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_harness.h"
#include "engine/checkpoint/rdb_value.h"

namespace powercut::engine {
namespace {

// Calls `read` with a reader from memory, and with readers of a file through buffers of these sizes.
template <class Read>
void each_reader(const std::string& bytes, Read read) {
  RdbReader memory(bytes, "dump");
  read(memory);
  for (const size_t buffer : {1, 16, 17, 100, 100'000}) {
    for (const size_t read_max : {size_t{3}, SIZE_MAX}) {
      MemoryFile file(bytes, read_max);
      RdbReader reader(file, bytes.size(), "dump", buffer);
      read(reader);
    }
  }
}

std::string string_of(const std::string& bytes) {
  std::string out;
  each_reader(bytes, [&](RdbReader& reader) {
    std::string read;
    EXPECT_TRUE(reader.read_string(read)) << (reader.failed() ? reader.error().message : "");
    EXPECT_EQ(reader.offset(), bytes.size());
    EXPECT_EQ(reader.remaining(), 0u);
    EXPECT_EQ(reader.crc(), crc64(bytes));
    out = read;
  });
  return out;
}

// Of every reader the same: what is wrong with it.
template <class Read>
std::string wrong_with(const std::string& bytes, Read read) {
  std::string message;
  each_reader(bytes, [&](RdbReader& reader) {
    if (read(reader)) {
      EXPECT_FALSE(reader.failed());
      EXPECT_TRUE(message.empty());
      return;
    }
    EXPECT_TRUE(reader.failed());
    if (message.empty()) message = reader.error().message;
    EXPECT_EQ(reader.error().message, message);
    // Nothing is read any more, and the first error stays.
    uint8_t byte;
    EXPECT_FALSE(reader.read_byte(byte));
    EXPECT_FALSE(reader.fail("something else"));
    EXPECT_EQ(reader.error().message, message);
  });
  return message;
}
std::string wrong_string(const std::string& bytes) {
  return wrong_with(bytes, [](RdbReader& reader) {
    std::string out;
    return reader.read_string(out);
  });
}
std::string wrong_length(const std::string& bytes) {
  return wrong_with(bytes, [](RdbReader& reader) {
    uint64_t out;
    return reader.read_length(out);
  });
}

TEST(RdbReader, LengthsAtTheirEdges) {
  for (const uint64_t n :
       {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{16383}, uint64_t{16384},
        uint64_t{0xffffffff}, uint64_t{0x100000000}, UINT64_MAX}) {
    std::string bytes;
    append_rdb_length(bytes, n);
    each_reader(bytes, [&](RdbReader& reader) {
      uint64_t read = 1;
      EXPECT_TRUE(reader.read_length(read));
      EXPECT_EQ(read, n);
      EXPECT_EQ(reader.remaining(), 0u);
    });
  }
  EXPECT_EQ(wrong_length(""), "dump: offset 0: cut short: 1 bytes wanted, 0 left");
  EXPECT_EQ(wrong_length(unhex("40")), "dump: offset 1: cut short: 1 bytes wanted, 0 left");
  EXPECT_EQ(wrong_length(unhex("80000000")), "dump: offset 1: cut short: 4 bytes wanted, 3 left");
  EXPECT_EQ(wrong_length(unhex("8100000000000000")),
            "dump: offset 1: cut short: 8 bytes wanted, 7 left");
  for (const char* encoded : {"c005", "c10500", "c205000000", "c3050561"}) {
    EXPECT_EQ(wrong_length(unhex(encoded)),
              "dump: offset 0: an encoded string where a length belongs");
  }
  EXPECT_EQ(wrong_length(unhex("82")), "dump: offset 0: unknown length byte 0x82");
  EXPECT_EQ(wrong_length(unhex("bf")), "dump: offset 0: unknown length byte 0xbf");
  EXPECT_EQ(wrong_length(unhex("c4")), "dump: offset 0: unknown length byte 0xc4");
  EXPECT_EQ(wrong_length(unhex("ff")), "dump: offset 0: unknown length byte 0xff");
}

TEST(RdbReader, IntegersThatStandForStrings) {
  for (const auto& [digits, text] :
       std::vector<std::pair<const char*, const char*>>{{"c07f", "127"},
                                                        {"c080", "-128"},
                                                        {"c1ff7f", "32767"},
                                                        {"c10080", "-32768"},
                                                        {"c2ffffff7f", "2147483647"},
                                                        {"c200000080", "-2147483648"}}) {
    EXPECT_EQ(string_of(unhex(digits)), text);
  }
  EXPECT_EQ(wrong_string(unhex("c0")), "dump: offset 1: cut short: 1 bytes wanted, 0 left");
  EXPECT_EQ(wrong_string(unhex("c100")), "dump: offset 1: cut short: 2 bytes wanted, 1 left");
  EXPECT_EQ(wrong_string(unhex("c2000000")), "dump: offset 1: cut short: 4 bytes wanted, 3 left");
}

TEST(RdbReader, StringsShorterAndLongerThanTheBuffer) {
  for (const size_t size : {0, 1, 14, 15, 16, 17, 20, 63, 64, 65, 100, 1000}) {
    const std::string text(size, 't');
    std::string bytes;
    append_rdb_length(bytes, size);
    const size_t begin = bytes.size();
    bytes += text;
    EXPECT_EQ(string_of(bytes), text);
    for (size_t cut = begin; cut < bytes.size(); ++cut) {
      ASSERT_EQ(wrong_string(bytes.substr(0, cut)),
                "dump: offset " + std::to_string(begin) + ": cut short: " + std::to_string(size) +
                    " bytes wanted, " + std::to_string(cut - begin) + " left");
    }
  }
}

std::string compressed(const std::string& text) {
  std::string buffer(text.size() + 100, '\0');
  const size_t size = lzf_compress(text, buffer.data(), buffer.size());
  std::string out = "\xc3";
  append_rdb_length(out, size);
  append_rdb_length(out, text.size());
  return out + buffer.substr(0, size);
}

TEST(RdbReader, CompressedStrings) {
  std::string varied;
  for (int i = 0; i < 200; ++i) varied += std::to_string(i * 7919 % 1000);
  for (const std::string& text : {std::string(5, 'a'), std::string(264 * 3, 'a'), varied}) {
    const std::string bytes = compressed(text);
    EXPECT_EQ(string_of(bytes), text);
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      EXPECT_NE(wrong_string(bytes.substr(0, cut)).find("cut short"), std::string::npos) << cut;
    }
  }
  // A byte gives at most 88.
  const std::string most = wrong_string(unhex("c303") + unhex("4160") + "abc");  // 352 = 88 * 4
  EXPECT_EQ(most, "dump: offset 1: 3 compressed bytes cannot be 352 bytes");
  const std::string fits = wrong_string(unhex("c303") + unhex("415f") + "abc");  // 351
  EXPECT_EQ(fits, "dump: offset 1: the compressed string is damaged");
  EXPECT_EQ(wrong_string(unhex("c30300") + "abc"),
            "dump: offset 1: 3 compressed bytes cannot be 0 bytes");
  EXPECT_EQ(wrong_string(unhex("c3050061")), "dump: offset 3: cut short: 5 bytes wanted, 1 left");
  EXPECT_EQ(wrong_string(unhex("c3c000")),
            "dump: offset 1: an encoded string where a length belongs");
  EXPECT_EQ(wrong_string(unhex("c304058061")), "dump: offset 3: cut short: 4 bytes wanted, 2 left");
}

// What was read before the sector that cannot be expands to just the size it is said to have.
TEST(RdbReader, ACompressedStringIsNoneIfItsEndCannotBeRead) {
  const std::string bytes = unhex("c3150c") + "\x0b" + "twelve bytes" + "\x06" + "seven b";
  constexpr size_t kBuffer = 16;
  ASSERT_EQ(bytes.find("\x06"), kBuffer);
  MemoryFile file(bytes);
  file.fail_from = kBuffer;
  RdbReader reader(file, bytes.size(), "dump", kBuffer);
  std::string read;
  EXPECT_FALSE(reader.read_string(read));
  ASSERT_TRUE(reader.failed());
  EXPECT_EQ(reader.error().code, Errc::kIo);
}

TEST(RdbReader, CountsNoMoreThanFits) {
  for (const size_t item_bytes : {1, 2, 9}) {
    for (const size_t left : {0, 1, 2, 8, 9, 17, 18}) {
      for (const uint64_t count : {0, 1, 2, 8, 9, 18, 19}) {
        std::string bytes;
        append_rdb_length(bytes, count);
        bytes += std::string(left, 'x');
        each_reader(bytes, [&](RdbReader& reader) {
          uint64_t read;
          EXPECT_EQ(reader.read_count(read, item_bytes), count * item_bytes <= left);
          if (!reader.failed()) return;
          EXPECT_EQ(reader.error().message, "dump: offset 0: " + std::to_string(count) +
                                                " items do not fit the " + std::to_string(left) +
                                                " bytes left");
        });
      }
    }
  }
}

// A view that is handed out, and the string after it, which takes over the reader's scratch.
TEST(RdbReader, StringsInARow) {
  const std::string text(100, 't');
  std::string bytes = compressed(text) + unhex("c07b") + unhex("4064") + text + unhex("0161") +
                      compressed(text) + unhex("c101ff");
  each_reader(bytes, [&](RdbReader& reader) {
    std::string out;
    std::string_view view;
    ASSERT_TRUE(reader.read_string(out));
    EXPECT_EQ(out, text);
    ASSERT_TRUE(reader.read_string_view(view));
    EXPECT_EQ(view, "123");
    ASSERT_TRUE(reader.read_string(out));
    EXPECT_EQ(out, text);
    ASSERT_TRUE(reader.read_string_view(view));
    EXPECT_EQ(view, "a");
    ASSERT_TRUE(reader.read_string_view(view));
    EXPECT_EQ(view, text);
    ASSERT_TRUE(reader.read_string(out));
    EXPECT_EQ(out, "-255");
    EXPECT_EQ(reader.remaining(), 0u);
    EXPECT_EQ(reader.crc(), crc64(bytes));
  });
}

TEST(RdbReader, NumbersOfEverySize) {
  const std::string bytes = unhex("0102030405060708");
  for (size_t size = 1; size <= 8; ++size) {
    each_reader(bytes, [&](RdbReader& reader) {
      uint64_t n = 0;
      ASSERT_TRUE(reader.read_little(n, size));
      EXPECT_EQ(n, 0x0807060504030201u & (~uint64_t{0} >> (64 - 8 * size)));
      EXPECT_EQ(reader.offset(), size);
    });
  }
}

// --- Values: every form, whole and cut short under a right checksum ---

const std::vector<std::string>& forms() {
  static const std::vector<std::string> all{
      "00 0178",                                                   // a string
      "00 c07b",                                                   // an integer
      "00 c30515 0061 e00b00",                                     // compressed
      "01 02 0161 0162",                                           // list
      "02 02 0161 0162",                                           // set
      "03 04 0161 03 312e35 0162 fe 0163 ff 0164 02 2d31",         // zset, scores as text
      "03 01 0161 03 312e35",                                      // of one member
      "04 02 0161 0162 0163 0164",                                 // hash
      "05 02 0161 000000000000f83f 0162 000000000000f0ff",         // zset
      "09 0f 02 0161 02 00 6263 0166 02 01 6465 00 ff",            // zipmap
      "0a 10 10000000 0d000000 0200 00 01 61 03 f2 ff",            // list as a ziplist
      "0b 0c 02000000 0200 0000 ffff 0700",                        // intset
      "0c 10 10000000 0d000000 0200 00 01 61 03 f2 ff",            // zset as a ziplist
      "0d 10 10000000 0d000000 0200 00 01 61 03 f2 ff",            // hash as a ziplist
      "0e 01 10 10000000 0d000000 0200 00 01 61 03 f2 ff",         // quicklist
      "10 14 14000000 0400 8161 02 01 01 8162 02 83322e35 04 ff",  // hash as a listpack
      "11 14 14000000 0400 8161 02 01 01 8162 02 83322e35 04 ff",  // zset as a listpack
      "12 03 01 0170 02 0a 0a000000 0100 8161 02 ff 01 00",        // quicklist of both kinds
      "14 0c 0c000000 0200 8161 02 01 01 ff",
      "18 0000000000000000 01 00 0161 0162",
      "19 0000000000000000 0f 0f000000 0300 8161 02 8162 02 00 01 ff"};  // set as a listpack
  return all;
}

TEST(RdbValue, EveryFormCutShortIsRefused) {
  const std::string footer = little(10, 2);
  for (const std::string& form : forms()) {
    const std::string content = unhex(form);
    const auto whole = restore_payload(sealed(content + footer));
    ASSERT_TRUE(whole.ok()) << form << ": " << whole.error().message;
    // Ours comes back as the same.
    const auto again = restore_payload(dump_payload(*whole));
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(plain(*again) == plain(*whole)) << form;
    for (size_t cut = 0; cut < content.size(); ++cut) {
      const auto value = restore_payload(sealed(content.substr(0, cut) + footer));
      ASSERT_FALSE(value.ok()) << form << " cut at " << cut;
      EXPECT_EQ(value.error().code, Errc::kCorrupt);
      EXPECT_TRUE(value.error().message.starts_with("DUMP payload: offset "))
          << value.error().message;
    }
    const auto more = restore_payload(sealed(content + "x" + footer));
    ASSERT_FALSE(more.ok()) << form;
    EXPECT_EQ(more.error().message, "DUMP payload: bytes follow the value, or it is empty");
  }
}

// Whatever a changed bit makes of it: an error of one line, or a value that is one.
TEST(RdbValue, EveryFormWithABitChanged) {
  for (const std::string& form : forms()) {
    const std::string content = unhex(form) + little(10, 2);
    for (size_t bit = 0; bit < 8 * (content.size() - 2); ++bit) {
      std::string changed = content;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
      const auto value = restore_payload(sealed(changed));
      if (!value.ok()) {
        EXPECT_FALSE(value.error().message.empty());
        continue;
      }
      EXPECT_FALSE(value->is_empty_collection());
      const auto again = restore_payload(dump_payload(*value));
      ASSERT_TRUE(again.ok()) << form << " with bit " << bit;
      EXPECT_TRUE(plain(*again) == plain(*value)) << form << " with bit " << bit;
    }
  }
}

std::string refusal(std::string_view content) {
  const auto value = restore_payload(sealed(unhex(content) + little(10, 2)));
  return value.ok() ? "none" : value.error().message;
}

TEST(RdbValue, WhatIsWrongIsSaid) {
  for (const auto& [twice, at] : std::vector<std::pair<const char*, const char*>>{
           {"02 02 0161 0161", "6"},
           {"04 02 0161 0162 0161 0163", "10"},
           {"05 02 0161 000000000000f83f 0161 000000000000f83f", "22"},
           {"03 02 0161 01 31 0161 01 32", "10"},
           {"18 0000000000000000 02 00 0161 0162 00 0161 0163", "20"},
           {"19 0000000000000000 17 17000000 0600 8161 02 8162 02 00 01 8161 02 8162 02 00 01 ff",
            "9"},
           {"14 0d 0d000000 0200 8161 02 8161 02 ff", "1"}}) {
    EXPECT_EQ(refusal(twice), std::string("DUMP payload: offset ") + at + ": an item comes twice");
  }
  EXPECT_EQ(refusal("10 14 14000000 0400 8161 02 01 01 8161 02 83322e35 04 ff"),
            "DUMP payload: offset 1: an item comes twice");
  EXPECT_EQ(refusal("05 01 0161 000000000000f87f"),
            "DUMP payload: offset 12: a score that is not a number");
  EXPECT_EQ(refusal("03 01 0161 fd"), "DUMP payload: offset 5: a score that is not a number");
  EXPECT_EQ(refusal("03 01 0161 02 3178"), "DUMP payload: offset 7: a score that is not a number");
  EXPECT_EQ(refusal("03 01 0161 00"), "DUMP payload: offset 5: a score that is not a number");
  EXPECT_EQ(refusal("03 01 0161 03 6e616e"),
            "DUMP payload: offset 8: a score that is not a number");
  EXPECT_EQ(refusal("11 0d 0d000000 0200 8161 02 8178 02 ff"),
            "DUMP payload: offset 1: a score that is not a number");
  EXPECT_EQ(refusal("11 0a 0a000000 0100 8161 02 ff"),
            "DUMP payload: offset 1: an item without its second half");
  EXPECT_EQ(refusal("12 01 03 0161"), "DUMP payload: offset 3: a list node of an unknown kind");
  EXPECT_EQ(refusal("12 01 00 0161"), "DUMP payload: offset 3: a list node of an unknown kind");
  for (const char* module : {"06", "07"}) {
    EXPECT_EQ(refusal(std::string(module) + "00"),
              "DUMP payload: offset 1: values of modules are not supported");
  }
  for (const char* hash : {"16", "17"}) {
    EXPECT_EQ(refusal(std::string(hash) + "00"),
              "DUMP payload: offset 1: hashes whose fields expire are not supported");
  }
  EXPECT_EQ(refusal("18 0000000000000000 01 01 0161 0162"),
            "DUMP payload: offset 15: a field of a hash expires: not supported");
  EXPECT_EQ(refusal("19 0000000000000000 0f 0f000000 0300 8161 02 8162 02 01 01 ff"),
            "DUMP payload: offset 1: a field of a hash expires: not supported");
  EXPECT_EQ(
      refusal(
          "19 0000000000000000 17 17000000 0600 8161 02 8162 02 01 01 8163 02 8162 02 00 01 ff"),
      "DUMP payload: offset 1: a field of a hash expires: not supported");
  for (const char* part : {"0a 0a000000 0100 8161 02 ff", "0d 0d000000 0200 8161 02 8162 02 ff"}) {
    EXPECT_EQ(refusal(std::string("19 0000000000000000") + part),
              "DUMP payload: offset 1: an item without the rest of it");
  }
  for (const auto& [type, number] : {std::pair{"08", "8"}, {"1a", "26"}, {"ff", "255"}}) {
    EXPECT_EQ(refusal(std::string(type) + "00"),
              std::string("DUMP payload: offset 1: unknown type ") + number);
  }
  for (const char* empty : {"18 0000000000000000 00", "01 00", "02 00", "03 00", "04 00", "05 00",
                            "0b 08 02000000 00000000", "12 00", "09 02 00ff"}) {
    EXPECT_EQ(refusal(empty), "DUMP payload: bytes follow the value, or it is empty") << empty;
  }
}

TEST(RdbValue, TypesThatMeanAnything) {
  for (int type = 0; type < 256; ++type) {
    EXPECT_EQ(rdb_type_known(static_cast<uint8_t>(type)), type <= 25 && type != 8) << type;
  }
}

// --- Files ---

// Of a version without a checksum, so that nothing else finds what is cut short.
std::string old_file() {
  std::string out = "REDIS0004";
  out += unhex("fa 0161 c07b  fb 02 01  f4 00 00 00  fe 02  f8 4064  f9 07");
  out += unhex("fd 10000000 00 016b 0176");
  out += unhex("fc ffffff7f00000000 01 016c 02 0161 0162");
  out += unhex("fe 0f 02 0174 00");  // an empty set
  out += unhex("05 017a 01 016d 000000000000f83f");
  return out + "\xff";
}

TEST(RdbFile, EveryFileCutShortIsRefusedWhereItEnds) {
  const std::string whole = old_file();
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    const std::string bytes = whole.substr(0, cut);
    Keyspace keyspace;
    keyspace.set_loading(true);
    const auto info = load_rdb(bytes, "dump", keyspace);
    MemoryFile file(bytes, 5);
    const auto checked = check_rdb(file, "dump");
    ASSERT_EQ(info.ok(), cut == whole.size()) << cut;
    ASSERT_EQ(checked.ok(), info.ok());
    if (info.ok()) continue;
    EXPECT_EQ(checked.error().message, info.error().message);
    const std::string& message = info.error().message;
    ASSERT_TRUE(message.find("cut short: ") != std::string::npos ||
                message.find(" items do not fit the ") != std::string::npos)
        << message;
    EXPECT_LE(std::stoul(message.substr(std::string("dump: offset ").size())), cut);
  }
}

TEST(RdbFile, WhatItTells) {
  const std::string whole = old_file();
  Keyspace keyspace;
  keyspace.set_loading(true);
  const auto info = load_rdb(whole, "dump", keyspace);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(info->version, 4);
  EXPECT_EQ(info->keys, 3u);
  EXPECT_EQ(info->expiring, 2u);
  EXPECT_EQ(info->empty_skipped, 1u);
  EXPECT_EQ(info->expired_dropped, 0u);
  EXPECT_EQ(info->bytes, whole.size());
  EXPECT_FALSE(info->checksum_present);
  ASSERT_NE(info->find_aux("a"), nullptr);
  EXPECT_EQ(*info->find_aux("a"), "123");
  EXPECT_EQ(keyspace.size(2), 2u);
  EXPECT_EQ(keyspace.size(15), 1u);
  EXPECT_EQ(keyspace.peek(2, "k")->expire_at_ms, 16'000);
  EXPECT_EQ(keyspace.peek(2, "l")->expire_at_ms, 0x7fffffff);
  EXPECT_FALSE(keyspace.peek(15, "z")->expires());
  // An option of those who load, not of those who only look.
  MemoryFile file(whole);
  const auto checked = check_rdb(file, "dump", {.drop_expired = true});
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->keys, 3u);
  EXPECT_EQ(checked->expired_dropped, 0u);
}

std::string wrong_file(const std::string& bytes, Errc code = Errc::kCorrupt) {
  Keyspace keyspace;
  keyspace.set_loading(true);
  const auto info = load_rdb(bytes, "dump", keyspace);
  if (info.ok()) return "none";
  EXPECT_EQ(info.error().code, code) << info.error().message;
  return info.error().message;
}

TEST(RdbFile, WhatIsRefused) {
  for (const char* version : {"0000", "00:0", "00/1", "-001", "+001", "000a"}) {
    EXPECT_EQ(wrong_file("REDIS" + std::string(version) + "\xff"),
              "dump: offset 0: not an RDB version")
        << version;
  }
  EXPECT_EQ(wrong_file("RADIS0004\xff"), "dump: offset 0: not an RDB file");
  EXPECT_EQ(wrong_file("REDIS9999\xff", Errc::kUnsupported),
            "dump: offset 0: RDB version 9999 is newer than 12, the newest supported");
  EXPECT_EQ(wrong_file("REDIS0001\xff"), "none");
  EXPECT_EQ(wrong_file(sealed("REDIS0012\xff")), "none");
  EXPECT_EQ(wrong_file(sealed("VALKEY080\xff")), "none");
  EXPECT_EQ(wrong_file("VALKEY079\xff"), "dump: offset 0: not an RDB version");
  EXPECT_EQ(wrong_file("VALKEY081\xff", Errc::kUnsupported),
            "dump: offset 0: RDB version 81 is newer than 80, the newest supported");
  const auto with = [](std::string_view items) { return "REDIS0004" + unhex(items) + "\xff"; };
  EXPECT_EQ(wrong_file(with("fe00 f5 00")),
            "dump: offset 11: a library of functions: Missing library metadata");
  const std::string_view library = "f5 0d 23216c7561206e616d653d6c0a";  // "#!lua name=l\n"
  EXPECT_EQ(wrong_file(with(std::string(library) + std::string(library))),
            "dump: offset 24: a second library of functions l");
  // A module's number: nine characters of six bits, ten bits of a version.
  EXPECT_EQ(wrong_file(with("f7 81 0420c41461c824ff"), Errc::kUnsupported),
            "dump: offset 9: data of the module BCDEFGHIJ are not supported");
  EXPECT_EQ(
      wrong_file(with("07 016b 81 fffffffffffffc00"), Errc::kUnsupported),
      "dump: offset 9: values of modules are not supported: key \"k\", of the module _________");
  EXPECT_EQ(wrong_file(with("06 016b"), Errc::kUnsupported),
            "dump: offset 9: values of modules are not supported: key \"k\"");
  EXPECT_EQ(wrong_file("REDIS0004" + unhex("07 016b 81 ffff")),
            "dump: offset 13: cut short: 8 bytes wanted, 2 left");
  EXPECT_EQ(wrong_file("REDIS0004" + unhex("f7 81 ffff")),
            "dump: offset 11: cut short: 8 bytes wanted, 2 left");
  EXPECT_EQ(wrong_file(with("18 016b 0000000000000000 01 01 0161 0162"), Errc::kUnsupported),
            "dump: offset 26: a field of a hash expires: not supported: key \"k\"");
  EXPECT_EQ(wrong_file(with("f4 01 02 03 00 016b 0176")), "none");
  EXPECT_EQ(wrong_file(with("f6 00"), Errc::kUnsupported),
            "dump: offset 9: functions of a release candidate are not supported");
  EXPECT_EQ(wrong_file(with("fe0f")), "none");
  EXPECT_EQ(wrong_file(with("fe10"), Errc::kUnsupported),
            "dump: offset 10: database 16, of 16: start with a higher --databases");
  // A key is shown as far as 60 bytes go.
  const auto module = [&](const std::string& key) {
    std::string bytes;
    append_rdb_length(bytes, key.size());
    const std::string message = wrong_file("REDIS0004\x06" + bytes + key, Errc::kUnsupported);
    return message.substr(message.find("key ") + 4);
  };
  EXPECT_EQ(module(std::string(60, 'x')), "\"" + std::string(60, 'x') + "\"");
  EXPECT_EQ(module(std::string(61, 'x')), "\"" + std::string(60, 'x') + "...\"");
  EXPECT_EQ(module(" ~\"\\\x1f\x7f\xff"), R"(" ~\x22\x5c\x1f\x7f\xff")");
}

// From version 5 on a checksum stands at the end, all of it.
TEST(RdbFile, ChecksumsFromVersion5) {
  const std::string items = unhex("00 016b 0176") + "\xff";
  EXPECT_EQ(wrong_file("REDIS0004" + items), "none");
  EXPECT_EQ(wrong_file("REDIS0004" + items + "12345678"),
            "dump: offset 15: 8 bytes follow the end");
  EXPECT_EQ(wrong_file("REDIS0005" + items), "dump: offset 15: cut short: 8 bytes wanted, 0 left");
  const std::string whole = sealed("REDIS0005" + items);
  EXPECT_EQ(wrong_file(whole), "none");
  for (size_t cut = 15; cut < whole.size(); ++cut) {
    EXPECT_EQ(wrong_file(whole.substr(0, cut)),
              "dump: offset 15: cut short: 8 bytes wanted, " + std::to_string(cut - 15) + " left");
  }
  Keyspace keyspace;
  keyspace.set_loading(true);
  const auto tailed = load_rdb(whole + "*1\r\n", "dump", keyspace, {.allow_tail = true});
  ASSERT_TRUE(tailed.ok());
  EXPECT_EQ(tailed->bytes, whole.size());
  EXPECT_TRUE(tailed->checksum_present);
}

// What a transfer leaves behind the end can hold no data: blanks, NULs, or one byte.
TEST(RdbFile, StrayBytesBehindTheEnd) {
  const std::string whole = sealed("REDIS0010" + unhex("00 016b 0176") + "\xff");
  const auto loads = [&](const std::string& tail, const RdbLoadOptions& options) {
    MemoryFile file(whole + tail, 3);
    Keyspace keyspace;
    keyspace.set_loading(true);
    const auto info = load_rdb(file, "dump", keyspace, options);
    if (info.ok()) {
      EXPECT_EQ(info->bytes, whole.size());
    }
    return info.ok();
  };
  for (const std::string& stray :
       {std::string("\n"), std::string("x"), std::string(" \t\n\v\f\r"), std::string(5000, '\0')}) {
    EXPECT_TRUE(loads(stray, {.allow_stray = true})) << hex(stray.substr(0, 9));
    EXPECT_FALSE(loads(stray, {}));
  }
  for (const char* data : {"xy", "\n\nx", "x\n", "\x08\n", "\x0e\n", "\x1f ", "!  "}) {
    EXPECT_FALSE(loads(data, {.allow_stray = true})) << data;
    EXPECT_TRUE(loads(data, {.allow_tail = true}));
  }
  EXPECT_TRUE(loads("", {}));
  // Ours was not copied: a sector of it came from a shorter one.
  const std::string ours = sealed("REDIS0010" + unhex("fa") +
                                  "\x0cpowercut-lsn\x01"
                                  "7" +
                                  unhex("00 016b 0176") + "\xff");
  for (const std::string& stray : {std::string(), std::string(1, '\0'), std::string("\n")}) {
    MemoryFile file(ours + stray, 3);
    Keyspace own;
    own.set_loading(true);
    EXPECT_EQ(load_rdb(file, "dump", own, {.allow_stray = true}).ok(), stray.empty());
  }
  // What cannot be read may be anything.
  MemoryFile failing(whole + "\n\n\n", 3);
  failing.fail_from = whole.size() + 1;
  Keyspace keyspace;
  keyspace.set_loading(true);
  const auto unread = load_rdb(failing, "dump", keyspace, {.allow_stray = true});
  ASSERT_FALSE(unread.ok());
  EXPECT_EQ(unread.error().code, Errc::kIo);
}

TEST(RdbFile, SaysOfItselfBeforeItsFirstEntry) {
  const auto peeked = [](const std::string& bytes) {
    MemoryFile file(bytes, 3);
    return peek_rdb(file, "dump");
  };
  const std::string header = "REDIS0010" + unhex("fa 0161 0162 fa 0163 c005");
  for (const auto& [rest, keys] : {std::pair{"ff", 0u}, {"00 016b 0176", 1u}, {"fe 00", 1u}}) {
    const auto info = peeked(header + unhex(rest));
    ASSERT_TRUE(info.ok()) << info.error().message;
    EXPECT_EQ(info->version, 10);
    EXPECT_EQ(info->keys, keys);
    EXPECT_EQ(*info->find_aux("a"), "b");
    EXPECT_EQ(*info->find_aux("c"), "5");
  }
  for (size_t cut = 0; cut <= header.size(); ++cut) {
    const auto info = peeked(header.substr(0, cut));
    ASSERT_FALSE(info.ok()) << cut;
    EXPECT_NE(info.error().message.find("cut short"), std::string::npos);
  }
}

TEST(RdbFile, WhatIsLoadedCounts) {
  Keyspace saved;
  saved.set_loading(true);
  for (const char* key : {"a", "b", "c"}) saved.put(0, key, std::string(500, 'x') + key);
  List list;
  for (int i = 0; i < 100; ++i) list.push_back(std::string(30, 'y'));
  saved.set_expiry(1, "l", saved.put(1, "l", Value(std::move(list))), 1000);
  saved.settle();
  Keyspace loaded;
  loaded.set_loading(true);
  ASSERT_TRUE(load_rdb(encode_rdb(saved), "dump", loaded).ok());
  EXPECT_EQ(loaded.memory_bytes(), saved.memory_bytes());
}

TEST(RdbFile, AsManyDatabasesAsThereAre) {
  Keyspace large(40);
  large.set_loading(true);
  ASSERT_TRUE(
      load_rdb(sealed("REDIS0010" + unhex("fe27 00 016b 0176") + "\xff"), "dump", large).ok());
  EXPECT_EQ(large.size(39), 1u);
  MemoryFile file(sealed("REDIS0010" + unhex("fe8000010000 00 016b 0176") + "\xff"));
  EXPECT_TRUE(check_rdb(file, "dump").ok());
  MemoryFile more(sealed("REDIS0010" + unhex("fe807fffffff 00 016b 0176") + "\xff"));
  EXPECT_FALSE(check_rdb(more, "dump").ok());
}

// --- DUMP footers ---

TEST(DumpPayload, TheFooterAtItsEdges) {
  const std::string good = dump_payload(Value(String("x")));
  EXPECT_TRUE(dump_footer_fits(good));
  EXPECT_FALSE(dump_footer_fits(""));
  EXPECT_FALSE(dump_footer_fits(good.substr(good.size() - 9)));
  EXPECT_TRUE(dump_footer_fits(sealed(little(10, 2))));  // ten bytes, and nothing that it covers
  EXPECT_TRUE(dump_footer_fits(sealed("x" + little(0, 2))));
  EXPECT_FALSE(dump_footer_fits(sealed("x" + little(11, 2))));
  EXPECT_FALSE(dump_footer_fits(sealed("x" + little(0x0100, 2))));
  EXPECT_FALSE(dump_footer_fits(good + "x"));
}

}  // namespace
}  // namespace powercut::engine
