// Splices planted bugs into a copy of an engine's source, each behind `if (mutant("NAME"))`, so that
// one binary has them all and a run chooses. The source itself knows of none.
//
// A change of whole statements becomes
//
//   if (mutant("a")) { what a put in } else if (mutant("b")) { ... } else { what stands there }
//
// A change inside a condition, an argument or a declaration's value becomes, in the smallest
// expression that holds it,
//
//   (mutant("a") ? (a's) : (what stands there))
//
// Bugs that change the same lines stand beside each other, one inside another's lines is spliced into
// what stands there. #line directives lead messages and CHECKs back to the source and the page.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "faults/splice/edits.h"
#include "faults/splice/page.h"

namespace powercut::faults {

// `source` is the text of the file `path`; pages that change other files are passed over.
// Errors: kInvalid, "PAGE:LINE: ...", where a change does not apply: its lines do not stand in the
// source, or more than once, or it is neither of the two kinds.
Result<std::string> splice(std::string_view path, std::string_view source,
                           std::span<const Page> pages);

// The same of edits, whoever made them.
std::string weave(const SourceText& source, std::vector<Edit> edits);

}  // namespace powercut::faults
