// A process on a disk that decides when it is looked at, against one on each image: it meets the
// same, over generated programs of seam calls.
#include "sim/lazy_os.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>
#include <set>

#include "faults/random_program_testing.h"
#include "sim/crash_images.h"
#include "sim/lazy_disk.h"
#include "sim/odometer.h"
#include "sim/sim_os.h"

namespace powercut::faults {
namespace {

using sim::ContentPool;
using sim::LazyImage;
using sim::LazyView;

class NoChoices final : public sim::Choices {
 public:
  uint64_t choose(Site, uint64_t, uint64_t) override { return 0; }
};

// What a process meets, as text: one word of its program is one call.
class Process {
 public:
  explicit Process(engine::Os& os) : os_(os) {}

  void step(uint32_t word) {
    static constexpr const char* kPaths[] = {"a", "b", "d/x", "d/y", "d/z", "d", "e", "a/b"};
    const std::string path = kPaths[(word >> 4) % 8];
    const std::string other = kPaths[(word >> 7) % 8];
    const std::string directory = (word >> 9) % 2 == 0 ? "" : "d";
    const uint64_t n = 1 + (word >> 10) % 700;
    switch (word % 14) {
      case 0:
      case 1:
      case 2: {
        auto file = os_.open(path, engine::Open::kReadWrite);
        note(path, file);
        if (file.ok()) files_.push_back(std::move(file).value());
        break;
      }
      case 3: {
        auto file = os_.open(path, engine::Open::kCreateNew);
        note(path, file);
        if (file.ok()) files_.push_back(std::move(file).value());
        break;
      }
      case 4:
      case 5: {
        const auto names = os_.list(directory);
        note("list " + directory, names);
        if (names.ok())
          for (const std::string& name : *names) text_ += name + ' ';
        break;
      }
      case 6:
        note("rename", os_.rename(path, other));
        break;
      case 7:
        note("link", os_.link(path, other));
        break;
      case 8:
        note("remove " + path, os_.remove(path));
        break;
      case 9:
        note("make " + path, os_.make_directory(path));
        break;
      case 10:
        note("sync", os_.sync_directory(directory, "test"));
        break;
      case 11:
        if (!files_.empty()) note("write", any(word).write_at(n / 2, std::string(n, 'w')));
        break;
      case 12:
        if (!files_.empty()) text_ += fmt::format("size {}\n", any(word).size().value());
        break;
      default:
        if (!files_.empty()) text_ += read(any(word), n) + '\n';
        break;
    }
  }

  const std::string& text() const { return text_; }

 private:
  template <class T>
  void note(std::string_view what, const Result<T>& outcome) {
    text_ += fmt::format("{}: {}\n", what, outcome.ok() ? "ok" : outcome.error().message);
  }
  engine::File& any(uint32_t word) { return *files_[(word >> 4) % files_.size()]; }

  static std::string read(engine::File& file, uint64_t offset) {
    std::string bytes(900, '\0');
    size_t done = 0;
    while (done < bytes.size()) {
      const size_t n =
          file.read_at(offset + done, bytes.data() + done, bytes.size() - done).value();
      if (n == 0) break;
      done += n;
    }
    return bytes.substr(0, done);
  }

