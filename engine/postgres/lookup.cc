#include "engine/postgres/lookup.h"

#include <fmt/format.h>
#include <netdb.h>

#include <memory>

namespace powercut::engine::postgres {

namespace {

constexpr Duration kLook = milliseconds(5);

// The C library looks it up in a thread of its own, which may not be done when nobody waits any more.
struct Lookup {
  explicit Lookup(const std::string& name) : host(name) {
    hints.ai_socktype = SOCK_STREAM;
    request.ar_name = host.c_str();
    request.ar_request = &hints;
  }
  ~Lookup() {
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }
  Lookup(const Lookup&) = delete;

  const std::string host;
  addrinfo hints{};
  gaicb request{};
};
struct Leave {
  void operator()(Lookup* lookup) const {
    const int state = gai_error(&lookup->request);
    const bool runs = state == EAI_INPROGRESS && gai_cancel(&lookup->request) != EAI_CANCELED;
    if (!runs) delete lookup;  // else it is the thread's
  }
};

}  // namespace

Result<std::vector<std::string>> addresses_of(Os& os, const std::string& host, Instant deadline) {
  const std::unique_ptr<Lookup, Leave> lookup(new Lookup(host));
  gaicb* list[] = {&lookup->request};
  int code = getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr);
  for (; code == 0; os.park(os.now() + kLook)) {
    code = gai_error(&lookup->request);
    if (code != EAI_INPROGRESS) break;
    if (os.now() >= deadline)
      return Error{Errc::kTimeout, fmt::format("host {}: nobody says where it is", host)};
    code = 0;
  }
  if (code != 0)
    return Error{code == EAI_NONAME ? Errc::kNotFound : Errc::kIo,
                 fmt::format("host {}: {}", host, gai_strerror(code))};
  std::vector<std::string> addresses;
  for (const addrinfo* at = lookup->request.ar_result; at != nullptr; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
        0)
      addresses.emplace_back(text);
  }
  if (addresses.empty()) return Error{Errc::kNotFound, fmt::format("host {}: no address", host)};
  return addresses;
}

}  // namespace powercut::engine::postgres
