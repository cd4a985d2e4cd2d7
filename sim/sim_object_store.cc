#include "sim/sim_object_store.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/base/check.h"
#include "sim/disk.h"

namespace powercut::sim {

using engine::Open;

namespace {

constexpr int kTriesToRead = 3;
constexpr std::string_view kBroke = "the connection broke";
constexpr std::string_view kNoAnswer = "no answer in time";
constexpr Site kBucketWeather("bucket.weather");
constexpr Site kBucketLatency("bucket.latency");
constexpr Site kBucketInterval("bucket.interval");
constexpr Duration kBucketTimeLimit = seconds(1);  // of one call

Error unreached(std::string_view what, std::string_view name, std::string_view why) {
  return {why == kBroke ? Errc::kIo : Errc::kTimeout,
          std::string(what) + " object " + std::string(name) + ": " + std::string(why)};
}

}  // namespace

bool SimObjectStore::is_weather(std::string_view error) {
  return error.find(kBroke) != error.npos || error.find(kNoAnswer) != error.npos;
}

std::string SimObjectStore::path_of(std::string_view name) {
  std::string path = std::string(kElsewhere) + "/";
  for (const char c : name) path += c == '/' ? '%' : c;
  return path;
}

// What becomes of this call, once it has taken its time.
Result<SimObjectStore::Fate> SimObjectStore::fate(std::string_view what, std::string_view name) {
  if (std::exchange(lose_answer_, false)) return Fate::kAnswerLost;
  if (fine_ && !out_of_reach_) return Fate::kFine;
  const auto spread = static_cast<uint64_t>((weather_.latency_max - weather_.latency_min).ns) + 1;
  os_.park(os_.now() + weather_.latency_min +
           nanoseconds(static_cast<int64_t>(os_.choose(kBucketLatency, spread))));
  const auto draw = [&](Duration most) {
    return nanoseconds(
        static_cast<int64_t>(os_.choose(kBucketInterval, static_cast<uint64_t>(most.ns))));
  };
  const uint64_t bad =
      fine_ || weather_.bad_one_in == 0 ? 1 : os_.choose(kBucketWeather, weather_.bad_one_in);
  const uint64_t kind = bad != 0 ? 5 : os_.choose(kBucketWeather, 5);
  if (kind == 0) back_at_ = std::max(back_at_, os_.now() + draw(weather_.out_of_reach_most));
  if (out_of_reach_ || os_.now() < back_at_) {
    os_.park(os_.now() + kBucketTimeLimit);
    return unreached(what, name, kNoAnswer);
  }
  if (kind == 1) return Fate::kRequestLost;
  if (kind == 2) return Fate::kAnswerLost;
  if (kind == 3) return Fate::kLate;
  return kind == 4 ? Fate::kNever : Fate::kFine;
}

Result<void> SimObjectStore::make_bucket() {
  const auto made = os_.make_directory(kElsewhere);
  if (made.ok() || made.error().code == Errc::kExists) return {};
  return made;
}

// Nobody finds it there yet.
Result<std::string> SimObjectStore::write_aside(std::string_view bytes) {
  const std::string path = std::string(kElsewhere) + "/.aside" + std::to_string(aside_++);
  (void)os_.remove(path);  // an earlier life's, whose put nobody will finish
  TRY_ASSIGN(const auto file, os_.open(path, Open::kCreateNew));
  for (size_t done = 0; done < bytes.size();) {
    TRY_ASSIGN(const size_t count, file->write_at(done, bytes.substr(done)));
    done += count;
  }
  return path;
}

void SimObjectStore::forget_late(std::string_view name) {
  const auto found = late_.find(std::string(name));
  if (found == late_.end()) return;
  const std::string aside = found->second;
  late_.erase(found);
  (void)os_.remove(aside);
}

Result<void> SimObjectStore::put(std::string_view name, std::string_view bytes) {
  TRY_ASSIGN(const Fate fate, this->fate("put", name));
  if (fate == Fate::kRequestLost) return unreached("put", name, kBroke);
  put_.insert(path_of(name));
  const auto unknown = [&](const Error& error) { return unreached("put", name, error.message); };
  if (const auto made = make_bucket(); !made.ok()) return unknown(made.error());
  const auto aside = write_aside(bytes);
  if (!aside.ok()) return unknown(aside.error());
  if (fate == Fate::kNever) {
    (void)os_.remove(*aside);
    return {};
  }
  if (fate == Fate::kLate) {
    const auto wait = os_.choose(kBucketInterval, static_cast<uint64_t>(weather_.late_most.ns));
    late_[std::string(name)] = *aside;
    os_.spawn("bucket", [this, name = std::string(name), aside = *aside,
                         at = os_.now() + nanoseconds(static_cast<int64_t>(wait))] {
      os_.park(at);
      const auto found = late_.find(name);
      if (found == late_.end() || found->second != aside) return;  // put again, or removed
      late_.erase(found);
      (void)os_.rename(aside, path_of(name));
    });
    return {};
  }
  forget_late(name);
  const auto named = os_.rename(*aside, path_of(name));
  if (!named.ok()) return unknown(named.error());
  if (fate == Fate::kAnswerLost) return unreached("put", name, kBroke);
  return {};
}

// What reads is asked again at once, as a client of such a store does.
Result<void> SimObjectStore::reach(std::string_view what, std::string_view name) {
  for (int left = kTriesToRead;; --left) {
    const auto fate = this->fate(what, name);
    const bool lost = fate.ok() && (*fate == Fate::kRequestLost || *fate == Fate::kAnswerLost);
    if (fate.ok() && !lost) return {};
    if (left == 1) return lost ? unreached(what, name, kBroke) : fate.error();
  }
}

Result<std::string> SimObjectStore::get(std::string_view name, uint64_t offset, uint64_t length) {
  TRY(reach("get", name));
  const auto file = os_.open(path_of(name), Open::kRead);
  if (!file.ok() && file.error().code == Errc::kNotFound)
    return Error{Errc::kNotFound, "get object " + std::string(name) + ": there is none"};
  if (!file.ok()) return unreached("get", name, file.error().message);
  std::string bytes(length, '\0');
  size_t have = 0;
  while (have < length) {
    const auto count = (*file)->read_at(offset + have, bytes.data() + have, length - have);
    if (!count.ok()) return unreached("get", name, count.error().message);
    if (*count == 0) break;
    have += *count;
  }
  bytes.resize(have);
  return bytes;
}

Result<uint64_t> SimObjectStore::head(std::string_view name) {
  TRY(reach("head", name));
  const auto file = os_.open(path_of(name), Open::kRead);
  if (!file.ok() && file.error().code == Errc::kNotFound)
    return Error{Errc::kNotFound, "head object " + std::string(name) + ": there is none"};
  if (!file.ok()) return unreached("head", name, file.error().message);
  const auto size = (*file)->size();
  if (!size.ok()) return unreached("head", name, size.error().message);
  return *size;
}

Result<void> SimObjectStore::remove(std::string_view name) {
  TRY_ASSIGN(const Fate fate, this->fate("remove", name));
  if (fate == Fate::kRequestLost) return unreached("remove", name, kBroke);
  forget_late(name);
  const auto removed = os_.remove(path_of(name));
  if (!removed.ok() && removed.error().code != Errc::kNotFound)
    return unreached("remove", name, removed.error().message);
  if (fate == Fate::kAnswerLost) return unreached("remove", name, kBroke);
  return {};
}

Result<std::vector<std::string>> SimObjectStore::list(std::string_view prefix, size_t most) {
  TRY(reach("list", prefix));
  if (const auto made = make_bucket(); !made.ok())
    return unreached("list", prefix, made.error().message);
  const auto names = os_.list(kElsewhere);
  if (!names.ok()) return unreached("list", prefix, names.error().message);
  std::vector<std::string> found;
  for (std::string name : *names) {
    std::replace(name.begin(), name.end(), '%', '/');
    if (name.front() != '.' && name.starts_with(prefix) && found.size() < most)
      found.push_back(std::move(name));
  }
  return found;
}

}  // namespace powercut::sim
