// powercut-server: the store on a real disk, for real clients.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "engine/os/posix/directory_lock.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/posix/process.h"
#include "engine/postgres/postgres_database.h"
#include "engine/server/event_log.h"
#include "engine/server/listeners.h"
#include "engine/server/metrics.h"
#include "engine/server/named_os.h"
#include "engine/server/options.h"
#include "engine/server/replace_file.h"
#include "engine/server/rewrite_config.h"
#include "engine/server/s3_store.h"
#include "engine/server/server.h"
#include "engine/server/server_log.h"
#include "engine/server/socket_net.h"
#include "engine/server/tcp.h"

namespace powercut::engine {

namespace {

// A shutdown whose last sync fails is tried again once the log has been healed, for so long.
constexpr Duration kShutdownPatience = seconds(5);
constexpr Duration kShutdownRetry = milliseconds(200);
constexpr Duration kDrain = seconds(1);
constexpr Duration kLook = milliseconds(200);  // how often what happened is logged
constexpr Duration kMetrics = seconds(1);      // how often what a scrape sees is made anew
// A predecessor that was killed may hold directory and port a little longer: its last calls are still under way.
constexpr Duration kPredecessor = seconds(2);
constexpr Duration kPredecessorStep = milliseconds(20);
// Descriptors that clients do not get: the store's own.
constexpr uint64_t kOwnDescriptors = 32;

int fail(const Error& error) {
  say("powercut-server: " + error.message);
  return exit_status_of(error);
}

// Everything between the first task and the last.
class Process {
 public:
  Process(PosixOs& os, EngineConfig config, ServerLog& log, Descriptor signals)
      : os_(os),
        store_os_(os, config.service),
        config_(std::move(config)),
        log_(log),
        signals_(std::move(signals)) {}

  int run() {
    os_.spawn("main", [this] { serve(); });
    if (os_.run() != RunEnd::kStopped) status_ = kExitFailed;
    os_.destroy_tasks();  // they refer to the engine
    return status_;
  }

 private:
  void serve() {
    if (const auto synced = os_.sync_directory("", "root.aof_directory"); !synced.ok())
      return end(refuse(no_directory_sync(synced.error())));
    config_.recovery.progress = &progress_;
    config_.sink.connect = [this](const SinkOptions& options) -> std::unique_ptr<SinkDatabase> {
      return std::make_unique<PostgresDatabase>(os_, options.url, options.tables);
    };
    engine_ = Engine::make(store_os_, config_);
    if (const auto secured = secure_links(); !secured.ok()) return end(refuse(secured.error()));
    engine_->set_net(&net_);
    if (const auto opened = open_archive(); !opened.ok()) return end(refuse(opened.error()));
    lend_process();
    if (const auto users = engine_->begin_users(); !users.ok()) return end(refuse(users.error()));
    if (const auto opened = open_doors(); !opened.ok()) return end(refuse(opened.error()));
    os_.spawn("signals", [this] { signal_loop(); });
    // Scripts that wait for Redis look for its logo, or for this.
    log_.notice(fmt::format("Running mode=standalone, port={}, PID: {}", config_.service.port,
                            process_id()));
    log_.notice("Server initialized");
    if (const auto loaded = engine_->load(); !loaded.ok()) {
      return end(stopping_
                     ? kExitOk
                     : refuse({loaded.error().code, store_os_.message(loaded.error().message)}));
    }
    if (!stopping_) begin();
  }

  Result<void> secure_links() {
    if (!config_.service.tls.replication) return {};
    TRY_ASSIGN(links_, TlsContext::open_client(config_.service.tls));
    net_.set_tls(links_.get());
    return {};
  }

  Result<void> open_archive() {
    const TierOptions& tier = config_.tier;
    if (tier.archive_url.empty()) return {};
    TRY_ASSIGN(const ArchiveUrl url, parse_archive_url(tier.archive_url));
    S3Options options;
    options.endpoint = tier.archive_endpoint;
    options.region = tier.archive_region;
    options.bucket = url.bucket;
    TRY(take_credentials(options));
    TRY_ASSIGN(archive_, S3Store::open(os_, std::move(options)));
    engine_->set_object_store(archive_.get());
    return {};
  }

