#include "engine/server/s3_store.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <set>
#include <utility>

#include "engine/base/sha256.h"
#include "engine/server/poller.h"

namespace powercut::engine {

namespace {

constexpr size_t kLongestAnswerToQuote = 200;

// As Signature Version 4 wants it: all but the unreserved, in upper case.
std::string escaped(std::string_view text, bool keep_slashes) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~' || (c == '/' && keep_slashes);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// What stands between <tag> and </tag>, from `at` on, which moves behind it; empty: there is none.
std::string element(std::string_view xml, std::string_view tag, size_t& at) {
  const std::string open = fmt::format("<{}>", tag);
  const size_t begin = xml.find(open, at);
  const size_t end = begin == xml.npos ? begin : xml.find(fmt::format("</{}>", tag), begin);
  at = end;
  if (end == xml.npos) return {};
  std::string text(xml.substr(begin + open.size(), end - begin - open.size()));
  constexpr std::pair<std::string_view, char> kEscapes[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
  for (const auto& [escape, c] : kEscapes)
    for (size_t i = text.find(escape); i != text.npos; i = text.find(escape, i + 1))
      text.replace(i, escape.size(), 1, c);
  return text;
}

std::string element(std::string_view xml, std::string_view tag) {
  size_t at = 0;
  return element(xml, tag, at);
}

std::string one_line(std::string_view text) {
  std::string out(text.substr(0, kLongestAnswerToQuote));
  for (char& c : out)
    if (c < ' ' || c > '~') c = ' ';
  return out;
}

bool passes(int64_t status) { return status == 408 || status == 429 || status >= 500; }

// Those behind which a later try may succeed.
bool passes(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return false;
    default:
      return true;
  }
}

}  // namespace

// --- libcurl ---

class S3Store::Curl {
 public:
  // One request, from its beginning to its end.
  class Exchange {
   public:
    explicit Exchange(Curl& curl) : curl_(curl), done_(curl.os_), easy_(curl_easy_init()) {
      CHECK(easy_ != nullptr);
      set(CURLOPT_PRIVATE, this);
      set(CURLOPT_ERRORBUFFER, message_);
      set(CURLOPT_NOSIGNAL, 1L);
      set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
      set(CURLOPT_WRITEDATA, this);
    }
    ~Exchange() {
      if (added_) curl_multi_remove_handle(curl_.multi_, easy_);
      curl_easy_cleanup(easy_);
      curl_slist_free_all(headers_);
    }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    template <class Value>
    void set(CURLoption option, Value value) {
      CHECK(curl_easy_setopt(easy_, option, value) == CURLE_OK);
    }
    void add_header(const std::string& line) {
      headers_ = curl_slist_append(headers_, line.c_str());
      set(CURLOPT_HTTPHEADER, headers_);
    }
    void upload(std::string_view bytes) {
      upload_ = bytes;
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(bytes.size()));
      set(CURLOPT_EXPECT_100_TIMEOUT_MS, 200L);
      set(CURLOPT_READFUNCTION, &Exchange::on_upload);
      set(CURLOPT_READDATA, this);
      set(CURLOPT_SEEKFUNCTION, &Exchange::on_seek);
      set(CURLOPT_SEEKDATA, this);
    }
    // Yields until it has ended.
    CURLcode perform() {
      CHECK(curl_multi_add_handle(curl_.multi_, easy_) == CURLM_OK);
      added_ = true;
      curl_.act(CURL_SOCKET_TIMEOUT, 0);
      while (!ended_) done_.wait();
      return code_;
    }
    void end(CURLcode code) {
      code_ = code;
      ended_ = true;
      done_.notify_all();
    }
    Answer take_answer() {
      Answer answer;
      long status = 0;
      curl_off_t length = 0;
      curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
      curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
      answer.status = status;
      answer.length = length;
      answer.body = std::move(body_);
      return answer;
    }
    std::string message(CURLcode code) const {
      return message_[0] != '\0' ? message_ : curl_easy_strerror(code);
    }

