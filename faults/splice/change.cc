#include "faults/splice/change.h"

#include <fmt/format.h>

#include <map>

#include "engine/base/site.h"

namespace powercut::faults {

namespace {

std::string on_one_line(std::string_view code) { return joined(tokens_of(code)); }

uint32_t hash_of(const std::string& text) {
  return static_cast<uint32_t>(Site::named(text.c_str()).hash);
}

std::string_view before(const SourceText& source, const Change& change) {
  return source.text.substr(change.begin, change.end - change.begin);
}

}  // namespace

std::string_view name(Rule rule) {
  static constexpr std::string_view kNames[] = {"drop",   "negate", "shift",
                                                "ignore", "swap",   "neighbour"};
  return kNames[static_cast<size_t>(rule)];
}

std::vector<std::string> names_of(const SourceText& source, const std::vector<Change>& changes) {
  std::map<std::string, int> times;
  std::vector<std::string> names;
  for (const Change& change : changes) {
    const std::string place =
        fmt::format("{}:{}:{}:", source.path, change.function, name(change.rule));
    std::string text = on_one_line(before(source, change)) + " -> " + on_one_line(change.after);
    const int count = ++times[place + text];
    if (count > 1) text += fmt::format(" #{}", count);
    names.push_back(fmt::format("{}{:08x}", place, hash_of(text)));
  }
  return names;
}

std::string list_line(const SourceText& source, const Change& change, const std::string& name) {
  const std::string function = on_one_line(
      source.text.substr(change.function_begin, change.function_end - change.function_begin));
  return fmt::format("{}\t{}\t{:08x}\t{}\t{}\n", name, source.line_at(change.begin),
                     hash_of(function), on_one_line(before(source, change)),
                     on_one_line(change.after));
}

Edit edit_of(const SourceText& source, const Change& change, const std::string& name) {
  return {.begin = change.begin,
          .end = change.end,
          .statements = change.statements,
          .after = change.after,
          .mutant = name,
          .page = std::string(source.path),
          .line = source.line_at(change.begin),
          .is_condition = change.rule == Rule::kNegate};
}

}  // namespace powercut::faults
