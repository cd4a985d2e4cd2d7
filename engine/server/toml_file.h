// powercut.toml: the directives under names of their own, by what they are about. engine/OPERATING.md lists them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/server/directives.h"

namespace powercut::engine {

// Is that the name of such a file? It ends with ".toml".
bool is_toml(const std::string& path);

// What a file sets, as directives of redis.conf, in its order.
//   Errors: kInvalid, with file and line: no TOML, a setting there is not, a value of another type.
Result<std::vector<Directive>> read_toml(const std::string& path);
// The same of a text; `name` is what errors call it.
Result<std::vector<Directive>> read_toml(std::string_view text, const std::string& name);

}  // namespace powercut::engine
