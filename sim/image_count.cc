#include "sim/image_count.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <map>
#include <vector>

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
    roots.clear();
  }

  Node make(Edges edges) {
    std::erase_if(edges, [](const Edge& edge) { return edge.to == kNothing; });
    if (edges.empty()) return kNothing;
    const uint64_t hash =
        hash_bytes({reinterpret_cast<const char*>(edges.data()), edges.size() * sizeof(Edge)});
    if (const auto known = ids.find(hash, [&](Node node) { return nodes[node] == edges; }))
      return *known;
    const auto node = static_cast<Node>(nodes.size());
    nodes.push_back(std::move(edges));
    ids.put(hash, node);
    return node;
  }

  // Both at the same level: words of one tree have the same form.
  Node unite(Node a, Node b) {
    if (a == b || b == kNothing) return a;
    if (a == kNothing) return b;
    if (a > b) std::swap(a, b);
    if (const auto known = unions.find(a, b)) return static_cast<Node>(*known);
    Edges edges;
    const Edges left = nodes[a];
    const Edges right = nodes[b];
    size_t i = 0;
    size_t j = 0;
    while (i < left.size() || j < right.size()) {
      if (j == right.size() || (i < left.size() && left[i].label < right[j].label)) {
        edges.push_back(left[i++]);
      } else if (i == left.size() || right[j].label < left[i].label) {
        edges.push_back(right[j++]);
      } else {
        edges.push_back({left[i].label, unite(static_cast<Node>(left[i].to), static_cast<Node>(right[j].to))});
        ++i, ++j;
      }
    }
    const Node node = make(std::move(edges));
    unions.put(a, b, node);
    return node;
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

  // A node comes after those it leads to.
  const cpp_int& count(Node node) {
    while (counts.size() <= node) {
      cpp_int sum = 0;
      for (const Edge& edge : nodes[counts.size()]) sum += counts[edge.to];
      counts.push_back(std::move(sum));
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
  std::map<std::string, Node> roots;  // by tree
};

ImageCount::ImageCount(ContentPool& pool) : diagram_(std::make_unique<Diagram>(pool)) {}
ImageCount::~ImageCount() = default;
void ImageCount::clear() { diagram_->clear(); }

void ImageCount::add(const LazyImage& image) {
  Diagram::Node node = Diagram::kEnd;
  for (size_t f = image.files.size(); f-- > 0;)
    node = diagram_->file_node(image.files[f], image.sector_bytes, node);
  Diagram::Node& root = diagram_->roots.try_emplace(image.tree(), Diagram::kNothing).first->second;
  root = diagram_->unite(root, node);
}

std::string ImageCount::decimal() const {
  cpp_int sum = 0;
  for (const auto& [tree, root] : diagram_->roots) sum += diagram_->count(root);
  return sum.str();
}

std::string add_decimal(const std::string& a, const std::string& b) {
  return cpp_int(cpp_int(a) + cpp_int(b)).str();
}

}  // namespace powercut::sim
