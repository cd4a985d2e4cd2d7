#include "engine/command/geo/geohash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/check.h"

namespace powercut::engine::geo {

namespace {

constexpr double kEarthRadius = 6372797.560856;  // in metres
constexpr double kRadian = std::numbers::pi / 180.0;

double radians(double degrees) { return degrees * kRadian; }
double degrees(double radians) { return radians / kRadian; }

// Every other bit, from the lowest on.
uint64_t spread(uint32_t number) {
  uint64_t word = 0;
  for (unsigned bit = 0; bit < 32; ++bit) word |= uint64_t{number >> bit & 1} << 2 * bit;
  return word;
}
uint32_t gathered(uint64_t word) {
  uint32_t number = 0;
  for (unsigned bit = 0; bit < 32; ++bit)
    number |= static_cast<uint32_t>(word >> 2 * bit & 1) << bit;
  return number;
}
uint64_t interleaved(const Cell& cell) { return spread(cell.row) | spread(cell.column) << 1; }

// A cell in a grid over latitudes up to `most_latitude`.
Cell cell_in(Position position, double most_latitude, unsigned steps) {
  const auto count = static_cast<double>(uint64_t{1} << steps);
  const double row = (position.latitude + most_latitude) / (2 * most_latitude);
  const double column = (position.longitude + kMostLongitude) / (2 * kMostLongitude);
  return {static_cast<uint32_t>(column * count), static_cast<uint32_t>(row * count), steps};
}

struct Area {
  double west, east, south, north;
};

Area area_of(const Cell& cell) {
  const auto count = static_cast<double>(uint64_t{1} << cell.steps);
  const auto edge = [&](double most, uint32_t line) { return -most + (line / count) * (2 * most); };
  return {edge(kMostLongitude, cell.column), edge(kMostLongitude, cell.column + 1),
          edge(kMostLatitude, cell.row), edge(kMostLatitude, cell.row + 1)};
}

double meridian_distance(double latitude_a, double latitude_b) {
  return kEarthRadius * std::fabs(radians(latitude_b) - radians(latitude_a));
}

// Meridians meet at the poles, so in degrees a shape is widest at the side that is nearer to one.
Area bounds_of(const Shape& shape) {
  const double height = shape.unit * (shape.is_box ? shape.height / 2 : shape.radius);
  const double width = shape.unit * (shape.is_box ? shape.width / 2 : shape.radius);
  const auto [longitude, latitude] = shape.center;
  const double up = degrees(height / kEarthRadius);
  const double edge = latitude < 0 ? latitude - up : latitude + up;
  const double aside = degrees(width / kEarthRadius / std::cos(radians(edge)));
  return {longitude - aside, longitude + aside, latitude - up, latitude + up};
}

// How fine a grid may be so that a cell and its neighbours cover so many metres around a place in it.
unsigned steps_for(double metres, double latitude) {
  constexpr double kHalfTheMap = 20037726.37;  // of Mercator's, in metres
  if (metres == 0) return kFinest;
  int steps = -1;
  for (; metres < kHalfTheMap; metres *= 2) ++steps;
  if (latitude > 66 || latitude < -66) --steps;
  if (latitude > 80 || latitude < -80) --steps;
  return static_cast<unsigned>(std::clamp(steps, 1, int{kFinest}));
}

bool neighbours_cover(const Cell& cell, const Area& bounds) {
  return !(area_of(cell.neighbour(0, 1)).north < bounds.north ||
           area_of(cell.neighbour(0, -1)).south > bounds.south ||
           area_of(cell.neighbour(1, 0)).east < bounds.east ||
           area_of(cell.neighbour(-1, 0)).west > bounds.west);
}

}  // namespace

uint64_t Cell::first_score() const { return interleaved(*this) << (2 * (kFinest - steps)); }
uint64_t Cell::behind_last_score() const {
  return (interleaved(*this) + 1) << (2 * (kFinest - steps));
}

Cell Cell::neighbour(int east, int north) const {
  const uint32_t mask = (uint32_t{1} << steps) - 1;
  Cell cell = *this;
  if (east != 0) cell.column = (column + static_cast<uint32_t>(east)) & mask;
  if (north != 0) cell.row = (row + static_cast<uint32_t>(north)) & mask;
  return cell;
}

Cell cell_of(Position position, unsigned steps) {
  CHECK(position.on_the_map() && steps >= 1 && steps <= kFinest);
  return cell_in(position, kMostLatitude, steps);
}

int64_t whole(double score) {
  constexpr double kLimit = 9223372036854775808.0;
  return score >= -kLimit && score < kLimit ? static_cast<int64_t>(score) : INT64_MIN;
}

Position position_of(double score) {
  constexpr double kLimit = 9223372036854775808.0;
  const bool upper_half = score >= kLimit;
  const auto word = static_cast<uint64_t>(whole(upper_half ? score - kLimit : score)) ^
                    (upper_half ? uint64_t{1} << 63 : 0);
  const Area area = area_of({gathered(word >> 1), gathered(word), kFinest});
  return {std::clamp((area.west + area.east) / 2, -kMostLongitude, kMostLongitude),
          std::clamp((area.south + area.north) / 2, -kMostLatitude, kMostLatitude)};
}

std::string text_of(Position position) {
  constexpr char kAlphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  const uint64_t word = interleaved(cell_in(position, 90, kFinest));
  std::string text(11, '0');  // 52 bits make ten characters and two bits, which Redis does not say
  for (unsigned i = 0; i < 10; ++i) text[i] = kAlphabet[word >> (52 - 5 * (i + 1)) & 31];
  return text;
}

double distance(Position a, Position b) {
  const double v = std::sin((radians(b.longitude) - radians(a.longitude)) / 2);
  if (v == 0) return meridian_distance(a.latitude, b.latitude);
  const double from = radians(a.latitude);
  const double to = radians(b.latitude);
  const double u = std::sin((to - from) / 2);
  const double part = u * u + std::cos(from) * std::cos(to) * v * v;
  // At the other end of the earth it may come out above 1, where Redis has no number.
  return 2.0 * kEarthRadius * std::asin(std::sqrt(std::min(part, 1.0)));
}

bool Shape::contains(Position position, double& metres) const {
  if (is_box) {
    if (meridian_distance(position.latitude, center.latitude) > height * unit / 2) return false;
    if (distance(position, {center.longitude, position.latitude}) > width * unit / 2) return false;
  }
  metres = distance(center, position);
  return is_box || !(metres > radius * unit);
}

std::array<Cell, 9> cells_over(const Shape& shape) {
  const Area bounds = bounds_of(shape);
  const double reach = shape.is_box ? std::sqrt((shape.width / 2) * (shape.width / 2) +
                                                (shape.height / 2) * (shape.height / 2))
                                    : shape.radius;
  unsigned steps = steps_for(reach * shape.unit, shape.center.latitude);
  Cell own = cell_of(shape.center, steps);
  if (steps > 1 && !neighbours_cover(own, bounds)) own = cell_of(shape.center, --steps);
  const Area area = area_of(own);
  constexpr std::array<std::array<int, 2>, 9> kWays = {
      {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}};
  std::array<Cell, 9> cells;
  for (size_t i = 0; i < kWays.size(); ++i) {
    const auto [east, north] = kWays[i];
    const bool beyond =
        (north < 0 && area.south < bounds.south) || (north > 0 && area.north > bounds.north) ||
        (east < 0 && area.west < bounds.west) || (east > 0 && area.east > bounds.east);
    if (steps < 2 || !beyond) cells[i] = own.neighbour(east, north);
  }
  return cells;
}

}  // namespace powercut::engine::geo
