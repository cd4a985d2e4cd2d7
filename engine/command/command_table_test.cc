#include "engine/command/command_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace powercut::engine {
namespace {

std::string lower(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return name;
}

// Every name with any one character changed, cut short, or followed by one more: against a map.
TEST(CommandTable, FindsAllNamesInAnyCaseAndNothingElse) {
  std::map<std::string, const CommandSpec*> known;
  for (const CommandSpec* spec : all_commands()) known[std::string(spec->name)] = spec;
  ASSERT_GT(known.size(), 100u);
  const auto expected = [&](const std::string& name) {
    const auto found = known.find(lower(name));
    return found == known.end() ? nullptr : found->second;
  };
  for (const auto& [name, spec] : known) {
    std::string upper = name;
    for (char& c : upper)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    ASSERT_EQ(find_command(name), spec);
    ASSERT_EQ(find_command(upper), spec);
    for (size_t i = 0; i <= name.size(); ++i) {
      ASSERT_EQ(find_command(name.substr(0, i)), expected(name.substr(0, i)));
      for (int c = 0; c < 256; ++c) {
        std::string changed = upper;
        if (i < name.size())
          changed[i] = static_cast<char>(c);
        else
          changed += static_cast<char>(c);
        ASSERT_EQ(find_command(changed), expected(changed)) << changed;
      }
    }
  }
  EXPECT_EQ(find_command(std::string(32, 'x')), nullptr);
  EXPECT_EQ(find_command(std::string(33, 'x')), nullptr);
  EXPECT_EQ(find_command(std::string(5000, 'x')), nullptr);
}

}  // namespace
}  // namespace powercut::engine
