// SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, SHUTDOWN; BACKUP, copies of the log while writes go on (engine/backup/backups.h).
#include "engine/command/call.h"
#include "engine/command/client.h"
#include "engine/command/command_table.h"
#include "engine/command/container.h"
#include "engine/command/control.h"

namespace powercut::engine {

namespace {

void answer(Call& call, const Result<std::string>& outcome) {
  if (outcome.ok()) return call.reply.simple(*outcome);
  call.fail("ERR " + outcome.error().message);
}

void save(Call& call) {
  if (call.control == nullptr) return;
  const auto saved = call.control->save();
  if (!saved.ok()) return call.fail("ERR " + saved.error().message);
  call.reply.ok();
}

void bgsave(Call& call) {
  if (call.control == nullptr) return;
  if (call.argc() > 2 || (call.argc() == 2 && !call.is(1, "SCHEDULE")))
    return call.fail(kSyntaxError);
  answer(call, call.control->background_save());
}

void lastsave(Call& call) {
  if (call.control != nullptr) call.reply.integer(call.control->last_save_unix_s());
}

void bgrewriteaof(Call& call) {
  if (call.control != nullptr) answer(call, call.control->rewrite_aof());
}

// NOW is what always happens: there are no replicas to wait for.
void shutdown(Call& call) {
  if (call.control == nullptr || call.client == nullptr) return;
  bool save = false;
  bool nosave = false;
  bool force = false;
  bool abort = false;
  for (size_t i = 1; i < call.argc(); ++i) {
    if (call.is(i, "SAVE"))
      save = true;
    else if (call.is(i, "NOSAVE"))
      nosave = true;
    else if (call.is(i, "FORCE"))
      force = true;
    else if (call.is(i, "ABORT"))
      abort = true;
    else if (!call.is(i, "NOW"))
      return call.fail(kSyntaxError);
  }
  if ((save && nosave) || (abort && call.argc() > 2)) return call.fail(kSyntaxError);
  if (abort) return call.fail("ERR No shutdown in progress.");
  // By itself a shutdown saves only if there are rules for saving.
  Result<void> outcome = save ? call.control->save() : Result<void>();
  if (outcome.ok() || force) outcome = call.control->shutdown(!save && !nosave);
  if (!outcome.ok() && force) outcome = call.control->shutdown(false);
  if (!outcome.ok()) return call.fail("ERR Errors trying to SHUTDOWN: " + outcome.error().message);
  call.client->closing = true;
}

// --- BACKUP ---

void answer_facts(Call& call, const BackupFacts& facts) {
  const auto number = [&](std::string_view name, auto value) {
    call.reply.bulk(name);
    call.reply.integer(static_cast<int64_t>(value));
  };
  call.reply.map(6);
  call.reply.bulk("id");
  call.reply.bulk(facts.id);
  call.reply.bulk("state");
  call.reply.bulk(facts.sealed ? "sealed" : "open");
  number("from-lsn", facts.first_lsn);
  number("to-lsn", facts.last_lsn);
  number("time", facts.sealed_unix_s);
  number("bytes", facts.bytes);
}

void backup_start(Call& call) {
  if (call.control == nullptr) return call.reply.null();
  const bool named = call.argc() > 2;
  if (call.argc() > 3) return call.fail(kSyntaxError);
  if (named && call.arg(2).empty()) return call.fail("NOBACKUP a backup's name is not empty");
  const auto id = call.control->start_backup(named ? call.arg(2) : std::string_view());
  if (!id.ok()) return call.fail("NOBACKUP " + id.error().message);
  call.reply.bulk(*id);
}

void backup_seal(Call& call) {
  if (call.control == nullptr) return call.reply.null();
  const auto sealed = call.control->seal_backup();
  if (!sealed.ok()) return call.fail("NOBACKUP " + sealed.error().message);
  answer_facts(call, *sealed);
}

void backup_abort(Call& call) {
  if (call.control == nullptr) return call.reply.ok();
  const auto aborted = call.control->abort_backup();
  if (!aborted.ok()) return call.fail("NOBACKUP " + aborted.error().message);
  call.reply.ok();
}

void backup_remove(Call& call) {
  if (call.control == nullptr) return call.reply.ok();
  const auto removed = call.control->remove_backup(call.arg(2));
  if (!removed.ok()) return call.fail("NOBACKUP " + removed.error().message);
  call.reply.ok();
}

void backup_status(Call& call) {
  const auto facts = call.control == nullptr ? std::nullopt : call.control->backup_under_way();
  if (!facts) return call.reply.null();
  answer_facts(call, *facts);
}

void backup_list(Call& call) {
  if (call.control == nullptr) return call.reply.array(0);
  const auto all = call.control->sealed_backups();
  if (!all.ok()) return call.fail("NOBACKUP " + all.error().message);
  call.reply.array(all->size());
  for (const BackupFacts& facts : *all) answer_facts(call, facts);
}

constexpr CommandSpec kBackupSubcommands[] = {
    {"backup|abort", backup_abort, 2, kAdmin | kNoMulti},
    {"backup|help", help, 2, kLoading},
    {"backup|list", backup_list, 2, kAdmin | kNoMulti},
    {"backup|remove", backup_remove, 3, kAdmin | kNoMulti},
    {"backup|seal", backup_seal, 2, kAdmin | kNoMulti},
    {"backup|start", backup_start, -2, kAdmin | kNoMulti},
    {"backup|status", backup_status, 2, kAdmin},
};

constexpr CommandSpec kPersistenceCommands[] = {
    container("backup", dispatch, -2, 0, kBackupSubcommands),
    {"save", save, 1, kAdmin | kNoMulti},
    {"bgsave", bgsave, -1, kAdmin},
    {"lastsave", lastsave, 1, kLoading},
    {"bgrewriteaof", bgrewriteaof, 1, kAdmin},
    {"shutdown", shutdown, -1, kAdmin | kNoMulti | kLoading},
};

}  // namespace

std::span<const CommandSpec> persistence_commands() { return kPersistenceCommands; }

}  // namespace powercut::engine
