// The handlers of the list family that its table takes from other files.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace powercut::engine {

class Call;

// move.cc: moving between lists, popping from the first of several, and the blocking forms of
// both.
void lmove_command(Call& call);
void rpoplpush_command(Call& call);
void lmpop_command(Call& call);
void blpop_command(Call& call);
void brpop_command(Call& call);
void blmove_command(Call& call);
void brpoplpush_command(Call& call);
void blmpop_command(Call& call);

// sort.cc
void sort_command(Call& call);
void sort_ro_command(Call& call);
void sort_keys(std::span<const std::string_view> args, std::vector<size_t>& positions);

}  // namespace powercut::engine
