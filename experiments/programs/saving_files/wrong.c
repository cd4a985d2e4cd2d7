/* How many programs save a file: a new one under another name, and then a rename. It is never seen half
   written, as long as the power stays on. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int save(const char* name, const char* text) {
  char other[256];
  snprintf(other, sizeof other, "%s.tmp", name);
  const int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return -1;
  const ssize_t size = (ssize_t)strlen(text);
  if (write(fd, text, (size_t)size) != size) return -1;
  if (close(fd) != 0) return -1;
  return rename(other, name);
}

int main(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    if (save(argv[1], argv[i]) != 0) {
      perror(argv[1]);
      return 1;
    }
    printf("saved: %s\n", argv[i]);
    fflush(stdout);
  }
  return 0;
}
