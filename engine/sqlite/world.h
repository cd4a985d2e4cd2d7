// SQLite is one for a process: one allocator, one source of chance, one list of filesystems. Here it serves
// many worlds, one after the other and beside each other on several threads, and what it does in one of
// them depends on nothing else.
//
// A World is what one connection lives in: an Os for its files, clock and chance, and the memory that it
// takes. It may end at any moment, with SQLite in the middle of a call: then its memory goes as a whole,
// its files are closed, and SQLite is told of nothing. That is a crash.
//
// Whoever calls SQLite stands inside a World (Inside); while a file call of it may let other tasks run,
// nobody does (engine/sqlite/vfs.cc). Outside of every World SQLite is what it is elsewhere.
//
// Sources: SQLite's documentation of sqlite3_config() (SQLITE_CONFIG_MALLOC, _MUTEX, _LOG), sqlite3_vfs
// and sqlite3_randomness().
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/os.h"

namespace powercut::engine::sqlite {

// Memory that goes as a whole. Not for several threads.
class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;

  // 16 bytes aligned. Never null: the process ends where there is none.
  void* take(size_t bytes);
  // `bytes` as they were asked for.
  void give(void* memory, size_t bytes);
  size_t held() const { return held_; }  // bytes

 private:
  static constexpr size_t kClasses = 80;
  struct Free {
    Free* next;
  };
  static size_t class_of(size_t bytes);
  static size_t bytes_of(size_t size_class);

  std::vector<char*> chunks_;
  char* at_ = nullptr;
  size_t left_ = 0;
  size_t held_ = 0;
  Free* free_[kClasses] = {};
};

class World {
 public:
  // `os` outlives this.
  explicit World(Os& os) : os_(os) {}
  World(const World&) = delete;

  Os& os() { return os_; }
  Arena& arena() { return arena_; }

  // Its files. A closed one's number is used again.
  size_t keep(std::unique_ptr<File> file);
  File& file(size_t number) { return *files_[number]; }
  void close(size_t number) { files_[number].reset(); }

  // What SQLite has noted of its own accord since it was last asked: what it recovered, what it found wrong.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }
  void note(std::string text) { notes_.push_back(std::move(text)); }

 private:
  Os& os_;
  Arena arena_;
  std::vector<std::unique_ptr<File>> files_;
  std::vector<std::string> notes_;
};

// The World that the running thread is inside of; null: none.
World* current();
// Makes kVfs known (engine/sqlite/vfs.h); once, when SQLite is set up.
void register_files();

class Inside {
 public:
  explicit Inside(World& world);
  ~Inside();
  Inside(const Inside&) = delete;

 private:
  World* const before_;
};

class Outside {
 public:
  Outside();
  ~Outside();
  Outside(const Outside&) = delete;

 private:
  World* const before_;
};

}  // namespace powercut::engine::sqlite
