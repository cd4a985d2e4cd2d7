// The RDB file format, version 10: what redis-server 7.0 writes and loads; and of later ones what can be read. Numbers without a mark
// are little-endian.
//
//   file     = magic item* EOF crc64(8 bytes)
//   magic    = "REDIS" version(4 digits) | "VALKEY" version(3 digits, from 80)
//   item     = AUX name(string) value(string)             unknown names are skipped
//            | SELECTDB number(length)                    the entries that follow belong to it
//            | RESIZEDB keys(length) expiring(length)     a hint
//            | FUNCTION2 library(string)                  its whole text; before every entry
//            | entry
//   entry    = [EXPIRE_MS i64 | EXPIRE_S i32] [IDLE seconds(length) | FREQ u8] type(u8) key(string)
//              value
//   length   = 00xxxxxx                                   6 bits
//            | 01xxxxxx u8                                14 bits, big-endian
//            | 80 u32 big-endian
//            | 81 u64 big-endian
//   string   = length bytes
//            | C0 i8 | C1 i16 | C2 i32                    its decimal digits are the string
//            | C3 compressed(length) size(length) LZF     `compressed` bytes that expand to `size`
//   value    = by type, see RdbType
//
// The checksum (engine/base/crc64.h) covers everything before it; 0 means that none was computed.
// Files older than version 5 have none.
//
// A DUMP payload is: type(u8) value version(u16) crc64(u64), the checksum covering all before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace powercut::engine {

inline constexpr std::string_view kRdbMagic = "REDIS";
inline constexpr std::string_view kValkeyMagic = "VALKEY";
inline constexpr int kRdbVersion = 10;        // what is written
inline constexpr int kRdbNewestVersion = 12;  // of Redis 7.4: what is read, too
inline constexpr int kValkeyFirstVersion = 80;
inline constexpr int kValkeyNewestVersion = 80;
inline constexpr size_t kRdbVersionDigits = 4;
inline constexpr int kRdbFirstVersionWithChecksum = 5;

enum RdbOpcode : uint8_t {
  kRdbSlotInfo = 0xf4,  // of clusters: a hint
  kRdbFunction2 = 0xf5,
  kRdbFunctionPreview = 0xf6,  // of Redis 7.0 release candidates: refused
  kRdbModuleAux = 0xf7,        // refused
  kRdbIdle = 0xf8,
  kRdbFreq = 0xf9,
  kRdbAux = 0xfa,
  kRdbResizeDb = 0xfb,
  kRdbExpireMs = 0xfc,
  kRdbExpireS = 0xfd,
  kRdbSelectDb = 0xfe,
  kRdbEof = 0xff,
};

// What we write is marked *; the others we only read. "packed" is one string holding a whole
// structure, laid out as engine/checkpoint/rdb_packed.h says.
enum class RdbType : uint8_t {
  kString = 0,           // * string
  kList = 1,             // * n(length) string...
  kSet = 2,              // * n(length) string...
  kZsetText = 3,         //   n(length) (member(string) score)...; score = u8 size and digits |
                         //   FD nan | FE inf | FF -inf
  kHash = 4,             // * n(length) (field(string) value(string))...
  kZset = 5,             // * n(length) (member(string) score(f64))...
  kModule = 6,           //   refused
  kModule2 = 7,          //   refused
  kHashZipmap = 9,       //   packed zipmap
  kListZiplist = 10,     //   packed ziplist
  kSetIntset = 11,       //   packed intset
  kZsetZiplist = 12,     //   packed ziplist: member, score, ...
  kHashZiplist = 13,     //   packed ziplist: field, value, ...
  kListQuicklist = 14,   //   n(length) packed ziplist...
  kStream = 15,          //   stream, of Redis 5 and 6
  kHashListpack = 16,    //   packed listpack: field, value, ...
  kZsetListpack = 17,    //   packed listpack: member, score, ...
  kListQuicklist2 = 18,  //   n(length) (kRdbNodePlain item(string) | kRdbNodePacked listpack)...
  kStream2 = 19,         // * stream (engine/checkpoint/rdb_stream.h)
  kSetListpack = 20,     //   packed listpack (version 11)
  kStream3 = 21,         //   stream, of Redis 7.2 (version 11)
  kHash2 = 22,           //   fields that expire, of Valkey 9 and of release candidates: refused
  kHashListpackRc = 23,  //   likewise
  kHashFields = 24,      //   soonest(i64) n(length) (ttl(length) field(string) value(string))...
  kHashListpackFields = 25,  // soonest(i64) packed listpack: field, value, expiry, ... (both
                             //   version 12; a field that expires is refused)
  kAway =
      200,  // * ours, in bases alone: segment(length) offset(length) length(length) type(u8), where the
            //   value lies in the cold tier (engine/tier/cold_folder.h)
};

// The first byte of a length.
inline constexpr uint8_t kRdbLength14 = 0x40;
inline constexpr uint8_t kRdbLength32 = 0x80;
inline constexpr uint8_t kRdbLength64 = 0x81;
// ... or of a string that is not stored as it is.
inline constexpr uint8_t kRdbInt8 = 0xc0;
inline constexpr uint8_t kRdbInt16 = 0xc1;
inline constexpr uint8_t kRdbInt32 = 0xc2;
inline constexpr uint8_t kRdbLzf = 0xc3;

inline constexpr uint64_t kRdbNodePlain = 1;
inline constexpr uint64_t kRdbNodePacked = 2;

inline constexpr uint8_t kRdbScoreNan = 0xfd;
inline constexpr uint8_t kRdbScoreInf = 0xfe;
inline constexpr uint8_t kRdbScoreMinusInf = 0xff;

// Strings longer than this are compressed where that saves at least kRdbCompressionSaves bytes.
inline constexpr size_t kRdbCompressAbove = 20;
inline constexpr size_t kRdbCompressionSaves = 4;

// Our own auxiliary field; Redis skips it.
inline constexpr std::string_view kRdbAuxStreamDb =
    "repl-stream-db";  // Redis's: a replica's stream goes on in it
inline constexpr std::string_view kRdbAuxLsn = "powercut-lsn";  // the cut: the log continues here

// What a database behind the store may lack, of what came before: "LSN 0-OR-1 DB SIZE NAME DB SIZE NAME ..."
inline constexpr std::string_view kRdbAuxQueue = "powercut-queue";

// On which segments of the cold tier a base rests: "FOLDER SEQUENCE:NONCE:BYTES ..."
inline constexpr std::string_view kRdbAuxCold = "powercut-cold";

inline constexpr size_t kDumpFooterBytes = 2 + 8;

}  // namespace powercut::engine
