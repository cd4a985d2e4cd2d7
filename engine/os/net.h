// The seam to other machines, in the manner of engine/os/os.h: all that the store sees of a network. Two
// implementations keep this contract, sockets (engine/server/socket_net.h) and the simulated network
// (sim/sim_net.h), and one suite tests both (engine/os/net_contract.h).
//
// What goes over a link has labels of its own:
//   Arrives:  what of it the other side will read.
//   Twice:    may it be there twice?
//   Errors:   which error, when it is reported, and what then is known.
//   Yields:   may other tasks run before it returns?
//
// A link is broken for good: who goes on makes another one, and says anew what it cannot know to have arrived. So
// nothing comes twice over one link, and anything may come twice over two; to tell them apart is its users' matter.
// A link whose other side has lost its power, or cannot be reached, looks like one that is silent: only a deadline
// tells, and it cannot tell a dead machine from a slow one.
//
// Source: RFC 9293 (TCP), 3.4 to 3.10; tcp(7); POSIX.1-2017, connect, send, recv, shutdown.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace powercut::engine {

class Link {
 public:
  // Closes it, without waiting. What was sent before may arrive, and then the other side reads the end; or it does not, and
  // the link breaks there. Where this side's machine has died nobody says so much: the other side's reads wait.
  virtual ~Link() = default;

  // Waits for something, and reads 1 to `size` bytes of it into `out`; returns how many. 0: the other side has closed
  // its end, and all that it sent has been read.
  //   Arrives:  what was sent, in order and without a gap; at a break a tail of it is missing.
  //   Twice:    no.
  //   Errors:   kTimeout: nothing came until `deadline`; the link goes on. kIo: it is broken, and what was under way in
  //             either direction is lost. A break may be told late, or, while this side sends nothing, never.
  //   Yields:   yes.
  virtual Result<size_t> receive(char* out, size_t size, Instant deadline) = 0;

  // Hands over a prefix of `data`; returns its length, at least 1 unless `data` is empty.
  //   Arrives:  perhaps. A success says that this side keeps it, not that the other has it: only an answer says that.
  //   Twice:    no.
  //   Errors:   kTimeout: there is no room for more until `deadline`; nothing of it was taken, the link goes on. kIo:
  //             as with receive(). Calls before this one may have succeeded since the link broke.
  //   Yields:   yes. Do not overlap two sends on one link; one send and one receive may.
  virtual Result<size_t> send(std::string_view data, Instant deadline) = 0;
};

class Listener {
 public:
  // Listens no more. Whom nobody accepted finds its link broken.
  virtual ~Listener() = default;

  // Waits for a link that somebody has made to here.
  //   Arrives:  the other side may take it for made before it is accepted, and has perhaps sent.
  //   Errors:   kTimeout: nobody came until `deadline`. kIo: it cannot be had now; try again.
  //   Yields:   yes.
  virtual Result<std::unique_ptr<Link>> accept(Instant deadline) = 0;

  // Where it listens: of port 0, the one that was given.
  virtual int port() const = 0;
};

class Net {
 public:
  virtual ~Net() = default;

  // Makes a link to where somebody listens.
  //   Errors:   kNotFound: there is no such host. kRefused: its machine lives, and nobody listens there. kTimeout: no
  //             answer until `deadline`; the other side may have a link that nobody here has. kIo: any other.
  //   Yields:   yes, but while a name is looked up.
  virtual Result<std::unique_ptr<Link>> connect(const std::string& host, int port,
                                                Instant deadline) = 0;

  // Listens at a port of `host`, an address of this machine; 0: any port that is free.
  //   Errors:   kExists: somebody listens there already. kUnsupported: this machine has no such address. kIo.
  //   Yields:   no.
  virtual Result<std::unique_ptr<Listener>> listen(const std::string& host, int port) = 0;
};

}  // namespace powercut::engine
