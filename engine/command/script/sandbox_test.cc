// Nothing gets out of the box, and nothing stays in it for the next script. Known escapes of Redis's Lua, by their CVE.
#include <gmock/gmock.h>

#include "engine/command/script_harness.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SandboxTest : public ScriptTest {
 protected:
  std::string absent(std::string_view name) {
    return "Script attempted to access nonexistent global variable '" + std::string(name) + "'";
  }
  const std::string readonly = "Attempt to modify a readonly table";
};

// CVE-2022-0543: Debian's package of Redis left `package` there.
TEST_F(SandboxTest, HasNothingThatReachesOut) {
  for (const std::string name : {"package", "require", "module", "os", "io", "debug", "dofile",
                                 "loadfile", "print", "newproxy"}) {
    EXPECT_THAT(eval("return " + name), HasSubstr(absent(name)));
  }
  EXPECT_EQ(eval("return type(cjson) .. type(cmsgpack) .. type(struct) .. type(bit)"),
            bulk("tabletabletabletable"));
}

// CVE-2022-24735: what one user's script changed ran with the rights of the next.
TEST_F(SandboxTest, GlobalsCannotBeChanged) {
  for (const std::string_view change : {"x = 1",
                                        "redis = nil",
                                        "_G = {}",
                                        "_G.x = 1",
                                        "redis.call = 1",
                                        "string.format = 1",
                                        "cjson.encode = 1",
                                        "table.insert(redis, 1)",
                                        "table.sort(redis)",
                                        "table.remove(math)",
                                        "rawset(_G, 'x', 1)",
                                        "rawset(string, 'rep', 1)",
                                        "setmetatable(_G, {})",
                                        "setmetatable(redis, nil)",
                                        "getmetatable(_G).__index = {}",
                                        "getmetatable(_G).__newindex = nil",
                                        "getmetatable('').__index = {}",
                                        "getmetatable(getmetatable(_G)).x = 1",

                                        "rawset(getmetatable(''), '__index', {})",
                                        "KEYS = 1"}) {
    EXPECT_THAT(eval(change), HasSubstr(readonly)) << change;
  }
  EXPECT_THAT(eval("setfenv(0, {})"), HasSubstr("level must be positive"));
  EXPECT_EQ(eval("local ok = pcall(setfenv, string.rep, {}) return ok"), "$-1\r\n");
  EXPECT_EQ(eval("return ('x'):rep(2) .. type(redis.call)"), bulk("xxfunction"));
}

TEST_F(SandboxTest, GlobalsCanBeReadInAnyWay) {
  EXPECT_EQ(eval("local n = 0 for k in pairs(redis) do n = n + 1 end return n > 10"), ":1\r\n");
  EXPECT_EQ(eval("return rawget(redis, 'call') == redis.call"), ":1\r\n");
  EXPECT_EQ(eval("return rawget(_G, 'nosuch') == nil"), ":1\r\n");
  EXPECT_EQ(eval("local seen = {} for k in pairs(_G) do seen[k] = true end "
                 "return {seen.redis and 1 or 0, seen.KEYS and 1 or 0}"),
            "*2\r\n:1\r\n:1\r\n");
  EXPECT_EQ(eval("return next(math) ~= nil"), ":1\r\n");
}

TEST_F(SandboxTest, AScriptMayNotChangeTheGlobalsOfTheNext) {
  run({"EVAL", "setfenv(1, {}) return 1", "0"});
  EXPECT_EQ(run({"EVAL", "setfenv(1, {}) return 1", "0"}), ":1\r\n");
  EXPECT_EQ(eval("collectgarbage('stop') return 1"), ":1\r\n");
  EXPECT_EQ(eval("local f = coroutine.wrap(function() setfenv(1, {}) return 2 end) return f()"),
            ":2\r\n");
}

TEST_F(SandboxTest, BytecodeIsNoScript) {
  const std::string code = "local code = string.dump(function() return 1 end) ";
  EXPECT_EQ(eval(code + "return {loadstring(code)}"), "*0\r\n");
  EXPECT_EQ(eval(code + "local f, why = loadstring(code) return why"),
            bulk("bytecode is no script"));
  EXPECT_THAT(eval(code + "local given = false local f, why = load(function() if given then return "
                          "nil end given = true return code end) return why"),
              HasSubstr("bytecode is no script"));
  EXPECT_EQ(run({"SCRIPT", "LOAD", "\x1bLua"}),
            "-ERR Error compiling script (new function): bytecode is no script\r\n");
  EXPECT_EQ(eval("return loadstring('return 7')()"), ":7\r\n");
  EXPECT_EQ(eval("local pieces = {'return', ' 8'} local i = 0 return load(function() i = i + 1 "
                 "return pieces[i] end)()"),
            ":8\r\n");
}

