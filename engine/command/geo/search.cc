// GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS and GEORADIUSBYMEMBER.
//
// What is found at equal distance stands in the order in which it was found, also where Redis leaves it open.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "engine/command/geo/geo_commands.h"
#include "engine/command/number.h"

namespace powercut::engine::geo {

namespace {

enum class Form { kRadius, kRadiusByMember, kSearch, kSearchStore };
enum class Order { kAsFound, kNearest, kFarthest };

struct Query {
  Form form = Form::kSearch;
  bool may_store = true;  // STORE and STOREDIST of the older ones
  const Zset* source = nullptr;

  Shape shape;
  bool from_member = false;
  bool from_position = false;
  bool by_radius = false;

  bool with_distance = false;
  bool with_hash = false;
  bool with_position = false;
  Order order = Order::kAsFound;
  int64_t count = 0;  // 0: all
  bool any = false;
  std::optional<std::string_view> target;
  bool store_distance = false;

  bool is_search() const { return form == Form::kSearch || form == Form::kSearchStore; }
};

struct Found {
  std::string_view member;  // of the source, which does not change meanwhile
  double score = 0;
  Position position;
  double metres = 0;
};

// --- Arguments ---

bool length_arg(Call& call, size_t i, std::string_view name, double& length) {
  return call.float_arg(i, length, fmt::format("ERR need numeric {}", name));
}

bool radius_args(Call& call, size_t i, Shape& shape) {
  if (!length_arg(call, i, "radius", shape.radius)) return false;
  if (shape.radius < 0) return call.fail("ERR radius cannot be negative"), false;
  return unit_arg(call, i + 1, shape.unit);
}

bool box_args(Call& call, size_t i, Shape& shape) {
  if (!length_arg(call, i, "width", shape.width) ||
      !length_arg(call, i + 1, "height", shape.height))
    return false;
  if (shape.width < 0 || shape.height < 0) {
    return call.fail("ERR height or width cannot be negative"), false;
  }
  shape.is_box = true;
  return unit_arg(call, i + 2, shape.unit);
}

// Without a source nothing will be found, but the rest of the request is looked at.
bool member_arg(Call& call, size_t i, Query& query) {
  if (query.source == nullptr) return true;
  const auto position = position_in(query.source, call.arg(i));
  if (!position) return call.fail("ERR could not decode requested zset member"), false;
  query.shape.center = *position;
  return true;
}

// These, and parse_options, move `i` behind the option. False: it is another one, or it was answered.
bool parse_plain_option(Call& call, size_t& i, Query& query) {
  if (call.is(i, "WITHDIST")) {
    query.with_distance = true;
  } else if (call.is(i, "WITHHASH")) {
    query.with_hash = true;
  } else if (call.is(i, "WITHCOORD")) {
    query.with_position = true;
  } else if (call.is(i, "ANY")) {
    query.any = true;
  } else if (call.is(i, "ASC")) {
    query.order = Order::kNearest;
  } else if (call.is(i, "DESC")) {
    query.order = Order::kFarthest;
  } else if (call.is(i, "COUNT") && i + 1 < call.argc()) {
    if (!call.integer_arg(++i, query.count)) return false;
    if (query.count <= 0) return call.fail("ERR COUNT must be > 0"), false;
  } else {
    return false;
  }
  ++i;
  return true;
}

bool parse_store_option(Call& call, size_t& i, Query& query) {
  const bool distance = call.is(i, "STOREDIST");
  if (query.form == Form::kSearchStore && distance) {
    query.store_distance = true;
    ++i;
    return true;
  }
  const bool given = distance || call.is(i, "STORE");
  if (!given || query.is_search() || !query.may_store || i + 1 >= call.argc()) return false;
  query.target = call.arg(i + 1);
  query.store_distance = distance;
  i += 2;
  return true;
}

bool parse_search_option(Call& call, size_t& i, Query& query) {
  if (!query.is_search()) return false;
  const size_t behind = call.argc() - i - 1;
  if (call.is(i, "FROMMEMBER") && behind >= 1 && !query.from_position) {
    query.from_member = true;
    i += 2;
    return member_arg(call, i - 1, query);
  }
  if (call.is(i, "FROMLONLAT") && behind >= 2 && !query.from_member) {
    query.from_position = true;
    i += 3;
    return position_arg(call, i - 2, query.shape.center);
  }
  if (call.is(i, "BYRADIUS") && behind >= 2 && !query.shape.is_box) {
    query.by_radius = true;
    i += 3;
    return radius_args(call, i - 2, query.shape);
  }
  if (call.is(i, "BYBOX") && behind >= 3 && !query.by_radius) {
    i += 4;
    return box_args(call, i - 3, query.shape);
  }
  return false;
}

bool parse_options(Call& call, size_t i, Query& query) {
  while (i < call.argc()) {
    const bool known = parse_plain_option(call, i, query) ||
                       (!call.failed() && parse_store_option(call, i, query)) ||
                       (!call.failed() && parse_search_option(call, i, query));
    if (known) continue;
    if (!call.failed()) call.fail(kSyntaxError);
    return false;
  }
  return true;
}

bool options_agree(Call& call, const Query& query) {
  if (query.target && (query.with_distance || query.with_hash || query.with_position)) {
    call.fail(fmt::format("ERR {} is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                          query.is_search() ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS"));
  } else if (query.is_search() && !query.from_member && !query.from_position) {
    call.fail(fmt::format("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {}",
                          call.arg(0)));
  } else if (query.is_search() && !query.by_radius && !query.shape.is_box) {
    call.fail(
        fmt::format("ERR exactly one of BYRADIUS and BYBOX can be specified for {}", call.arg(0)));
  } else if (query.any && query.count == 0) {
    call.fail("ERR the ANY argument requires COUNT argument");
  }
  return !call.failed();
}

bool parse(Call& call, Query& query) {
  query.source = call.read<Zset>(call.arg(query.form == Form::kSearchStore ? 2 : 1));
  if (call.failed()) return false;
  size_t options = 2;
  switch (query.form) {
    case Form::kRadius:
      options = 6;
      if (!position_arg(call, 2, query.shape.center) || !radius_args(call, 4, query.shape)) {
        return false;
      }
      break;
    case Form::kRadiusByMember:
      options = 5;
      if (!member_arg(call, 2, query)) return false;
      if (query.source != nullptr && !radius_args(call, 3, query.shape)) return false;
      break;
    case Form::kSearch:
      break;
    case Form::kSearchStore:
      options = 3;
      query.target = call.arg(1);
  }
  if (!parse_options(call, options, query) || !options_agree(call, query)) return false;
  // The first so many are the nearest, unless any will do.
  if (query.count != 0 && query.order == Order::kAsFound && !query.any) {
    query.order = Order::kNearest;
  }
  return true;
}

// --- The search ---

// Until there are `enough`; 0: all.
void search_cell(const Query& query, const Cell& cell, size_t enough, std::vector<Found>& found) {
  const Zset& zset = *query.source;
  const size_t first = zset.count_below(static_cast<double>(cell.first_score()), false);
  const size_t end = zset.count_below(static_cast<double>(cell.behind_last_score()), false);
  if (first >= end) return;
  zset.for_ranks(first, end - 1, false, [&](Zset::Item item) {
    Found one{item.member, item.score, position_of(item.score), 0};
    if (query.shape.contains(one.position, one.metres)) found.push_back(one);
    return enough == 0 || found.size() < enough;
  });
}

std::vector<Found> search(const Query& query) {
  std::vector<Found> found;
  if (query.source == nullptr) return found;
  const size_t enough = query.any ? static_cast<size_t>(query.count) : 0;
  const auto cells = cells_over(query.shape);
  size_t last = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    // Where the map has few cells, those east and west of one, or north and south of it, are the same.
    if (cells[i].steps == 0 || (last != 0 && cells[i] == cells[last])) continue;
    if (enough != 0 && found.size() >= enough) break;
    search_cell(query, cells[i], enough, found);
    last = i;
  }
  if (query.order != Order::kAsFound) {
    const bool farthest = query.order == Order::kFarthest;
    std::stable_sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
      return farthest ? a.metres > b.metres : a.metres < b.metres;
    });
  }
  if (query.count != 0 && static_cast<uint64_t>(query.count) < found.size()) {
    found.resize(static_cast<size_t>(query.count));
  }
  return found;
}

