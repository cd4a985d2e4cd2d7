#include "sim/survival.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/disk.h"

namespace powercut::sim {

namespace {

// How a kind of slot is written: its word, has it a number behind the path, and words for the
// versions 0 and 1 (`one` alone: what stands before the number).
struct Form {
  std::string_view word;
  bool at;
  std::string_view zero = "";
  std::string_view one = "";
};
constexpr std::array<Form, kSlotKinds> kForms = {{
    {"sync", true, "forgotten", "done"},
    {"journal", false},
    {"name", false},
    {"stuck-name", true, "lost", "kept"},
    {"size", false},
    {"sector", true},
    {"garbage", true, "nul", "shown"},
    {"block", true, "", "reused"},
}};

const Form& form_of(SlotKind kind) { return kForms[static_cast<size_t>(kind)]; }

std::string print(const SlotName& name) {
  const Form& form = form_of(name.kind);
  std::string text(form.word);
  if (name.kind != SlotKind::kJournal) text += ' ' + name.path;
  if (form.at) text += ' ' + std::to_string(name.at);
  return text;
}

// Takes the last word off `rest`.
std::string_view take_last(std::string_view& rest) {
  const size_t space = rest.rfind(' ');
  const std::string_view word = rest.substr(space == std::string_view::npos ? 0 : space + 1);
  rest = space == std::string_view::npos ? std::string_view() : rest.substr(0, space);
  return word;
}

bool parse_number(std::string_view text, uint64_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

Error bad(std::string_view line, std::string_view what) {
  return {Errc::kInvalid, "survival: \"" + std::string(line) + "\": " + std::string(what)};
}

constexpr size_t kOthersNamed = 4;

// For whoever looks for the slots that there are.
std::string other_slots(const std::vector<Slot>& others) {
  std::string text;
  for (size_t i = 0; i < std::min(others.size(), kOthersNamed); ++i)
    text += (i == 0 ? "; what is, up to its newest version: " : ", ") + print(others[i]);
  return text + (others.size() > kOthersNamed ? ", ..." : "");
}

}  // namespace

std::string print(const Slot& slot) {
  const Form& form = form_of(slot.what.kind);
  std::string text = print(slot.what) + ' ';
  if (form.zero.empty()) {
    if (!form.one.empty()) text += std::string(form.one) + ' ';
    return text + std::to_string(slot.version);
  }
  return text + std::string(slot.version == 0 ? form.zero : form.one);
}

std::string print(const Survival& survival) {
  std::string text = survival.rest_kept ? "rest kept\n" : "rest lost\n";
  for (const Slot& slot : survival.slots) text += print(slot) + '\n';
  return text;
}

Result<Slot> parse_slot(std::string_view line) {
  std::string_view rest = line;
  const std::string_view word = rest.substr(0, rest.find(' '));
  const auto form = std::find_if(kForms.begin(), kForms.end(),
                                 [&](const Form& known) { return known.word == word; });
  if (form == kForms.end()) return bad(line, "no such kind of slot");
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  Slot slot;
  slot.what.kind = static_cast<SlotKind>(form - kForms.begin());
  const std::string_view version = take_last(rest);
  if (!form->zero.empty()) {
    if (version != form->zero && version != form->one)
      return bad(line, std::string(form->zero) + " or " + std::string(form->one) + " is missing");
    slot.version = version == form->one ? 1 : 0;
  } else if (!parse_number(version, &slot.version)) {
    return bad(line, "ends in no number");
  } else if (!form->one.empty() && take_last(rest) != form->one) {
    return bad(line, "\"" + std::string(form->one) + "\" is missing");
  }
  if (form->at && !parse_number(take_last(rest), &slot.what.at))
    return bad(line, "the number behind the path is missing");
  if (rest.empty() != (slot.what.kind == SlotKind::kJournal))
    return bad(line, rest.empty() ? "the path is missing" : "the journal has no path");
  slot.what.path = rest;
  return slot;
}

Result<Survival> parse_survival(std::string_view text) {
  Survival survival;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    if (line == "rest kept" || line == "rest lost") {
      survival.rest_kept = line == "rest kept";
      continue;
    }
    TRY_ASSIGN(Slot slot, parse_slot(line));
    for (const Slot& other : survival.slots)
      if (other.what == slot.what) return bad(line, "this slot has been stated already");
    survival.slots.push_back(std::move(slot));
  }
  return survival;
}

// --- Pickers ---

StatedPicker::StatedPicker(const Survival& survival, Illegal illegal)
    : rest_kept_(survival.rest_kept), illegal_(illegal) {
  for (const Slot& slot : survival.slots) slots_[slot.what] = {slot.version};
}

size_t StatedPicker::pick(const SlotNames& names, const SlotRef& slot, Range range, size_t, bool) {
  const bool odd = slot.kind == SlotKind::kGarbage || slot.kind == SlotKind::kReused;
  const size_t otherwise = rest_kept_ && !odd ? range.hi : range.lo;
  if (slots_.empty()) return otherwise;
  SlotName name = names.name_of(slot);
  const auto stated = slots_.find(name);
  if (stated == slots_.end()) {
    if (range.lo < range.hi && illegal_ == Illegal::kProblem && others_.size() <= kOthersNamed)
      others_.push_back({std::move(name), range.hi});
    return otherwise;
  }
  stated->second.used = true;
  const uint64_t version = stated->second.version;
  if (version >= range.lo && version <= range.hi) return version;
  if (illegal_ == Illegal::kBent) return std::clamp<size_t>(version, range.lo, range.hi);
  if (problem_.empty())
    problem_ = "survival: \"" + print(Slot{stated->first, version}) +
               "\" is not legal here: " + std::to_string(range.lo) + " to " +
               std::to_string(range.hi) + " is";
  return otherwise;
}

Result<void> StatedPicker::finish() const {
  if (illegal_ == Illegal::kBent) return {};
  if (!problem_.empty()) return Error{Errc::kInvalid, problem_};
  for (const auto& [what, stated] : slots_)
    if (!stated.used)
      return bad(print(Slot{what, stated.version}),
                 "nothing of it is undecided at this cut" + other_slots(others_));
  return {};
}

size_t RecordingPicker::pick(const SlotNames& names, const SlotRef& slot, Range range,
                             size_t prefix, bool frontier) {
  const size_t version = inner_.pick(names, slot, range, prefix, frontier);
  if (range.lo == range.hi) return version;
  SlotName name = names.name_of(slot);
  CHECK(survival_.slots.empty() || survival_.slots.back().what != name);  // decided once
  survival_.slots.push_back({std::move(name), version});
  return version;
}

Survival survival_of(const Disk& disk, Choices& choices, uint64_t key, CutStyle style) {
  DrawnPicker drawn(choices, key, style);
  RecordingPicker recording(drawn);
  (void)disk.after_power_cut(recording);
  return recording.survival();
}

}  // namespace powercut::sim
