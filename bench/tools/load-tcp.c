/*
 * Load over TCP: many queries under way on each of a few connections, or one query per connection.
 * Connections come from many addresses, so that ports in TIME_WAIT do not run out.
 */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, ROOM = 1 << 17, ADDRESSES = 64 };

struct connection {
  int fd;
  bool has_asked;
  uint32_t in_length;  /* octets of frames that have not arrived whole */
  uint32_t out_at, out_length;
  uint8_t in[ROOM], out[ROOM];
  struct window window;
};

static struct sockaddr_in server;
static uint32_t opened;

static void open_connection(struct connection *connection, int epoll) {
  int on = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connection->fd < 0) fail("socket");
  connection->has_asked = false;
  connection->in_length = connection->out_at = connection->out_length = 0;
  struct sockaddr_in from = {.sin_family = AF_INET};
  from.sin_addr.s_addr = htonl(0x7f010001u + opened++ % ADDRESSES);
  setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(connection->fd, (struct sockaddr *)&from, sizeof from) != 0) fail("bind");
  if (connect(connection->fd, (struct sockaddr *)&server, sizeof server) != 0 &&
      errno != EINPROGRESS) {
    fail("connect");
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) fail("epoll_ctl");
}

static void reopen(struct load *load, struct connection *connection, int epoll) {
  window_expire(load, &connection->window, true);
  close(connection->fd);
  open_connection(connection, epoll);
}

/* False when the connection is of no use any more. */
static bool send_waiting(struct connection *connection) {
  while (connection->out_at < connection->out_length) {
    ssize_t sent = send(connection->fd, connection->out + connection->out_at,
                        connection->out_length - connection->out_at, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == ENOTCONN || errno == EINPROGRESS;
    connection->out_at += (uint32_t)sent;
  }
  connection->out_at = connection->out_length = 0;
  return true;
}

static void put_query(struct load *load, struct connection *connection, uint64_t at) {
  uint8_t *out = connection->out + connection->out_length;
  uint32_t question = next_question(load);
  uint16_t id = window_open(load, &connection->window, question, at);
  size_t length = write_query(load, question, id, out + FRAME);
  out[0] = (uint8_t)(length >> 8);
  out[1] = (uint8_t)length;
  connection->out_length += (uint32_t)(FRAME + length);
}

/* Answers that have arrived, counted; false at the end of the stream. */
static bool receive(struct load *load, struct connection *connection) {
  for (;;) {
    ssize_t got = recv(connection->fd, connection->in + connection->in_length,
                       ROOM - connection->in_length, 0);
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    load->receive_calls++;
    connection->in_length += (uint32_t)got;
    uint32_t at = 0;
    while (at + FRAME <= connection->in_length) {
      uint32_t length = (uint32_t)(connection->in[at] << 8 | connection->in[at + 1]);
      if (at + FRAME + length > connection->in_length) break;
      window_close(load, &connection->window, connection->in + at + FRAME, length);
      at += FRAME + length;
    }
    connection->in_length -= at;
    memmove(connection->in, connection->in + at, connection->in_length);
  }
}

static struct connection *start(struct load *load, int epoll) {
  struct connection *connections = calloc((size_t)load->sockets, sizeof *connections);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(load->port)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!connections || epoll < 0) fail("starting");
  for (int i = 0; i < load->sockets; i++) open_connection(&connections[i], epoll);
  return connections;
}

void run_pipelined(struct load *load) {
  int epoll = epoll_create1(0);
  struct connection *connections = start(load, epoll);
  struct epoll_event events[EVENTS];
  int each = load->outstanding / load->sockets;
  for (;;) {
    uint64_t now = now_ns();
    int under_way = 0;
    for (int i = 0; i < load->sockets; i++) {
      struct connection *connection = &connections[i];
      while (connection->window.under_way < each && may_send(load, now) &&
             connection->out_length + FRAME + MESSAGE_MAX <= ROOM) {
        put_query(load, connection, now);
      }
      if (!send_waiting(connection)) {
        load->reconnects++;
        reopen(load, connection, epoll);
      }
      window_expire(load, &connection->window, now > load->ends + TIMEOUT);
      under_way += connection->window.under_way;
    }
    if (under_way == 0 && !may_send(load, now)) break;
    int count = epoll_wait(epoll, events, EVENTS, 10);
    for (int i = 0; i < count; i++) {
      struct connection *connection = events[i].data.ptr;
      if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
      if (receive(load, connection)) continue;
      load->reconnects++;
      reopen(load, connection, epoll);
    }
  }
}

/* One turn of one connection; true when it has had its answer, or will have none. */
static bool serve_once(struct load *load, struct connection *connection) {
  if (!send_waiting(connection) || !receive(load, connection)) {
    load->reconnects++;
    return true;
  }
  window_expire(load, &connection->window, false);
  return connection->window.under_way == 0;
}

/* The clock of a query begins before its connection is asked for. */
static void ask_anew(struct load *load, struct connection *connection, int epoll, uint64_t now) {
  close(connection->fd);
  uint64_t before = now_ns();
  window_expire(load, &connection->window, true);
  if (!may_send(load, now)) {
    connection->fd = -1;
    return;
  }
  open_connection(connection, epoll);
  put_query(load, connection, before);
  send_waiting(connection);
}

void run_connections(struct load *load) {
  int epoll = epoll_create1(0);
  struct connection *connections = start(load, epoll);
  struct epoll_event events[EVENTS];
  for (int i = 0; i < load->sockets; i++) {
    put_query(load, &connections[i], now_ns());
    send_waiting(&connections[i]);
  }
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, 10);
    uint64_t now = now_ns();
    for (int i = 0; i < count; i++) {
      struct connection *connection = events[i].data.ptr;
      if (connection->fd < 0 || !serve_once(load, connection)) continue;
      ask_anew(load, connection, epoll, now);
    }
    int open = 0;
    for (int i = 0; i < load->sockets; i++) {
      if (connections[i].fd < 0) continue;
      open++;
      uint64_t asked = connections[i].window.sent_at[connections[i].window.tail];
      /* No event comes for an answer that does not. */
      if (now > asked + TIMEOUT && serve_once(load, &connections[i])) {
        ask_anew(load, &connections[i], epoll, now);
      }
    }
    if (open == 0) break;
  }
}
