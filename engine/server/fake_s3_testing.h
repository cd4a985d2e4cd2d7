// A server that speaks as much of the S3 API as S3Store does, on the tasks of the test, and misbehaves as it is told. It looks
// at no signature: engine/server/archive_test.sh tests that with a server that does.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/server/socket_net.h"

namespace powercut::engine {

class FakeS3 {
 public:
  explicit FakeS3(PosixOs& os) : os_(os), net_(os) {}

  // What is to go wrong, of the next requests.
  int fail_next = 0;    // are answered 503 SlowDown
  int break_next = 0;   // are not done, and the connection breaks
  int lose_next = 0;    // are done, and the connection breaks
  bool silent = false;  // nobody is answered
  std::string always;   // a whole answer, to every request; empty: none
  bool knows_ranges = true;
  bool keeps_links =
      true;  // or each serves one request: libcurl asks again by itself where one that it kept is broken
  int requests = 0;
  std::string last_authorization;
  std::map<std::string, std::string> objects;

  // Yields. The port is then `port`.
  void begin() {
    auto listener = net_.listen("127.0.0.1", port);
    CHECK(listener.ok());
    listener_ = std::move(*listener);
    port = listener_->port();
    os_.spawn("fake", [this] {
      for (;;) {
        auto link = listener_->accept(kForever);
        if (!link.ok()) continue;
        os_.spawn("fake.link", [this, link = std::shared_ptr<Link>(std::move(*link))] {
          while (serve(*link)) {
          }
        });
      }
    });
  }
  int port = 0;

 private:
  struct Request {
    std::string method, path, query, range, body;
  };

  static std::string field(const std::string& head, std::string name) {
    std::string lower = head;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const size_t at = lower.find("\r\n" + name + ": ");
    if (at == head.npos) return {};
    const size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  static std::string unescaped(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      int byte = 0;
      if (text[i] == '%' && i + 2 < text.size()) {
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
        i += 2;
        out += static_cast<char>(byte);
      } else {
        out += text[i];
      }
    }
    return out;
  }
  static bool say(Link& link, std::string_view text) {
    while (!text.empty()) {
      const auto sent = link.send(text, kForever);
      if (!sent.ok()) return false;
      text.remove_prefix(*sent);
    }
    return true;
  }
  static bool read_more(Link& link, std::string& bytes) {
    char buffer[16384];
    const auto got = link.receive(buffer, sizeof buffer, kForever);
    if (!got.ok() || *got == 0) return false;
    bytes.append(buffer, *got);
    return true;
  }
  static std::string answer(int status, std::string_view body, std::string_view more = "") {
    return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), more,
                       body);
  }
  static std::string error(int status, std::string_view code) {
    return answer(status, fmt::format("<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>it is "
                                      "so</Message></Error>",
                                      code));
  }

  // One request. False: the link ends.
  bool serve(Link& link) {
    std::string bytes;
    while (bytes.find("\r\n\r\n") == bytes.npos)
      if (!read_more(link, bytes)) return false;
    const std::string head = bytes.substr(0, bytes.find("\r\n\r\n") + 2);
    Request request;
    request.body = bytes.substr(head.size() + 2);
    request.method = head.substr(0, head.find(' '));
    const size_t begin = request.method.size() + 1;
    const std::string target = head.substr(begin, head.find(' ', begin) - begin);
    request.path = unescaped(target.substr(0, target.find('?')));
    if (target.find('?') != target.npos) request.query = target.substr(target.find('?') + 1);
    request.range = field(head, "range");
    last_authorization = field(head, "authorization");
    const std::string length = field(head, "content-length");
    const size_t size = length.empty() ? 0 : std::stoul(length);
    if (!field(head, "expect").empty() && !say(link, "HTTP/1.1 100 Continue\r\n\r\n")) return false;
    while (request.body.size() < size)
      if (!read_more(link, request.body)) return false;
    ++requests;
    if (silent) {
      while (silent) os_.park(os_.now() + milliseconds(5));
      return false;
    }
    if (!always.empty()) return say(link, always);
    if (fail_next > 0) {
      --fail_next;
      return say(link, error(503, "SlowDown"));
    }
    if (break_next > 0) {
      --break_next;
      return false;
    }
    const std::string text = respond(request);
    if (lose_next > 0 && request.method != "GET" && request.method != "HEAD") {
      --lose_next;
      return false;
    }
    return say(link, text) && keeps_links;
  }

  std::string respond(const Request& request) {
    constexpr std::string_view kBucket = "/bucket";
    if (!request.path.starts_with(kBucket)) return error(404, "NoSuchBucket");
    if (request.path == kBucket) return list(request);
    const std::string key = request.path.substr(kBucket.size() + 1);
    if (request.method == "PUT") {
      objects[key] = request.body;
      return answer(200, "");
    }
    if (request.method == "DELETE") {
      objects.erase(key);
      return answer(204, "");
    }
    const auto found = objects.find(key);
    if (request.method == "HEAD")
      return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n",
                         found == objects.end() ? 404 : 200,
                         found == objects.end() ? 0 : found->second.size());
    if (found == objects.end()) return error(404, "NoSuchKey");
    if (request.range.empty() || !knows_ranges) return answer(200, found->second);
    const size_t dash = request.range.find('-');
    const size_t from = std::stoul(request.range.substr(6, dash - 6));
    const size_t to = std::stoul(request.range.substr(dash + 1));
    if (from >= found->second.size()) return error(416, "InvalidRange");
    return answer(206, found->second.substr(from, to - from + 1));
  }

  std::string list(const Request& request) {
    const auto parameter = [&](const std::string& name) {
      const size_t at = request.query.find(name + "=");
      const size_t begin = at + name.size() + 1;
      return unescaped(request.query.substr(begin, request.query.find('&', begin) - begin));
    };
    std::string body = "<?xml version=\"1.0\"?><ListBucketResult>";
    size_t left = std::stoul(parameter("max-keys"));
    for (const auto& [key, bytes] : objects) {
      if (!key.starts_with(parameter("prefix")) || left == 0) continue;
      --left;
      std::string escaped = key;
      for (size_t i = escaped.find('&'); i != key.npos; i = escaped.find('&', i + 1))
        escaped.replace(i, 1, "&amp;");
      body += fmt::format("<Contents><Key>{}</Key></Contents>", escaped);
    }
    return answer(200, body + "</ListBucketResult>");
  }

  PosixOs& os_;
  SocketNet net_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace powercut::engine
