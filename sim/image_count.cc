#include "sim/image_count.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "sim/hash_index.h"

namespace powercut::sim {

using boost::multiprecision::cpp_int;

struct ImageCount::Diagram {
  using Node = uint32_t;
  static constexpr Node kNothing = 0;  // no word
  static constexpr Node kEnd = 1;      // the empty word
  struct Edge {
    uint64_t label;
    uint64_t to;  // a Node; as wide as the label, so that the bytes can be hashed
    bool operator==(const Edge&) const = default;
  };
  using Edges = std::vector<Edge>;  // sorted by label

  explicit Diagram(ContentPool& pool) : pool(pool) { clear(); }

  void clear() {
    nodes.assign(2, {});
    ids.clear();
    unions.clear();
    file_nodes.clear();
    counts.assign(2, 0);
    counts[kEnd] = 1;
    parts.clear();
  }

  Node make(Edges edges) {
    std::erase_if(edges, [](const Edge& edge) { return edge.to == kNothing; });
    if (edges.empty()) return kNothing;
    for (size_t i = 0; i < edges.size(); ++i) {
      CHECK(edges[i].to < nodes.size());  // a node comes after those it leads to
      CHECK(i == 0 || edges[i - 1].label < edges[i].label);
    }
    const uint64_t hash =
        hash_bytes({reinterpret_cast<const char*>(edges.data()), edges.size() * sizeof(Edge)});
    if (const auto known = ids.find(hash, [&](Node node) { return nodes[node] == edges; }))
      return *known;
    const auto node = static_cast<Node>(nodes.size());
    nodes.push_back(std::move(edges));
    ids.put(hash, node);
    return node;
  }

  // Both at the same level: after equal beginnings, words have the same form. A word is as long as an image
  // has sectors, so who is still to be united stands in a list, not on the stack.
  Node unite(Node a, Node b) {
    if (const auto known = united(a, b)) return *known;
    std::vector<Union> open;
    open.push_back({a, b, {}, 0, 0});
    while (true) {
      if (const auto below = merge(open.back())) {
        open.push_back({below->first, below->second, {}, 0, 0});
        continue;
      }
      const Union done = std::move(open.back());
      open.pop_back();
      const Node node = make(done.edges);
      unions.put(std::min(done.a, done.b), std::max(done.a, done.b), node);
      if (open.empty()) return node;
    }
  }

  struct Union {
    Node a;
    Node b;
    Edges edges;  // of those before i and j
    size_t i;
    size_t j;
  };
  std::optional<Node> united(Node a, Node b) {
    if (a == b || b == kNothing) return a;
    if (a == kNothing) return b;
    if (const auto known = unions.find(std::min(a, b), std::max(a, b)))
      return static_cast<Node>(*known);
    return std::nullopt;
  }
  // Goes on with it, until all is merged, or until the two that are returned have to be united first.
  std::optional<std::pair<Node, Node>> merge(Union& at) {
    const Edges& left = nodes[at.a];
    const Edges& right = nodes[at.b];
    while (at.i < left.size() || at.j < right.size()) {
      if (at.j == right.size() || (at.i < left.size() && left[at.i].label < right[at.j].label)) {
        at.edges.push_back(left[at.i++]);
      } else if (at.i == left.size() || right[at.j].label < left[at.i].label) {
        at.edges.push_back(right[at.j++]);
      } else {
        const auto a = static_cast<Node>(left[at.i].to);
        const auto b = static_cast<Node>(right[at.j].to);
        const auto both = united(a, b);
        if (!both) return std::pair(a, b);
        at.edges.push_back({left[at.i].label, *both});
        ++at.i, ++at.j;
      }
    }
    return std::nullopt;
  }

  // All that `file` may hold, followed by `next`.
  Node file_node(const std::shared_ptr<const LazyFile>& shared, uint32_t sector_bytes, Node next) {
    const auto known = file_nodes.find({shared, next});
    if (known != file_nodes.end()) return known->second;
    const Node node = make_file_node(*shared, sector_bytes, next);
    file_nodes.emplace(std::pair(shared, next), node);
    return node;
  }
  Node make_file_node(const LazyFile& file, uint32_t sector_bytes, Node next) {
    std::map<uint64_t, Node> by_size;
    for (size_t i = 0; i < file.options.size(); ++i) {
      const uint64_t size = file.options[i].size;
      Node node = next;
      for (size_t s = (size + sector_bytes - 1) / sector_bytes; s-- > 0;) {
        Edges edges;
        for (const auto& candidate : file.sectors[s])
          if (candidate.options[i])
            edges.push_back({pool.prefix(candidate.content, size - s * sector_bytes), node});
        std::sort(edges.begin(), edges.end(),
                  [](const Edge& a, const Edge& b) { return a.label < b.label; });
        edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
        node = make(std::move(edges));
      }
      Node& all = by_size.try_emplace(size, kNothing).first->second;
      all = unite(all, node);
    }
    Edges edges;
    for (const auto& [size, node] : by_size) edges.push_back({size, node});
    return make(std::move(edges));
  }

  // --- Names ---

