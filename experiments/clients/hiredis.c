// hiredis: requests of any bytes, pipelines, transactions, publish and subscribe, a unix socket; and a kill.
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int steps = 0, failed = 0;

static void check(const char* what, int holds) {
  ++steps;
  if (holds) return;
  failed = 1;
  fprintf(stderr, "hiredis: %s\n", what);
}

static int port(void) { return atoi(getenv("CLIENTS_PORT")); }

static redisContext* connected(void) {
  redisContext* c = redisConnectWithTimeout("127.0.0.1", port(), (struct timeval){10, 0});
  if (c == NULL || c->err) {
    fprintf(stderr, "hiredis: no connection\n");
    exit(1);
  }
  return c;
}

// The next reply is of this type, with this text or number; then it is gone.
static void is(const char* what, void* reply, int type, const char* text, long long number) {
  redisReply* r = reply;
  check(what, r != NULL && r->type == type && (text == NULL || strcmp(r->str, text) == 0) &&
                  (type != REDIS_REPLY_INTEGER || r->integer == number));
  if (r != NULL) freeReplyObject(r);
}
static void is_text(const char* what, void* reply, const char* text) { is(what, reply, REDIS_REPLY_STRING, text, 0); }
static void is_ok(const char* what, void* reply) { is(what, reply, REDIS_REPLY_STATUS, "OK", 0); }
static void is_number(const char* what, void* reply, long long number) { is(what, reply, REDIS_REPLY_INTEGER, NULL, number); }
static void is_nothing(const char* what, void* reply) { is(what, reply, REDIS_REPLY_NIL, NULL, 0); }
static void is_many(const char* what, redisReply* reply, size_t many, size_t which, const char* text) {
  check(what, reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == many &&
                  strcmp(reply->element[which]->str, text) == 0);
  if (reply != NULL) freeReplyObject(reply);
}

static void requests(redisContext* c) {
  is_ok("set", redisCommand(c, "SET %s %s EX %d", "s", "1", 1000));
  is_nothing("set nx", redisCommand(c, "SET s 2 NX"));
  is_number("incr", redisCommand(c, "INCRBY s 41"), 42);
  is_text("get", redisCommand(c, "GET s"), "42");
  is_ok("bytes", redisCommand(c, "SET %b %b", "\0\r\n", (size_t)3, "a\0b\r\n", (size_t)5));
  redisReply* bytes = redisCommand(c, "GET %b", "\0\r\n", (size_t)3);
  check("the same bytes", bytes->len == 5 && memcmp(bytes->str, "a\0b\r\n", 5) == 0);
  freeReplyObject(bytes);
  char* big = calloc(1, 3000000);
  is_ok("three megabytes", redisCommand(c, "SET big %b", big, (size_t)3000000));
  is_number("are there", redisCommand(c, "STRLEN big"), 3000000);
  free(big);
  const char* words[] = {"HSET", "h", "f", "1", "g", ""};
  const size_t lengths[] = {4, 1, 1, 1, 1, 0};
  is_number("words with lengths", redisCommandArgv(c, 6, words, lengths), 2);
  is_many("hgetall", redisCommand(c, "HGETALL h"), 4, 1, "1");
  is_number("rpush", redisCommand(c, "RPUSH l a b c"), 3);
  is_many("lrange", redisCommand(c, "LRANGE l 0 -1"), 3, 2, "c");
  is_number("sadd", redisCommand(c, "SADD t a b a"), 2);
  is_number("zadd", redisCommand(c, "ZADD z 1.5 a inf b"), 2);
  is_many("zrange", redisCommand(c, "ZRANGE z 0 -1 WITHSCORES"), 4, 3, "inf");
  is_number("expiry", redisCommand(c, "PEXPIREAT l 9999999999999"), 1);
  is("an error", redisCommand(c, "LPUSH s x"), REDIS_REPLY_ERROR, "WRONGTYPE Operation against a key holding the wrong kind of value", 0);
  redisReply* scan = redisCommand(c, "SCAN 0 COUNT 100");
  check("scan", scan->elements == 2 && strcmp(scan->element[0]->str, "0") == 0 && scan->element[1]->elements == 7);
  freeReplyObject(scan);
}

