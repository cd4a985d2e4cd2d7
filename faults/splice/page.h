// A planted bug as a page of text: what it is, where sweeps saw it, and what it changes.
// faults/mutants/README.md describes the format.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace powercut::faults {

// A line of a change: as it stands (' '), taken away ('-') or put in its place ('+').
struct PageLine {
  char sign;
  std::string text;
  size_t number;  // in the page
};

// Consecutive lines of one source. Without what is put in, they stand there exactly once.
struct PageChange {
  std::string file;
  size_t number;  // of the line that names the file
  std::vector<PageLine> lines;
};

struct Page {
  std::string path;  // from the root of the tree, for messages and #line
  std::string text;  // the whole of it
  std::string name;
  std::string story;    // one line: what was changed
  std::string source;   // the real bug it stands for
  std::string trigger;  // the fault it takes: fault classes, with commas
  std::string oracles;  // where sweeps saw it; see Observed in faults/mutants.h
  std::string policies;
  std::string personas;
  std::string workload;    // the built-in one in which it shows; empty: where all is done
  std::string equivalent;  // not empty: not counted, and why
  std::string target;      // the one that it shows in, where that is not the store alone
  std::string seam;        // what a decorator does; else empty, and there are changes
  std::vector<PageChange> changes;
};

// Errors: kInvalid, "PATH:LINE: what is wrong".
Result<Page> parse_page(std::string path, std::string text);

// The file that a page of this name stands in.
std::string page_file(std::string_view name);

// What no page shows alone: its file is named as the bug, no two share a name or a number, and what
// is changed is a .cc of the engine (a header would have to be compiled into both engines).
Result<void> check_pages(std::span<const Page> pages);

// Every page of the tree, in the order of their paths: path and text. Made by the generator.
std::span<const std::pair<std::string_view, std::string_view>> embedded_pages();

// The automatic mutants, a list for each source (faults/splice/change.h). None but in their build.
std::span<const std::string_view> embedded_lists();

}  // namespace powercut::faults
