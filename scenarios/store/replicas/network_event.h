// What befalls two machines and the links between them, in the words of a scenario's steps. They stand among what clients
// send, since that is when they happen:
//
//   network break              every link between the two breaks; a drawn tail of what is under way is lost
//   network break 400us        ... so long after
//   network break forgotten    ... and what the replica misses next is not kept for it
//   network half-open b        b is told that its links are broken, and whom it follows is not (only as below)
//   network partition a|b 300ms   nothing reaches the other side, and links break; healed so long after
//   network partition a>b 2s      nothing that a says reaches b
//   node anew b                b is promoted, and told to follow a again
//   node kill b                its process is killed, and started again with its own log
//   node cut b                 it loses its power, and starts again with what that left
//   another WAIT 1 500         another client, which has seen all there is, asks for that: WAIT or WAITAOF
//
// a is the master, b its replica. Where there is a second one, that is c: whatever is said of b may be said of it, b and c may
// be parted as well, WAIT may ask for two, and links may be half open.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace powercut::scenarios {

struct NetworkEvent {
  enum class Kind : unsigned char {
    kBreak,
    kForget,
    kHalfOpen,
    kPartition,
    kSilence,
    kAnew,
    kKill,
    kCut,
    kAsk
  };
  Kind kind = Kind::kBreak;
  Duration time = {};         // until it happens, or is over
  std::string question = {};  // of kAsk, a line
  char node = 'b';            // of kHalfOpen, kAnew, kKill, kCut
  char from = 'a', to = 'b';  // of kPartition, kSilence
};

// Do these words mean to be one?
bool is_network_event(std::span<const std::string_view> words);
// Of a master with so many replicas, one or two. Errors: kInvalid: one line.
Result<NetworkEvent> parse_network_event(std::span<const std::string_view> words,
                                         size_t replicas = 1);
// What a client sends who says this line.
std::string request_of(std::string_view line);
// Some of each, as a workload draws them; what clients ask is apart.
std::span<const std::string_view> network_events(size_t replicas = 1);
std::span<const std::string_view> network_breaks();
std::span<const std::string_view> network_questions(size_t replicas = 1);
// As a sentence of a story: "the link between the two breaks".
std::string in_words(const NetworkEvent& event);

}  // namespace powercut::scenarios
