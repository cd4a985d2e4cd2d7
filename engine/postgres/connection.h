// A connection to PostgreSQL: libpq's calls that do not wait, and the waiting on the seam's tasks. Nothing here holds up others:
// neither looking up the host nor TLS, nor a server that does not answer.
//
// Sources: libpq's documentation of asynchronous commands, PQconnectPoll and pipeline mode (PostgreSQL 15, 34.1, 34.4, 34.5).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/posix/posix_os.h"
#include "engine/postgres/array.h"

struct pg_conn;

namespace powercut::engine::postgres {

struct Statement {
  std::string sql;
  struct Value {
    unsigned type;
    std::string bytes;  // as the type has them in binary
  };
  std::vector<Value> values = {};

  Statement& with(const Array& array) {
    values.push_back({array.array_type(), array.encoded()});
    return *this;
  }
  Statement& with_int4(int32_t number);
  Statement& with_int8(int64_t number);
  Statement& with_bytes(std::string_view bytes);
  Statement& with_text(std::string_view text);
};

// Of several statements. From the one that failed on, none was run.
struct Outcome {
  struct Answer {
    std::string tag;                                  // "COMMIT", "UPDATE 1"
    std::vector<std::vector<std::string>> rows = {};  // NULL is empty
  };
  std::vector<Answer> answers = {};
  std::optional<size_t> failed = {};
  std::string state = {};    // of that one: its SQLSTATE
  std::string message = {};  // one line
  bool ok() const { return !failed; }
};

// Is it something that libpq could connect with?
//   Errors: kInvalid. The text has no password in it.
Result<void> check_url(const std::string& url);

class Connection {
 public:
  // `os` outlives it. `on_slow` is told once of each answer that has not come after `slow`.
  Connection(PosixOs& os, Duration slow, std::function<void()> on_slow);
  ~Connection();

  // Of several hosts, the first that lets it in; why is said of the last one.
  //   Errors: kRefused: it lets nobody in. kNotFound: no such host. kTimeout. kIo: any other. It is closed then.
  //   Yields: yes.
  Result<void> open(const std::string& url);
  bool is_open() const { return connection_ != nullptr; }
  // The server rolls back what is under way, unless it was told to commit it: then nobody here knows.
  void close();
  int server_version() const;  // 150018

  // Sends all of them, then waits for the answers.
  //   Errors: kIo: the connection broke; what was done is open. It is closed then.
  //   Yields: yes.
  Result<Outcome> run(std::span<const Statement> statements);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  using Words = std::map<std::string, std::string>;
  Result<void> open_at(const Words& words, Duration limit);
  Result<void> poll(Instant deadline);
  Result<void> send(std::span<const Statement> statements);
  Result<void> flush();
  Result<void> wait_for_answer();
  Error broken();

  PosixOs& os_;
  const Duration slow_;
  const std::function<void()> on_slow_;
  std::unique_ptr<pg_conn, Finish> connection_;
};

}  // namespace powercut::engine::postgres
