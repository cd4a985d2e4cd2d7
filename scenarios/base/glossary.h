// What the words mean that stand in tables, stories and pages. The one source: `powercut explain`,
// scenarios/GLOSSARY.md and the page of `powercut view` all take it from here.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace powercut::scenarios {

struct Term {
  std::string_view name;   // as it stands in the head of a table
  std::string_view where;  // the group it is listed under
  std::string_view text;   // sentences
};

// By group, in the order in which they are best read.
std::span<const Term> all_terms();
// Whatever the case of its letters; nullptr if there is none.
const Term* find_term(std::string_view name);
// The whole of it, as a page.
std::string glossary_page();

}  // namespace powercut::scenarios
