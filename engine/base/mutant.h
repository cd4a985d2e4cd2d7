// Planted bugs. In the judge's build of the engine, mutant(M) asks whether M is the bug of this
// run; in the shipped build it is the constant false, and the branch it guards is compiled away.
//
// Bugs that a decorator of the seam can plant (a sync that does nothing) live in faults/mutants.h
// instead.
#pragma once

#include <cstdint>

namespace powercut {

// One line each here; the story, its source and the exact change stand in faults/mutants.cc.
enum class Mutant : uint8_t {
  kNone,
  kAckBeforeSync,
  kFailedSyncRetried,
  kHalfMultiApplied,
  kExpiredKeyResurrected,
  kCheckpointMissesChanged,
  kZeroTailRefused,
  kShortWriteKept,
  kRecoveryCrossesHole,
  kRelativeExpiryLogged,
  kWindowNotEnforced,
  kHistoryRemovedEarly,
  kTailNotSynced,
  kChecksumIgnored,
  kExpiryLostInRewrite,
  kFlushNotLogged,
  kEverysecIdleTail,
  kNoSpaceIgnored,
  kAckedInBuffer,
  kSyncedOffsetAhead,
  kSyncedOffsetZero,
  kBatchDroppedWhenFull,
  kSyncErrorForgotten,
  kWallClockSync,
  kFirstCommitNotSynced,
  kBigBatchNotSynced,
  kWholeSecondClock,
  kSelectNotRepeated,
  kBufferDroppedAtCut,
  kRotationPublishesFirst,
  kNumbersReused,
  kWakeUpLost,
  kNonceConstant,
  kBaseSyncedEarly,
  kBaseSyncErrorIgnored,
  kCutTakenAtEnd,
  kBaseCapturedLate,
  kNoSyncWhileRewriting,
  kNewSegmentRemoved,
  kBaseRemovedAfterRename,
  kHistoryRemovedOnError,
  kLogOnWithoutBase,
  kSavedMarkAhead,
  kHealGivenUp,
  kShutdownDuringJob,
  kTemporaryInTheWay,
  kChecksumNotBound,
  kStaleEpoch,
  kExpiryLostInBase,
  kBaseWriteErrorIgnored,
  kBaseNotReadBack,
  kRefusedAndDone,
  kTransactionNotHeld,
  kGetexLoggedAsPersist,
  kEmptyingPopNotLogged,
  kSwapdbNotLogged,
  kPartialCheckpointServed,
  kBaseIdentityIgnored,
  kTornTailKept,
  kTailNotWrittenAgain,
  kRecoverySyncErrorIgnored,
  kOneTornBatch,
  kCoverReadLate,
  kEmptyDirectoryTrusted,
  kPartHeaderIsData,
  kLateReportRefused,
  kReplacedForgotten,
  kUnsettledTrusted,
  kUnsettledServed,
};

#ifdef POWERCUT_MUTANTS
// The planted bug of the calling thread's run.
inline constinit thread_local Mutant active_mutant = Mutant::kNone;
inline bool mutant(Mutant m) { return active_mutant == m; }
#else
consteval bool mutant(Mutant) { return false; }
#endif

}  // namespace powercut