// --- Memory, and the stacks of C and of Lua ---

TEST_F(SandboxTest, MemoryHasALimit) {
  EXPECT_THAT(eval("local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1e6) .. i end"),
              HasSubstr("not enough memory"));
  EXPECT_EQ(eval("return 1"), ":1\r\n");
  EXPECT_THAT(eval("return string.rep('x', 2^30)"), HasSubstr("not enough memory"));
  EXPECT_EQ(eval("return #string.rep('x', 1000)"), ":1000\r\n");
}

// CVE-2021-32626: values on Lua's stack beyond its end.
TEST_F(SandboxTest, StacksHaveALimit) {
  EXPECT_THAT(eval("local function f() return f() + 1 end return f()"),
              HasSubstr("stack overflow"));
  EXPECT_THAT(eval("local t = {} for i = 1, 100000 do t = {t} end return t"),
              HasSubstr("reached lua stack limit"));
  EXPECT_THAT(eval("local t = {} t[1] = t return t"), HasSubstr("reached lua stack limit"));
  EXPECT_THAT(eval("return redis.call(unpack({'DEL', unpack({}, 1, 7000)}))"), StartsWith("-ERR"));
  EXPECT_THAT(eval("return loadstring(string.rep('(', 1000) .. '1' .. string.rep(')', 1000))()"),
              StartsWith("-"));
  EXPECT_THAT(eval("return cmsgpack.unpack(string.rep('\\145', 100000))"), StartsWith("-ERR"));
  EXPECT_THAT(eval("return cjson.decode(string.rep('[', 100000))"), StartsWith("-ERR"));
}

TEST_F(SandboxTest, PatternsHaveALimit) {
  EXPECT_THAT(eval("return string.find('a', string.rep('a?', 100000))"),
              HasSubstr("pattern too long"));
  EXPECT_EQ(eval("return string.find(string.rep('a', 8000), string.rep('a?', 8000)) "), ":1\r\n");
  EXPECT_EQ(eval("return (string.gsub('hello', 'l', {l = 'L'}))"), bulk("heLLo"));
  EXPECT_EQ(eval("for word in string.gmatch('one two', '%a+') do return word end"), bulk("one"));
}

// --- Libraries ---

// CVE-2022-24834: lengths in cjson are of 32 bits.
TEST_F(SandboxTest, JsonIsMeasuredFirst) {
  EXPECT_EQ(eval("return cjson.encode({1, 'two', {three = cjson.null}})"),
            bulk("[1,\"two\",{\"three\":null}]"));
  EXPECT_EQ(eval("return cjson.decode('{\"a\":[1,2]}').a[2]"), ":2\r\n");
  EXPECT_THAT(eval("local s = string.rep('\\1', 1e7) local t = {} for i = 1, 100 do t[i] = s end "
                   "return #cjson.encode(t)"),
              HasSubstr("too much to encode"));
  EXPECT_THAT(eval("cjson.encode_sparse_array(true, 0) return #cjson.encode({[2^30] = 1})"),
              HasSubstr("too much to encode"));
  EXPECT_THAT(eval("cjson.encode_max_depth(100000)"), HasSubstr("between 1 and 1000"));
  EXPECT_EQ(eval("return cjson.new == nil"), ":1\r\n");
  EXPECT_THAT(eval("local t = {} t[1] = t return cjson.encode(t)"), HasSubstr("excessive nesting"));
}

// CVE-2024-31449: the number of digits was negated.
TEST_F(SandboxTest, BitsHaveAtMostEightDigits) {
  EXPECT_EQ(eval("return bit.tohex(255)"), bulk("000000ff"));
  EXPECT_EQ(eval("return bit.tohex(255, 4)"), bulk("00ff"));
  EXPECT_EQ(eval("return bit.tohex(255, -4)"), bulk("00FF"));
  EXPECT_EQ(eval("return bit.tohex(65535, -2147483648)"), bulk("0000FFFF"));
  EXPECT_EQ(eval("return bit.tohex(65535, 2147483648)"), bulk("0000ffff"));
  EXPECT_EQ(eval("return bit.band(bit.bxor(12, 10), 7)"), ":6\r\n");
}

