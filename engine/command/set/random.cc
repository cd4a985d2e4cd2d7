#include <algorithm>
#include <string>
#include <vector>

#include "engine/command/collection.h"
#include "engine/command/set/set_commands.h"

namespace powercut::engine {

namespace {

constexpr Site kPopSite{"spop.member"};
constexpr Site kRandomSite{"srandmember.member"};

// The header of all of them is written.
void reply_all(Call& call, const Set& set) {
  for (size_t i = 0; i < set.size(); ++i) call.reply.bulk(set.entries().at(i).key);
}

void pop_one(Call& call) {
  const Set* set = call.held<Set>(call.arg(1));
  if (call.failed()) return;
  if (set == nullptr) return call.reply.null();
  const std::string member(set->entries().at(call.choose(kPopSite, set->size())).key);
  if (set->size() == 1) {
    call.keyspace.remove(call.db, call.arg(1));
  } else {
    call.write<Set>(call.arg(1))->erase(member);
  }
  call.log({"SREM", call.arg(1), member});
  call.reply.bulk(member);
}

void pop_many(Call& call) {
  int64_t count = 0;
  if (!count_arg(call, 2, count)) return;
  const Set* set = call.held<Set>(call.arg(1));
  if (call.failed()) return;
  if (set == nullptr || count == 0) return call.reply.set(0);

  if (static_cast<uint64_t>(count) >= set->size()) {
    call.note_look_up(call.arg(1), true);  // as by SUNION, of which Redis makes this
    call.reply.set(set->size());
    reply_all(call, *set);
    call.keyspace.remove(call.db, call.arg(1));
    call.log({"DEL", call.arg(1)});
    return;
  }
  std::vector<std::string> members;
  for (const size_t i : sample(call, kPopSite, set->size(), static_cast<size_t>(count))) {
    members.emplace_back(set->entries().at(i).key);
  }
  Set* changing = call.write<Set>(call.arg(1));
  std::vector<std::string_view> words = {"SREM", call.arg(1)};
  call.reply.set(members.size());
  for (const std::string& member : members) {
    const bool erased = changing->erase(member);
    CHECK(erased);
    words.push_back(member);
    call.reply.bulk(member);
  }
  CHECK(changing->size() > 0);
  call.log(words);
}

}  // namespace

void spop_command(Call& call) {
  if (call.argc() == 2) return pop_one(call);
  if (call.argc() == 3) return pop_many(call);
  call.fail(kSyntaxError);
}

void srandmember_command(Call& call) {
  if (call.argc() > 3) return call.fail(kSyntaxError);
  const bool has_count = call.argc() == 3;
  int64_t count = 1;
  if (has_count && !random_count_arg(call, 2, count)) return;
  const Set* set = call.read<Set>(call.arg(1));
  if (call.failed()) return;
  if (!has_count) {
    if (set == nullptr) return call.reply.null();
    return call.reply.bulk(set->entries().at(call.choose(kRandomSite, set->size())).key);
  }
  if (set == nullptr) return call.reply.array(0);
  const auto& entries = set->entries();
  if (count < 0) {
    call.reply.array(static_cast<size_t>(-count));
    for (; count < 0; ++count) {
      call.reply.bulk(entries.at(call.choose(kRandomSite, entries.size())).key);
    }
  } else if (static_cast<uint64_t>(count) >= entries.size()) {
    call.reply.array(entries.size());
    reply_all(call, *set);
  } else {
    const auto positions = sample(call, kRandomSite, entries.size(), static_cast<size_t>(count));
    call.reply.array(positions.size());
    for (const size_t i : positions) call.reply.bulk(entries.at(i).key);
  }
}

}  // namespace powercut::engine
