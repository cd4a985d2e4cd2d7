// The kinds of faults: what each does where it strikes, then the table.
#include "faults/fault_kinds.h"

#include <algorithm>

#include "faults/strikes.h"

namespace powercut::faults {

using sim::Op;

namespace {

// --- At a seam call ---

template <Errc error>
bool fail(const CallStrike& at) {
  if (at.injection.error) return false;
  at.injection.error = error;
  return true;
}

bool deny(const CallStrike& at) {
  if (!fail<Errc::kIo>(at)) return false;
  at.injection.happens = true;
  return true;
}

// Where the model knows of no such thing (2020), an EIO like any other.
bool shut(const CallStrike& at) {
  at.injection.journal = fail<Errc::kIo>(at);
  return at.injection.journal;
}

bool shorten(const CallStrike& at) {
  const auto& [fault, call, choices, injection] = at;
  if (call.size <= 1 || !choices.chance("fault.short", call.identity, 1, 3)) return false;
  injection.short_size = 1 + choices.choose("fault.short_size", call.identity, call.size - 1);
  return true;
}

bool slow_down(const CallStrike& at) {
  at.injection.extra_latency = at.injection.extra_latency + at.fault.delay;
  return true;
}

bool hang(const CallStrike& at) {
  if (at.injection.crash != sim::CrashKind::kNone) return false;
  at.injection.extra_latency = kNever;
  return true;
}

// --- On the clock ---

void jump(const Fault& fault, sim::Injector::Moment& moment) {
  moment.wall_jump_ms += fault.jump_ms;
}

// --- On the disk ---

Extent flip_bit(const DiskStrike& on) {
  const uint64_t offset = on.choose("media.byte", on.file.size);
  on.disk.flip_bit(on.file.inode, offset, static_cast<uint8_t>(on.choose("media.bit", 8)));
  return {offset, 1};
}

Extent some_sector(const DiskStrike& on) {
  const uint64_t offset = on.choose("media.sector", on.file.sectors()) * kSectorBytes;
  return {offset, std::min(kSectorBytes, on.file.size - offset)};
}

Extent make_unreadable(const DiskStrike& on) {
  const Extent sector = some_sector(on);
  on.disk.make_unreadable(on.file.inode, sector.offset, sector.length);
  return sector;
}

std::string content(const DiskStrike& on, sim::InodeId inode) {
  auto bytes = on.disk.read_whole(inode);
  return bytes.ok() ? std::move(bytes).value() : "";
}

// From the first byte of it that is another than before: the same ones may have come to stand there.
Extent changed(std::string_view before, std::string_view after, Extent extent) {
  const uint64_t end = std::min<uint64_t>(extent.offset + extent.length, after.size());
  uint64_t at = extent.offset;
  while (at < end && after[at] == before[at]) ++at;
  return {at, end - std::min(at, end)};
}

bool is_version_of(const MediaFile& one, const MediaFile& other) {
  return one.path.starts_with(other.path + '.') || other.path.starts_with(one.path + '.');
}

Extent misdirect(const DiskStrike& on) {
  const Extent sector = some_sector(on);
  // Where the bytes went. Not to where they belong: then past the end, where nobody looks. Hardest to tell is what went
  // to the same place of another version of the file.
  const MediaFile* at = &on.files[on.choose("media.victim", on.files.size())];
  uint64_t offset = on.choose("media.victim_sector", at->sectors()) * kSectorBytes;
  if (on.choose("media.version", 2) == 0)
    for (const MediaFile& file : on.files)
      if (is_version_of(file, on.file)) {
        at = &file;
        offset = sector.offset;
      }
  const MediaFile& victim = *at;
  if (victim.inode == on.file.inode && offset == sector.offset)
    offset = victim.sectors() * kSectorBytes;
  const std::string file = content(on, on.file.inode);
  const std::string other = content(on, victim.inode);
  on.disk.misdirect(on.file.inode, sector.offset, sector.length, victim.inode, offset);
  if (offset < victim.size) {
    const auto [from, length] = changed(other, content(on, victim.inode), {offset, sector.length});
    on.also = {victim.path, from, length};
  }
  return changed(file, content(on, on.file.inode), sector);
}

// Writes the file anew, as a copy does that goes wrong. One that cannot be read cannot be copied.
template <class Change>
Extent copy_badly(const DiskStrike& on, Extent struck, Change change) {
  const auto read = on.disk.read_whole(on.file.inode);
  if (!read.ok()) return {};
  const std::string& before = *read;
  std::string bytes = before;
  change(bytes);
  on.disk.replace_content(on.file.inode, bytes);
  // Out of a row of equal bytes, or into it: as good as at its end.
  const auto differ = std::mismatch(before.begin(), before.end(), bytes.begin(), bytes.end());
  return {static_cast<uint64_t>(differ.first - before.begin()), struck.length};
}

uint64_t some_length(const DiskStrike& on) { return uint64_t{1} << on.choose("media.length", 11); }

Extent remove_bytes(const DiskStrike& on) {
  const uint64_t offset = on.choose("media.byte", on.file.size);
  const uint64_t length = std::min(some_length(on), on.file.size - offset);
  return copy_badly(on, {offset, length}, [&](std::string& bytes) { bytes.erase(offset, length); });
}

Extent insert_bytes(const DiskStrike& on) {
  const uint64_t offset = on.choose("media.gap", on.file.size + 1);
  std::string foreign(some_length(on), '\0');
  for (char& byte : foreign) byte = static_cast<char>(on.choose("media.inserted", 256));
  return copy_badly(on, {offset, foreign.size()},
                    [&](std::string& bytes) { bytes.insert(offset, foreign); });
}

Extent lose_file(const DiskStrike& on) {
  if (!on.disk.remove(on.file.path).ok()) return {};
  const size_t slash = on.file.path.rfind('/');
  const auto directory = slash == std::string::npos ? "" : on.file.path.substr(0, slash);
  if (!on.disk.sync_at_once(directory).ok()) return {};
  return {0, on.file.size};
}

// --- The table ---

constexpr OpSet kSyncs = ops({Op::kSync, Op::kSyncDirectory});
// Where engine/os/os.h lists kNoSpace. A sync may: space is given out late (delayed allocation).
constexpr OpSet kNeedSpace = ops(
    {Op::kOpen, Op::kWrite, Op::kTruncate, Op::kRename, Op::kLink, Op::kMakeDirectory, Op::kSync});

constexpr auto kKinds = std::to_array<KindRow>({
    {.kind = FaultKind::kCrash,
     .word = "cut",
     .fault = FaultClass::kPowerCut,
     .counts = Counts::kCrash},
    {.kind = FaultKind::kEio,
     .word = "eio",
     .fault = FaultClass::kEio,
     .counts = Counts::kCall,
     .ops = kEveryOp,
     .strike = fail<Errc::kIo>},
    {.kind = FaultKind::kEnospc,
     .word = "enospc",
     .fault = FaultClass::kEnospc,
     .counts = Counts::kCall,
     .ops = kNeedSpace,
     .strike = fail<Errc::kNoSpace>},
    {.kind = FaultKind::kNoSpace,
     .word = "enospc",
     .fault = FaultClass::kEnospc,
     .counts = Counts::kOperations,
     .ops = ops({Op::kOpen, Op::kWrite, Op::kTruncate, Op::kMakeDirectory}),
     .strike = fail<Errc::kNoSpace>},
    {.kind = FaultKind::kShort,
     .word = "short",
     .fault = FaultClass::kShortIo,
     .counts = Counts::kEveryCall,
     .ops = ops({Op::kRead, Op::kWrite}),
     .strike = shorten},
    {.kind = FaultKind::kSlow,
     .word = "slow",
     .fault = FaultClass::kSlowSync,
     .counts = Counts::kCall,
     .argument = Argument::kDelay,
     .ops = kSyncs,
     .strike = slow_down},
    {.kind = FaultKind::kHang,
     .word = "hang",
     .fault = FaultClass::kHangingSync,
     .counts = Counts::kCall,
     .ops = kSyncs,
     .strike = hang},
    {.kind = FaultKind::kJump,
     .word = "jump",
     .fault = FaultClass::kClockJump,
     .counts = Counts::kOperation,
     .argument = Argument::kJump,
     .strike = jump},
    {.kind = FaultKind::kBitRot,
     .word = "bitrot",
     .fault = FaultClass::kBitRot,
     .counts = Counts::kDraw,
     .strike = flip_bit},
    {.kind = FaultKind::kUnreadable,
     .word = "unreadable",
     .fault = FaultClass::kUnreadable,
     .counts = Counts::kDraw,
     .strike = make_unreadable},
    {.kind = FaultKind::kMisdirect,
     .word = "misdirect",
     .fault = FaultClass::kMisdirect,
     .counts = Counts::kDraw,
     .strike = misdirect},
    {.kind = FaultKind::kBytesRemoved,
     .word = "bytes-removed",
     .fault = FaultClass::kBytesRemoved,
     .counts = Counts::kDraw,
     .strike = remove_bytes},
    {.kind = FaultKind::kBytesInserted,
     .word = "bytes-inserted",
     .fault = FaultClass::kBytesInserted,
     .counts = Counts::kDraw,
     .strike = insert_bytes},
    {.kind = FaultKind::kDenied,
     .word = "denied",
     .fault = FaultClass::kDeniedRename,
     .counts = Counts::kCall,
     .ops = ops({Op::kRename}),
     .strike = deny},
    {.kind = FaultKind::kShut,
     .word = "shut",
     .fault = FaultClass::kEio,
     .counts = Counts::kCall,
     .ops = kSyncs,
     .needs_crash = true,
     .strike = shut},
    {.kind = FaultKind::kFileLost,
     .word = "file-lost",
     .fault = FaultClass::kFileLost,
     .counts = Counts::kDraw,
     .strike = lose_file},
});

static_assert(kKinds.size() == kFaultKinds, "a FaultKind without a row");

static_assert(
    [] {
      for (size_t i = 0; i < kKinds.size(); ++i)
        if (kKinds[i].kind != static_cast<FaultKind>(i) || kKinds[i].word.empty()) return false;
      return true;
    }(),
    "kind rows stand in the order of FaultKind, each with a word");

constexpr bool fits(const KindRow& kind) {
  const bool names_calls = kind.counts == Counts::kCall || kind.counts == Counts::kEveryCall ||
                           kind.counts == Counts::kOperations;
  switch (row(kind.fault).target) {
    case Target::kAnywhere:
      return kind.counts == Counts::kCrash;
    case Target::kCrash:
      return false;
    case Target::kCall: {
      const auto* strike = std::get_if<StrikeCall>(&kind.strike);
      return strike != nullptr && *strike != nullptr && names_calls && kind.ops != 0;
    }
    case Target::kClock: {
      const auto* strike = std::get_if<StrikeClock>(&kind.strike);
      return strike != nullptr && *strike != nullptr && kind.counts == Counts::kOperation;
    }
    case Target::kDisk: {
      const auto* strike = std::get_if<StrikeDisk>(&kind.strike);
      return strike != nullptr && *strike != nullptr && kind.counts == Counts::kDraw;
    }
  }
  return false;
}
static_assert(std::all_of(kKinds.begin(), kKinds.end(), fits),
              "a kind strikes where its class does, and counts what is counted there");

static_assert(std::all_of(kClassRows.begin(), kClassRows.end(),
                          [](const ClassRow& row) {
                            return row.target == Target::kAnywhere ||
                                   row.target == Target::kCrash ||
                                   std::any_of(kKinds.begin(), kKinds.end(),
                                               [&](const KindRow& kind) {
                                                 return kind.fault == row.fault;
                                               });
                          }),
              "a FaultClass without a kind");

}  // namespace

std::span<const KindRow> kind_rows() { return kKinds; }
const KindRow& row(FaultKind kind) { return kKinds[static_cast<size_t>(kind)]; }

}  // namespace powercut::faults
