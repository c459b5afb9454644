/* Measures the duration of a TCP connect, with a server.
 *
 *     connect serve PORT             prints "ready", accepts, and waits for the client's end, at most a second
 *     connect ADDRESS PORT COUNT     connects COUNT times; prints the median in nanoseconds
 *
 * In C, because the differences are tens of microseconds. The client ends with a reset, so that no socket stays in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in place(const char *address, const char *port) {
  struct sockaddr_in found = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  if (inet_pton(AF_INET, address, &found.sin_addr) != 1) errx(1, "no address: %s", address);
  return found;
}

static void end(int fd) {
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(fd);
}

static int serve(const char *port) {
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  /* If a client's reset is lost, the next clients would wait forever. */
  struct timeval patience = {.tv_sec = 1};
  struct sockaddr_in here = place("0.0.0.0", port);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 4096)) err(1, "listen");
  puts("ready");
  fflush(stdout);
  for (;;) {
    char nothing;
    int client = accept(fd, NULL, NULL);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (read(client, &nothing, 1) > 0) {}
    close(client);
  }
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0) return serve(argv[2]);
  if (argc != 4) errx(1, "connect serve PORT | connect ADDRESS PORT COUNT");
  struct sockaddr_in there = place(argv[1], argv[2]);
  int count = atoi(argv[3]);
  long long *samples = calloc((size_t)count, sizeof *samples);
  if (samples == NULL) err(1, "calloc");
  for (int i = 0; i < count; i++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long long start = now();
    if (connect(fd, (struct sockaddr *)&there, sizeof there)) err(1, "connect to %s:%s", argv[1], argv[2]);
    samples[i] = now() - start;
    end(fd);
  }
  qsort(samples, (size_t)count, sizeof *samples, ascending);
  printf("%lld\n", samples[count / 2]);
  return 0;
}