static void together(redisContext* c, redisContext* other) {
  enum { kMany = 20000 };
  for (int i = 0; i < kMany; ++i) redisAppendCommand(c, "SET p%d %d", i, i);
  int good = 0;
  for (int i = 0; i < kMany; ++i) {
    redisReply* reply = NULL;
    good += redisGetReply(c, (void**)&reply) == REDIS_OK && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
  }
  check("a pipeline", good == kMany);
  is_text("its last", redisCommand(c, "GET p%d", kMany - 1), "19999");
  is_ok("multi", redisCommand(c, "MULTI"));
  is("queued", redisCommand(c, "SET m 1"), REDIS_REPLY_STATUS, "QUEUED", 0);
  is("queued", redisCommand(c, "GET m"), REDIS_REPLY_STATUS, "QUEUED", 0);
  is_many("exec", redisCommand(c, "EXEC"), 2, 1, "1");
  is_ok("watch", redisCommand(c, "WATCH m"));
  is_ok("another sets it", redisCommand(other, "SET m 2"));
  is_ok("multi", redisCommand(c, "MULTI"));
  is("queued", redisCommand(c, "SET m 3"), REDIS_REPLY_STATUS, "QUEUED", 0);
  is_nothing("watched", redisCommand(c, "EXEC"));
}

static void told(redisContext* c) {
  redisContext* listener = connected();
  is_many("subscribe", redisCommand(listener, "SUBSCRIBE news"), 3, 1, "news");
  is_many("psubscribe", redisCommand(listener, "PSUBSCRIBE n*"), 3, 1, "n*");
  is_number("publish", redisCommand(c, "PUBLISH news hello"), 2);
  redisReply* message = NULL;
  redisGetReply(listener, (void**)&message);
  is_many("a message", message, 3, 2, "hello");
  redisGetReply(listener, (void**)&message);
  is_many("by a pattern", message, 4, 3, "hello");
  redisFree(listener);
  char path[4096];
  snprintf(path, sizeof path, "%s/socket", getenv("CLIENTS_DIR"));
  redisContext* local = redisConnectUnix(path);
  is_text("a unix socket", redisCommand(local, "GET s"), "42");
  redisFree(local);
}

static void killed(redisContext* c) {
  redisReply* before = redisCommand(c, "DEBUG DIGEST");
  const pid_t killing = fork();
  if (killing == 0) {
    usleep(300000);
    _exit(system(getenv("CLIENTS_KILL")) == 0 ? 0 : 1);
  }
  // Sixteen at once; an acknowledgement is the new length.
  enum { kDeep = 16 };
  long long acked = 0;
  for (int alive = 1; alive;) {
    for (int i = 0; i < kDeep; ++i) redisAppendCommand(c, "RPUSH flight x");
    for (int i = 0; alive && i < kDeep; ++i) {
      redisReply* reply = NULL;
      alive = redisGetReply(c, (void**)&reply) == REDIS_OK && reply->type == REDIS_REPLY_INTEGER && reply->integer == acked + 1;
      acked += alive;
      if (reply != NULL) freeReplyObject(reply);
    }
  }
  check("it was killed in the middle", acked > 0);
  int status = 0;
  waitpid(killing, &status, 0);
  check("the server starts again", WIFEXITED(status) && WEXITSTATUS(status) == 0);
  check("the same way to it", redisReconnect(c) == REDIS_OK);
  redisReply* there = redisCommand(c, "LLEN flight");
  check("what was acknowledged", there->integer >= acked);
  check("and no more than was asked", there->integer <= acked + kDeep);
  freeReplyObject(there);
  is_number("what was under way", redisCommand(c, "DEL flight"), 1);
  redisReply* after = redisCommand(c, "DEBUG DIGEST");
  check("all that was there", strcmp(before->str, after->str) == 0 && strlen(after->str) == 40);
  freeReplyObject(before);
  freeReplyObject(after);
  is_number("and it goes on", redisCommand(c, "INCR s"), 43);
}

int main(void) {
  redisContext* c = connected();
  redisContext* other = connected();
  requests(c);
  together(c, other);
  told(c);
  killed(c);
  redisFree(c);
  redisFree(other);
  if (!failed)
    printf("hiredis %d.%d.%d: %d steps, a kill -9 between, nothing acknowledged was lost\n", HIREDIS_MAJOR, HIREDIS_MINOR,
           HIREDIS_PATCH, steps);
  return failed;
}
