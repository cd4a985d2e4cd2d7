// One command being executed: its arguments, the keyspace, the reply and the effects. Handlers are plain
// functions of a Call; they never yield.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/site.h"
#include "engine/command/effects.h"
#include "engine/command/reply.h"
#include "engine/store/keyspace.h"
#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/value.h"
#include "engine/store/zset.h"

namespace powercut::engine {

class Client;   // engine/command/client.h
class Control;  // engine/command/control.h: what server and persistence commands ask of the engine
class Events;   // engine/command/events.h
class Scripts;  // engine/command/script/scripts.h

// Where random commands draw: the seam's choose().
class Chance {
 public:
  virtual ~Chance() = default;
  virtual uint64_t choose(Site site, uint64_t n) = 0;
};

inline constexpr std::string_view kWrongType =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kNotInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kNotFloat = "ERR value is not a valid float";
inline constexpr std::string_view kNoSuchKey = "ERR no such key";
// A step cannot wait for a value that nobody said it would read.
inline constexpr std::string_view kUnnamedAway =
    "ERR the value of a key that was not named is in the cold tier: name it (KEYS of a script), or "
    "read it before";

class Call {
 public:
  Call(std::span<const std::string_view> arguments, Keyspace& ks, int database, Reply& out,
       Effects& log, Chance& draw)
      : args(arguments), keyspace(ks), db(database), reply(out), effects(log), chance(draw) {}

  std::span<const std::string_view> args;  // args[0] is the command's name as the client wrote it
  Keyspace& keyspace;
  int db;
  Reply& reply;
  Effects& effects;
  Chance& chance;
  Control* control = nullptr;   // nullptr while a log is replayed
  Client* client = nullptr;     // nullptr while a log is replayed
  Events* events = nullptr;     // nullptr while a log is replayed
  Scripts* scripts = nullptr;   // nullptr while a log is replayed
  bool in_script = false;       // a script's command
  bool error_counted = false;   // the error that was answered, where it arose
  bool writes_refused = false;  // then a command that only may write (kMayWrite) does not
  bool writes_only_followed =
      false;  // likewise: this store is a replica, and does its master's writes alone
  uint32_t hits = 0, misses = 0;  // of what it has looked up
  bool may_keep() const { return !writes_refused && !writes_only_followed; }

  size_t argc() const { return args.size(); }
  std::string_view arg(size_t i) const {
    CHECK(i < args.size());
    return args[i];
  }
  int64_t now_ms() const { return keyspace.now().unix_ms; }
  // Below n. REQUIRES: n > 0.
  uint64_t choose(Site site, uint64_t n) {
    CHECK(n > 0);
    const uint64_t drawn = chance.choose(site, n);
    CHECK(drawn < n);
    return drawn;
  }

  // --- Looking up what is only read: a hit or a miss of the keyspace, which is announced. ---
  const Object* find(std::string_view key) { return noted(key, keyspace.find(db, key)); }
  // ... which is no use of it (Keyspace::look).
  const Object* look(std::string_view key) { return noted(key, keyspace.look(db, key)); }
  void note_look_up(std::string_view key, bool is_hit) {
    ++(is_hit ? hits : misses);
    if (!is_hit) announce('m', "keymiss", key);
  }

  // --- Typed access. A key of another type answers WRONGTYPE: then failed() is true and the result null. ---
  // `const Hash* hash = call.read<Hash>(key); if (call.failed()) return;`  Null and not failed: no such key.
  template <class T>
  const T* read(std::string_view key) {
    const T* found = held<T>(key);
    note_look_up(key, found != nullptr || failed());
    return found;
  }
  // As read, and neither a hit nor a miss of the keyspace: for who looks at what it may change.
  template <class T>
  const T* held(std::string_view key) {
    const Object* object = keyspace.find(db, key);
    if (object != nullptr && object->value.away() != nullptr) return fail(kUnnamedAway), nullptr;
    return object == nullptr ? nullptr : checked(as<T>(object->value));
  }
  // The object for changing in place; passes the keyspace's door. Null and not failed: no such key.
  template <class T>
  T* write(std::string_view key) {
    if (held<T>(key) == nullptr) return nullptr;
    return as<T>(keyspace.find_for_write(db, key)->value);
  }
  // As write, for what WATCH and the caches of clients do not ask for (Keyspace::find_for_write_beside).
  template <class T>
  T* write_beside(std::string_view key) {
    if (held<T>(key) == nullptr) return nullptr;
    return as<T>(keyspace.find_for_write_beside(db, key)->value);
  }
  // As write, but an absent key gets a new empty T. Never leave it empty, unless it is a stream.
  template <class T>
  T* write_or_create(std::string_view key) {
    T* found = write<T>(key);
    if (found != nullptr || failed()) return found;
    if constexpr (std::is_same_v<T, String>) {
      return as<T>(keyspace.put(db, key, Value(String()))->value);
    } else if constexpr (std::is_same_v<T, Stream>) {
      return as<T>(keyspace.put(db, key, Value(std::make_unique<T>()))->value);
    } else {
      return as<T>(keyspace.put(db, key, Value(T()))->value);
    }
  }

