#include "engine/server/directives.h"

#include <fmt/format.h>
#include <glob.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "engine/base/words.h"

namespace powercut::engine {

namespace {

constexpr int kMostIncludes = 16;  // one within the other

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<FILE, int (*)(FILE*)> opened(path == "-" ? nullptr : fopen(path.c_str(), "re"),
                                               [](FILE* file) { return file ? fclose(file) : 0; });
  FILE* const file = path == "-" ? stdin : opened.get();
  if (file == nullptr)
    return Error{Errc::kInvalid, fmt::format("{}: cannot be read: {}", path, std::strerror(errno))};
  std::string text;
  char piece[4096];
  size_t count = 0;
  while ((count = fread(piece, 1, sizeof piece, file)) > 0) text.append(piece, count);
  if (ferror(file) != 0)
    return Error{Errc::kInvalid, fmt::format("{}: cannot be read: {}", path, std::strerror(errno))};
  return text;
}

Result<void> read_into(std::vector<Directive>& all, const std::string& path, int depth);

Result<void> include(std::vector<Directive>& all, const Directive& directive, int depth) {
  if (directive.words.size() != 2)
    return Error{Errc::kInvalid, directive.where + ": include takes one file"};
  if (depth == kMostIncludes)
    return Error{Errc::kInvalid, directive.where + ": too many files within one another"};
  const std::string& name = directive.words[1];
  if (name.find_first_of("*?[") == name.npos) return read_into(all, name, depth + 1);
  glob_t found{};
  Result<void> outcome;
  if (glob(name.c_str(), 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc && outcome.ok(); ++i)
      outcome = read_into(all, found.gl_pathv[i], depth + 1);
  }
  globfree(&found);
  return outcome;
}

Result<void> read_into(std::vector<Directive>& all, const std::string& path, int depth) {
  TRY_ASSIGN(const std::string text, read_file(path));
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == line.npos || line[first] == '#') continue;
    Directive directive;
    directive.where = fmt::format("{} line {}", path == "-" ? "standard input" : path, number);
    if (!split_words(line, directive.words))
      return Error{Errc::kInvalid, directive.where + ": quotes that are not closed"};
    directive.words[0] = lower_case(directive.words[0]);
    if (directive.words[0] == "include") {
      TRY(include(all, directive, depth));
    } else {
      all.push_back(std::move(directive));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Directive>> read_directives(const std::string& path) {
  std::vector<Directive> all;
  TRY(read_into(all, path, 0));
  return all;
}

Result<std::vector<Directive>> directives_of(const std::vector<std::string>& arguments) {
  std::vector<Directive> all;
  for (const std::string& argument : arguments) {
    if (argument.starts_with("--") && argument.size() > 2) {
      // Redis takes "--port 6379" in one word as well.
      Directive directive;
      if (!split_words(argument.substr(2), directive.words) || directive.words.empty())
        directive.words = {argument.substr(2)};
      directive.words[0] = lower_case(directive.words[0]);
      directive.where = "--" + directive.words[0];
      all.push_back(std::move(directive));
    } else if (all.empty()) {
      return Error{Errc::kInvalid, fmt::format("{}: not expected here", argument)};
    } else {
      all.back().words.push_back(argument);
    }
  }
  // Of an include on the command line, its file's.
  std::vector<Directive> whole;
  for (Directive& directive : all) {
    if (directive.words[0] == "include") {
      TRY(include(whole, directive, 0));
    } else {
      whole.push_back(std::move(directive));
    }
  }
  return whole;
}

}  // namespace powercut::engine
