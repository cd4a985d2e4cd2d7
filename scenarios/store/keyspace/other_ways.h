// The same by another way: what a value becomes that is copied, or written and read; what a list or a stream is that is
// edited, beside a row of words; what a client gets that had to wait, beside one who came later. Each in one line, and empty where they agree.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "engine/command/waiters.h"
#include "engine/store/keyspace.h"

namespace powercut::scenarios {

// Below n.
using Drawn = std::function<uint64_t(uint64_t n)>;
template <class T, size_t kCount>
const T& one_of(const T (&all)[kCount], const Drawn& draw) {
  return all[draw(kCount)];
}

// Copied, and written as a checkpoint has it, and read again.
std::string kept_otherwise(const engine::Value& value, const engine::EncodingLimits& limits);
// A copy of it, with that many edits.
std::string edited_otherwise(const engine::List& list, int edits, const Drawn& draw);
// A stream made for it, with that many edits, beside a row of its entries.
std::string stream_edited_otherwise(int edits, const Drawn& draw);
// `words` began to wait, and is kept as `waiting`. What it gets when there is something, and what it would if it came then;
// with the values that `keyspace` holds.
std::string served_otherwise(const engine::Keyspace& keyspace,
                             std::span<const std::string_view> words,
                             const engine::Waiting& waiting);

}  // namespace powercut::scenarios
