#include "engine/sqlite/world.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace powercut::engine::sqlite {

namespace {

thread_local World* inside = nullptr;

// --- Memory ---

constexpr size_t kChunk = size_t{256} * 1024;
constexpr size_t kStep = 16;
constexpr size_t kSmall = 1024;  // up to here a class each step, from there on each power of two

// In front of all that SQLite gets.
struct alignas(16) Header {
  size_t bytes;
  Arena* arena;  // null: the heap's
};
static_assert(sizeof(Header) == 16);

Header* header_of(void* memory) { return static_cast<Header*>(memory) - 1; }

void* take(int bytes) {
  const size_t all = static_cast<size_t>(bytes) + sizeof(Header);
  Arena* arena = inside == nullptr ? nullptr : &inside->arena();
  auto* header = static_cast<Header*>(arena != nullptr ? arena->take(all) : std::malloc(all));
  if (header == nullptr) return nullptr;
  *header = {static_cast<size_t>(bytes), arena};
  return header + 1;
}

void give(void* memory) {
  Header* header = header_of(memory);
  if (header->arena != nullptr)
    header->arena->give(header, header->bytes + sizeof(Header));
  else
    std::free(header);
}

int size_of(void* memory) {
  return memory == nullptr ? 0 : static_cast<int>(header_of(memory)->bytes);
}

void* resize(void* memory, int bytes) {
  void* made = take(bytes);
  if (made == nullptr) return nullptr;
  std::memcpy(made, memory, static_cast<size_t>(std::min(bytes, size_of(memory))));
  give(memory);
  return made;
}

int rounded(int bytes) { return (bytes + 15) & ~15; }

constexpr sqlite3_mem_methods kMemory = {
    take, give, resize, size_of, rounded, [](void*) { return SQLITE_OK; }, [](void*) {}, nullptr};

// --- Chance ---

// SQLite's generator is one for all, and seeded once. Each time that somebody inside a World draws from
// it, it is set back, and so asks its default filesystem for a seed; all of it below the generator's own
// mutex, which is SQLite's to take.
sqlite3_mutex_methods plain_mutex;
sqlite3_mutex* generator = nullptr;
thread_local bool setting_back = false;

void enter(sqlite3_mutex* mutex) {
  if (mutex == generator && setting_back) return;
  plain_mutex.xMutexEnter(mutex);
  if (mutex != generator || inside == nullptr) return;
  setting_back = true;
  sqlite3_randomness(0, nullptr);
  setting_back = false;
}

void leave(sqlite3_mutex* mutex) {
  if (mutex == generator && setting_back) return;
  plain_mutex.xMutexLeave(mutex);
}

sqlite3_vfs plain_files;    // of the process
sqlite3_vfs default_files;  // the same, but for chance

int seed_bytes(sqlite3_vfs*, int size, char* out) {
  if (inside == nullptr) return plain_files.xRandomness(&plain_files, size, out);
  const uint64_t seed = inside->os().choose("sqlite.random", UINT64_MAX);
  for (int at = 0; at < size; at += 8) {
    const uint64_t bits = hash_bytes({reinterpret_cast<const char*>(&at), sizeof at}, seed);
    std::memcpy(out + at, &bits, static_cast<size_t>(std::min(8, size - at)));
  }
  return size;
}

// --- Notes ---

void note(void*, int, const char* text) {
  if (inside != nullptr) inside->note(text);
}

// SQLite takes its configuration before its first use alone, and the judge has files of its own in it: so it
// comes before main().
bool configure() {
  CHECK(sqlite3_initialize() == SQLITE_OK);
  CHECK(sqlite3_shutdown() == SQLITE_OK);
  CHECK(sqlite3_config(SQLITE_CONFIG_GETMUTEX, &plain_mutex) == SQLITE_OK);
  sqlite3_mutex_methods mutex = plain_mutex;
  mutex.xMutexEnter = enter;
  mutex.xMutexLeave = leave;
  CHECK(sqlite3_config(SQLITE_CONFIG_MUTEX, &mutex) == SQLITE_OK);
  CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &kMemory) == SQLITE_OK);
  CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
  CHECK(sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1) == SQLITE_OK);  // no nameless files
  CHECK(sqlite3_config(SQLITE_CONFIG_LOG, note, nullptr) == SQLITE_OK);
  CHECK(sqlite3_initialize() == SQLITE_OK);
  plain_files = *sqlite3_vfs_find(nullptr);
  default_files = plain_files;
  default_files.zName = "powercut-default";
  default_files.pNext = nullptr;
  default_files.xRandomness = seed_bytes;
  CHECK(sqlite3_vfs_register(&default_files, 1) == SQLITE_OK);
  register_files();
  generator = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_PRNG);
  return true;
}

[[maybe_unused]] const bool kConfigured = configure();

}  // namespace

// --- Arena ---

Arena::~Arena() {
  for (char* chunk : chunks_) std::free(chunk);
}

size_t Arena::class_of(size_t bytes) {
  if (bytes <= kSmall) return (bytes + kStep - 1) / kStep;
  size_t size_class = kSmall / kStep + 1;
  while (bytes_of(size_class) < bytes) ++size_class;
  return size_class;
}

size_t Arena::bytes_of(size_t size_class) {
  return size_class <= kSmall / kStep ? size_class * kStep
                                      : kSmall << (size_class - kSmall / kStep);
}

void* Arena::take(size_t bytes) {
  const size_t size_class = class_of(bytes);
  CHECK(size_class < kClasses);
  if (Free* found = free_[size_class]; found != nullptr) {
    free_[size_class] = found->next;
    return found;
  }
  const size_t rounded = bytes_of(size_class);
  if (rounded > left_) {
    left_ = std::max(kChunk, rounded);
    at_ = static_cast<char*>(std::malloc(left_));
    CHECK(at_ != nullptr);
    chunks_.push_back(at_);
    held_ += left_;
  }
  char* const taken = at_;
  at_ += rounded;
  left_ -= rounded;
  return taken;
}

void Arena::give(void* memory, size_t bytes) {
  const size_t size_class = class_of(bytes);
  free_[size_class] = new (memory) Free{free_[size_class]};
}

// --- World ---

size_t World::keep(std::unique_ptr<File> file) {
  const auto closed = std::find(files_.begin(), files_.end(), nullptr);
  if (closed == files_.end()) {
    files_.push_back(std::move(file));
    return files_.size() - 1;
  }
  *closed = std::move(file);
  return static_cast<size_t>(closed - files_.begin());
}

World* current() { return inside; }

Inside::Inside(World& world) : before_(std::exchange(inside, &world)) {}
Inside::~Inside() { inside = before_; }
Outside::Outside() : before_(std::exchange(inside, nullptr)) {}
Outside::~Outside() { inside = before_; }

}  // namespace powercut::engine::sqlite
