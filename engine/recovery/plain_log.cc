#include "engine/recovery/plain_log.h"

#include "engine/aof/manifest.h"
#include "engine/checkpoint/rdb_format.h"

namespace powercut::engine {

Error with_remedy(const Error& error) {
  switch (error.code) {
    case Errc::kUnsupported:
      return {error.code,
              error.message +
                  "; nothing was changed: start the server that wrote it, or a newer powercut"};
    case Errc::kCorrupt:
      return {error.code, error.message + "; restore the file from a copy"};
    default:
      return error;
  }
}

Result<bool> begins_as_checkpoint(File& file) {
  char bytes[kValkeyMagic.size()];
  size_t count = 0;
  while (count < sizeof bytes) {
    TRY_ASSIGN(const size_t got, file.read_at(count, bytes + count, sizeof bytes - count));
    if (got == 0) break;
    count += got;
  }
  const std::string_view text(bytes, count);
  return text.starts_with(kRdbMagic) || text.starts_with(kValkeyMagic);
}

Result<PlainLog> load_plain_log(
    File& file, Keyspace& keyspace, SegmentExpectation expected,
    const std::function<Result<void>(uint64_t lsn, const EntryView& entry)>& on_entry) {
  PlainLog log;
  TRY_ASSIGN(log.preamble, begins_as_checkpoint(file));
  TRY_ASSIGN(log.size, file.size());
  uint64_t begin = 0;
  if (log.preamble) {
    auto loaded = load_rdb(file, expected.name, keyspace, {.allow_tail = true});
    if (!loaded.ok()) return with_remedy(loaded.error());
    log.checkpoint = std::move(*loaded);
    begin = log.checkpoint.bytes;
    if (const auto lsn = log.checkpoint.lsn()) expected.first_lsn = *lsn + 1;
  }
  TRY_ASSIGN(const std::string bytes, read_whole(file, begin));
  SegmentBytes tail{std::string_view(bytes)};
  expected.begin = begin;
  TRY_ASSIGN(log.scan, scan_segment(tail, expected, on_entry));
  log.scan.good_end += begin;
  return log;
}

}  // namespace powercut::engine
