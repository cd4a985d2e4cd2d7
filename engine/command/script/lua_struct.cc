// struct: values of C as strings, and back. A format is a letter a value, with a size behind some; ">", "<" and "!n" change
// the order of bytes and the alignment of what follows.
#include <bit>
#include <climits>
#include <cstring>
#include <utility>

#include "engine/command/script/lua_modules.h"

namespace powercut::engine {

namespace {

constexpr int kWidestInteger = 32;  // bytes
constexpr int kUsualAlignment = 8;

struct Format {
  const char* at;
  bool little = true;
  int align = 1;
};

// The number that stands there, or `otherwise`.
int number_in(lua_State* lua, Format& format, int otherwise) {
  if (*format.at < '0' || *format.at > '9') return otherwise;
  int number = 0;
  for (; *format.at >= '0' && *format.at <= '9'; ++format.at) {
    const int digit = *format.at - '0';
    if (number > (INT_MAX - digit) / 10) luaL_error(lua, "integral size overflow");
    number = number * 10 + digit;
  }
  return number;
}

bool is_integer(char option) {
  return option != '\0' && std::strchr("bBhHlLTiI", option) != nullptr;
}

// Of an option; reads the number behind it.
size_t size_of(lua_State* lua, char option, Format& format) {
  switch (option) {
    case 'b':
    case 'B':
    case 'x':
      return 1;
    case 'h':
    case 'H':
      return sizeof(short);
    case 'l':
    case 'L':
    case 'T':
      return sizeof(long);
    case 'f':
      return sizeof(float);
    case 'd':
      return sizeof(double);
    case 'c':
      return static_cast<size_t>(number_in(lua, format, 1));
    case 'i':
    case 'I': {
      const int size = number_in(lua, format, sizeof(int));
      if (size > kWidestInteger)
        luaL_error(lua, "integral size %d is larger than limit of %d", size, kWidestInteger);
      return static_cast<size_t>(size);
    }
    default:
      return 0;
  }
}

// What is left out so that a value of `size` begins where it may.
size_t padding(size_t position, const Format& format, char option, size_t size) {
  if (size == 0 || option == 'c') return 0;
  const size_t to =
      size < static_cast<size_t>(format.align) ? size : static_cast<size_t>(format.align);
  // As it was always done, also for sizes that are no power of two.
  return (to - (position & (to - 1))) & (to - 1);
}

void take_control(lua_State* lua, char option, Format& format) {
  switch (option) {
    case ' ':
      return;
    case '>':
      format.little = false;
      return;
    case '<':
      format.little = true;
      return;
    case '!': {
      const int align = number_in(lua, format, kUsualAlignment);
      if (align <= 0 || (align & (align - 1)) != 0)
        luaL_error(lua, "alignment %d is not a power of 2", align);
      format.align = align;
      return;
    }
    default:
      luaL_argerror(lua, 1, lua_pushfstring(lua, "invalid format option '%c'", option));
  }
}

Format format_of(lua_State* lua) { return {luaL_checkstring(lua, 1)}; }

uint64_t bits_of(lua_Number number) {
  // Beyond what fits, where C leaves it open: the nearest.
  if (!(number > -0x1p63)) return uint64_t{1} << 63;
  if (number < 0) return static_cast<uint64_t>(static_cast<int64_t>(number));
  return number < 0x1p64 ? static_cast<uint64_t>(number) : UINT64_MAX;
}

void put_integer(luaL_Buffer* out, lua_Number number, size_t size, bool little) {
  char bytes[kWidestInteger];
  uint64_t bits = bits_of(number);
  for (size_t i = 0; i < size; ++i) {
    bytes[little ? i : size - 1 - i] = static_cast<char>(bits & 0xff);
    bits >>= 8;
  }
  luaL_addlstring(out, bytes, size);
}

lua_Number integer_at(const char* bytes, size_t size, bool little, bool is_signed) {
  uint64_t bits = 0;
  for (size_t i = 0; i < size; ++i)
    bits = bits << 8 | static_cast<unsigned char>(bytes[little ? size - 1 - i : i]);
  if (!is_signed) return static_cast<lua_Number>(bits);
  const size_t unused = size >= sizeof bits || size == 0 ? 0 : 64 - 8 * size;
  return static_cast<lua_Number>(static_cast<int64_t>(bits << unused) >> unused);
}

template <class Float>
void put_float(luaL_Buffer* out, lua_Number number, bool little) {
  const auto value = static_cast<Float>(number);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  if (!little)
    for (size_t i = 0; i < sizeof value / 2; ++i) std::swap(bytes[i], bytes[sizeof value - 1 - i]);
  luaL_addlstring(out, bytes, sizeof bytes);
}

template <class Float>
lua_Number float_at(const char* from, bool little) {
  Float value;
  char bytes[sizeof value];
  std::memcpy(bytes, from, sizeof value);
  if (!little)
    for (size_t i = 0; i < sizeof value / 2; ++i) std::swap(bytes[i], bytes[sizeof value - 1 - i]);
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<lua_Number>(value);
}

int struct_pack(lua_State* lua) {
  static_assert(std::endian::native == std::endian::little);
  Format format = format_of(lua);
  int argument = 2;
  size_t position = 0;
  lua_pushnil(lua);  // between the arguments and what the buffer keeps on the stack
  luaL_Buffer out;
  luaL_buffinit(lua, &out);
  while (*format.at != '\0') {
    const char option = *format.at++;
    size_t size = size_of(lua, option, format);
    const size_t skipped = padding(position, format, option, size);
    position += skipped;
    for (size_t i = 0; i < skipped; ++i) luaL_addchar(&out, '\0');
    if (is_integer(option)) {
      put_integer(&out, luaL_checknumber(lua, argument++), size, format.little);
    } else if (option == 'x') {
      luaL_addchar(&out, '\0');
    } else if (option == 'f') {
      put_float<float>(&out, luaL_checknumber(lua, argument++), format.little);
    } else if (option == 'd') {
      put_float<double>(&out, luaL_checknumber(lua, argument++), format.little);
    } else if (option == 'c' || option == 's') {
      size_t length = 0;
      const char* text = luaL_checklstring(lua, argument++, &length);
      if (size == 0) size = length;
      luaL_argcheck(lua, length >= size, argument, "string too short");
      luaL_addlstring(&out, text, size);
      if (option == 's') {
        luaL_addchar(&out, '\0');
        ++size;
      }
    } else {
      take_control(lua, option, format);
    }
    position += size;
  }
  luaL_pushresult(&out);
  return 1;
}

// Of what is no number: pushes it; its size.
size_t push_text(lua_State* lua, char option, size_t size, std::string_view left, int* results) {
  if (option == 's') {
    const size_t end = left.find('\0');
    if (end == left.npos) luaL_error(lua, "unfinished string in data");
    lua_pushlstring(lua, left.data(), end);
    ++*results;
    return end + 1;
  }
  if (size == 0) {  // as many as the number before it says
    if (*results == 0 || lua_isnumber(lua, -1) == 0)
      luaL_error(lua, "format 'c0' needs a previous size");
    const lua_Number wanted = lua_tonumber(lua, -1);
    luaL_argcheck(lua, wanted >= 0 && wanted <= static_cast<lua_Number>(left.size()), 2,
                  "data string too short");
    size = static_cast<size_t>(wanted);
    lua_pop(lua, 1);
    --*results;
  }
  lua_pushlstring(lua, left.data(), size);
  ++*results;
  return size;
}

int struct_unpack(lua_State* lua) {
  Format format = format_of(lua);
  size_t length = 0;
  const char* data = luaL_checklstring(lua, 2, &length);
  const lua_Number offset = luaL_optnumber(lua, 3, 1);
  luaL_argcheck(lua, offset >= 1, 3, "offset must be 1 or greater");
  luaL_argcheck(lua, offset <= static_cast<lua_Number>(length) + 1, 2, "data string too short");
  size_t position = static_cast<size_t>(offset) - 1;
  int results = 0;
  while (*format.at != '\0') {
    const char option = *format.at++;
    size_t size = size_of(lua, option, format);
    position += padding(position, format, option, size);
    luaL_argcheck(lua, size <= length && position <= length - size, 2, "data string too short");
    luaL_checkstack(lua, 3, "too many results");
    if (is_integer(option)) {
      const bool is_signed = option >= 'a';
      lua_pushnumber(lua, integer_at(data + position, size, format.little, is_signed));
      ++results;
    } else if (option == 'f' || option == 'd') {
      lua_pushnumber(lua, option == 'f' ? float_at<float>(data + position, format.little)
                                        : float_at<double>(data + position, format.little));
      ++results;
    } else if (option == 'c' || option == 's') {
      size = push_text(lua, option, size, {data + position, length - position}, &results);
    } else if (option != 'x') {
      take_control(lua, option, format);
    }
    position += size;
  }
  lua_pushnumber(lua, static_cast<lua_Number>(position + 1));
  return results + 1;
}

int size(lua_State* lua) {
  Format format = format_of(lua);
  size_t position = 0;
  while (*format.at != '\0') {
    const char option = *format.at++;
    const size_t size = size_of(lua, option, format);
    position += padding(position, format, option, size);
    if (option == 's') luaL_argerror(lua, 1, "option 's' has no fixed size");
    if (option == 'c' && size == 0) luaL_argerror(lua, 1, "option 'c0' has no fixed size");
    const bool letter = (option >= 'a' && option <= 'z') || (option >= 'A' && option <= 'Z') ||
                        (option >= '0' && option <= '9');
    if (!letter) take_control(lua, option, format);
    position += size;
  }
  lua_pushnumber(lua, static_cast<lua_Number>(position));
  return 1;
}

}  // namespace

void push_struct_module(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {
      {"pack", struct_pack}, {"unpack", struct_unpack}, {"size", size}};
  lua_createtable(lua, 0, 3);
  for (const luaL_Reg& one : kFunctions) {
    lua_pushcfunction(lua, one.func);
    lua_setfield(lua, -2, one.name);
  }
}

}  // namespace powercut::engine
