#include "scenarios/store/telling.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <sstream>

#include "engine/base/crc32c.h"
#include "engine/base/crc64.h"
#include "scenarios/judge/file_content.h"

namespace powercut::scenarios {

namespace {

constexpr std::string_view kFolder = "appendonlydir";
constexpr std::string_view kManifest = "appendonlydir/appendonly.aof.manifest";
constexpr std::string_view kMark = "appendonlydir/first-generation";

// --- The manifest ---

struct Named {
  std::string name;
  char type = 0;
  uint64_t lsn = 0;
  std::optional<uint64_t> length;
  bool ours = false;  // it has our header, or trailer
};

std::vector<Named> named_by(const std::string& manifest) {
  std::vector<Named> all;
  std::istringstream lines(manifest);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Named named;
    std::string key, value;
    while (words >> key >> value) {
      if (key == "file") named.name = value;
      if (key == "type") named.type = value[0];
      if (key == "lsn") named.lsn = std::stoull(value);
      if (key == "len") named.length = std::stoull(value);
      if (key == "check") named.ours = true;
    }
    if (!named.name.empty()) all.push_back(named);
  }
  return all;
}

// --- A segment ---

// The number behind `prefix`, which `text` begins with; what stands behind is left.
std::optional<uint64_t> number(std::string_view& text, std::string_view prefix, int base = 10) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

uint32_t checksum(uint64_t nonce, uint64_t offset, std::string_view batch, std::string_view line) {
  char place[16];
  std::memcpy(place, &nonce, 8);
  std::memcpy(place + 8, &offset, 8);
  return crc32c(line, crc32c(batch, crc32c({place, sizeof place})));
}

// A line of ours that verifies, with the batch in front of it; a mark has none.
struct Piece {
  uint64_t begin;
  uint64_t end;
  uint64_t last;    // the operation it ends with
  uint64_t synced;  // up to where it says that all was
};

std::optional<Piece> piece_at(std::string_view text, uint64_t at, uint64_t nonce) {
  std::string_view rest = text.substr(at);
  const size_t end_of_line = rest.find("\r\n");
  if (end_of_line == rest.npos) return std::nullopt;
  rest = rest.substr(0, end_of_line);
  const size_t crc_at = rest.rfind(" crc=");
  if (crc_at == rest.npos) return std::nullopt;
  const std::string_view line = rest.substr(0, crc_at);
  std::string_view words = rest;
  Piece piece{at, at + end_of_line + 2, 0, 0};
  if (const auto next = number(words, "#pc closed lsn=")) {
    piece.last = *next - 1;
    piece.synced = at;
  } else if (const auto first = number(words, "#pc lsn=")) {
    const auto entries = number(words, " n=");
    const auto length = number(words, " len=");
    const auto synced = number(words, " synced=");
    if (!entries || !length || !synced || *length > at) return std::nullopt;
    piece.begin = at - *length;
    piece.last = *first + *entries - 1;
    piece.synced = *synced;
  } else {
    return std::nullopt;
  }
  words = rest.substr(crc_at);
  const auto crc = number(words, " crc=", 16);
  const std::string_view batch = text.substr(piece.begin, at - piece.begin);
  if (!crc || *crc != checksum(nonce, piece.begin, batch, line)) return std::nullopt;
  return piece;
}

using Harms = std::span<const faults::Harm>;

bool is_harmed(const Piece& piece, std::string_view path, Harms harms) {
  return std::any_of(harms.begin(), harms.end(), [&](const faults::Harm& harm) {
    return harm.path == path && piece.begin < harm.offset + harm.length && harm.offset < piece.end;
  });
}

Testimony of_segment(const std::string& text, const faults::Harm& harm, Harms harms) {
  Testimony told;
  std::string_view header = text;
  if (!number(header, "#pc segment=")) return told;
  const auto nonce = number(header, " nonce=", 16);
  if (!nonce || !header.starts_with("\r\n")) return told;
  const uint64_t end_of_header = text.size() - header.size() + 2;
  told.shows = harm.offset < end_of_header;
  told.in_log = !told.shows;
  uint64_t reached = end_of_header;  // what verifies without a gap
  for (size_t at = text.find("#pc "); at != text.npos; at = text.find("#pc ", at + 1)) {
    const auto piece = piece_at(text, at, *nonce);
    if (!piece) continue;
    // Whoever vouches must be whole.
    if (piece->begin >= harm.offset + harm.length && piece->synced > harm.offset)
      told.shows |= !is_harmed(*piece, harm.path, harms);
    if (piece->begin != reached || piece->end > harm.offset) continue;
    told.before = piece->last;
    reached = piece->end;
  }
  return told;
}

// --- One place ---

bool verifies(const std::string& rdb) {
  if (rdb.size() < 8) return false;
  uint64_t crc = 0;
  std::memcpy(&crc, rdb.data() + rdb.size() - 8, 8);
  return crc == crc64({rdb.data(), rdb.size() - 8});
}

bool shows_in_checkpoint(const sim::Disk& harmed, const faults::Harm& harm) {
  const auto rdb = file_content(harmed, harm.path);
  return rdb ? !verifies(*rdb) : harmed.lookup(harm.path).ok();
}

// Without the manifest: does what it named lie there? It never named a base of which a sync has not been; such a
// one may have its length and none of its bytes.
bool holds_a_log(const sim::Disk& disk) {
  const auto names = disk.list(kFolder);
  if (!names.ok() || disk.lookup(kMark).ok()) return false;
  return std::any_of(names->begin(), names->end(), [&](const std::string& name) {
    const auto text = file_content(disk, std::string(kFolder) + "/" + name);
    if (name.ends_with(".base.rdb")) return text && text->starts_with("REDIS");
    return name.ends_with(".incr.aof") && text && text->find("#pc lsn=") != text->npos;
  });
}

// An older manifest in the newest one's place is whole: nothing in it tells.
bool is_an_older_one(const sim::Disk& intact, const sim::Disk& harmed) {
  const auto names = intact.list(kFolder);
  const auto now = file_content(harmed, kManifest);
  return now && names.ok() &&
         std::any_of(names->begin(), names->end(), [&](const std::string& name) {
           return name.starts_with("appendonly.aof.manifest.") &&
                  file_content(intact, std::string(kFolder) + "/" + name) == now;
         });
}

Testimony of_place(const sim::Disk& intact, const sim::Disk& harmed, const faults::Harm& harm,
                   Harms harms, bool log) {
  Testimony told;
  const auto manifest = file_content(intact, kManifest);
  // Without a log a checkpoint is all that is read.
  if (!manifest || (!log && intact.lookup("dump.rdb").ok())) {
    told.shows = harm.path == "dump.rdb" && shows_in_checkpoint(harmed, harm);
    return told;
  }
  if (harm.path == kManifest) {
    told.shows = manifest->starts_with("# powercut manifest") && holds_a_log(intact) &&
                 !is_an_older_one(intact, harmed);
    return told;
  }
  const auto named = named_by(*manifest);
  for (auto file = named.begin(); file != named.end(); ++file) {
    if (harm.path != std::string(kFolder) + "/" + file->name || file->type == 'h') continue;
    const auto text = file_content(intact, harm.path);
    if (file->type == 'i' && text) told = of_segment(*text, harm, harms);
    told.before = std::max(told.before, file->lsn == 0 ? 0 : file->lsn - 1);
    // Of a segment that others follow nothing may be missing, whatever is given up.
    const bool lost = harm.offset == 0 && text && harm.length == text->size();
    const bool base = file->type == 'b' && file->ours;
    const bool more = file->type == 'i' && file + 1 != named.end();
    told.shows |= lost || base || more || (file->length && *file->length > harm.offset);
  }
  return told;
}

}  // namespace

Testimony telling_of_store(const sim::Disk& intact, const sim::Disk& harmed,
                           std::span<const faults::Harm> harms, bool log) {
  Testimony told{false, UINT64_MAX, !harms.empty()};
  for (const faults::Harm& harm : harms) {
    const auto place = of_place(intact, harmed, harm, harms, log);
    told.shows |= place.shows;
    told.before = std::min(told.before, place.before);
    told.in_log &= place.in_log;
  }
  return told;
}

}  // namespace powercut::scenarios
