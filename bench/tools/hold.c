/*
 * Holds TCP connections to a server on 127.0.0.1, each from an address of its own: IDLE that say
 * nothing, and SLOW that send a query one octet a second. What the server closes is opened again.
 * Prints how many are open, and how many were opened so far, once a second, until stdin ends.
 *
 *   hold PORT IDLE SLOW
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* No more are being opened at once than a backlog takes; after an end there is a pause. */
enum { EVENTS = 256, OPENING_MAX = 200, AGAIN_MS = 200, SECOND_MS = 1000 };

struct connection {
  int fd;
  bool open;
  uint32_t at;          /* octets of the query that were sent */
  uint64_t not_before;  /* ms */
};

/* www.held.com A behind its length. */
static const uint8_t query[] =
    "\0\x1e\0\1\1\0\0\1\0\0\0\0\0\0\3www\4held\3com\0\0\1\0\1";

static struct connection *connections;
static struct sockaddr_in server;
static int epoll, total, idle, opening;
static uint64_t open_now, opened;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void begin(int index) {
  struct connection *one = &connections[index];
  struct sockaddr_in from = {.sin_family = AF_INET};
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)index};
  int on = 1;
  uint32_t host = (uint32_t)index;
  from.sin_addr.s_addr =
      htonl(127u << 24 | (1 + (host >> 14)) << 16 | (host >> 7 & 127) << 8 | (1 + (host & 127)));
  one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (one->fd < 0) fail("socket");
  setsockopt(one->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(one->fd, (struct sockaddr *)&from, sizeof from) != 0) fail("bind");
  if (connect(one->fd, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS) {
    fail("connect");
  }
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, one->fd, &event) != 0) fail("epoll_ctl");
  one->at = 0;
  opening++;
}

static void end(struct connection *one) {
  if (one->open) open_now--;
  else opening--;
  close(one->fd);
  one->fd = -1;
  one->open = false;
  one->not_before = now_ms() + AGAIN_MS;
}

static void on_event(const struct epoll_event *event) {
  struct connection *one = &connections[event->data.u32];
  uint8_t octets[512];
  if (one->fd < 0) return;
  if (event->events & (EPOLLHUP | EPOLLERR)) {
    end(one);
  } else if (!one->open) {
    struct epoll_event next = {.events = EPOLLIN, .data.u32 = event->data.u32};
    epoll_ctl(epoll, EPOLL_CTL_MOD, one->fd, &next);
    one->open = true;
    opening--;
    open_now++;
    opened++;
  } else if (recv(one->fd, octets, sizeof octets, MSG_DONTWAIT) == 0) {
    end(one);
  }
}

/* Turns of a slow one until `ms`: one a second, at a ms of its own. */
static uint64_t turns(int index, uint64_t ms) {
  return (ms + (uint64_t)index % SECOND_MS) / SECOND_MS;
}

/* An octet from those of the slow ones whose turn it became between the two. */
static void dribble(uint64_t from, uint64_t to) {
  for (int index = idle; index < total; index++) {
    struct connection *one = &connections[index];
    if (!one->open || turns(index, from) == turns(index, to)) continue;
    uint8_t octet = query[one->at++ % (sizeof query - 1)];
    if (send(one->fd, &octet, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) end(one);
  }
}

static void reopen(uint64_t now) {
  static int next;
  for (int i = 0; i < total && opening < OPENING_MAX; i++) {
    next = (next + 1) % total;
    if (connections[next].fd < 0 && now >= connections[next].not_before) begin(next);
  }
}

static void raise_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static bool is_over(void) {
  struct pollfd in = {.fd = 0, .events = POLLIN};
  char octet;
  return poll(&in, 1, 0) > 0 && read(0, &octet, 1) <= 0;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s PORT IDLE SLOW\n", argv[0]);
    return 2;
  }
  raise_limit();
  idle = atoi(argv[2]);
  total = idle + atoi(argv[3]);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connections = calloc((size_t)total, sizeof *connections);
  epoll = epoll_create1(0);
  if (!connections || epoll < 0) fail("starting");
  for (int index = 0; index < total; index++) connections[index].fd = -1;
  uint64_t before = now_ms(), told = before;
  while (!is_over()) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, 5);
    for (int i = 0; i < count; i++) on_event(&events[i]);
    uint64_t now = now_ms();
    if (now > before) dribble(before, now);
    before = now;
    reopen(now);
    if (now < told + SECOND_MS) continue;
    told = now;
    printf("%lu %lu\n", open_now, opened);
    fflush(stdout);
  }
  return 0;
}
