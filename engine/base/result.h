// Operating errors as values: Result<T> is a T or an Error. No exception crosses the seam.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "engine/base/check.h"

namespace powercut {

enum class Errc : unsigned char {
  kIo,           // the device or the filesystem failed (EIO)
  kNoSpace,      // ENOSPC, EDQUOT
  kNotFound,     // ENOENT
  kExists,       // EEXIST
  kNotEmpty,     // ENOTEMPTY
  kInvalid,      // EINVAL, ENOTDIR, EISDIR, a bad argument
  kRefused,      // EPERM, EACCES, EROFS: not ours to do
  kCorrupt,      // bytes that fail their checksum or their format
  kUnsupported,  // a format or feature newer than this build
  kTimeout,      // a time limit of ours ran out
};

const char* to_string(Errc code);

struct Error {
  Errc code = Errc::kIo;
  std::string message;  // what, where, what to do: one line
};

template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace powercut

#define POWERCUT_CONCAT_INNER(a, b) a##b
#define POWERCUT_CONCAT(a, b) POWERCUT_CONCAT_INNER(a, b)

// Returns the error of `expression` from the enclosing function, if it has one.
#define TRY(expression)                                                \
  do {                                                                 \
    if (auto try_result = (expression); !try_result.ok()) [[unlikely]] \
      return try_result.error();                                       \
  } while (false)

// `TRY_ASSIGN(auto x, f());` declares x from a Result<T>, or returns its error.
#define TRY_ASSIGN(declaration, expression)                      \
  auto POWERCUT_CONCAT(try_result_, __LINE__) = (expression);    \
  if (!POWERCUT_CONCAT(try_result_, __LINE__).ok()) [[unlikely]] \
    return POWERCUT_CONCAT(try_result_, __LINE__).error();       \
  declaration = std::move(POWERCUT_CONCAT(try_result_, __LINE__)).value()
