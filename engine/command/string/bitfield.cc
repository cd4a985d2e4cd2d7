// BITFIELD and BITFIELD_RO: numbers of 1 to 64 bits that lie anywhere in a string.
#include <algorithm>
#include <vector>

#include "engine/command/number.h"
#include "engine/command/string/string_commands.h"

namespace powercut::engine::strings {

namespace {

__extension__ using Wide = __int128;  // holds the sum of any two numbers of 64 bits

// A number's place and kind.
struct Field {
  bool is_signed = false;
  unsigned bits = 0;    // 1 to 64; to 63 where unsigned
  uint64_t offset = 0;  // in bits

  uint64_t end() const { return offset + bits; }
  uint64_t mask() const { return ~uint64_t{0} >> (64 - bits); }
  Wide least() const { return is_signed ? -(Wide{1} << (bits - 1)) : 0; }
  Wide most() const { return (Wide{1} << (is_signed ? bits - 1 : bits)) - 1; }
  // What the lowest bits of `word` mean.
  int64_t meant_by(uint64_t word) const {
    word &= mask();
    const bool negative = is_signed && (word >> (bits - 1)) != 0;
    return static_cast<int64_t>(negative ? word | ~mask() : word);
  }
};

enum class Action { kGet, kSet, kIncrement };
enum class Overflow { kWrap, kSaturate, kFail };

struct Operation {
  Action action = Action::kGet;
  Overflow overflow = Overflow::kWrap;
  Field field;
  int64_t operand = 0;
};

bool type_arg(Call& call, size_t i, Field& field) {
  const std::string_view text = call.arg(i);
  const auto bits = text.empty() ? std::nullopt : parse_integer(text.substr(1));
  field.is_signed = text.starts_with('i');
  if ((!field.is_signed && !text.starts_with('u')) || !bits || *bits < 1 ||
      *bits > (field.is_signed ? 64 : 63)) {
    call.fail(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
        "i64 is.");
    return false;
  }
  field.bits = static_cast<unsigned>(*bits);
  return true;
}

// In bits, or "#n": behind n numbers of this kind.
bool place_arg(Call& call, size_t i, Field& field) {
  std::string_view text = call.arg(i);
  const bool counts_numbers = text.starts_with('#');
  if (counts_numbers) text.remove_prefix(1);
  const auto given = parse_integer(text);
  const Wide offset = Wide{given.value_or(-1)} * (counts_numbers ? field.bits : 1);
  if (offset < 0 || offset / 8 >= kLongestString) {
    call.fail("ERR bit offset is not an integer or out of range");
    return false;
  }
  field.offset = static_cast<uint64_t>(offset);
  return true;
}

bool overflow_arg(Call& call, size_t i, Overflow& overflow) {
  if (call.is(i, "WRAP"))
    overflow = Overflow::kWrap;
  else if (call.is(i, "SAT"))
    overflow = Overflow::kSaturate;
  else if (call.is(i, "FAIL"))
    overflow = Overflow::kFail;
  else
    call.fail("ERR Invalid OVERFLOW type specified");
  return !call.failed();
}

bool parse(Call& call, std::vector<Operation>& operations) {
  Overflow overflow = Overflow::kWrap;
  for (size_t i = 2; i < call.argc();) {
    const size_t behind = call.argc() - i - 1;
    if (call.is(i, "OVERFLOW") && behind >= 1) {
      if (!overflow_arg(call, i + 1, overflow)) return false;
      i += 2;
      continue;
    }
    Operation one;
    one.overflow = overflow;
    if (call.is(i, "SET") && behind >= 3) {
      one.action = Action::kSet;
    } else if (call.is(i, "INCRBY") && behind >= 3) {
      one.action = Action::kIncrement;
    } else if (!call.is(i, "GET") || behind < 2) {
      call.fail(kSyntaxError);
      return false;
    }
    if (!type_arg(call, i + 1, one.field) || !place_arg(call, i + 2, one.field)) return false;
    i += 3;
    if (one.action != Action::kGet && !call.integer_arg(i++, one.operand)) return false;
    operations.push_back(one);
  }
  return true;
}

// Zeros follow the string.
int64_t read_field(std::string_view text, const Field& field) {
  uint64_t word = 0;
  for (uint64_t bit = field.offset; bit < field.end(); ++bit) {
    const auto byte = bit / 8 < text.size() ? static_cast<unsigned char>(text[bit / 8]) : 0;
    word = word << 1 | ((byte >> (7 - bit % 8)) & 1);
  }
  return field.meant_by(word);
}

// REQUIRES: the string is that long.
void write_field(String& text, const Field& field, int64_t number) {
  CHECK(field.end() <= 8 * text.size());
  auto word = static_cast<uint64_t>(number);
  for (uint64_t bit = field.end(); bit-- > field.offset; word >>= 1) {
    const auto mask = static_cast<unsigned char>(0x80u >> (bit % 8));
    const auto byte = static_cast<unsigned char>(text[bit / 8]);
    text[bit / 8] = static_cast<char>((word & 1) != 0 ? byte | mask : byte & ~mask);
  }
}

// What the field is to hold; none if it may not.
std::optional<int64_t> outcome_of(const Operation& operation, int64_t old) {
  const Field& field = operation.field;
  const bool increment = operation.action == Action::kIncrement;
  // Set to a negative number, an unsigned field takes it for one above all that it holds.
  const Wide given = field.is_signed || increment ? Wide{operation.operand}
                                                  : Wide{static_cast<uint64_t>(operation.operand)};
  const Wide wanted = increment ? old + given : given;
  if (field.least() <= wanted && wanted <= field.most()) return static_cast<int64_t>(wanted);
  switch (operation.overflow) {
    case Overflow::kWrap:
      return field.meant_by(static_cast<uint64_t>(wanted));
    case Overflow::kSaturate:
      return static_cast<int64_t>(std::clamp(wanted, field.least(), field.most()));
    case Overflow::kFail:
      break;
  }
  return std::nullopt;
}

void read_all(Call& call, const std::vector<Operation>& operations) {
  std::string_view text;
  if (!text_of(call, call.read<String>(call.arg(1)), text)) return;
  call.reply.array(operations.size());
  for (const Operation& one : operations) call.reply.integer(read_field(text, one.field));
}

// Where a number may not be written, the string is made long enough for it all the same, as in Redis.
void execute_all(Call& call, const std::vector<Operation>& operations, uint64_t end) {
  std::string_view text;
  if (!text_of(call, call.held<String>(call.arg(1)), text)) return;
  const size_t length = std::max<size_t>(text.size(), (end + 7) / 8);
  String* changing = nullptr;  // the door is passed only if something changes
  const auto change = [&] {
    changing = call.write_or_create<String>(call.arg(1));
    changing->resize(length);
    text = *changing;
  };
  if (length > text.size()) change();
  call.reply.array(operations.size());
  for (const Operation& one : operations) {
    const int64_t old = read_field(text, one.field);
    if (one.action == Action::kGet) {
      call.reply.integer(old);
      continue;
    }
    const auto outcome = outcome_of(one, old);
    if (!outcome) {
      call.reply.null();
      continue;
    }
    call.reply.integer(one.action == Action::kSet ? old : *outcome);
    if (*outcome == old) continue;
    if (changing == nullptr) change();
    write_field(*changing, one.field, *outcome);
  }
  if (changing != nullptr) call.changed();
}

}  // namespace

void bitfield(Call& call) {
  std::vector<Operation> operations;
  if (!parse(call, operations)) return;
  uint64_t end = 0;  // of what is written
  for (const Operation& one : operations)
    if (one.action != Action::kGet) end = std::max(end, one.field.end());
  end == 0 ? read_all(call, operations) : execute_all(call, operations, end);
}

void bitfield_ro(Call& call) {
  std::vector<Operation> operations;
  if (!parse(call, operations)) return;
  if (std::any_of(operations.begin(), operations.end(),
                  [](const Operation& one) { return one.action != Action::kGet; })) {
    return call.fail("ERR BITFIELD_RO only supports the GET subcommand");
  }
  read_all(call, operations);
}

}  // namespace powercut::engine::strings
