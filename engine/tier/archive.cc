#include "engine/tier/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/base/check.h"
#include "engine/base/crc32c.h"
#include "engine/base/take_number.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::string_view kNoteHead = "powercut-archive 1 ";

std::string note_text(const ArchiveNote& note) {
  const std::string text = fmt::format("{}{} {} {} {} {} ", kNoteHead, note.sequence, note.nonce,
                                       note.bytes, note.crc, note.url);
  return text + fmt::format("{:08x}\n", crc32c(text));
}

std::optional<ArchiveNote> parse_note(std::string_view text) {
  ArchiveNote note;
  std::string_view rest = text;
  if (!rest.starts_with(kNoteHead)) return std::nullopt;
  rest.remove_prefix(kNoteHead.size());
  uint64_t crc = 0;
  if (!take_number(rest, note.sequence, " ") || !take_number(rest, note.nonce, " ") ||
      !take_number(rest, note.bytes, " ") || !take_number(rest, crc, " "))
    return std::nullopt;
  note.crc = static_cast<uint32_t>(crc);
  note.url = rest.substr(0, rest.find(' '));
  return note_text(note) == text ? std::optional(note) : std::nullopt;
}

Error with_object(const Error& error, std::string_view object) {
  return {error.code, fmt::format("{}: {}", object, error.message)};
}

}  // namespace

Result<ArchiveUrl> parse_archive_url(std::string_view url) {
  const auto wrong = [&](std::string_view why) {
    return Error{Errc::kInvalid, fmt::format("it must be s3://BUCKET/PREFIX: {}", why)};
  };
  if (!url.starts_with(kScheme)) return wrong("it does not begin with s3://");
  url.remove_prefix(kScheme.size());
  ArchiveUrl parsed;
  parsed.bucket = url.substr(0, url.find('/'));
  if (url.size() > parsed.bucket.size()) parsed.prefix = url.substr(parsed.bucket.size() + 1);
  while (parsed.prefix.ends_with('/')) parsed.prefix.pop_back();
  // As S3 has it; and what needs no escape wherever it stands.
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  const auto plain_key = [&](char c) {
    return plain(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
  };
  if (parsed.bucket.size() < 3 || parsed.bucket.size() > 63 ||
      !std::all_of(parsed.bucket.begin(), parsed.bucket.end(), plain))
    return wrong("a bucket's name has 3 to 63 of a-z, 0-9, '-' and '.'");
  if (parsed.prefix.size() > 512 ||
      !std::all_of(parsed.prefix.begin(), parsed.prefix.end(), plain_key))
    return wrong("a prefix has letters, digits, '-', '_', '.' and '/', at most 512 of them");
  return parsed;
}

Archive::Archive(Os& os, std::string folder, ObjectStore& store, std::string url)
    : os_(os), folder_(std::move(folder)), store_(store), url_(std::move(url)) {
  const auto parsed = parse_archive_url(url_);
  CHECK(parsed.ok());
  if (!parsed->prefix.empty()) prefix_ = parsed->prefix + "/";
}

Result<void> Archive::check() {
  const auto listed = store_.list(prefix_, 1);
  if (!listed.ok()) return with_object(listed.error(), url_);
  return {};
}

// --- Notes ---

std::string Archive::note_file(std::string_view folder, uint64_t sequence) {
  return fmt::format("{}/{}.archive", folder, sequence);
}

Result<std::optional<ArchiveNote>> Archive::read_note(Os& os, const std::string& folder,
                                                      uint64_t sequence) {
  const auto text = read_whole(os, note_file(folder, sequence));
  if (!text.ok() && text.error().code == Errc::kNotFound) return std::optional<ArchiveNote>();
  if (!text.ok()) return text.error();
  auto note = parse_note(*text);
  if (note && note->sequence != sequence) note.reset();
  return note;
}

Result<void> Archive::write_note(uint64_t sequence, uint64_t nonce, std::string_view bytes) {
  TRY_ASSIGN(const auto file, create_fresh(os_, note_file(folder_, sequence)));
  TRY(write_whole(*file, 0, note_text({sequence, nonce, bytes.size(), crc32c(bytes), url_})));
  return file->sync("cold.note");
}

// --- Objects ---

std::string Archive::key_of(uint64_t sequence, uint64_t nonce) const {
  return fmt::format("{}{}-{:016x}.cold", prefix_, sequence, nonce);
}

std::string Archive::object_of(uint64_t sequence, uint64_t nonce) const {
  return fmt::format("{}/{}-{:016x}.cold", url_, sequence, nonce);
}

Result<void> Archive::send(uint64_t sequence, uint64_t nonce, const std::string& bytes) {
  const std::string key = key_of(sequence, nonce);
  const auto put = store_.put(key, bytes);
  if (!put.ok()) return with_object(put.error(), object_of(sequence, nonce));
  const auto back = store_.get(key, 0, bytes.size() + 1);
  if (!back.ok() && back.error().code == Errc::kNotFound)
    return Error{Errc::kIo, fmt::format("{}: it was stored, and cannot be read yet",
                                        object_of(sequence, nonce))};
  if (!back.ok()) return with_object(back.error(), object_of(sequence, nonce));
  if (*back != bytes)
    return Error{Errc::kCorrupt,
                 fmt::format("{}: it does not read as it was stored", object_of(sequence, nonce))};
  return {};
}

Result<std::string> Archive::read(uint64_t sequence, uint64_t nonce, uint64_t offset,
                                  uint64_t length) {
  auto read = store_.get(key_of(sequence, nonce), offset, length);
  if (read.ok()) return read;
  return with_object(read.error(), object_of(sequence, nonce));
}

Result<void> Archive::remove(uint64_t sequence, uint64_t nonce) {
  const auto removed = store_.remove(key_of(sequence, nonce));
  if (!removed.ok()) return with_object(removed.error(), object_of(sequence, nonce));
  const auto noted = os_.remove(note_file(folder_, sequence));
  if (!noted.ok() && noted.error().code != Errc::kNotFound) return noted;
  return {};
}

}  // namespace powercut::engine
