#include "engine/server/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>
#include <string>

#include "engine/parameter_values.h"

namespace powercut::engine {

namespace {

std::string last_reason() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? "refused" : reason;
}

Error refused(std::string_view directive, std::string_view value) {
  return {Errc::kInvalid, fmt::format("{} {}: {}", directive, value, last_reason())};
}

int give_password(char* out, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (std::cmp_greater(text.size(), size)) return -1;
  std::copy(text.begin(), text.end(), out);
  return static_cast<int>(text.size());
}

// A directive and what is said for it.
struct Said {
  std::string_view name;
  const std::string& value;
};

Result<void> take_certificate(SSL_CTX* context, Said cert, Said key, const std::string& password) {
  SSL_CTX_set_default_passwd_cb(context, give_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&password));
  if (SSL_CTX_use_certificate_chain_file(context, cert.value.c_str()) != 1)
    return refused(cert.name, cert.value);
  if (SSL_CTX_use_PrivateKey_file(context, key.value.c_str(), SSL_FILETYPE_PEM) != 1)
    return refused(key.name, key.value);
  return {};
}

Result<void> take_trust(SSL_CTX* context, const TlsConfig& config, std::string_view wanted_by) {
  const char* const file = config.ca_file.empty() ? nullptr : config.ca_file.c_str();
  const char* const directory = config.ca_directory.empty() ? nullptr : config.ca_directory.c_str();
  if (file == nullptr && directory == nullptr)
    return Error{
        Errc::kInvalid,
        fmt::format("{} wants tls-ca-cert-file or tls-ca-cert-dir, or to be no", wanted_by)};
  if (SSL_CTX_load_verify_locations(context, file, directory) != 1)
    return refused("tls-ca-cert-file", file != nullptr ? config.ca_file : config.ca_directory);
  return {};
}

Result<void> take_versions(SSL_CTX* context, const TlsConfig& config) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  bool old = false;
  bool fresh = false;
  for (const std::string& version : words_of(config.protocols)) {
    if (version != "TLSv1.2" && version != "TLSv1.3")
      return Error{Errc::kInvalid,
                   fmt::format("tls-protocols {}: only TLSv1.2 and TLSv1.3 are safe", version)};
    (version == "TLSv1.2" ? old : fresh) = true;
  }
  if (fresh && !old) SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (old && !fresh) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  if (!config.ciphers.empty() && SSL_CTX_set_cipher_list(context, config.ciphers.c_str()) != 1)
    return refused("tls-ciphers", config.ciphers);
  if (!config.ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(context, config.ciphersuites.c_str()) != 1)
    return refused("tls-ciphersuites", config.ciphersuites);
  if (config.prefer_server_ciphers) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  return {};
}

int at_most_int(size_t size) { return static_cast<int>(std::min<size_t>(size, INT_MAX)); }

}  // namespace

struct TlsChannel::Connection {
  struct Free {
    void operator()(SSL* connection) const { SSL_free(connection); }
  };
  std::unique_ptr<SSL, Free> ssl;
};
struct TlsContext::Library {
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context;
};

TlsChannel::TlsChannel(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
TlsChannel::~TlsChannel() {
  if (SSL_is_init_finished(connection_->ssl.get())) SSL_shutdown(connection_->ssl.get());
  ERR_clear_error();
}

Io TlsChannel::outcome(int result, size_t& count) {
  count = result > 0 ? static_cast<size_t>(result) : 0;
  const int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(connection_->ssl.get(), result);
  if (error == SSL_ERROR_SSL) {
    const long verified = SSL_get_verify_result(connection_->ssl.get());
    trouble_ = last_reason();
    if (verified != X509_V_OK)
      trouble_ += fmt::format(": {}", X509_verify_cert_error_string(verified));
  }
  ERR_clear_error();
  wants_write_ = error == SSL_ERROR_WANT_WRITE;
  if (result > 0) return Io::kDone;
  return wants_write_ || error == SSL_ERROR_WANT_READ ? Io::kWouldBlock : Io::kClosed;
}

Io TlsChannel::receive(char* out, size_t size, size_t& count) {
  return outcome(SSL_read(connection_->ssl.get(), out, at_most_int(size)), count);
}

Io TlsChannel::send(std::string_view data, size_t& count) {
  return outcome(SSL_write(connection_->ssl.get(), data.data(), at_most_int(data.size())), count);
}

TlsContext::TlsContext(std::unique_ptr<Library> library) : library_(std::move(library)) {}
TlsContext::~TlsContext() = default;

namespace {

// What both ends have in common.
void set_up(SSL_CTX* context) {
  // A session sends what it has, from wherever it lies by then. What is not asked for is not read: the poller tells
  // when there is more, and knows nothing of what OpenSSL has taken already.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::open(const TlsConfig& config) {
  auto library = std::make_unique<Library>();
  library->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = library->context.get();
  if (context == nullptr) return refused("tls-port", "");
  set_up(context);
  if (config.cert_file.empty() || config.key_file.empty())
    return Error{Errc::kInvalid, "tls-port wants tls-cert-file and tls-key-file"};
  TRY(take_certificate(context, {"tls-cert-file", config.cert_file},
                       {"tls-key-file", config.key_file}, config.key_password));
  if (config.auth_clients != "no") {
    TRY(take_trust(context, config, "tls-auth-clients"));
    const int must = config.auth_clients == "yes" ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, nullptr);
  }
  TRY(take_versions(context, config));
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(library)));
}

Result<std::unique_ptr<TlsContext>> TlsContext::open_client(const TlsConfig& config) {
  auto library = std::make_unique<Library>();
  library->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = library->context.get();
  if (context == nullptr) return refused("tls-replication", "");
  set_up(context);
  if (!config.client_cert_file.empty()) {
    TRY(take_certificate(context, {"tls-client-cert-file", config.client_cert_file},
                         {"tls-client-key-file", config.client_key_file},
                         config.client_key_password));
  } else if (!config.cert_file.empty()) {
    TRY(take_certificate(context, {"tls-cert-file", config.cert_file},
                         {"tls-key-file", config.key_file}, config.key_password));
  }
  TRY(take_trust(context, config, "tls-replication"));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  TRY(take_versions(context, config));
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(library)));
}

std::unique_ptr<TlsChannel> TlsContext::channel(int fd, void (*begin)(ssl_st*)) const {
  auto connection = std::make_unique<TlsChannel::Connection>();
  connection->ssl.reset(SSL_new(library_->context.get()));
  if (connection->ssl == nullptr || SSL_set_fd(connection->ssl.get(), fd) != 1) return nullptr;
  begin(connection->ssl.get());
  return std::unique_ptr<TlsChannel>(new TlsChannel(std::move(connection)));
}

std::unique_ptr<TlsChannel> TlsContext::accept(int fd) const {
  return channel(fd, SSL_set_accept_state);
}

std::unique_ptr<TlsChannel> TlsContext::connect(int fd) const {
  return channel(fd, SSL_set_connect_state);
}

}  // namespace powercut::engine
