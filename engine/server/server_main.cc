// powercut-server: the store on a real disk, for real clients.
#include <fmt/format.h>

#include "engine/os/posix/directory_lock.h"
#include "engine/os/posix/posix_os.h"
#include "engine/server/options.h"
#include "engine/server/server.h"
#include "engine/server/tcp.h"

namespace powercut::engine {

namespace {

// A shutdown whose last sync fails is tried again once the log has been healed, for so long.
constexpr Duration kShutdownPatience = seconds(5);
constexpr Duration kShutdownRetry = milliseconds(200);
constexpr Duration kDrain = seconds(1);

int fail(const Error& error) {
  fmt::print(stderr, "powercut-server: {}\n", error.message);
  return exit_status_of(error);
}

// Everything between the first task and the last.
class Process {
 public:
  Process(PosixOs& os, ServerOptions options, Descriptor signals)
      : os_(os), options_(std::move(options)), signals_(std::move(signals)) {}

  int run() {
    os_.spawn("main", [this] { serve(); });
    if (os_.run() != RunEnd::kStopped) status_ = kExitFailed;
    os_.destroy_tasks();  // they refer to the engine
    return status_;
  }

 private:
  void serve() {
    auto opened = Engine::open(os_, options_.engine);
    if (!opened.ok()) return end(fail(opened.error()));
    engine_ = std::move(*opened);
    fmt::print(stderr, "powercut-server: {}\n", engine_->recovery().summary());
    auto listener = listen_on(options_.bind, options_.port);
    if (!listener.ok()) return end(fail(listener.error()));
    listener_ = std::move(*listener);
    fmt::print(stderr, "powercut-server: ready on {}\n", local_name(listener_.get()));
    server_ = std::make_unique<Server>(os_, *engine_, [this] { stopped_by_client(); });
    os_.spawn("accept", [this] { server_->accept_loop(listener_.get()); });
    os_.spawn("signals", [this] { signal_loop(); });
  }

  // The first signal shuts down cleanly; a second one ends at once, with the status of a failure.
  void signal_loop() {
    os_.wait_readable(signals_.get());
    take_signal(signals_.get());
    os_.spawn("shutdown", [this] { shut_down(); });
    os_.wait_readable(signals_.get());
    fmt::print(stderr, "powercut-server: a second signal: not shut down cleanly\n");
    end(kExitFailed);
  }

  void shut_down() {
    const Instant deadline = os_.now() + kShutdownPatience;
    for (;;) {
      const auto outcome = engine_->shut_down(true);
      if (outcome.ok()) break;
      if (os_.now() >= deadline) {
        fmt::print(stderr, "powercut-server: not shut down cleanly: {}\n", outcome.error().message);
        return end(kExitFailed);
      }
      os_.park(os_.now() + kShutdownRetry);
    }
    server_->drain(os_.now() + kDrain);
    end(kExitOk);
  }

  void stopped_by_client() {
    if (stopping_) return;
    stopping_ = true;
    os_.spawn("goodbye", [this] {
      server_->drain(os_.now() + kDrain);
      end(kExitOk);
    });
  }

  void end(int status) {
    status_ = status;
    os_.stop();
  }

  PosixOs& os_;
  ServerOptions options_;
  Descriptor signals_;
  Descriptor listener_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Server> server_;
  bool stopping_ = false;
  int status_ = kExitOk;
};

int run(int argc, char** argv) {
  ServerOptions options;
  int status = kExitOk;
  if (!parse_server_options(argc, argv, options, status)) return status;
  auto signals = open_signals();
  if (!signals.ok()) return fail(signals.error());
  auto lock = lock_directory(options.directory);
  if (!lock.ok()) return fail(lock.error());
  auto os = PosixOs::open(options.directory, {.use_io_uring = options.use_io_uring});
  if (!os.ok()) return fail(os.error());
  return Process(**os, std::move(options), std::move(*signals)).run();
}

}  // namespace

}  // namespace powercut::engine

int main(int argc, char** argv) { return powercut::engine::run(argc, argv); }