  engine::Os& os_;
  std::vector<std::unique_ptr<engine::File>> files_;
  std::string text_;
};

void run(sim::WorldState& world, sim::LazyDisk* lazy,
         const std::function<void(engine::Os&)>& process) {
  NoChoices choices;
  sim::Trace trace;
  sim::LatencyProfile at_once;
  at_once.immediate_one_in = 1;
  sim::SimOs os(world, choices, trace, nullptr, at_once);
  os.set_resolver(lazy);
  std::optional<sim::LazyOs> lazy_os;
  if (lazy != nullptr) lazy_os.emplace(os, *lazy);
  os.spawn("process", [&] { process(lazy_os ? static_cast<engine::Os&>(*lazy_os) : os); });
  os.run();
}

std::string text_of(const std::vector<uint32_t>& program, sim::WorldState& world,
                    sim::LazyDisk* lazy) {
  std::string text;
  run(world, lazy, [&](engine::Os& os) {
    Process process(os);
    for (const uint32_t word : program) process.step(word);
    text = process.text();
  });
  return text;
}

struct Tally {
  uint64_t images = 0;  // brute force's
  uint64_t runs = 0;    // lazy
  uint64_t texts = 0;
};

void expect_same_texts(const Disk& disk, const std::vector<uint32_t>& program, Tally& tally) {
  std::set<std::string> brute;
  sim::Odometer odometer;
  uint64_t tapes = 0;
  do {
    if (++tapes > 2'000) return;
    sim::WorldState world{disk.after_power_cut(odometer, 0, sim::CutStyle::kUniform)};
    brute.insert(text_of(program, world, nullptr));
  } while (odometer.next());
  ContentPool pool;
  const sim::PersonaRules rules;
  std::set<std::string> met;
  RC_ASSERT(sim::for_each_lazy_image(disk, pool, [&](const LazyImage& image) {
              const LazyView fresh(image, pool);
              std::optional<sim::Given> given{std::in_place};
              for (; given; ++tally.runs) {
                sim::LazyDisk lazy(fresh, rules, given->seen, given->then);
                sim::WorldState world{lazy.disk()};
                lazy.attach(world.disk);
                met.insert(text_of(program, world, &lazy));
                given = sim::next_given(lazy.seen());
              }
            }).ok());
  RC_ASSERT(met == brute);
  tally.images += tapes;
  tally.texts += met.size();
}

TEST(LazyOs, AProcessMeetsWhatItMeetsOnTheImages) {
  const std::vector<Persona> personas = every_persona();
  Tally tally;
  const auto any_program = [](size_t length) {
    return *rc::gen::resize(
        100, rc::gen::container<std::vector<uint32_t>>(length, rc::gen::inRange(0u, 1u << 20)));
  };
  EXPECT_TRUE(rc::check([&] {
    const auto before = any_program(*rc::gen::inRange<size_t>(4, 24));
    for (int i = 0; i < 4; ++i) {
      const auto after = any_program(*rc::gen::inRange<size_t>(2, 20));
      for (const Persona& persona : personas) {
        Driver driver(persona.rules);
        for (const uint32_t word : before) driver.step_or_link(word);
        expect_same_texts(driver.disk, after, tally);
      }
    }
  }));
  EXPECT_GT(tally.texts, 5'000u);
  EXPECT_LT(tally.runs, tally.images);  // what is not looked at stays open
}

// What a name leads to that nobody looked at is there, though the file's other name is gone.
TEST(LazyOs, AFileOutlivesTheOneNameThatWasLookedAt) {
  Disk disk(find_persona("posix-min")->rules);
  sim::durable_file(disk, "a", "first");
  CHECK(disk.hard_link("a", "b").ok());
  sim::sync_directory(disk, "");
  ContentPool pool;
  const sim::PersonaRules rules;
  ASSERT_TRUE(sim::for_each_lazy_image(disk, pool, [&](const LazyImage& image) {
                const LazyView fresh(image, pool);
                sim::LazyDisk lazy(fresh, rules);
                sim::WorldState world{lazy.disk()};
                lazy.attach(world.disk);
                run(world, &lazy, [](engine::Os& os) {
                  ASSERT_TRUE(os.remove("a").ok());
                  ASSERT_TRUE(os.sync_directory("", "test").ok());
                  const auto other = os.open("c", engine::Open::kCreateNew);
                  ASSERT_TRUE(other.ok());
                  ASSERT_TRUE((*other)->write_at(0, "another").ok());
                  const auto file = os.open("b", engine::Open::kRead);
                  ASSERT_TRUE(file.ok());
                  std::string bytes(5, ' ');
                  EXPECT_EQ((*file)->read_at(0, bytes.data(), 5).value(), 5u);
                  EXPECT_EQ(bytes, "first");
                });
              }).ok());
}

}  // namespace
}  // namespace powercut::faults