  // Somebody who reads all names of an image: directory by directory, in byte order.
  struct Place {
    uint32_t directory;  // of the image
    uint32_t name;       // the next of its names
    uint64_t path;       // of the directory
    auto operator<=>(const Place&) const = default;
  };
  struct Reader {
    std::vector<Place> places;                         // from the root down
    std::vector<std::pair<uint32_t, uint64_t>> known;  // files that may come again; the first path
    auto operator<=>(const Reader&) const = default;
  };
  // Behind a name stands what it leads to: a directory, and then its names; a file, and then what
  // it holds; or a file that came before, by its first path.
  enum Label : uint64_t { kDirectory, kNewFile, kFirstPath };
  static constexpr uint64_t kNoMoreNames = ContentPool::kEmpty;

  Node words_of(const LazyImage& image) {
    words.clear();
    return words_from(image, {{{0, 0, 0}}, {}});
  }

  // All that is still to be read: what may be known of it is where the reader is, and no more.
  Node words_from(const LazyImage& image, Reader reader) {
    std::erase_if(reader.known, [&](const auto& file) {
      return std::none_of(reader.places.begin(), reader.places.end(), [&](const Place& place) {
        return comes_in(image, place.directory, place.name, file.first);
      });
    });
    const auto known = words.find(reader);
    if (known != words.end()) return known->second;
    const Node node = make_words(image, reader);
    words.emplace(std::move(reader), node);
    return node;
  }

  Node make_words(const LazyImage& image, const Reader& reader) {
    CHECK(!reader.places.empty());
    const Place& place = reader.places.back();
    const auto& names = image.directories[place.directory].names;
    Reader next = reader;
    if (place.name == names.size()) {
      next.places.pop_back();
      return make({{kNoMoreNames, next.places.empty() ? kEnd : words_from(image, next)}});
    }
    const LazyImage::Name& name = names[place.name];
    ++next.places.back().name;
    const uint64_t path =
        paths.try_emplace({place.path, name.name}, paths.size() + 1).first->second;
    Node node = kNothing;
    for (const LazyImage::End& end : name.ends) {
      const bool nothing = end.kind == LazyImage::End::kNothing;
      node = unite(node, nothing ? words_from(image, next)
                                 : make({{name.name, words_at(image, end, next, path)}}));
    }
    return node;
  }

  Node words_at(const LazyImage& image, const LazyImage::End& end, Reader next, uint64_t path) {
    if (end.kind == LazyImage::End::kDirectory) {
      next.places.push_back({end.index, 0, path});
      return make({{kDirectory, words_from(image, std::move(next))}});
    }
    for (const auto& [file, first] : next.known)
      if (file == end.index)
        return make({{kFirstPath + first, words_from(image, std::move(next))}});
    next.known.emplace_back(end.index, path);
    const Node rest = words_from(image, std::move(next));
    return make({{kNewFile, file_node(image.files[end.index], image.sector_bytes, rest)}});
  }

  // May one of its names from `first` on, or a name below, lead to the file?
  static bool comes_in(const LazyImage& image, uint32_t directory, uint32_t first, uint32_t file) {
    const auto& names = image.directories[directory].names;
    return std::any_of(names.begin() + first, names.end(), [&](const LazyImage::Name& name) {
      return std::any_of(name.ends.begin(), name.ends.end(), [&](const LazyImage::End& end) {
        if (end.kind == LazyImage::End::kDirectory) return comes_in(image, end.index, 0, file);
        return end.kind == LazyImage::End::kFile && end.index == file;
      });
    });
  }

  // A node comes after those it leads to.
  const cpp_int& count(Node node) {
    while (counts.size() <= node) {
      cpp_int sum = 0;
      for (const Edge& edge : nodes[counts.size()]) sum += counts[edge.to];
      counts.push_back(std::move(sum));
      CHECK(counts.back() > 0);
    }
    return counts[node];
  }

  ContentPool& pool;
  std::vector<Edges> nodes;
  HashIndex ids;
  Memo unions;
  // Each keeps its file, so that no other can take its place.
  std::map<std::pair<std::shared_ptr<const LazyFile>, Node>, Node> file_nodes;
  std::vector<cpp_int> counts;
  std::map<std::pair<uint64_t, ContentId>, uint64_t> paths;  // by directory's path and name
  std::map<Reader, Node> words;                              // of the image that is added
  std::vector<Node> parts;
};

ImageCount::ImageCount(ContentPool& pool) : diagram_(std::make_unique<Diagram>(pool)) {}
ImageCount::~ImageCount() = default;
void ImageCount::clear() { diagram_->clear(); }

void ImageCount::add(const LazyImage& image, size_t part) {
  const Diagram::Node words = diagram_->words_of(image);
  CHECK(words > Diagram::kEnd);  // an image is one word at least
  if (part >= diagram_->parts.size()) diagram_->parts.resize(part + 1, Diagram::kNothing);
  diagram_->parts[part] = diagram_->unite(diagram_->parts[part], words);
}

std::string ImageCount::decimal(size_t part) const {
  return part < diagram_->parts.size() ? diagram_->count(diagram_->parts[part]).str() : "0";
}

std::string add_decimal(const std::string& a, const std::string& b) {
  return cpp_int(cpp_int(a) + cpp_int(b)).str();
}

}  // namespace powercut::sim
