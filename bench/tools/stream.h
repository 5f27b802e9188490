/*
 * The loop that the floor and the upstream share for TCP: epoll, one read, an answer for each whole
 * frame, one write. One thread, on 127.0.0.1, until a signal. For benchmarks on loopback only: a
 * client that does not read its answers is dropped.
 */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#define _GNU_SOURCE /* accept4 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 16, EVENTS = 256, FRAME = 2, ANSWER_MAX = 4096, DESCRIPTORS = 1 << 16 };

typedef size_t answer_function(uint8_t *message, size_t length);

struct connection {
  uint32_t length; /* octets of a frame that has not arrived whole */
  uint8_t in[ROOM];
};

static struct connection *connections[DESCRIPTORS];

static int listening_socket(const char *port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, 1024) != 0) {
    perror("listen");
    exit(2);
  }
  return fd;
}

static void accept_all(int listener, int epoll) {
  for (;;) {
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    if (fd < DESCRIPTORS && !connections[fd]) connections[fd] = malloc(sizeof **connections);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd >= DESCRIPTORS || !connections[fd] || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
      close(fd);
    } else {
      connections[fd]->length = 0;
    }
  }
}

/* One read and its answers in one write; false when the connection is to be closed. */
static bool serve_frames(int fd, struct connection *connection, answer_function *answer) {
  static uint8_t out[ROOM + ANSWER_MAX];
  ssize_t got = recv(fd, connection->in + connection->length, ROOM - connection->length, 0);
  if (got <= 0) return false;
  connection->length += (uint32_t)got;
  uint32_t at = 0, used = 0;
  while (at + FRAME <= connection->length) {
    uint32_t length = (uint32_t)(connection->in[at] << 8 | connection->in[at + 1]);
    if (at + FRAME + length > connection->length) break;
    if (length < 12 || length > ANSWER_MAX / 2) return false;
    memcpy(out + used + FRAME, connection->in + at + FRAME, length);
    size_t size = answer(out + used + FRAME, length);
    out[used] = (uint8_t)(size >> 8);
    out[used + 1] = (uint8_t)size;
    used += (uint32_t)(FRAME + size);
    at += FRAME + length;
    if (used <= ROOM) continue;
    if (send(fd, out, used, MSG_NOSIGNAL) != (ssize_t)used) return false;
    used = 0;
  }
  connection->length -= at;
  memmove(connection->in, connection->in + at, connection->length);
  return used == 0 || send(fd, out, used, MSG_NOSIGNAL) == (ssize_t)used;
}

static int serve(int argc, char **argv, answer_function *answer) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s PORT\n", argv[0]);
    return 2;
  }
  struct epoll_event events[EVENTS];
  int listener = listening_socket(argv[1]), epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) accept_all(listener, epoll);
      else if (!serve_frames(fd, connections[fd], answer)) close(fd);
    }
  }
}

#endif
