// The geo family's handlers that do not stand in geo.cc, and what its files share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/command/call.h"
#include "engine/command/geo/geohash.h"

namespace powercut::engine::geo {

// search.cc
void geosearch(Call& call);
void geosearchstore(Call& call);
void georadius(Call& call);
void georadius_ro(Call& call);
void georadiusbymember(Call& call);
void georadiusbymember_ro(Call& call);
// For CommandSpec::keys_of of those with STORE and STOREDIST.
void georadius_keys(std::span<const std::string_view> args, std::vector<size_t>& positions);

// Each answers the error itself and returns false.
// Longitude and latitude, in arguments `i` and the next.
bool position_arg(Call& call, size_t i, Position& position);
bool unit_arg(Call& call, size_t i, double& metres);

// Four digits behind the point.
std::string format_distance(double length);
void reply_position(Call& call, Position position);
std::optional<Position> position_in(const Zset* zset, std::string_view member);

}  // namespace powercut::engine::geo
