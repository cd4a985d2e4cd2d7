#include "faults/nearest.h"

#include <fmt/format.h>

#include <algorithm>

namespace powercut::faults {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Optimal string alignment (Damerau, 1964).
size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view wrong, const std::vector<std::string>& names) {
  if (wrong.empty() || wrong.size() > 64) return "";
  std::string best;
  // Half of a short word may be wrong and it is still recognised; of a long one, less.
  size_t least = std::max<size_t>(1, (wrong.size() + 1) / 3) + 1;
  for (const std::string& name : names) {
    const size_t away = distance(wrong, name);
    if (away >= least) continue;
    least = away;
    best = name;
  }
  if (!best.empty()) return best;
  // The beginning of one, or a word in it.
  for (const std::string& name : names)
    if (wrong.size() >= 3 && name.find(wrong) != std::string::npos) return name;
  return "";
}

std::string no_such(std::string_view wrong, const std::vector<std::string>& names,
                    std::string_view list, std::string_view noun) {
  const std::string meant = nearest(wrong, names);
  std::string text = fmt::format("there is no {}{}\"{}\"", noun, noun.empty() ? "" : " ", wrong);
  if (!meant.empty()) text += fmt::format("; did you mean {}?", meant);
  if (!list.empty())
    text += fmt::format("{} `powercut list {}` names them all", meant.empty() ? ";" : "", list);
  return text;
}

}  // namespace powercut::faults
