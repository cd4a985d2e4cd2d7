// Places on the earth: a sorted set whose scores are geohashes. Searches have a file of their own.
#include <fmt/format.h>

#include <cmath>

#include "engine/command/command_table.h"
#include "engine/command/geo/geo_commands.h"
#include "engine/command/number.h"
#include "engine/command/sorted_set/sorted_set_commands.h"

namespace powercut::engine {

namespace geo {

bool position_arg(Call& call, size_t i, Position& position) {
  if (!call.float_arg(i, position.longitude) || !call.float_arg(i + 1, position.latitude)) {
    return false;
  }
  if (position.on_the_map()) return true;
  call.fail(fmt::format("ERR invalid longitude,latitude pair {:f},{:f}", position.longitude,
                        position.latitude));
  return false;
}

bool unit_arg(Call& call, size_t i, double& metres) {
  if (call.is(i, "M"))
    metres = 1;
  else if (call.is(i, "KM"))
    metres = 1000;
  else if (call.is(i, "FT"))
    metres = 0.3048;
  else if (call.is(i, "MI"))
    metres = 1609.34;
  else
    call.fail("ERR unsupported unit provided. please use M, KM, FT, MI");
  return !call.failed();
}

std::string format_distance(double length) {
  const auto parts = static_cast<uint64_t>(std::llrint(length * 10'000));
  return fmt::format("{}.{:04}", parts / 10'000, parts % 10'000);
}

void reply_position(Call& call, Position position) {
  call.reply.array(2);
  call.reply.number_as(format_long_double(position.longitude));
  call.reply.number_as(format_long_double(position.latitude));
}

std::optional<Position> position_in(const Zset* zset, std::string_view member) {
  const auto score = zset == nullptr ? std::nullopt : zset->score(member);
  if (!score) return std::nullopt;
  return position_of(*score);
}

namespace {

// It is a ZADD with the scores that the places have, and that is logged.
void geoadd(Call& call) {
  size_t first = 2;
  bool nx = false;
  bool xx = false;
  for (; first < call.argc(); ++first) {
    if (call.is(first, "NX"))
      nx = true;
    else if (call.is(first, "XX"))
      xx = true;
    else if (!call.is(first, "CH"))
      break;
  }
  if ((call.argc() - first) % 3 != 0 || (nx && xx)) return call.fail(kSyntaxError);
  std::vector<std::string> scores;
  for (size_t i = first; i < call.argc(); i += 3) {
    Position position;
    if (!position_arg(call, i, position)) return;
    const uint64_t score = cell_of(position, kFinest).first_score();
    scores.push_back(format_integer(static_cast<int64_t>(score)));
  }
  std::vector<std::string_view> words{"ZADD"};
  for (size_t i = 1; i < first; ++i) words.push_back(call.arg(i));
  for (size_t n = 0; n < scores.size(); ++n) {
    words.push_back(scores[n]);
    words.push_back(call.arg(first + 3 * n + 2));
  }
  Call adding(words, call.keyspace, call.db, call.reply, call.effects, call.chance);
  adding.events = call.events;
  zadd_command(adding);
  if (adding.dirty()) call.log(words);
}

void geodist(Call& call) {
  double unit = 1;
  if (call.argc() > 5) return call.fail(kSyntaxError);
  if (call.argc() == 5 && !unit_arg(call, 4, unit)) return;
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  const auto from = position_in(zset, call.arg(2));
  const auto to = position_in(zset, call.arg(3));
  if (!from || !to) return call.reply.null();
  call.reply.bulk(format_distance(distance(*from, *to) / unit));
}

void geohash(Call& call) {
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) {
    const auto position = position_in(zset, call.arg(i));
    position ? call.reply.bulk(text_of(*position)) : call.reply.null();
  }
}

void geopos(Call& call) {
  const Zset* zset = call.read<Zset>(call.arg(1));
  if (call.failed()) return;
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) {
    const auto position = position_in(zset, call.arg(i));
    position ? reply_position(call, *position) : call.reply.null_array();
  }
}

}  // namespace

}  // namespace geo

std::span<const CommandSpec> geo_commands() {
  using namespace geo;
  constexpr uint32_t kStores = kWrite | kDenyOom;
  static constexpr CommandSpec kCommands[] = {
      {"geoadd", geoadd, -5, kStores, 1, 1, 1},
      {"geodist", geodist, -4, kReadOnly, 1, 1, 1},
      {"geohash", geohash, -2, kReadOnly, 1, 1, 1},
      {"geopos", geopos, -2, kReadOnly, 1, 1, 1},
      {"geosearch", geosearch, -7, kReadOnly, 1, 1, 1},
      {"geosearchstore", geosearchstore, -8, kStores, 1, 2, 1},
      {"georadius", georadius, -6, kStores | kMovableKeys, 1, 1, 1, georadius_keys},
      {"georadius_ro", georadius_ro, -6, kReadOnly, 1, 1, 1},
      {"georadiusbymember", georadiusbymember, -5, kStores | kMovableKeys, 1, 1, 1, georadius_keys},
      {"georadiusbymember_ro", georadiusbymember_ro, -5, kReadOnly, 1, 1, 1},
  };
  return kCommands;
}

}  // namespace powercut::engine