   private:
    static size_t on_body(char* data, size_t size, size_t count, void* self) {
      static_cast<Exchange*>(self)->body_.append(data, size * count);
      return size * count;
    }
    static size_t on_upload(char* out, size_t size, size_t count, void* self) {
      auto& exchange = *static_cast<Exchange*>(self);
      const size_t n = std::min(size * count, exchange.upload_.size() - exchange.sent_);
      std::memcpy(out, exchange.upload_.data() + exchange.sent_, n);
      exchange.sent_ += n;
      return n;
    }
    static int on_seek(void* self, curl_off_t offset, int origin) {
      if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
      static_cast<Exchange*>(self)->sent_ = static_cast<size_t>(offset);
      return CURL_SEEKFUNC_OK;
    }

    Curl& curl_;
    WaitQueue done_;
    CURL* const easy_;
    curl_slist* headers_ = nullptr;
    char message_[CURL_ERROR_SIZE] = "";
    std::string body_;
    std::string_view upload_;
    size_t sent_ = 0;
    bool added_ = false;
    bool ended_ = false;
    CURLcode code_ = CURLE_OK;
  };

  Curl(PosixOs& os, Poller poller) : os_(os), poller_(std::move(poller)), timer_(os) {
    multi_ = curl_multi_init();
    CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Curl::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Curl::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }
  ~Curl() { curl_multi_cleanup(multi_); }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  void begin() {
    if (std::exchange(begun_, true)) return;
    os_.spawn("s3.sockets", [this] { socket_loop(); });
    os_.spawn("s3.timer", [this] { timer_loop(); });
  }

 private:
  static void* number(curl_socket_t fd) { return reinterpret_cast<void*>(intptr_t{fd}); }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<Curl*>(self)->watch(fd, what);
    return 0;
  }
  static int on_timer(CURLM*, long ms, void* self) {
    auto& curl = *static_cast<Curl*>(self);
    curl.due_ = ms < 0 ? kForever : curl.os_.now() + milliseconds(ms);
    curl.timer_.notify_all();
    return 0;
  }

  void watch(curl_socket_t fd, int what) {
    const bool known = watched_.count(fd) != 0;
    if (what == CURL_POLL_REMOVE) {
      if (known) poller_.forget(fd);
      watched_.erase(fd);
      return;
    }
    const bool reads = (what & CURL_POLL_IN) != 0;
    const bool writes = (what & CURL_POLL_OUT) != 0;
    known ? poller_.change(fd, number(fd), reads, writes)
          : poller_.watch(fd, number(fd), reads, writes);
    watched_.insert(fd);
  }

  // One event for libcurl; and who has ended is told.
  void act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, fd, events, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* exchange = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
      reinterpret_cast<Exchange*>(exchange)->end(message->data.result);
    }
  }

  void socket_loop() {
    std::vector<Poller::Event> events(64);
    for (;;) {
      const size_t count = poller_.take(events);
      if (count == 0) os_.wait_readable(poller_.descriptor());
      for (size_t i = 0; i < count; ++i) {
        const auto fd = static_cast<curl_socket_t>(reinterpret_cast<intptr_t>(events[i].who));
        if (watched_.count(fd) == 0) continue;  // an event before it has ended it
        act(fd, (events[i].readable ? CURL_CSELECT_IN : 0) |
                    (events[i].writable ? CURL_CSELECT_OUT : 0));
      }
      if (count != 0) os_.park(os_.now());
    }
  }

  void timer_loop() {
    for (;;) {
      if (os_.now() < due_) {
        timer_.wait(due_);
        continue;
      }
      due_ = kForever;
      act(CURL_SOCKET_TIMEOUT, 0);
    }
  }

  PosixOs& os_;
  Poller poller_;
  CURLM* multi_;
  std::set<curl_socket_t> watched_;
  WaitQueue timer_;
  Instant due_ = kForever;
  bool begun_ = false;
};

// --- One request ---

Result<void> take_credentials(S3Options& options) {
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  options.access_key = value("AWS_ACCESS_KEY_ID");
  options.secret_key = value("AWS_SECRET_ACCESS_KEY");
  options.session_token = value("AWS_SESSION_TOKEN");
  if (!options.access_key.empty() && !options.secret_key.empty()) return {};
  return Error{Errc::kInvalid,
               "archive-url: who is asking? Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
               "server's environment"};
}

