#include "faults/automatic.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>

#include "sim/choices.h"

namespace powercut::faults {

namespace {

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

AutomaticMutant mutant_of(std::string_view file, const std::vector<std::string_view>& fields) {
  static std::deque<std::string> texts;  // they stay, and names end in a nought, for Site
  AutomaticMutant mutant;
  mutant.file = file;
  mutant.line = fields[1];
  mutant.function = fields[2];
  mutant.before = fields[3];
  mutant.after = fields[4];
  const std::string& name = texts.emplace_back(fields[0]);
  mutant.info.name = name;
  mutant.info.story = texts.emplace_back(
      fmt::format("{} -> {}", mutant.before, mutant.after.empty() ? "nothing" : mutant.after));
  mutant.info.source = "made from the syntax tree";
  mutant.info.planted = Mutant::named(Site::named(name.c_str()));
  return mutant;
}

}  // namespace

Automatic read_automatic(std::span<const std::string_view> lists) {
  Automatic all;
  for (std::string_view list : lists) {
    std::string_view file;
    while (!list.empty()) {
      const size_t end = list.find('\n');
      const auto fields = fields_of(list.substr(0, end));
      list.remove_prefix(end + 1);
      if (!file.empty()) {
        all.mutants.push_back(mutant_of(file, fields));
        continue;
      }
      file = fields[0];
      uint64_t more = 0;
      std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), more);
      all.not_compiled += more;
    }
  }
  return all;
}

const Automatic& all_automatic() {
  static const Automatic all = read_automatic(embedded_lists());
  return all;
}

std::vector<const AutomaticMutant*> draw(const Automatic& all, uint64_t count, uint64_t seed) {
  std::vector<const AutomaticMutant*> drawn;
  for (const AutomaticMutant& mutant : all.mutants) drawn.push_back(&mutant);
  sim::SeededChoices choices(seed);
  count = std::min<uint64_t>(count, drawn.size());
  for (uint64_t i = 0; i < count; ++i)
    std::swap(drawn[i], drawn[i + choices.choose("automatic.draw", i, drawn.size() - i)]);
  drawn.resize(count);
  std::sort(drawn.begin(), drawn.end());  // all are in one array
  return drawn;
}

}  // namespace powercut::faults
