#include "scenarios/base/named_values.h"

#include <fmt/format.h>

namespace powercut::scenarios {

std::string difference(const NamedValues& a, const NamedValues& b) {
  NamedValues names = a;
  names.insert(b.begin(), b.end());
  const auto value = [](const NamedValues& stated, const std::string& name) {
    const auto at = stated.find(name);
    return at == stated.end() ? std::string("nothing") : at->second;
  };
  for (const auto& [name, any] : names)
    if (value(a, name) != value(b, name))
      return fmt::format("{}: {} and {}", name, value(a, name), value(b, name));
  return "";
}

}  // namespace powercut::scenarios
