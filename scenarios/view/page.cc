#include "scenarios/view/page.h"

#include <map>

#include "engine/base/check.h"
#include "scenarios/base/json_text.h"

namespace powercut::scenarios {

extern const char* const kViewTemplate;  // template.html, as the build has it

namespace {

// Between <script> tags: nothing in the data may end them, or begin a comment.
std::string escaped(const std::string& json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      text += "\\u003c";
    else if (c == '>')
      text += "\\u003e";
    else if (c == '&')
      text += "\\u0026";
    else
      text += c;
  }
  return text;
}

}  // namespace

std::string view_page(const nlohmann::ordered_json& record) {
  constexpr std::string_view kHere = "__POWERCUT_RECORD__";
  std::string page = kViewTemplate;
  const size_t at = page.find(kHere);
  CHECK(at != std::string::npos && page.find(kHere, at + 1) == std::string::npos);
  return page.replace(at, kHere.size(), escaped(json_text(record, -1)));
}

std::string perfetto_trace(const nlohmann::ordered_json& record) {
  using Json = nlohmann::ordered_json;
  Json events = Json::array();
  std::map<std::string, int> tracks;
  const auto track = [&](const std::string& name) {
    const auto [at, is_new] = tracks.try_emplace(name, static_cast<int>(tracks.size()) + 1);
    if (is_new)
      events.push_back({{"ph", "M"},
                        {"pid", 1},
                        {"tid", at->second},
                        {"name", "thread_name"},
                        {"args", {{"name", name}}}});
    return at->second;
  };
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1000; };
  for (const Json& frame : record["columns"][0]["frames"]) {
    if (frame.is_null()) continue;
    const int64_t t = frame["t"];
    const std::string on = frame.contains("c")   ? "client " + std::to_string(frame["c"].get<int>())
                           : frame.contains("s") ? frame["s"].get<std::string>()
                                                 : std::string("run");
    Json event = {{"name", frame["x"]}, {"cat", frame["k"]}, {"pid", 1}, {"tid", track(on)}};
    if (frame.contains("t0")) {
      const int64_t began = frame["t0"];
      event.update({{"ph", "X"}, {"ts", us(began)}, {"dur", us(t - began)}});
    } else {
      event.update({{"ph", "i"}, {"ts", us(t)}, {"s", "t"}});
    }
    if (frame.contains("r")) event["args"]["result"] = frame["r"];
    if (frame.contains("n")) event["args"]["event"] = frame["n"];
    events.push_back(std::move(event));
  }
  for (const Json& point : record["columns"][0]["risk"]) {
    const std::string images = point["i"];
    const std::string broken = point["b"];
    if (images.empty() || broken.empty() || images.size() > 15) continue;
    events.push_back({{"name", "images"},
                      {"ph", "C"},
                      {"pid", 1},
                      {"ts", us(point["t"])},
                      {"args",
                       {{"break the promise", std::stod(broken)},
                        {"keep it", std::stod(images) - std::stod(broken)}}}});
  }
  return json_text(Json{{"displayTimeUnit", "ns"}, {"traceEvents", events}}, -1) + "\n";
}

}  // namespace powercut::scenarios