  // From here on clients are answered, if only that the store is loading.
  Result<void> open_doors() {
    const ServiceConfig& service = config_.service;
    TRY_ASSIGN(auto poller, Poller::open());
    server_ = std::make_unique<Server>(os_, *engine_, log_, std::move(poller), most_clients(),
                                       [this] { stopped_by_client(); });
    server_->start();
    if (service.tls.port != 0) {
      TRY_ASSIGN(tls_, TlsContext::open(service.tls));
    }
    TRY_ASSIGN(listeners_, Listeners::open(os_, service));
    accept();
    if (service.metrics_port == 0) return {};
    TRY_ASSIGN(metrics_, Metrics::open(service.metrics_address, service.metrics_port));
    os_.spawn("metrics", [this] {
      for (;; os_.park(os_.now() + kMetrics)) metrics_->show(*engine_);
    });
    return {};
  }

  void accept() {
    for (const auto& listener : listeners_->not_accepted())
      os_.spawn("accept", [this, listener] {
        server_->accept_loop(*listener, listener->tls ? tls_.get() : nullptr);
      });
  }

  // CONFIG SET port and bind.
  Result<void> listen_anew(const ServiceConfig& service) {
    TRY(listeners_->change(os_, service));
    accept();
    for (const std::string& name : listeners_->names()) log_.notice("ready on " + name);
    return {};
  }

  void begin() {
    loaded_ = true;
    engine_->set_listener([this](const ServiceConfig& service) { return listen_anew(service); });
    engine_->set_on_config([this] { apply_config(); });
    engine_->set_config_rewriter(
        [this] { return rewrite_config(engine_->config(), engine_->user_lines()); });
    log_.notice(store_os_.message(engine_->recovery().summary()));
    for (const std::string& name : listeners_->names()) log_.notice("ready on " + name);
    log_.notice("Ready to accept connections");
    os_.spawn("events", [this] {
      EventLog events(*engine_, log_);
      for (;;) {
        os_.park(os_.now() + kLook);
        events.look();
      }
    });
    if (config_.service.supervised != "no")
      notify_supervisor("STATUS=Ready to accept connections\nREADY=1\n");
  }

  // What the engine cannot do by itself.
  void lend_process() {
    engine_->set_process_info([this](std::string_view section) {
      const bool has_more = section == "stats" && server_ != nullptr;
      return process_info(section) + (has_more ? server_->info_stats() : "");
    });
    engine_->set_process(
        {.stall = wait_outside_tasks,
         .log_line = [this](std::string_view text) { log_.warning(text); },
         .purge = give_back_memory,
         .secret_bytes = secret_bytes,
         .read_users = [this] { return read_users(); },
         .write_users =
             [this](const std::string& text) { return replace_file(users_file(), text); }});
  }

  // Named as in Redis: from where the data are.
  std::string users_file() const {
    const std::string& name = config_.service.acl_file;
    return name.starts_with('/') ? name : config_.directory + "/" + name;
  }

  Result<std::string> read_users() const {
    auto text = read_whole_file(users_file());
    if (text.ok()) return text;
    return Error{Errc::kInvalid, "Error loading ACLs: " + text.error().message};
  }

  int refuse(const Error& error) {
    if (!config_.service.log_file.empty()) log_.warning(error.message);
    return fail(error);
  }

  static Error no_directory_sync(const Error& error) {
    if (error.code != Errc::kInvalid && error.code != Errc::kUnsupported) return error;
    return {
        error.code,
        fmt::format(
            "{}: this filesystem cannot sync a directory, so a power cut may take files back; "
            "start "
            "with --directory-sync no to do without: then nothing is promised on a power cut, and "
            "what a kill leaves stays",
            error.message)};
  }

  uint64_t most_clients() {
    const uint64_t wanted = config_.service.max_clients;
    const uint64_t limit = raise_descriptor_limit(wanted + kOwnDescriptors);
    const uint64_t own = std::min<uint64_t>(kOwnDescriptors, limit / 2);
    if (limit < wanted + kOwnDescriptors) {
      log_.warning(
          fmt::format("maxclients {} does not fit the limit of {} open files: {} clients at most",
                      wanted, limit, limit - own));
    }
    return std::min(wanted, limit - own);
  }

  void apply_config() { log_.set_level(log_level_named(engine_->config().service.log_level)); }

  // SIGTERM shuts down cleanly, and another one changes nothing; a second Ctrl-C ends at once, with the status of a
  // failure. While the store loads there is nothing to shut down.
  void signal_loop() {
    for (bool again = false;; again = true) {
      os_.wait_readable(signals_.get());
      const int signal = take_signal(signals_.get());
      if (signal == 0) continue;
      if (again && signal == SIGINT) {
        log_.warning("a second Ctrl-C: not shut down cleanly");
        return end(kExitFailed);
      }
      if (again) continue;
      log_.warning(signal == SIGINT ? "Received SIGINT scheduling shutdown..."
                                    : "Received SIGTERM scheduling shutdown...");
      stopping_ = true;
      if (!loaded_) return end(kExitOk);
      os_.spawn("shutdown", [this] { shut_down(); });
    }
  }

