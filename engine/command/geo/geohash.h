// Places on the earth as numbers: geohashes (Niemeyer 2008), as Redis makes and reads them, to the bit.
//
// Halving the range of longitudes 26 times, and that of latitudes, says in 52 bits where a place is; interleaved, they
// are a score, and what lies in one cell of the grid has neighbouring scores. Each step here is an operation of IEEE
// 754 in the order in which Redis 7.0 does it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace powercut::engine::geo {

inline constexpr double kMostLongitude = 180;
inline constexpr double kMostLatitude = 85.05112878;  // where EPSG:900913 ends
inline constexpr unsigned kFinest = 26;               // steps

// In degrees.
struct Position {
  double longitude = 0;
  double latitude = 0;
  bool on_the_map() const {
    return longitude >= -kMostLongitude && longitude <= kMostLongitude &&
           latitude >= -kMostLatitude && latitude <= kMostLatitude;
  }
};

// One of 4^steps cells. A place at the very edge lies in a cell beyond the last.
struct Cell {
  uint32_t column = 0;  // from the west
  uint32_t row = 0;     // from the south
  unsigned steps = 0;

  bool operator==(const Cell&) const = default;
  // Scores of what lies in it are from this one on, below that of the next.
  uint64_t first_score() const;
  uint64_t behind_last_score() const;
  // REQUIRES: each is -1, 0 or 1. At the edge of the map, round to the other side.
  Cell neighbour(int east, int north) const;
};

// REQUIRES: on_the_map(), 1 <= steps <= kFinest.
Cell cell_of(Position position, unsigned steps);
// Any double is some place's score.
Position position_of(double score);
// As C converts it on x86-64, where it fits and where it does not.
int64_t whole(double score);
// The 11 characters by which others know the place, whose grid reaches to the poles.
std::string text_of(Position position);

// In metres, on a sphere (haversine formula).
double distance(Position a, Position b);

// Lengths are in a unit of so many metres.
struct Shape {
  Position center;
  bool is_box = false;
  double radius = 0;
  double width = 0;
  double height = 0;
  double unit = 1;

  // Then `metres` is the distance from the centre.
  bool contains(Position position, double& metres) const;
};

// The cells around a shape's centre that together cover it, as far as Redis looks: the centre's own first. One of
// no steps is left out.
std::array<Cell, 9> cells_over(const Shape& shape);

}  // namespace powercut::engine::geo
