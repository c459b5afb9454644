/* Services for the container, and their clients, for the measurement of the data plane.
 *
 *     load serve COUNTER                                       prints "ready", then serves the ports below. COUNTER: a file, see flood
 *     load up|down ADDRESS PORT STREAMS MILLISECONDS           bytes, seconds
 *     load ping ADDRESS PORT MILLISECONDS                      answers, seconds; latency of 50, 99 and 99.9 % in nanoseconds
 *     load connect ADDRESS PORT PARALLEL MILLISECONDS COUNT    connections, failures, seconds: until the end of the time or COUNT
 *     load flood ADDRESS PORT MILLISECONDS RATE COUNTER        datagrams sent, received meanwhile, received in all, seconds
 *     load hold ADDRESS PORT COUNT                             opens connections, prints the failures, holds the rest until stdin ends
 *
 * A client of `connect` sends a request, reads the response, and waits for the server's close. `flood` sends RATE datagrams a
 * second, or without limit for 0, with sendto(2), because the connect hook does not redirect connected UDP sockets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { sink = 9000, source, echo, brief, datagrams };
enum { chunk = 1 << 18, question = 100, datagram = 1400, batch = 64, most_threads = 256, most_samples = 1 << 22 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static struct sockaddr_in place(const char *address, int port) {
  struct sockaddr_in found = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  if (inet_pton(AF_INET, address, &found.sin_addr) != 1) errx(1, "no address: %s", address);
  return found;
}

static void start(pthread_t *thread, void *(*work)(void *), intptr_t argument) {
  if (pthread_create(thread, NULL, work, (void *)argument)) errx(1, "pthread_create");
}

/* Services */

static int listener(int port) {
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in here = place("0.0.0.0", port);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 4096)) err(1, "listen on %d", port);
  return fd;
}

static void *swallow(void *argument) {
  int fd = (int)(intptr_t)argument;
  static _Thread_local char bytes[chunk];
  while (recv(fd, bytes, sizeof bytes, 0) > 0) {}
  close(fd);
  return NULL;
}

static void *pour(void *argument) {
  int fd = (int)(intptr_t)argument;
  static _Thread_local char bytes[chunk];
  while (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) > 0) {}
  close(fd);
  return NULL;
}

/* One thread for each connection: there are few, and each may use a whole processor. */
static void serve_streams(int fd, void *(*work)(void *)) {
  for (;;) {
    pthread_t thread;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) continue;
    start(&thread, work, client);
    pthread_detach(thread);
  }
}

static void *serve_sink(void *fd) { serve_streams((int)(intptr_t)fd, swallow); return NULL; }
static void *serve_source(void *fd) { serve_streams((int)(intptr_t)fd, pour); return NULL; }

static void answer(int fd, int once) {
  char bytes[4096];
  ssize_t count = recv(fd, bytes, sizeof bytes, 0);
  if (count <= 0 || send(fd, bytes, (size_t)count, MSG_NOSIGNAL) < 0 || once) close(fd);
}

/* One thread answers the requests of all clients. */
static void serve_questions(int fd, int once) {
  int yes = 1, poll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event events[batch], event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  for (;;) {
    int count = epoll_wait(poll, events, batch, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd != fd) { answer(events[i].data.fd, once); continue; }
      int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
      if (client < 0) continue;
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      struct epoll_event other = {.events = EPOLLIN, .data.fd = client};
      epoll_ctl(poll, EPOLL_CTL_ADD, client, &other);
    }
  }
}

static void *serve_echo(void *fd) { serve_questions((int)(intptr_t)fd, 0); return NULL; }
static void *serve_brief(void *fd) { serve_questions((int)(intptr_t)fd, 1); return NULL; }

/* The counter of datagrams, in a file that the client also reads. */
static _Atomic long *counter(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, 4096)) err(1, "%s", path);
  void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) err(1, "mmap");
  return memory;
}

static void serve_datagrams(_Atomic long *arrived) {
  int size = 8 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in here = place("0.0.0.0", datagrams);
  static char bytes[batch][2048];
  struct mmsghdr messages[batch] = {0};
  struct iovec parts[batch];
  for (int i = 0; i < batch; i++) {
    parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (bind(fd, (struct sockaddr *)&here, sizeof here)) err(1, "bind");
  puts("ready");
  fflush(stdout);
  for (;;) {
    int count = recvmmsg(fd, messages, batch, MSG_WAITFORONE, NULL);
    if (count > 0) *arrived += count;
  }
}

static int serve(const char *path) {
  pthread_t thread;
  start(&thread, serve_sink, listener(sink));
  start(&thread, serve_source, listener(source));
  start(&thread, serve_echo, listener(echo));
  start(&thread, serve_brief, listener(brief));
  serve_datagrams(counter(path));
  return 0;
}

/* Clients */

static struct sockaddr_in target;
static atomic_bool over;
static _Atomic long total, failures, wanted;
static uint32_t samples[most_samples];
static long sampled;

static int open_connection(void) {
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval patience = {.tv_sec = 10};
  if (fd < 0) return -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&target, sizeof target) == 0) return fd;
  close(fd);
  return -1;
}

static int must_connect(void) {
  int fd = open_connection();
  if (fd < 0) err(1, "connect");
  return fd;
}