// CVE-2018-11219: sizes that overflow.
TEST_F(SandboxTest, StructsStayWithinTheirBytes) {
  EXPECT_EQ(eval("return {struct.unpack('>I2h', struct.pack('>I2h', 513, -2))}"),
            "*3\r\n:513\r\n:-2\r\n:5\r\n");
  EXPECT_EQ(eval("return struct.pack('<i4', 1)"), bulk(std::string("\1\0\0\0", 4)));
  EXPECT_EQ(eval("return struct.pack('>d', 1.5)"), bulk(std::string("\x3f\xf8\0\0\0\0\0\0", 8)));
  EXPECT_EQ(eval("return {struct.unpack('Bc0s', struct.pack('Bc0s', 2, 'ab', 'rest'))}"),
            "*3\r\n$2\r\nab\r\n$4\r\nrest\r\n:9\r\n");
  EXPECT_EQ(eval("return struct.size('!8bi8')"), ":16\r\n");
  EXPECT_THAT(eval("return struct.unpack('I4', 'abc')"), HasSubstr("data string too short"));
  EXPECT_THAT(eval("return struct.unpack('c2147483647', 'abc', 3)"),
              HasSubstr("data string too short"));
  EXPECT_THAT(eval("return struct.unpack('I4', 'abcdefgh', 2^53)"),
              HasSubstr("data string too short"));
  EXPECT_THAT(eval("return struct.pack('I33', 1)"), HasSubstr("larger than limit"));
  EXPECT_THAT(eval("return struct.pack('c99999999999', 'a')"), HasSubstr("size overflow"));
  EXPECT_THAT(eval("return struct.unpack('bc0', '\\255abc')"), HasSubstr("too short"));
  EXPECT_THAT(eval("return struct.pack('!3b', 1)"), HasSubstr("not a power of 2"));
  EXPECT_THAT(eval("return struct.pack('y', 1)"), HasSubstr("invalid format option 'y'"));
}

// CVE-2018-11218: lengths that were believed.
TEST_F(SandboxTest, MessagePackStaysWithinItsBytes) {
  EXPECT_EQ(eval("return cmsgpack.pack({1, 2, 3})"), bulk("\x93\1\2\3"));
  EXPECT_EQ(eval("return cmsgpack.pack({a = -1})"), bulk("\x81\xa1\x61\xff"));
  EXPECT_EQ(eval("return cmsgpack.pack(1.5, true, false, nil)"),
            bulk(std::string("\xca\x3f\xc0\0\0\xc3\xc2\xc0", 8)));
  EXPECT_EQ(eval("local t = cmsgpack.unpack(cmsgpack.pack({'x', {y = 65536}, -70000, 2^40})) "
                 "return {t[1], t[2].y, t[3], t[4]}"),
            "*4\r\n$1\r\nx\r\n:65536\r\n:-70000\r\n:1099511627776\r\n");
  EXPECT_EQ(eval("return {cmsgpack.unpack_one('\\1\\2\\3', 1)}"), "*2\r\n:2\r\n:2\r\n");
  EXPECT_EQ(eval("return {cmsgpack.unpack_limit('\\1\\2\\3', 2)}"), "*3\r\n:2\r\n:1\r\n:2\r\n");
  EXPECT_EQ(eval("return {cmsgpack.unpack('\\1\\2\\3')}"), "*3\r\n:1\r\n:2\r\n:3\r\n");
  for (const std::string_view cut :
       {"\\219\\255\\255\\255\\255a", "\\221\\255\\255\\255\\255\\1", "\\223\\255\\255\\255\\255",
        "\\217\\5a", "\\203\\1", "\\203a"}) {
    EXPECT_THAT(eval("return cmsgpack.unpack('" + std::string(cut) + "')"),
                HasSubstr("Missing bytes in input."))
        << cut;
  }
  EXPECT_THAT(eval("return cmsgpack.unpack('\\193')"), HasSubstr("Bad data format in input."));
  EXPECT_THAT(eval("return cmsgpack.unpack_one('abc', -1)"), HasSubstr("Invalid request"));
  EXPECT_THAT(eval("return cmsgpack.unpack_one('abc', 9)"), HasSubstr("greater than input"));
  EXPECT_THAT(eval("return cmsgpack.pack()"), HasSubstr("MessagePack pack needs input."));
  EXPECT_EQ(eval("local t = {} t[1] = t return #cmsgpack.pack(t)"), ":17\r\n");
}

}  // namespace
}  // namespace powercut::engine
