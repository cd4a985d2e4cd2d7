// The append-only file's segment format: Redis's RESP commands, plus lines that Redis skips.
//
//   segment    = header *(batch / closed opened) [closed [redis]]
//   header     = "#pc segment=" SEQ " nonce=" HEX16 CRLF
//   batch      = *( [timestamp] entry ) annotation
//   entry      = [select] command | [select] MULTI *( [select] command ) EXEC
//   timestamp  = "#TS:" UNIX-SECONDS CRLF
//   annotation = "#pc lsn=" FIRST " n=" ENTRIES " len=" BYTES " synced=" OFFSET " crc=" HEX8 CRLF
//   closed     = "#pc closed lsn=" NEXT " crc=" HEX8 CRLF
//   opened     = "#pc opened lsn=" NEXT " crc=" HEX8 CRLF
//   redis      = what redis-server appended
//
// A batch is what one write hands to the OS. Its annotation says the log sequence number (LSN) of
// its first entry, how many entries and bytes it has, and up to which offset of this segment
// everything was synced when it was written. The CRC32C covers the segment's nonce, the batch's
// offset, its bytes and the annotation up to " crc=": so a batch counts only whole, in its place,
// in its segment. Redis skips any line that begins with '#' and is at most 1,024 bytes, so it loads
// our segments; a segment without a header is Redis's own and follows Redis's rules.
//
// A clean end writes a closed mark, and whoever opens the store again an opened mark, synced before
// anything follows: so commands right behind a closed mark are not the rest of a torn batch. A
// redis-server that was given our files wrote them, and they are read by its rules.
//
// A batch that does not verify is a torn tail, unless a later batch of the segment verifies whose
// `synced` lies beyond it, or the manifest says the segment was longer: then it is corruption,
// since synced bytes do not tear. LSNs are continuous within and across segments, so a hole is
// seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace powercut::engine {

struct SegmentHeader {
  uint64_t sequence = 0;
  uint64_t nonce = 0;  // drawn when the segment is created: old bytes of another file never verify
  bool operator==(const SegmentHeader&) const = default;
};

struct Annotation {
  uint64_t first_lsn = 0;
  uint64_t entries = 0;
  uint64_t length = 0;         // bytes of the batch before the annotation
  uint64_t synced_offset = 0;  // of this segment
  uint32_t crc = 0;
  bool operator==(const Annotation&) const = default;
};

enum class MarkKind : unsigned char { kClosed, kOpened };

struct Mark {
  MarkKind kind = MarkKind::kClosed;
  uint64_t next_lsn = 0;
  uint32_t crc = 0;
  bool operator==(const Mark&) const = default;
};

inline constexpr std::string_view kHeaderPrefix = "#pc segment=";
inline constexpr std::string_view kTimestampPrefix = "#TS:";
inline constexpr std::string_view kAnnotationPrefix = "#pc lsn=";
// Longer than any header or annotation can be, shorter than what Redis skips.
inline constexpr size_t kLongestLine = 160;

std::string encode_header(const SegmentHeader& header);
// Parses a header at the start of `bytes`; its length is stored in `length`.
std::optional<SegmentHeader> parse_header(std::string_view bytes, size_t& length);

// Appends the annotation of `batch`, which will stand at `offset` of the segment.
void append_annotation(std::string& batch, const Annotation& fields, uint64_t nonce,
                       uint64_t offset);
// Parses an annotation line at the start of `bytes`; `length` is that of the line with its CRLF.
std::optional<Annotation> parse_annotation(std::string_view bytes, size_t& length);

// The mark that will stand at `offset` of the segment.
std::string encode_mark(MarkKind kind, uint64_t next_lsn, uint64_t nonce, uint64_t offset);
// Parses a mark at the start of `bytes`; `length` is that of the line with its CRLF. Its CRC is
// that of an empty batch.
std::optional<Mark> parse_mark(std::string_view bytes, size_t& length);

// The CRC that the annotation of `batch` must carry. `line` is the annotation's text.
uint32_t batch_crc(std::string_view batch, std::string_view line, uint64_t nonce, uint64_t offset);

// Where this batch stood when it was written, if `crc` is the one that its line carries and the segment has this
// nonce: its CRC covers its place, so bytes that were removed from the file before it, or put in, show as another
// place. Looks in the 4 GiB around `near` alone. A line of another segment gives some place as well: any.
uint64_t batch_origin(std::string_view batch, std::string_view line, uint64_t nonce, uint32_t crc,
                      uint64_t near);

}  // namespace powercut::engine
