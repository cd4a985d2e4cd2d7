// The scripts and libraries that workloads say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace powercut::scenarios {

// Of two or three keys, and arguments.
inline constexpr std::string_view kSeveralWrites =
    "redis.call('SET', KEYS[1], ARGV[1]) redis.call('RPUSH', KEYS[2], ARGV[1], ARGV[2]) "
    "return redis.call('INCR', KEYS[3])";
inline constexpr std::string_view kFailsHalfway =
    "redis.call('SET', KEYS[1], ARGV[1]) redis.call('APPEND', KEYS[1], '+') "
    "redis.call('DEL', KEYS[2]) return redis.call('NOSUCH')";
inline constexpr std::string_view kRaisesHalfway =
    "redis.call('SADD', KEYS[1], 'm:1', ARGV[1]) error({err = 'HALF way'})";
inline constexpr std::string_view kExpires =
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) redis.call('PEXPIRE', KEYS[2], ARGV[2]) "
    "return redis.call('PTTL', KEYS[1])";
// Takes a key that is not there for a while, and gives it back if it is: what has expired is not there. The key is one
// that the request does not name as such.
inline constexpr std::string_view kIfAbsent =
    "local key = ARGV[1] if redis.call('EXISTS', key) == 0 then redis.call('INCR', key) "
    "redis.call('PEXPIRE', key, ARGV[3]) return 1 end "
    "redis.call('SET', key, ARGV[2], 'PX', ARGV[3], 'XX') return 0";
inline constexpr std::string_view kByChance =
    "redis.call('HSET', KEYS[1], 'm:' .. math.random(1, 9), tostring(math.random())) "
    "local taken = redis.call('SPOP', KEYS[2]) "
    "if taken then redis.call('SADD', KEYS[3], taken) end return taken";
inline constexpr std::string_view kCatches =
    "local popped = redis.pcall('LPOP', KEYS[1]) "
    "if type(popped) == 'table' then redis.call('DEL', KEYS[1]) end "
    "return redis.call('INCR', KEYS[2])";
inline constexpr std::string_view kOtherDatabase =
    "redis.call('SELECT', '1') redis.call('SET', KEYS[1], ARGV[1]) "
    "redis.call('COPY', KEYS[1], KEYS[2], 'DB', '0') return redis.call('DBSIZE')";
inline constexpr std::string_view kFlushes =
    "redis.call('FLUSHDB') redis.call('SET', 's:0', 'alone') return redis.call('DBSIZE')";
inline constexpr std::string_view kReads = "return {redis.call('TYPE', KEYS[1]), KEYS[1]}";
// Onto a queue for which somebody may wait; and from another key, of any type.
inline constexpr std::string_view kPushes =
    "redis.call('RPUSH', KEYS[1], ARGV[1], ARGV[1]) redis.call('RPUSH', KEYS[2], ARGV[1]) "
    "return redis.call('LLEN', KEYS[1])";

// For EVALSHA.
std::string digest_of_script(std::string_view text);

// A library with one function, in one of several versions, which write different values.
std::string library_name(int library);
std::string function_name(int library);
std::string library_text(int library, int version);
// For FUNCTION RESTORE, as FUNCTION DUMP of redis-server 7.0.15 writes it.
std::string libraries_payload(const std::vector<std::string>& texts);

}  // namespace powercut::scenarios