Result<std::unique_ptr<S3Store>> S3Store::open(PosixOs& os, S3Options options) {
  CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  const curl_version_info_data* version = curl_version_info(CURLVERSION_NOW);
  if (version->version_num < 0x075800)
    return Error{Errc::kUnsupported,
                 fmt::format("libcurl {} cannot sign for S3: 7.88 can", version->version)};
  if (options.endpoint.empty())
    options.endpoint = fmt::format("https://s3.{}.amazonaws.com", options.region);
  TRY_ASSIGN(auto poller, Poller::open());
  auto curl = std::make_unique<Curl>(os, std::move(poller));
  return std::unique_ptr<S3Store>(new S3Store(os, std::move(options), std::move(curl)));
}

S3Store::S3Store(PosixOs& os, S3Options options, std::unique_ptr<Curl> curl)
    : os_(os), options_(std::move(options)), curl_(std::move(curl)) {}

S3Store::~S3Store() = default;

// The answer, whatever its status says; an error: there is none. `again`: it may be had by another try.
Result<S3Store::Answer> S3Store::ask_once(const Request& request, bool& again) {
  Curl::Exchange exchange(*curl_);
  const std::string_view method = request.method;
  if (method == "HEAD") exchange.set(CURLOPT_NOBODY, 1L);
  if (method == "DELETE") exchange.set(CURLOPT_CUSTOMREQUEST, request.method);
  if (method == "PUT") exchange.upload(request.upload);
  const std::string url = options_.endpoint + "/" + options_.bucket + request.path;
  exchange.set(CURLOPT_URL, url.c_str());
  exchange.set(CURLOPT_PROTOCOLS_STR, "http,https");
  exchange.set(CURLOPT_PATH_AS_IS, 1L);
  exchange.set(CURLOPT_AWS_SIGV4, fmt::format("aws:amz:{}:s3", options_.region).c_str());
  exchange.set(CURLOPT_USERNAME, options_.access_key.c_str());
  exchange.set(CURLOPT_PASSWORD, options_.secret_key.c_str());
  exchange.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_limit.ms()));
  exchange.set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.time_limit.ms()));
  exchange.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  exchange.set(CURLOPT_LOW_SPEED_TIME, static_cast<long>((options_.stall_limit.ms() + 999) / 1000));
  if (!request.range.empty()) exchange.set(CURLOPT_RANGE, request.range.c_str());
  exchange.add_header("x-amz-content-sha256: " + sha256_hex(request.upload));
  if (!options_.session_token.empty())
    exchange.add_header("x-amz-security-token: " + options_.session_token);
  const CURLcode code = exchange.perform();
  if (code == CURLE_OK) {
    Answer answer = exchange.take_answer();
    again = passes(answer.status);
    return answer;
  }
  again = passes(code);
  const Errc errc = !again                             ? Errc::kInvalid
                    : code == CURLE_OPERATION_TIMEDOUT ? Errc::kTimeout
                                                       : Errc::kIo;
  return Error{errc, fmt::format("{} {}/{}: {}", request.method, options_.endpoint, request.what,
                                 one_line(exchange.message(code)))};
}

Result<S3Store::Answer> S3Store::ask(const Request& request) {
  curl_->begin();
  Duration pause = options_.first_pause;
  for (int left = options_.tries;; --left) {
    bool again = false;
    auto answer = ask_once(request, again);
    if (answer.ok() && !again) return answer;
    if (!again || left <= 1) return answer.ok() ? error_of(request, *answer) : answer.error();
    // Not all at once again.
    const auto jitter = os_.choose("s3.pause", static_cast<uint64_t>(pause.ns) + 1);
    os_.park(os_.now() + pause + nanoseconds(static_cast<int64_t>(jitter)));
    pause = pause * 2;
  }
}

