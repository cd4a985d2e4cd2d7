/* Saves a file in one of twelve ways: save WAY FILE TEXT. Says "saved" when it believes that it has. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(int ok, const char* what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static int opened(const char* name, int flags) {
  int fd = open(name, flags, 0644);
  need(fd >= 0, name);
  return fd;
}

static void put(int fd, const char* text) {
  need(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "write");
}

static void sync_directory(void) {
  int fd = opened(".", O_RDONLY | O_DIRECTORY);
  need(fsync(fd) == 0, "fsync of the directory");
  close(fd);
}

/* A new file in the place of the old one. */
static void replace(const char* name, const char* text, int flags, int file_sync) {
  char other[256];
  snprintf(other, sizeof other, "%s.tmp", name);
  int fd = opened(other, O_WRONLY | O_CREAT | O_TRUNC | flags);
  put(fd, text);
  if (file_sync == 1) need(fsync(fd) == 0, "fsync");
  if (file_sync == 2) need(fdatasync(fd) == 0, "fdatasync");
  close(fd);
  need(rename(other, name) == 0, "rename");
}

/* The old one stays, under another name, until the new one is there. */
static void keep_a_copy(const char* name, const char* text) {
  char other[256];
  snprintf(other, sizeof other, "%s~", name);
  unlink(other);
  need(link(name, other) == 0, "link");
  need(unlink(name) == 0, "unlink");
  int fd = opened(name, O_WRONLY | O_CREAT | O_EXCL);
  put(fd, text);
  need(fsync(fd) == 0, "fsync");
  close(fd);
}

/* A file that has no name until it is whole. */
static void nameless(const char* name, const char* text) {
  char self[64], other[256];
  snprintf(other, sizeof other, "%s.tmp", name);
  int fd = opened(".", O_TMPFILE | O_WRONLY);
  put(fd, text);
  need(fsync(fd) == 0, "fsync");
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  need(linkat(AT_FDCWD, self, AT_FDCWD, other, AT_SYMLINK_FOLLOW) == 0, "linkat");
  need(rename(other, name) == 0, "rename");
  close(fd);
  sync_directory();
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const char* way = argv[1];
  const char* name = argv[2];
  const char* text = argv[3];
  if (!strcmp(way, "in-place") || !strcmp(way, "in-place-fsync")) {
    int fd = opened(name, O_WRONLY | O_CREAT);
    put(fd, text);
    need(ftruncate(fd, (off_t)strlen(text)) == 0, "ftruncate");
    if (strcmp(way, "in-place")) need(fsync(fd) == 0, "fsync");
    close(fd);
  } else if (!strcmp(way, "truncate") || !strcmp(way, "truncate-fsync")) {
    int fd = opened(name, O_WRONLY | O_CREAT | O_TRUNC);
    put(fd, text);
    if (strcmp(way, "truncate")) need(fsync(fd) == 0, "fsync");
    close(fd);
  } else if (!strcmp(way, "rename")) {
    replace(name, text, 0, 0);
  } else if (!strcmp(way, "rename-dirsync")) {
    replace(name, text, 0, 0);
    sync_directory();
  } else if (!strcmp(way, "fsync-rename")) {
    replace(name, text, 0, 1);
  } else if (!strcmp(way, "fsync-rename-dirsync")) {
    replace(name, text, 0, 1);
    sync_directory();
  } else if (!strcmp(way, "fdatasync-rename-dirsync")) {
    replace(name, text, 0, 2);
    sync_directory();
  } else if (!strcmp(way, "osync-rename-dirsync")) {
    replace(name, text, O_SYNC, 0);
    sync_directory();
  } else if (!strcmp(way, "copy-kept")) {
    keep_a_copy(name, text);
  } else if (!strcmp(way, "nameless")) {
    nameless(name, text);
  } else {
    return 2;
  }
  puts("saved");
  return 0;
}
