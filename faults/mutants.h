// The zoo: planted bugs, each one that a real system shipped or nearly did. A sweep that does not
// find them tests nothing.
//
// Each is a page in faults/mutants/, and the pages are all that this registry reads. Of two kinds: a
// decorator of the seam plants what can be planted outside the engine (a sync that does nothing);
// the rest is spliced into the judged engine (faults/splice/).
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/site.h"
#include "engine/os/forwarding_os.h"
#include "faults/splice/page.h"
#include "faults/splice/planted.h"

namespace powercut::faults {

enum class DecoratorKind : uint8_t {
  kNone,
  kNoSync,  // the fence named does nothing
  kSyncErrorIgnored,
  kSyncErrorRetried,
  kNoSyncAfterError,
  kWriteErrorIgnored,
  kRenameWithoutSync,
  kSyncAckFirst,
  kDirectorySyncAckFirst,
  kDirectorySyncOnlyFirst,
  kDirectorySyncErrorIgnored,
};

// Where sweeps saw a mutant. Measured (`powercut zoo --survey 800`, with 3,000 seeds or 4,000 for
// those that are rare), so "not listed" says "not seen there in that many seeds", no more. Names
// with spaces between them, the most frequent first.
struct Observed {
  std::string_view oracles;   // codes of scenarios/judge/oracle.h
  std::string_view policies;  // "all": under each that has a promise to break
  std::string_view personas;  // "all": on each
};

// True if `names`, of an Observed, has `name` among them.
bool lists(std::string_view names, std::string_view name);

// A kind of seam call, after which a sync could stand.
struct SyncPlace {
  std::string op;          // "create", "write", "truncate", "rename", "remove", "sync", ...
  std::string file;        // the file's name, its numbers as #
  std::string preceding;   // the last fence of that file, or else of its directory; "none", "any"
  bool directory = false;  // what is synced: the directory of the file, or the file
  auto operator<=>(const SyncPlace&) const = default;
};

// A sync too many, to see whether it makes good for a missing one.
struct ExtraSync {
  SyncPlace place;
  std::set<SyncPlace>* seen = nullptr;  // if not null: all places are noted, and nothing is synced
};
inline constexpr Site kExtraSync = "extra.sync";

struct MutantInfo {
  std::string_view name;
  std::string_view story;                          // one line: what was changed
  std::string_view source;                         // the real bug it stands for
  std::string_view trigger;                        // the fault it takes: of fault_class.h
  Mutant planted = {};                             // in the engine; none: a decorator
  DecoratorKind decorator = DecoratorKind::kNone;  // kNone: planted in the engine
  Site fence = "none";                             // of kNoSync
  std::string_view target = {};                    // where that is not the store: which
  std::string_view equivalent = {};                // not empty: not counted, and why
  std::string_view workload = {};                  // that it shows in; empty: where all is done
  Observed observed = {};
  const Page* page = nullptr;        // none: an automatic one (faults/automatic.h)
  const ExtraSync* extra = nullptr;  // beside the bug; never in the registry

  bool decorates() const { return decorator != DecoratorKind::kNone || extra != nullptr; }
  bool observable() const { return equivalent.empty(); }
};

// In the order of their pages. Those that nobody can see here are listed too: see
// MutantInfo::equivalent.
std::span<const MutantInfo> all_mutants();
// Of an engine that no page is about: its sync of that name does nothing. Known by `no-sync:FENCE` from then on,
// and in none of all_mutants(). Not while a run is under way.
const MutantInfo& add_fence(Site fence);
// Of these, the automatic ones and those of add_fence(). nullptr if there is none of that name.
const MutantInfo* find_mutant(std::string_view name);
// What the page changes, for a reader: each place's file, and the lines with - and + before them.
// Of a long change only the beginning; of a decorator, nothing.
std::vector<std::string> change_lines(const MutantInfo& mutant);

// The seam with one bug in it; in everything else the Os it is given, which must outlive it and its
// tasks.
class MutantOs final : public engine::ForwardingOs {
 public:
  MutantOs(engine::Os& inner, const MutantInfo& mutant) : ForwardingOs(inner), mutant_(mutant) {}

  // How often the bug made a difference: 0 means that a run proves nothing about it.
  uint64_t fired() const { return fired_; }

  // --- Os ---
  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view existing, std::string_view name) override {
    TRY(inner_.link(existing, name));
    return add_sync("link", name, nullptr);
  }
  Result<void> remove(std::string_view path) override {
    TRY(inner_.remove(path));
    return add_sync("remove", path, nullptr);
  }
  Result<void> make_directory(std::string_view path) override {
    TRY(inner_.make_directory(path));
    return add_sync("make_directory", path, nullptr);
  }
  Result<void> sync_directory(std::string_view path, Site fence) override;

 private:
  friend class MutantFile;

  bool skips(Site fence);
  // After such a call, where the extra sync stands; `file` is null if there is none to sync.
  Result<void> add_sync(std::string_view op, std::string_view path, engine::File* file);
  Result<void> after(Result<void> outcome, const std::function<Result<void>()>& again);

  const MutantInfo& mutant_;
  uint64_t fired_ = 0;
  bool sync_failed_ = false;
  std::map<std::string, std::string, std::less<>> fences_;  // the last of each path, for add_sync
  std::set<std::string, std::less<>> directories_;  // synced once, or with a rename to be synced
};

}  // namespace powercut::faults
