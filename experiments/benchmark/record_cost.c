/* What a small write takes, in ns: record_cost FILE WRITES. To be run alone, and below `powercut record`. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const long writes = atol(argv[2]);
  const int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  char bytes[64];
  memset(bytes, 'x', sizeof bytes);
  const double begin = now_ns();
  for (long i = 0; i < writes; ++i)
    if (pwrite(fd, bytes, sizeof bytes, i % 1000 * 64) != sizeof bytes) return 1;
  fprintf(stderr, "%.0f\n", (now_ns() - begin) / (double)writes);
  return 0;
}
