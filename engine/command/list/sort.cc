// SORT and SORT_RO.
//
// The order is total: elements of equal weight stand in byte order, also where Redis leaves it open
// (ALPHA with BY). SORT ... STORE is logged as it was given and must store the same when the log is
// replayed.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "engine/command/call.h"
#include "engine/command/client.h"
#include "engine/command/list/list_commands.h"
#include "engine/command/number.h"
#include "engine/command/permission.h"

namespace powercut::engine {

namespace {

struct Options {
  bool descending = false;
  bool alpha = false;
  int64_t offset = 0;
  int64_t count = -1;
  std::optional<std::string_view> by;
  bool no_sort = false;  // BY a pattern without '*'
  std::vector<std::string_view> get;
  std::optional<std::string_view> store;
};

// BY and GET read keys that the request does not name.
bool may_read_patterns(const Call& call) {
  return call.client == nullptr || call.client->user->unrestricted ||
         may_read_every_key(*call.client->user, *resolve(call.args), call.args);
}

bool refuse_pattern(Call& call, std::string_view option) {
  call.fail(
      fmt::format("ERR {} option of SORT denied due to insufficient ACL permissions.", option));
  return false;
}

bool parse_options(Call& call, bool read_only, Options& options) {
  const bool patterns = may_read_patterns(call);
  for (size_t i = 2; i < call.argc(); ++i) {
    const size_t left = call.argc() - i - 1;
    if (call.is(i, "ASC")) {
      options.descending = false;
    } else if (call.is(i, "DESC")) {
      options.descending = true;
    } else if (call.is(i, "ALPHA")) {
      options.alpha = true;
    } else if (call.is(i, "LIMIT") && left >= 2) {
      if (!call.integer_arg(i + 1, options.offset) || !call.integer_arg(i + 2, options.count)) {
        return false;
      }
      i += 2;
    } else if (call.is(i, "STORE") && left >= 1 && !read_only) {
      options.store = call.arg(++i);
    } else if (call.is(i, "BY") && left >= 1) {
      options.by = call.arg(++i);
      options.no_sort = options.by->find('*') == std::string_view::npos;
      if (!options.no_sort && !patterns) return refuse_pattern(call, "BY");
    } else if (call.is(i, "GET") && left >= 1) {
      if (!patterns) return refuse_pattern(call, "GET");
      options.get.push_back(call.arg(++i));
    } else {
      return call.fail(kSyntaxError), false;
    }
  }
  return true;
}

// The elements of the list, set or sorted set, copied: looking up patterns may expire keys, and
// then no pointer into the keyspace holds. A sorted set comes in the order of its ranks.
bool load(Call& call, std::vector<std::string>& elements) {
  const Object* object = call.find(call.arg(1));
  if (object == nullptr) return true;
  if (const List* list = object->value.list()) {
    for (size_t i = 0; i < list->size(); ++i) elements.emplace_back(list->at(i));
  } else if (const Set* set = object->value.set()) {
    for (size_t i = 0; i < set->size(); ++i) elements.emplace_back(set->entries().at(i).key);
  } else if (const Zset* zset = object->value.zset()) {
    for (size_t i = 0; i < zset->size(); ++i) elements.emplace_back(zset->at_rank(i).member);
  } else {
    return call.fail(kWrongType), false;
  }
  return true;
}

// What `pattern` names once its first '*' is `element`: "#" the element, "key" a string,
// "key->field" a hash's field. None if there is no such thing.
std::optional<std::string> look_up(Call& call, std::string_view pattern,
                                   const std::string& element) {
  if (pattern == "#") return element;
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  std::string_view tail = pattern.substr(star + 1);
  std::string_view field;
  const size_t arrow = tail.find("->");
  if (arrow != std::string_view::npos && arrow + 2 < tail.size()) {
    field = tail.substr(arrow + 2);
    tail = tail.substr(0, arrow);
  }
  std::string key(pattern.substr(0, star));
  key += element;
  key += tail;
  const Object* object = call.find(key);
  if (object == nullptr) return std::nullopt;
  if (field.empty()) {
    const String* string = object->value.string();
    return string == nullptr ? std::nullopt : std::optional<std::string>(*string);
  }
  const Hash* hash = object->value.hash();
  const auto value = hash == nullptr ? std::nullopt : hash->find(field);
  return value ? std::optional<std::string>(*value) : std::nullopt;
}

// Nobody said that it would read what patterns name: none of it may lie in the cold tier. What lies in the warm one comes back.
bool finds_in_memory(Call& call, std::string_view pattern,
                     const std::vector<std::string>& elements) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return true;
  const std::string_view tail = pattern.substr(star + 1);
  for (const std::string& element : elements) {
    std::string key(pattern.substr(0, star));
    key += element;
    key += tail.substr(0, tail.find("->"));
    const Object* object = call.keyspace.peek(call.db, key);
    const Away* away = object == nullptr ? nullptr : object->value.away();
    if (away == nullptr) continue;
    if (!away->warm()) return call.fail(kUnnamedAway), false;
    auto value = read_warm(*away, call.keyspace.encoding_limits());
    if (!value.ok()) return call.fail("IOERR " + value.error().message), false;
    call.keyspace.bring_back(*call.keyspace.entry_of(call.keyspace.mutable_database(call.db), key),
                             std::move(*value));
  }
  return true;
}

struct Weighted {
  std::string element;
  double score = 0;
  std::optional<std::string> text;  // with ALPHA and BY; absent is least
};

// As the C library reads a number, all of it: leading spaces and "" (zero) pass.
bool parse_score(const std::string& text, double& score) {
  char* end = nullptr;
  errno = 0;
  score = std::strtod(text.c_str(), &end);
  return *end == '\0' && errno != ERANGE && !std::isnan(score);
}

bool weigh(Call& call, const Options& options, std::vector<Weighted>& items) {
  bool good = true;
  for (Weighted& item : items) {
    if (!options.by) {
      if (!options.alpha) good = parse_score(item.element, item.score) && good;
      continue;
    }
    item.text = look_up(call, *options.by, item.element);
    if (!options.alpha && item.text) good = parse_score(*item.text, item.score) && good;
  }
  if (!good) call.fail("ERR One or more scores can't be converted into double");
  return good;
}

void order(const Options& options, std::vector<Weighted>& items) {
  std::stable_sort(items.begin(), items.end(), [&](const Weighted& x, const Weighted& y) {
    const Weighted& a = options.descending ? y : x;
    const Weighted& b = options.descending ? x : y;
    if (!options.alpha) {
      if (a.score != b.score) return a.score < b.score;
    } else if (options.by && a.text != b.text) {
      return a.text < b.text;
    }
    return a.element < b.element;
  });
}

void apply_limit(const Options& options, std::vector<Weighted>& items) {
  const auto n = static_cast<int64_t>(items.size());
  const int64_t first = std::clamp<int64_t>(options.offset, 0, n);
  const int64_t count = options.count < 0 ? n - first : std::min(options.count, n - first);
  CHECK(count >= 0 && first + count <= n);
  items.erase(items.begin() + first + count, items.end());
  items.erase(items.begin(), items.begin() + first);
}

void answer(Call& call, const Options& options, const std::vector<Weighted>& items) {
  call.reply.array(items.size() * std::max<size_t>(options.get.size(), 1));
  for (const Weighted& item : items) {
    if (options.get.empty()) call.reply.bulk(item.element);
    for (const std::string_view pattern : options.get) {
      const auto value = look_up(call, pattern, item.element);
      value ? call.reply.bulk(*value) : call.reply.null();
    }
  }
}

void store(Call& call, const Options& options, const std::vector<Weighted>& items) {
  List list;
  for (const Weighted& item : items) {
    if (options.get.empty()) list.push_back(item.element);
    for (const std::string_view pattern : options.get) {
      list.push_back(look_up(call, pattern, item.element).value_or(std::string()));
    }
  }
  CHECK(list.size() == items.size() * std::max<size_t>(options.get.size(), 1));
  call.reply.integer(static_cast<int64_t>(list.size()));
  if (list.size() > 0) {
    call.keyspace.put(call.db, *options.store, Value(std::move(list)));
    call.changed();
    call.announce('l', "sortstore", *options.store);
  } else if (call.keyspace.remove(call.db, *options.store)) {
    call.changed();
    call.announce('g', "del", *options.store);
  }
}

void sort(Call& call, bool read_only) {
  Options options;
  if (!parse_options(call, read_only, options)) return;
  std::vector<std::string> elements;
  if (!load(call, elements)) return;
  if (options.by && !finds_in_memory(call, *options.by, elements)) return;
  for (const std::string_view pattern : options.get)
    if (!finds_in_memory(call, pattern, elements)) return;
  const Object* source = call.keyspace.find(call.db, call.arg(1));
  const bool is_set = source != nullptr && source->value.type() == Type::kSet;
  if (options.no_sort && is_set && (options.store || call.in_script)) {
    // A set has no order of its own; what is stored must not depend on where its members happen to
    // lie, nor what a script does.
    options.no_sort = false;
    options.alpha = true;
    options.by.reset();
  }
  std::vector<Weighted> items;
  items.reserve(elements.size());
  for (std::string& element : elements) items.push_back({std::move(element), 0, std::nullopt});
  if (!options.no_sort) {
    if (!weigh(call, options, items)) return;
    order(options, items);
  } else if (options.descending && !is_set) {
    std::reverse(items.begin(), items.end());
  }
  apply_limit(options, items);
  options.store ? store(call, options, items) : answer(call, options, items);
}

}  // namespace

void sort_command(Call& call) { sort(call, false); }
void sort_ro_command(Call& call) { sort(call, true); }

void sort_keys(std::span<const std::string_view> args, std::vector<size_t>& positions) {
  if (args.size() < 2) return;
  positions.push_back(1);
  // Walks as parse_options does, so that a pattern called "store" is none; the last STORE counts.
  size_t destination = 0;
  for (size_t i = 2; i < args.size(); ++i) {
    if (equals_ignoring_case(args[i], "LIMIT")) {
      i += 2;
    } else if (equals_ignoring_case(args[i], "BY") || equals_ignoring_case(args[i], "GET")) {
      ++i;
    } else if (equals_ignoring_case(args[i], "STORE") && i + 1 < args.size()) {
      destination = ++i;
    }
  }
  if (destination != 0) positions.push_back(destination);
}

}  // namespace powercut::engine
