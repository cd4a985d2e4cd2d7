// Two keyspaces beside the store, which are told what its clients say: in one of them every collection is packed, in the other
// none is. How a value is held is nobody's business: each answer of the two must be the same, what they log, and what they
// hold.
//
// What one of them holds is looked at in other ways as well: copied, moved, written and read, edited beside a row of words
// (other_ways.h). Behind a write they are asked for what it left, and now and then told more of the same, so that trees grow
// and shrink: a run's own collections are small. Nothing of this reaches the store or is drawn from the run's chance.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/judge/target_type.h"
#include "scenarios/store/keyspace/other_ways.h"

namespace powercut::engine {
struct CommandSpec;
}

namespace powercut::scenarios {

class Twins final : public Bystander {
 public:
  Twins();
  ~Twins() override;

  std::string hear(uint64_t client, std::string_view request, int64_t wall_ms) override;
  // Requests that both have done.
  uint64_t compared() const { return compared_; }

 private:
  using Words = std::span<const std::string_view>;
  struct Twin;

  bool finds_by_name(const engine::CommandSpec& spec, Words words, int db) const;
  std::string say(Words words, int& db);
  std::string compare(Words words, const engine::CommandSpec& spec, int db);
  std::string ask_more(std::string_view key, int db);
  std::string grow(std::string_view key, int db);
  struct Moved {
    uint64_t hash = 0;  // of the value; 0: nothing moves
    int64_t expire_at_ms = 0;
    int db = 0;
  };
  Moved before_it_moves(Words words, const engine::CommandSpec& spec, int db) const;
  std::string arrived(const Moved& moved, Words words, const engine::CommandSpec& spec) const;
  std::string look_otherwise(std::string_view key, int db);
  std::string look_at_edges(std::string_view key, int db);
  std::string look_at_entries(std::string_view key, int db);
  std::string say_seldom_said(std::string_view key, int db);
  std::string look_at_laws();
  // By the request that is done alone, so that what is drawn stays what it is where others are left out; and apart for each
  // way of looking at a key.
  uint64_t draw(uint64_t n);
  Drawn drawn(std::string_view look, std::string_view key = {}) const;

  std::unique_ptr<Twin> packed_;
  std::unique_ptr<Twin> loose_;
  std::vector<int> databases_;  // by client
  uint64_t said_ = 0;           // a hash of the request that both do
  uint64_t drawn_ = 0;          // with it
  uint64_t compared_ = 0;
};

}  // namespace powercut::scenarios
