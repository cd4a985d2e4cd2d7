// A checkpoint in the words of an older redis-server: ziplists, zipmaps, intsets, quicklists, listpacks, compressed strings,
// scores as text, times in seconds; none of which the store writes, and all of which it must read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/choices.h"

namespace powercut::scenarios {

// What `base`, a checkpoint of the store's, holds, value for value in a form that is drawn for each, with the same
// auxiliary fields. None: it cannot be read here alone (it rests on the cold tier).
std::optional<std::string> in_older_words(std::string_view base, sim::Choices& choices);

}  // namespace powercut::scenarios