// What the store says, and what that asks for.
Error S3Store::error_of(const Request& request, const Answer& answer) const {
  const std::string code = one_line(element(answer.body, "Code"));
  const std::string where =
      fmt::format("{} {}/{}", request.method, options_.endpoint, request.what);
  const auto told = [&](Errc errc, std::string_view why) {
    return Error{errc, fmt::format("{}: HTTP {}{}{}: {}", where, answer.status,
                                   code.empty() ? "" : " ", code, why)};
  };
  const std::string said = one_line(element(answer.body, "Message"));
  if (passes(answer.status)) return told(Errc::kIo, said.empty() ? "not at present" : said);
  if (code == "NoSuchBucket")
    return told(Errc::kInvalid,
                fmt::format("there is no bucket {}: make it, or name another in archive-url",
                            options_.bucket));
  if (code == "SignatureDoesNotMatch" || code == "InvalidAccessKeyId" || code == "ExpiredToken" ||
      code == "InvalidToken")
    return told(Errc::kRefused,
                "the credentials are not right: see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
                "AWS_SESSION_TOKEN");
  if (code == "RequestTimeTooSkewed")
    return told(Errc::kRefused, "the clock of this machine is wrong");
  if (code == "AuthorizationHeaderMalformed" || code == "PermanentRedirect" ||
      (answer.status >= 300 && answer.status < 400))
    return told(Errc::kInvalid, "the bucket is in another region: see archive-region");
  if (answer.status == 403)
    return told(Errc::kRefused, "these credentials may not do that in this bucket");
  if (code.empty() && answer.status != 403)
    return told(Errc::kInvalid, "what answers there is no S3 API: see archive-endpoint");
  return told(Errc::kInvalid, said.empty() ? "it refuses that" : said);
}

// --- The calls ---

Result<void> S3Store::put(std::string_view name, std::string_view bytes) {
  const std::string what = fmt::format("{}/{}", options_.bucket, name);
  const Request request{
      .method = "PUT", .path = "/" + escaped(name, true), .upload = bytes, .what = what};
  TRY_ASSIGN(const Answer answer, ask(request));
  if (answer.status == 200) return {};
  return error_of(request, answer);
}

Result<std::string> S3Store::get(std::string_view name, uint64_t offset, uint64_t length) {
  if (length == 0) return std::string();
  const std::string what = fmt::format("{}/{}", options_.bucket, name);
  const Request request{.method = "GET",
                        .path = "/" + escaped(name, true),
                        .range = fmt::format("{}-{}", offset, offset + length - 1),
                        .what = what};
  TRY_ASSIGN(Answer answer, ask(request));
  if (answer.status == 206 && answer.body.size() <= length) return std::move(answer.body);
  if (answer.status == 200) {  // it knows no ranges
    if (answer.body.size() <= offset) return std::string();
    return answer.body.substr(offset, length);
  }
  if (answer.status == 416) return std::string();  // it ends before
  if (answer.status == 404 && element(answer.body, "Code") == "NoSuchKey")
    return Error{Errc::kNotFound, fmt::format("GET {}/{}: there is no such object (NoSuchKey)",
                                              options_.endpoint, what)};
  return error_of(request, answer);
}

Result<uint64_t> S3Store::head(std::string_view name) {
  const std::string what = fmt::format("{}/{}", options_.bucket, name);
  const Request request{.method = "HEAD", .path = "/" + escaped(name, true), .what = what};
  TRY_ASSIGN(const Answer answer, ask(request));
  if (answer.status == 200) return static_cast<uint64_t>(std::max<int64_t>(answer.length, 0));
  if (answer.status == 404)
    return Error{Errc::kNotFound,
                 fmt::format("HEAD {}/{}: there is no such object", options_.endpoint, what)};
  return error_of(request, answer);
}

Result<void> S3Store::remove(std::string_view name) {
  const std::string what = fmt::format("{}/{}", options_.bucket, name);
  const Request request{.method = "DELETE", .path = "/" + escaped(name, true), .what = what};
  TRY_ASSIGN(const Answer answer, ask(request));
  if (answer.status == 200 || answer.status == 204) return {};
  if (answer.status == 404 && element(answer.body, "Code") == "NoSuchKey") return {};
  return error_of(request, answer);
}

Result<std::vector<std::string>> S3Store::list(std::string_view prefix, size_t most) {
  const Request request{.method = "GET",
                        .path = fmt::format("?list-type=2&max-keys={}&prefix={}",
                                            std::min<size_t>(most, 1000), escaped(prefix, false)),
                        .what = options_.bucket};
  TRY_ASSIGN(const Answer answer, ask(request));
  if (answer.status != 200) return error_of(request, answer);
  if (answer.body.find("<ListBucketResult") == answer.body.npos)
    return Error{Errc::kInvalid, fmt::format("{}: what answers there is no S3 API: see "
                                             "archive-endpoint",
                                             options_.endpoint)};
  std::vector<std::string> names;
  for (size_t at = 0; names.size() < most;) {
    std::string name = element(answer.body, "Key", at);
    if (at == answer.body.npos) break;
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace powercut::engine
