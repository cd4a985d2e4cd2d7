// The string family's handlers, which stand in several files; string.cc has the table.
#pragma once

#include "engine/command/call.h"

namespace powercut::engine::strings {

// Redis's proto-max-bulk-len.
inline constexpr uint64_t kLongestString = 512 * 1024 * 1024;

// edit.cc
void append(Call& call);
void strlen(Call& call);
void getrange(Call& call);
void setrange(Call& call);
void incr(Call& call);
void decr(Call& call);
void incrby(Call& call);
void decrby(Call& call);
void incrbyfloat(Call& call);
// bits.cc
void setbit(Call& call);
void getbit(Call& call);
void bitcount(Call& call);
void bitpos(Call& call);
void bitop(Call& call);
// bitfield.cc
void bitfield(Call& call);
void bitfield_ro(Call& call);
// lcs.cc
void lcs(Call& call);

// Answers the error and returns false if a string of this length is too long.
bool length_allowed(Call& call, uint64_t length);
// The text of what read or held has found, empty if that is nothing. False: another type, answered.
bool text_of(const Call& call, const String* found, std::string_view& text);

}  // namespace powercut::engine::strings