  void shut_down() {
    log_.warning("User requested shutdown...");
    if (config_.service.supervised != "no") notify_supervisor("STOPPING=1\n");
    const Instant deadline = os_.now() + kShutdownPatience;
    for (;;) {
      const auto outcome = engine_->shut_down(true);
      if (outcome.ok()) break;
      if (os_.now() >= deadline) {
        refuse({Errc::kIo, "not shut down cleanly: " + outcome.error().message});
        return end(kExitFailed);
      }
      os_.park(os_.now() + kShutdownRetry);
    }
    server_->drain(os_.now() + kDrain);
    log_.warning("Redis is now ready to exit, bye bye...");
    end(kExitOk);
  }

  void stopped_by_client() {
    if (stopping_) return;
    stopping_ = true;
    os_.spawn("goodbye", [this] {
      server_->drain(os_.now() + kDrain);
      log_.warning("Redis is now ready to exit, bye bye...");
      end(kExitOk);
    });
  }

  void end(int status) {
    status_ = status;
    os_.stop();
  }

  PosixOs& os_;
  NamedOs store_os_;
  std::unique_ptr<TlsContext> links_;  // to a master
  SocketNet net_{os_};
  EngineConfig config_;
  LoadProgress progress_;
  ServerLog& log_;
  Descriptor signals_;
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<Listeners> listeners_;
  std::unique_ptr<S3Store> archive_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Metrics> metrics_;
  bool loaded_ = false;
  bool stopping_ = false;
  int status_ = kExitOk;
};

Result<Descriptor> lock(const EngineConfig& config) {
  if (!config.service.directory_lock) return Descriptor();
  const Instant deadline = monotonic_now() + kPredecessor;
  for (;;) {
    auto locked = lock_directory(config.directory);
    if (locked.ok()) return locked;
    if (locked.error().code == Errc::kUnsupported) {
      return Error{
          locked.error().code,
          fmt::format(
              "{}: this filesystem has no locks, so nothing would keep a second server out; start "
              "with --directory-lock no to do without, and see to it that no other uses the "
              "directory",
              locked.error().message)};
    }
    if (locked.error().code != Errc::kRefused || monotonic_now() >= deadline) return locked;
    wait_outside_tasks(kPredecessorStep);
  }
}

int serve(EngineConfig config) {
  ServerLog log;
  log.set_level(log_level_named(config.service.log_level));
  ServiceConfig& service = config.service;
  for (std::string* path : {&service.log_file, &service.pid_file, &service.config_file})
    if (!path->empty()) *path = absolute_path(*path);
  if (service.daemonize) {
    if (const auto gone = go_to_background(); !gone.ok()) return fail(gone.error());
    if (service.pid_file.empty()) service.pid_file = "/var/run/redis.pid";
  }
  if (const auto opened = log.open(service.log_file); !opened.ok()) return fail(opened.error());
  if (service.syslog) log.open_syslog(service.syslog_ident, service.syslog_facility);
  auto signals = open_signals();
  if (!signals.ok()) return fail(signals.error());
  config.directory = absolute_path(config.directory);
  const auto locked = lock(config);
  if (!locked.ok()) return fail(locked.error());
  auto os = PosixOs::open(config.directory, {.use_io_uring = service.io_uring,
                                             .sync_directories = service.directory_sync});
  if (!os.ok()) return fail(os.error());
  if (!service.directory_sync)
    log.warning("directory-sync is no: nothing is promised on a power cut");
  if (!service.directory_lock)
    log.warning("directory-lock is no: nothing keeps a second server out of the directory");
  if (!service.pid_file.empty()) {
    if (const auto written = write_pid_file(service.pid_file); !written.ok())
      log.warning(written.error().message);
  }
  const std::string pid_file = service.pid_file;
  const int status = Process(**os, std::move(config), log, std::move(*signals)).run();
  if (!pid_file.empty()) remove_file(pid_file);
  return status;
}

int run(int argc, char** argv) {
  keep_standard_descriptors();
  ignore_signals();
  EngineConfig config;
  int status = kExitOk;
  if (!parse_server_options(argc, argv, config, status)) return status;
  return serve(std::move(config));
}

}  // namespace

}  // namespace powercut::engine

int main(int argc, char** argv) { return powercut::engine::run(argc, argv); }