  // --- The outcome ---
  // The command changed something: it is logged, verbatim unless log() gave other effects. Not behind
  // an error: whoever is told that a command failed must find nothing of it.
  void changed() { dirty_ = true; }
  // Logs these words in place of the command as it was given. May be called several times; implies changed().
  void log(std::initializer_list<std::string_view> words) {
    dirty_ = true;
    replaced_ = true;
    effects.add(db, words);
  }
  void log(std::span<const std::string_view> words) {
    dirty_ = true;
    replaced_ = true;
    effects.add(db, words);
  }
  void log_in(int other_db, std::initializer_list<std::string_view> words) {
    dirty_ = true;
    replaced_ = true;
    effects.add(other_db, words);
  }
  // For those who subscribe to what happens to keys (engine/command/events.h): a letter that says of what kind it is, a
  // name that outlives the call. A command with a row there needs none of it.
  void announce(char kind, std::string_view event, std::string_view key) {
    announce_in(db, kind, event, key);
  }
  void announce_in(int other_db, char kind, std::string_view event, std::string_view key);
  // Of a collection from which something was taken: `event`, and that it is gone, if nothing is left of it.
  void announce_taken(char kind, std::string_view event, std::string_view key);
  void fail(std::string_view message) { reply.error(message); }
  // The client waits until one of args[first_key, first_key + keys) is of that type, instead of an answer.
  struct Wait {
    Type type;
    size_t first_key;
    size_t keys;
    int64_t timeout_ms;  // 0: for ever
    // As in Waiting (engine/command/waiters.h).
    bool word_each = false;
    bool (*is_ready)(const Value&, std::span<const std::string_view>) = nullptr;
    std::string_view gone = {};
    std::vector<std::string> words =
        {};  // what is asked for when the key is ready; none: the request
  };
  // Not in a transaction, and nobody waits in a replay.
  bool may_wait() const;
  void wait(const Wait& wait) {
    CHECK(may_wait() && !dirty_);
    wait_ = wait;
  }
  const std::optional<Wait>& waits() const { return wait_; }
  bool failed() const { return reply.failed(); }
  bool dirty() const { return dirty_; }
  bool replaced() const { return replaced_; }

  // --- Argument parsing; each answers the Redis error itself and returns false ---
  bool integer_arg(size_t i, int64_t& out, std::string_view message = kNotInteger);
  bool float_arg(size_t i, double& out, std::string_view message = kNotFloat);
  // Case-insensitive comparison with an upper-case word.
  bool is(size_t i, std::string_view upper_word) const;

 private:
  const Object* noted(std::string_view key, const Object* found) {
    note_look_up(key, found != nullptr);
    return found;
  }
  template <class T, class V>
  static auto as(V& value) {
    if constexpr (std::is_same_v<T, String>)
      return value.string();
    else if constexpr (std::is_same_v<T, List>)
      return value.list();
    else if constexpr (std::is_same_v<T, Hash>)
      return value.hash();
    else if constexpr (std::is_same_v<T, Set>)
      return value.set();
    else if constexpr (std::is_same_v<T, Stream>)
      return value.stream();
    else
      return value.zset();
  }
  template <class T>
  const T* checked(const T* value) {
    if (value == nullptr) {
      reply.error(kWrongType);
    } else if constexpr (!std::is_same_v<T, String> && !std::is_same_v<T, Stream>) {
      CHECK(value->size() > 0);
    }
    return value;
  }

  bool dirty_ = false;
  bool replaced_ = false;
  std::optional<Wait> wait_;
};

}  // namespace powercut::engine
