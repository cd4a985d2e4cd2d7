#include "engine/sqlite/vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/sqlite/world.h"

namespace powercut::engine::sqlite {

namespace {

constexpr int kPathMost = 512;
constexpr int kSectorBytes = 4096;  // as SQLite takes it for granted on Unix
constexpr int kSharedRegions = 64;
// Where SQLite's programs lock a database (its documentation of file locking): one who waits for its readers to go, one who
// is about to write, and those who read.
constexpr uint64_t kPending = 0x40000000;
constexpr uint64_t kReserved = kPending + 1;
constexpr uint64_t kReaders = kPending + 2;
constexpr uint64_t kReadersSize = 510;

// SQLite makes room for it, and knows nothing but its first member.
struct OpenFile {
  sqlite3_file base;
  World* world;
  size_t number;     // of the World's files
  const char* path;  // valid until it is closed
  Site fence;        // what its syncs are for
  bool sync_directory;
  int level;  // of its lock: SQLITE_LOCK_*
  void* shared[kSharedRegions];
};

OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

std::string_view directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

// What SQLite is told; the seam's own words are kept.
int failed(World& world, const Error& error, int code) {
  world.note(error.message);
  return error.code == Errc::kNoSpace ? SQLITE_FULL : code;
}

template <class T>
int told(World& world, const Result<T>& result, int code) {
  return result.ok() ? SQLITE_OK : failed(world, result.error(), code);
}

// --- A file ---

int close_file(sqlite3_file* file) {
  OpenFile& f = of(file);
  f.world->close(f.number);
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  OpenFile& f = of(file);
  const Outside outside;
  const auto bytes = static_cast<size_t>(size);
  auto* const to = static_cast<char*>(out);
  size_t done = 0;
  while (done < bytes) {
    const auto n = f.world->file(f.number).read_at(static_cast<uint64_t>(offset) + done, to + done,
                                                   bytes - done);
    if (!n.ok()) return failed(*f.world, n.error(), SQLITE_IOERR_READ);
    if (*n == 0) break;
    done += *n;
  }
  if (done == bytes) return SQLITE_OK;
  std::memset(to + done, 0, bytes - done);  // as SQLite asks for
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  OpenFile& f = of(file);
  const Outside outside;
  std::string_view rest(static_cast<const char*>(data), static_cast<size_t>(size));
  for (auto at = static_cast<uint64_t>(offset); !rest.empty();) {
    const auto n = f.world->file(f.number).write_at(at, rest);
    if (!n.ok()) return failed(*f.world, n.error(), SQLITE_IOERR_WRITE);
    rest.remove_prefix(*n);
    at += *n;
  }
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  OpenFile& f = of(file);
  const Outside outside;
  return told(*f.world, f.world->file(f.number).truncate(static_cast<uint64_t>(size)),
              SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* file, int) {
  OpenFile& f = of(file);
  const Outside outside;
  const Site fence = f.fence;
  if (const auto synced = f.world->file(f.number).sync(fence); !synced.ok())
    return failed(*f.world, synced.error(), SQLITE_IOERR_FSYNC);
  if (!std::exchange(f.sync_directory, false)) return SQLITE_OK;
  return told(*f.world, f.world->os().sync_directory(directory_of(f.path), kSyncMade),
              SQLITE_IOERR_DIR_FSYNC);
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  OpenFile& f = of(file);
  const auto bytes = f.world->file(f.number).size();
  if (!bytes.ok()) return failed(*f.world, bytes.error(), SQLITE_IOERR_FSTAT);
  *size = static_cast<sqlite3_int64>(*bytes);
  return SQLITE_OK;
}

bool take(OpenFile& f, uint64_t offset, uint64_t size, Lock lock) {
  return f.world->file(f.number).lock(offset, size, lock).ok();
}

bool take_to_read(OpenFile& f) {
  if (!take(f, kPending, 1, Lock::kShared)) return false;  // somebody waits for readers to go
  const bool taken = take(f, kReaders, kReadersSize, Lock::kShared);
  (void)take(f, kPending, 1, Lock::kNone);
  return taken;
}

int lock_file(sqlite3_file* file, int level) {
  OpenFile& f = of(file);
  if (f.level >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED && !take_to_read(f)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_RESERVED && !take(f, kReserved, 1, Lock::kExclusive)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE) {
    if (!take(f, kPending, 1, Lock::kExclusive)) return SQLITE_BUSY;
    f.level = SQLITE_LOCK_PENDING;
    if (!take(f, kReaders, kReadersSize, Lock::kExclusive)) return SQLITE_BUSY;
  }
  f.level = level;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int level) {
  OpenFile& f = of(file);
  if (f.level <= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    if (!take(f, kReaders, kReadersSize, Lock::kShared)) return SQLITE_IOERR_UNLOCK;
    (void)take(f, kPending, 2, Lock::kNone);
  } else {
    (void)take(f, kPending, 2 + kReadersSize, Lock::kNone);
  }
  f.level = level;
  return SQLITE_OK;
}

int is_reserved(sqlite3_file* file, int* reserved) {
  OpenFile& f = of(file);
  *reserved = 1;
  if (f.level >= SQLITE_LOCK_RESERVED) return SQLITE_OK;
  if (!take(f, kReserved, 1, Lock::kShared)) return SQLITE_OK;
  (void)take(f, kReserved, 1, Lock::kNone);
  *reserved = 0;
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_bytes(sqlite3_file*) { return kSectorBytes; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_shared(sqlite3_file* file, int region, int bytes, int extend, void volatile** memory) {
  OpenFile& f = of(file);
  *memory = nullptr;
  if (region >= kSharedRegions) return SQLITE_FULL;
  void*& shared = f.shared[region];
  if (shared == nullptr && extend != 0) {
    shared = sqlite3_malloc(bytes);
    if (shared == nullptr) return SQLITE_NOMEM;
    std::memset(shared, 0, static_cast<size_t>(bytes));
  }
  *memory = shared;
  return SQLITE_OK;
}

int lock_shared(sqlite3_file*, int, int, int) { return SQLITE_OK; }
void barrier(sqlite3_file*) {}

int unmap_shared(sqlite3_file* file, int) {
  for (void*& shared : of(file).shared) sqlite3_free(std::exchange(shared, nullptr));
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {.iVersion = 2,
                                         .xClose = close_file,
                                         .xRead = read_file,
                                         .xWrite = write_file,
                                         .xTruncate = truncate_file,
                                         .xSync = sync_file,
                                         .xFileSize = size_of_file,
                                         .xLock = lock_file,
                                         .xUnlock = unlock_file,
                                         .xCheckReservedLock = is_reserved,
                                         .xFileControl = control,
                                         .xSectorSize = sector_bytes,
                                         .xDeviceCharacteristics = characteristics,
                                         .xShmMap = map_shared,
                                         .xShmLock = lock_shared,
                                         .xShmBarrier = barrier,
                                         .xShmUnmap = unmap_shared,
                                         .xFetch = nullptr,
                                         .xUnfetch = nullptr};

// --- The filesystem ---

World& world() {
  CHECK(current() != nullptr);
  return *current();
}

Result<std::unique_ptr<File>> open_in(Os& os, const char* path, int flags) {
  const bool make = (flags & SQLITE_OPEN_CREATE) != 0;
  if (make && (flags & SQLITE_OPEN_EXCLUSIVE) != 0) return os.open(path, Open::kCreateNew);
  const Open mode = (flags & SQLITE_OPEN_READWRITE) != 0 ? Open::kReadWrite : Open::kRead;
  auto opened = os.open(path, mode);
  if (make && !opened.ok() && opened.error().code == Errc::kNotFound)
    return os.open(path, Open::kCreateNew);
  return opened;
}

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* did) {
  OpenFile& f = of(file);
  f.base.pMethods = nullptr;  // then it is not closed
  if (path == nullptr) return SQLITE_CANTOPEN;
  World& w = world();
  const Outside outside;
  auto opened = open_in(w.os(), path, flags);
  if (!opened.ok()) return failed(w, opened.error(), SQLITE_CANTOPEN);
  const int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  const bool made = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
  const Site fence = (flags & SQLITE_OPEN_WAL) != 0 ? kSyncWal
                     : (flags & journals) != 0      ? kSyncJournal
                                                    : kSyncDatabase;
  f = {{&kMethods}, &w, w.keep(std::move(opened).value()), path, fence, made, 0, {}};
  if (did != nullptr) *did = flags;
  return SQLITE_OK;
}

int remove_file(sqlite3_vfs*, const char* path, int sync_directory) {
  World& w = world();
  const Outside outside;
  const auto removed = w.os().remove(path);
  if (!removed.ok() && removed.error().code == Errc::kNotFound) return SQLITE_IOERR_DELETE_NOENT;
  if (!removed.ok()) return failed(w, removed.error(), SQLITE_IOERR_DELETE);
  if (sync_directory == 0) return SQLITE_OK;
  return told(w, w.os().sync_directory(directory_of(path), kSyncRemoved), SQLITE_IOERR_DIR_FSYNC);
}

// An empty file is none, as in SQLite's own.
int look_for(sqlite3_vfs*, const char* path, int, int* there) {
  World& w = world();
  const Outside outside;
  *there = 0;
  const auto opened = w.os().open(path, Open::kRead);
  if (!opened.ok() && opened.error().code == Errc::kNotFound) return SQLITE_OK;
  if (!opened.ok()) return failed(w, opened.error(), SQLITE_IOERR_ACCESS);
  const auto size = opened.value()->size();
  if (!size.ok()) return failed(w, size.error(), SQLITE_IOERR_ACCESS);
  *there = *size > 0 ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int most, char* out) {
  const size_t bytes = std::strlen(path) + 1;
  if (bytes > static_cast<size_t>(most)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, bytes);
  return SQLITE_OK;
}

// SQLite asks its default filesystem instead (engine/sqlite/world.cc), where it does not ask for this one.
int random_bytes(sqlite3_vfs*, int size, char* out) {
  std::memset(out, 0, static_cast<size_t>(size));
  return size;
}

int sleep_for_us(sqlite3_vfs*, int us) {
  World& w = world();
  const Outside outside;
  w.os().park(w.os().now() + microseconds(us));
  return us;
}

constexpr sqlite3_int64 kJulianMs = 210'866'760'000'000;  // of 1970-01-01

int now_ms(sqlite3_vfs*, sqlite3_int64* out) {
  *out = kJulianMs + world().os().wall_now().unix_ms;
  return SQLITE_OK;
}

int now_days(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 ms = 0;
  now_ms(vfs, &ms);
  *out = static_cast<double>(ms) / 86'400'000.0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

sqlite3_vfs files = {.iVersion = 2,
                     .szOsFile = sizeof(OpenFile),
                     .mxPathname = kPathMost,
                     .pNext = nullptr,
                     .zName = kVfs,
                     .pAppData = nullptr,
                     .xOpen = open_file,
                     .xDelete = remove_file,
                     .xAccess = look_for,
                     .xFullPathname = full_path,
                     .xDlOpen = nullptr,
                     .xDlError = nullptr,
                     .xDlSym = nullptr,
                     .xDlClose = nullptr,
                     .xRandomness = random_bytes,
                     .xSleep = sleep_for_us,
                     .xCurrentTime = now_days,
                     .xGetLastError = last_error,
                     .xCurrentTimeInt64 = now_ms,
                     .xSetSystemCall = nullptr,
                     .xGetSystemCall = nullptr,
                     .xNextSystemCall = nullptr};

}  // namespace

void register_files() { CHECK(sqlite3_vfs_register(&files, 0) == SQLITE_OK); }

}  // namespace powercut::engine::sqlite