void answer(Call& call, const Query& query, const std::vector<Found>& found) {
  const size_t options = size_t{query.with_distance} + query.with_hash + query.with_position;
  call.reply.array(found.size());
  for (const Found& one : found) {
    if (options > 0) call.reply.array(1 + options);
    call.reply.bulk(one.member);
    if (query.with_distance) call.reply.bulk(format_distance(one.metres / query.shape.unit));
    if (query.with_hash) call.reply.integer(whole(one.score));
    if (query.with_position) reply_position(call, one.position);
  }
}

// What was stored is logged, not the search: sines and roots may come out differently on another machine, or with
// another library, and then a replay would find others.
void log_stored(Call& call, std::string_view target, const Zset& stored) {
  if (call.keyspace.find(call.db, target) != nullptr) call.log({"DEL", target});
  if (stored.size() == 0) return;
  std::vector<std::string> scores;
  std::vector<std::string_view> words{"ZADD", target};
  scores.reserve(stored.size());  // `words` has views of them
  for (size_t i = 0; i < stored.size(); ++i) {
    const auto& entry = stored.entries().at(i);
    words.push_back(scores.emplace_back(format_double(entry.value)));
    words.push_back(entry.key);
  }
  call.log(words);
}

void store(Call& call, const Query& query, const std::vector<Found>& found) {
  Zset result;
  for (const Found& one : found) {
    result.set(one.member, query.store_distance ? one.metres / query.shape.unit : one.score,
               call.keyspace.encoding_limits());
  }
  call.reply.integer(static_cast<int64_t>(found.size()));
  log_stored(call, *query.target, result);
  if (result.size() > 0) {
    call.keyspace.put(call.db, *query.target, Value(std::move(result)));
    const bool searches = query.form == Form::kSearchStore;
    call.announce('z', searches ? "geosearchstore" : "georadiusstore", *query.target);
  } else if (call.keyspace.remove(call.db, *query.target)) {
    call.announce('g', "del", *query.target);
  }
}

void run(Call& call, Form form, bool may_store = true) {
  Query query;
  query.form = form;
  query.may_store = may_store;
  if (!parse(call, query)) return;
  const std::vector<Found> found = search(query);
  query.target ? store(call, query, found) : answer(call, query, found);
}

}  // namespace

void geosearch(Call& call) { run(call, Form::kSearch); }
void geosearchstore(Call& call) { run(call, Form::kSearchStore); }
void georadius(Call& call) { run(call, Form::kRadius); }
void georadius_ro(Call& call) { run(call, Form::kRadius, false); }
void georadiusbymember(Call& call) { run(call, Form::kRadiusByMember); }
void georadiusbymember_ro(Call& call) { run(call, Form::kRadiusByMember, false); }

void georadius_keys(std::span<const std::string_view> args, std::vector<size_t>& positions) {
  if (args.size() < 2) return;
  positions.push_back(1);
  size_t target = 0;  // the last counts
  for (size_t i = 5; i + 1 < args.size(); ++i) {
    if (equals_ignoring_case(args[i], "STORE") || equals_ignoring_case(args[i], "STOREDIST")) {
      target = ++i;
    }
  }
  if (target != 0) positions.push_back(target);
}

}  // namespace powercut::engine::geo
