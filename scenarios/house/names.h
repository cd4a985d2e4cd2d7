// The names of files in prose: what a comment or a note says is there must be there, or whoever
// follows it is lost.
//
// A name is a path that begins at a room (`engine/os/os.h`, `results/zoo`), or a word that ends as a
// source or a document does (scan.h, README.md): that one stands beside the file that names it, or
// at the root. Left alone are patterns (sim/*.cc, engine/<family>/) and names that stand for any
// (NAME.scn, results/eNN_name).
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/house/scan.h"

namespace powercut::house {

struct Mention {
  std::string name;
  size_t line;
};

// What a person reads of a file: the comments of a source or a script, all of a note.
inline std::string prose_of(const std::string& path, const std::string& raw) {
  const auto ends = [&](std::string_view tail) {
    return path.size() >= tail.size() &&
           path.compare(path.size() - tail.size(), tail.size(), tail) == 0;
  };
  if (ends(".md")) return raw;
  if (ends(".h") || ends(".cc")) return parse(path, raw).comments;
  std::string prose;
  bool comment = false;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '#' && (i == 0 || raw[i - 1] == ' ' || raw[i - 1] == '\n')) comment = true;
    if (raw[i] == '\n') comment = false;
    prose += comment || raw[i] == '\n' ? raw[i] : ' ';
  }
  return prose;
}

// The names in `prose`, rooms being the folders at the root.
inline std::vector<Mention> mentions(std::string_view prose, const std::set<std::string>& rooms) {
  static const std::string_view kEnds[] = {".h", ".cc", ".md", ".sh"};
  static const std::string_view kOfAny[] = {"NAME", "FILE", "eNN_name"};
  const auto in_name = [](char c) { return is_word(c) || c == '.' || c == '/' || c == '-'; };
  const auto in_pattern = [&](size_t at) {
    return at < prose.size() && std::string_view("*<>{}$?~").find(prose[at]) != prose.npos;
  };
  std::vector<Mention> found;
  size_t line = 1;
  for (size_t i = 0; i < prose.size();) {
    if (!in_name(prose[i])) {
      line += prose[i++] == '\n' ? 1 : 0;
      continue;
    }
    const size_t begin = i;
    while (i < prose.size() && in_name(prose[i])) ++i;
    if (in_pattern(i) || (begin > 0 && in_pattern(begin - 1))) continue;
    std::string_view name = prose.substr(begin, i - begin);
    while (!name.empty() && (name.back() == '.' || name.back() == '/')) name.remove_suffix(1);
    const size_t slash = name.find('/');
    const bool in_room = slash != name.npos && rooms.count(std::string(name.substr(0, slash))) != 0;
    const bool is_file = std::any_of(std::begin(kEnds), std::end(kEnds), [&](auto end) {
      return name.size() > end.size() && name.ends_with(end) &&
             name[name.size() - end.size() - 1] != '/';
    });
    const bool of_any = std::any_of(std::begin(kOfAny), std::end(kOfAny),
                                    [&](auto word) { return name.find(word) != name.npos; });
    if ((in_room || is_file) && !of_any && name.front() != '/')
      found.push_back({std::string(name), line});
  }
  return found;
}

// The names in the prose of `path` that lead nowhere. `tree`: every file, by its path from the root.
inline std::vector<Mention> dangling(const std::string& path, const std::string& raw,
                                     const std::set<std::string>& tree,
                                     const std::set<std::string>& rooms) {
  const auto is_there = [&](const std::string& name) {
    if (tree.count(name)) return true;
    const auto below = tree.lower_bound(name + "/");
    return below != tree.end() && below->rfind(name + "/", 0) == 0;
  };
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  std::vector<Mention> nowhere;
  for (Mention& mention : mentions(prose_of(path, raw), rooms))
    if (!is_there(mention.name) && !is_there(folder + mention.name))
      nowhere.push_back(std::move(mention));
  return nowhere;
}

}  // namespace powercut::house
