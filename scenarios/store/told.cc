#include "scenarios/store/told.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "sim/request.h"

namespace powercut::scenarios {

namespace {

// Behind that name in what an answer says.
std::optional<uint64_t> number_in(std::string_view reply, std::string_view name) {
  const size_t found = reply.find(name);
  uint64_t number = 0;
  if (found == reply.npos) return std::nullopt;
  const char* begin = reply.data() + found + name.size();
  if (std::from_chars(begin, reply.data() + reply.size(), number).ec != std::errc())
    return std::nullopt;
  return number;
}

bool says(std::string_view reply, std::string_view words) {
  return reply.find(words) != reply.npos;
}

// Lines of one answer that say the same in two ways.
std::string disagrees(std::string_view info) {
  const auto flag = [&](std::string_view name, std::string_view number) -> std::string {
    const auto found = number_in(info, fmt::format("\r\n{}:", number));
    if (!found) return {};
    const bool well = says(info, fmt::format("\r\n{}:ok\r\n", name));
    return well == (*found == 0)
               ? std::string()
               : fmt::format("{} is {}, and {} is {}", name, well ? "ok" : "err", number, *found);
  };
  const auto ordered = [&](std::string_view less, std::string_view more) -> std::string {
    const auto a = number_in(info, fmt::format("\r\n{}:", less));
    const auto b = number_in(info, fmt::format("\r\n{}:", more));
    if (!a || !b || *a <= *b) return {};
    return fmt::format("{} is {}, and {} is {}", less, *a, more, *b);
  };
  for (std::string line :
       {flag("aof_last_bgrewrite_status", "aof_rewrites_consecutive_failures"),
        ordered("aof_synced_lsn", "aof_written_lsn"), ordered("aof_written_lsn", "aof_applied_lsn"),
        ordered("aof_base_size", "aof_current_size")})
    if (!line.empty()) return line;
  return {};
}

TargetType::Told told_by_info(std::string_view info, uint64_t last) {
  TargetType::Told told;
  const auto unsaved = number_in(info, "\r\nrdb_changes_since_last_save:");
  told.saved = last - std::min(last, unsaved.value_or(last));
  told.synced = number_in(info, "\r\naof_synced_lsn:").value_or(0);
  told.saved_at = number_in(info, "\r\nrdb_last_save_time:");
  told.snapshots = number_in(info, "\r\nrdb_saves:");
  told.rewrites = number_in(info, "\r\naof_rewrites:");
  told.rewrites_well = says(info, "\r\naof_last_bgrewrite_status:ok\r\n");
  told.has_no_log = says(info, "\r\naof_enabled:0\r\n");
  told.saves_well = says(info, "\r\nrdb_last_bgsave_status:ok\r\n");
  told.disagrees = disagrees(info);
  told.writes_well = says(info, "\r\naof_last_write_status:ok\r\n");
  return told;
}

// What BACKUP SEAL answers.
std::optional<SealedBackup> sealed_by(std::string_view reply) {
  constexpr std::string_view kBegin = "*12\r\n$2\r\nid\r\n$";
  const auto first = number_in(reply, "from-lsn\r\n:");
  const auto last = number_in(reply, "to-lsn\r\n:");
  const auto time = number_in(reply, "time\r\n:");
  if (!reply.starts_with(kBegin) || !says(reply, "\r\nsealed\r\n") || !first || !last || !time)
    return std::nullopt;
  std::string_view name = reply.substr(reply.find("\r\n", kBegin.size()) + 2);
  name = name.substr(0, name.find("\r\n"));
  return SealedBackup{std::string(name), *first, *last, static_cast<int64_t>(*time)};
}

// Of a save or a rewrite: it was not tried.
bool was_not_begun(std::string_view error) {
  return !error.starts_with("-ERR ") || says(error, "already in progress") ||
         says(error, "not allowed") || says(error, "Can't execute") ||
         says(error, "no append only file");
}

}  // namespace

bool tells_of_store(std::string_view request) {
  constexpr std::string_view kLongest = "*2\r\n$6\r\nBACKUP\r\n$4\r\nSEAL\r\n";
  if (request.size() > kLongest.size()) return false;  // asked of every request
  const auto words = sim::words_of(request);
  if (words.size() == 2)
    return sim::same_word(words[0], "BACKUP") && sim::same_word(words[1], "SEAL");
  constexpr std::string_view kNames[] = {"SAVE", "BGSAVE", "LASTSAVE", "INFO", "BGREWRITEAOF"};
  return words.size() == 1 &&
         std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view name) { return sim::same_word(words[0], name); });
}

std::optional<BackupRequest> backup_request_of_store(std::string_view request) {
  using Kind = BackupRequest::Kind;
  constexpr std::string_view kShortest = "*2\r\n$6\r\nBACKUP\r\n";
  if (request.size() < kShortest.size() || request[5] != '6') return std::nullopt;  // asked of all
  const char first = request[8];
  if (first != 'B' && first != 'b' && first != 'C' && first != 'c') return std::nullopt;
  const auto words = sim::words_of(request);
  const auto is = [&](size_t i, std::string_view word) { return sim::same_word(words[i], word); };
  if (words.size() == 4 && is(0, "CONFIG") && is(1, "SET")) {
    const uint64_t number = number_in(words[3], "").value_or(0);
    if (is(2, "BACKUP-RETAIN-COUNT")) return BackupRequest{Kind::kRetain, {}, number};
    // Whatever the age, the newest stays.
    if (is(2, "BACKUP-RETAIN-SECONDS"))
      return BackupRequest{Kind::kRetain, {}, std::min<uint64_t>(number, 1)};
  }
  if (words.size() < 2 || words.size() > 3 || !is(0, "BACKUP")) return std::nullopt;
  std::string name(words.size() == 3 ? words[2] : std::string_view());
  if (is(1, "START")) return BackupRequest{Kind::kStart, std::move(name)};
  if (is(1, "SEAL")) return BackupRequest{Kind::kSeal, {}};
  if (is(1, "REMOVE")) return BackupRequest{Kind::kRemove, std::move(name)};
  return std::nullopt;
}

TargetType::Told told_by_store(std::string_view reply, uint64_t last) {
  TargetType::Told told;
  if (reply == "+OK\r\n")
    told.saved = last;
  else if (reply.starts_with("+Background saving "))
    told.begins = says(reply, "started"), told.owes_snapshot = true;
  else if (reply.starts_with("+Background append only file rewriting "))
    told.owes_rewrite = true;
  else if (reply.starts_with(':'))
    told.saved_at = number_in(reply, ":");
  else if (reply.starts_with('-'))
    told.failed = !was_not_begun(reply),
    told.seals_nothing = says(reply, "no backup is under way") || says(reply, "not allowed");
  else if (reply.starts_with('*'))
    told.sealed = sealed_by(reply);
  else
    told = told_by_info(reply, last);
  return told;
}

}  // namespace powercut::scenarios