/* Bytes in flight at the end count, and so does their time: the server closes the connection after the last byte. */
static void *send_stream(void *unused) {
  static _Thread_local char bytes[chunk];
  int fd = must_connect();
  ssize_t count = 0;
  for (; !over && (count = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL)) > 0;) total += count;
  shutdown(fd, SHUT_WR);
  if (count < 0 || recv(fd, bytes, 1, 0) != 0) err(1, "send");
  close(fd);
  return unused;
}

static void *receive_stream(void *unused) {
  static _Thread_local char bytes[chunk];
  int fd = must_connect();
  for (ssize_t count; !over; total += count)
    if ((count = recv(fd, bytes, sizeof bytes, 0)) <= 0) err(1, "recv");
  close(fd);
  return unused;
}

static int ask(int fd, size_t size) {
  char bytes[question] = {1};
  if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) return 0;
  return recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

static void *ping(void *unused) {
  int fd = must_connect();
  for (double before = now(), after; !over; before = after) {
    if (!ask(fd, question)) err(1, "ping");
    after = now();
    total++;
    if (sampled < most_samples) samples[sampled++] = (uint32_t)((after - before) * 1e9);
  }
  close(fd);
  return unused;
}

/* The client ends with a reset, so that no socket stays in TIME_WAIT. */
static void *connect_again(void *unused) {
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  while (!over && wanted-- > 0) {
    char nothing;
    int fd = open_connection();
    int good = fd >= 0 && ask(fd, 64) && recv(fd, &nothing, 1, 0) == 0;
    if (good) total++; else failures++;
    if (fd < 0) continue;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
  }
  return unused;
}

static void pause_until(double moment) {
  double left = moment - now();
  if (left > 0) usleep((useconds_t)(left * 1e6));
}

/* A thread sets `over` at the end of the time, so that an earlier end finishes the run. */
static void *watch(void *seconds) {
  usleep((useconds_t)((intptr_t)seconds * 1000));
  over = 1;
  return NULL;
}

/* @returns seconds */
static double run(void *(*work)(void *), int threads, long milliseconds) {
  pthread_t workers[most_threads], clock;
  if (threads < 1 || threads > most_threads) errx(1, "1 to %d threads", most_threads);
  double before = now();
  /* Ends blocked clients. */
  alarm((unsigned)(milliseconds / 1000) + 60);
  start(&clock, watch, milliseconds);
  for (int i = 0; i < threads; i++) start(&workers[i], work, 0);
  for (int i = 0; i < threads; i++) pthread_join(workers[i], NULL);
  return now() - before;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void say_stream(double seconds) { printf("%ld %f\n", total, seconds); }

static void say_connections(double seconds) { printf("%ld %ld %f\n", total, failures, seconds); }

static void say_ping(double seconds) {
  qsort(samples, (size_t)sampled, sizeof *samples, ascending);
  if (sampled == 0) errx(1, "no answer");
  printf("%ld %f %u %u %u\n", total, seconds, samples[sampled / 2], samples[sampled * 99 / 100], samples[sampled * 999 / 1000]);
}

static void flood(double seconds, double rate, _Atomic long *arrived) {
  static char bytes[datagram];
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  long sent = 0, before = *arrived;
  double began = now(), ended = began;
  for (; ended - began < seconds; ended = now()) {
    /* Reading the clock takes a relevant part of a datagram's time. */
    for (int i = 0; i < (rate > 0 ? 1 : 16); i++)
      sent += sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&target, sizeof target) == sizeof bytes;
    if (rate > 0) pause_until(began + sent / rate);
  }
  long meanwhile = *arrived - before, last;
  do {
    last = *arrived;
    usleep(50000);
  } while (*arrived != last);
  printf("%ld %ld %ld %f\n", sent, meanwhile, last - before, ended - began);
}

static void hold(int count) {
  char nothing;
  for (int i = 0; i < count; i++) {
    int fd = open_connection();
    if (fd < 0 || !ask(fd, 1)) failures++;
  }
  printf("%ld\n", failures);
  fflush(stdout);
  while (read(STDIN_FILENO, &nothing, 1) > 0) {}
}

static void raise_limit(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv) {
  raise_limit();
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "serve") == 0 && argc == 3) return serve(argv[2]);
  if (argc < 5) errx(1, "load serve COUNTER | up | down | ping | connect | flood | hold ADDRESS PORT …");
  target = place(argv[2], atoi(argv[3]));
  int first = atoi(argv[4]);
  wanted = argc == 7 ? atol(argv[6]) : 0;
  if (strcmp(what, "up") == 0 && argc == 6) say_stream(run(send_stream, first, atol(argv[5])));
  else if (strcmp(what, "down") == 0 && argc == 6) say_stream(run(receive_stream, first, atol(argv[5])));
  else if (strcmp(what, "ping") == 0) say_ping(run(ping, 1, first));
  else if (strcmp(what, "connect") == 0 && argc == 7) say_connections(run(connect_again, first, atol(argv[5])));
  else if (strcmp(what, "flood") == 0 && argc == 7) flood(first / 1e3, atof(argv[5]), counter(argv[6]));
  else if (strcmp(what, "hold") == 0) hold(first);
  else errx(1, "no such client: %s", what);
  return 0;
}
