// From a view of a lazy image back to the cut: one image of it, stated slot by slot, so that it can
// be written down, replayed and shrunk like any other (sim/survival.h).
#pragma once

#include "sim/lazy_view.h"
#include "sim/survival.h"

namespace powercut::sim {

// The one image in which each name and each file that was seen is what `view` says, a file with the
// first of its options that are left, and a sector with that option's first candidate that shows
// what was seen (nothing: the first candidate); all else is lost. Stated in full.
Survival stated(const Disk& disk, const LazyView& view);

}  // namespace powercut::sim
