#include "engine/aof/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/aof/replace.h"
#include "engine/base/crc32c.h"
#include "engine/base/words.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kFirstLine = "# powercut manifest 1\n";
constexpr std::string_view kCrcLine = "# crc ";
constexpr std::string_view kOurLastLine = "\n# crc ";

Error bad(size_t line, std::string_view what) {
  return {Errc::kCorrupt, fmt::format("{} line {}: {}", kManifestName, line, what)};
}

void append_line(std::string& text, const ManifestFile& file, char type) {
  const auto number = [&text](std::string_view field, std::optional<uint64_t> value) {
    if (!value) return;
    char digits[20];
    text += field;
    text.append(digits, std::to_chars(digits, digits + sizeof digits, *value).ptr);
  };
  text += "file ";
  text += quoted_word(file.name);
  number(" seq ", file.sequence);
  text += " type ";
  text += type;
  number(" lsn ", file.lsn);
  number(" len ", file.length);
  number(" keys ", file.keys);
  number(" check ", file.check);
  text += '\n';
}

bool parse_number(std::string_view text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Result<void> parse_line(std::string_view line, size_t number, Manifest& manifest) {
  std::vector<std::string> words;
  words.reserve(16);  // as many as we write
  if (!split_words(line, words) || words.size() < 6 || words.size() % 2 != 0)
    return bad(number, "not a list of key-value pairs");
  ManifestFile file;
  std::string_view type;
  bool has_sequence = false;
  for (size_t i = 0; i < words.size(); i += 2) {
    uint64_t value = 0;
    const bool numeric = parse_number(words[i + 1], value);
    const std::string_view key = words[i];
    if (key == "file") {
      file.name = words[i + 1];
    } else if (key == "type") {
      type = words[i + 1];
    } else if (key == "seq") {
      if (!numeric || value > kHighestSequence)
        return bad(number, "seq is not a number, or too large");
      file.sequence = value;
      has_sequence = true;
    } else if (key == "lsn" && numeric) {
      file.lsn = value;
    } else if (key == "len" && numeric) {
      file.length = value;
    } else if (key == "keys" && numeric) {
      file.keys = value;
    } else if (key == "check" && numeric) {
      file.check = value;
    }
  }
  if (file.name.empty() || !has_sequence) return bad(number, "no file name or no seq");
  if (file.name.find('/') != std::string::npos) return bad(number, "a path instead of a file name");
  if (type == "b") {
    if (manifest.base) return bad(number, "a second base");
    manifest.base = std::move(file);
  } else if (type == "i") {
    if (!manifest.segments.empty() && manifest.segments.back().sequence >= file.sequence) {
      return bad(number, "segments out of order");
    }
    manifest.segments.push_back(std::move(file));
  } else if (type == "h") {
    manifest.history.push_back(std::move(file));
  } else {
    return bad(number, "unknown type of file");
  }
  return {};
}

}  // namespace

bool Manifest::names(std::string_view file) const {
  const auto is = [&](const ManifestFile& f) { return f.name == file; };
  return (base && is(*base)) || std::any_of(segments.begin(), segments.end(), is);
}

uint64_t Manifest::highest_sequence() const {
  uint64_t highest = base ? base->sequence : 0;
  for (const auto& file : segments) highest = std::max(highest, file.sequence);
  for (const auto& file : history) highest = std::max(highest, file.sequence);
  return highest;
}

std::string base_name(uint64_t sequence) {
  return "appendonly.aof." + std::to_string(sequence) + ".base.rdb";
}
std::string segment_name(uint64_t sequence) {
  return "appendonly.aof." + std::to_string(sequence) + ".incr.aof";
}

// By its first line or by its last: damage to one of them does not make it another server's, which has no
// checksum.
bool is_our_manifest(std::string_view text) {
  return text.starts_with(kFirstLine) || text.starts_with(kCrcLine) ||
         text.find(kOurLastLine) != text.npos;
}

std::string encode_manifest(const Manifest& manifest, std::string_view note) {
  std::string text(kFirstLine);
  if (manifest.base) append_line(text, *manifest.base, 'b');
  for (const auto& file : manifest.history) append_line(text, file, 'h');
  for (const auto& file : manifest.segments) append_line(text, file, 'i');
  text += note;
  return text + fmt::format("{}{:08x}\n", kCrcLine, crc32c(text));
}

Result<Manifest> parse_manifest(std::string_view text) {
  Manifest manifest;
  if (text.empty()) return bad(1, "the file is empty");
  const bool ours = is_our_manifest(text);
  bool checked = false;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    ++number;
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return bad(number, "no newline at the end");
    const std::string_view line = text.substr(begin, end - begin);
    if (checked) return bad(number, "text behind the checksum");
    if (line.starts_with(kCrcLine) && ours) {
      if (line.substr(kCrcLine.size()) != fmt::format("{:08x}", crc32c(text.substr(0, begin)))) {
        return bad(number, "the checksum does not match");
      }
      checked = true;
    } else if (!line.starts_with('#')) {
      if (line.find_first_not_of(" \t\r") == line.npos) return bad(number, "a blank line");
      TRY(parse_line(line, number, manifest));
    }
    begin = end + 1;
  }
  if (ours && !checked) return bad(number, "no checksum");
  if (ours && !text.starts_with(kFirstLine)) return bad(1, "not a manifest of this version");
  if (!manifest.base && manifest.segments.empty()) return bad(number, "names no file of a log");
  return manifest;
}

Result<void> write_whole(File& file, uint64_t offset, std::string_view data) {
  while (!data.empty()) {
    TRY_ASSIGN(const size_t written, file.write_at(offset, data));
    CHECK(written > 0 && written <= data.size());
    offset += written;
    data.remove_prefix(written);
  }
  return {};
}

Result<std::string> read_whole(File& file, uint64_t from) {
  TRY_ASSIGN(const uint64_t size, file.size());
  std::string bytes(size - std::min(size, from), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    TRY_ASSIGN(const size_t count,
               file.read_at(from + done, bytes.data() + done, bytes.size() - done));
    if (count == 0) break;
    CHECK(count <= bytes.size() - done);
    done += count;
  }
  bytes.resize(done);
  return bytes;
}

Result<std::string> read_whole(Os& os, const std::string& path) {
  TRY_ASSIGN(auto file, os.open(path, Open::kRead));
  return read_whole(*file);
}

Result<void> publish_manifest(Os& os, const std::string& directory, const Manifest& manifest,
                              Replaced& left) {
  left = Replaced::kNo;
  const std::string temporary = (directory + '/').append(kManifestTemporary);
  const std::string name = (directory + '/').append(kManifestName);
  const std::string text = encode_manifest(manifest);
  const auto read_back = parse_manifest(text);
  CHECK(read_back.ok() && *read_back == manifest);  // recovery will see what is meant
  {
    TRY_ASSIGN(const auto file, create_fresh(os, temporary));
    TRY(write_whole(*file, 0, text));
    TRY(file->sync("manifest.temporary"));
  }
  return replace_durably(os, temporary, name, directory, "manifest.rename", left);
}

}  // namespace powercut::engine
