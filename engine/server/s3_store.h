// An object store over the S3 API: HTTP by libcurl, whose own signing (AWS Signature Version 4) it uses. Keeps the contract of
// engine/os/object_store.h. Objects are addressed as ENDPOINT/BUCKET/NAME.
//
// Nothing here waits but in the task that asks: one task hears of libcurl's sockets, another of its deadlines. What fails in
// passing (no connection, a time limit, HTTP 408, 429 and 5xx, so SlowDown) is tried again, with longer and longer pauses.
//
// Sources: curl.se/libcurl/c/libcurl-multi.html (curl_multi_socket_action), CURLOPT_AWS_SIGV4; S3 API reference, "Error responses".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/object_store.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/wait_queue.h"

namespace powercut::engine {

struct S3Options {
  std::string endpoint;  // https://HOST:PORT; empty: Amazon's of the region
  std::string region;
  std::string bucket;
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty: none
  Duration connect_limit = seconds(3);
  Duration stall_limit = seconds(5);   // without a byte
  Duration time_limit = seconds(120);  // of one try
  int tries = 3;
  Duration first_pause = milliseconds(100);
};

// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment.
//   Errors: kInvalid: there are none, with the names.
Result<void> take_credentials(S3Options& options);

class S3Store final : public ObjectStore {
 public:
  // `os` outlives this; its tasks are destroyed before this is.
  //   Errors: kUnsupported: this libcurl cannot sign.
  static Result<std::unique_ptr<S3Store>> open(PosixOs& os, S3Options options);
  ~S3Store() override;

  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<std::string> get(std::string_view name, uint64_t offset, uint64_t length) override;
  Result<uint64_t> head(std::string_view name) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<std::string>> list(std::string_view prefix, size_t most) override;

 private:
  class Curl;  // libcurl's handles, and the tasks that hear of them
  struct Request {
    const char* method;
    std::string path = {};         // behind the bucket, escaped
    std::string range = {};        // "0-9"
    std::string_view upload = {};  // of a PUT
    std::string_view what = {};    // for people
  };
  struct Answer {
    int64_t status = 0;
    int64_t length = 0;  // that the header told
    std::string body;
  };
  S3Store(PosixOs& os, S3Options options, std::unique_ptr<Curl> curl);
  Result<Answer> ask(const Request& request);
  Result<Answer> ask_once(const Request& request, bool& again);
  Error error_of(const Request& request, const Answer& answer) const;

  PosixOs& os_;
  const S3Options options_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace powercut::engine
