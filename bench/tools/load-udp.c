/*
 * Load over UDP. Without a rate each socket keeps its share of the outstanding queries under way,
 * in batches of sendmmsg; with one, queries leave when they are due, on the sockets in turn.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, SLOT = 4096, SOCKET_OCTETS = 8 << 20, UNDER_WAY_MAX = 60000 };

struct port {
  int fd;
  struct window window;
};

/* Room for one call each way; shared by all sockets. */
static uint8_t slots[BATCH][SLOT];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];
static union {
  char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
  struct cmsghdr align;
} controls[BATCH];
static struct sockaddr_in server;

static void open_port(const struct load *load, struct port *port, int epoll) {
  int octets = SOCKET_OCTETS;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = port};
  port->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (port->fd < 0) fail("socket");
  setsockopt(port->fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  setsockopt(port->fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
  /* One socket asks from many addresses when it is bound to none and each message names its own. */
  if (load->sources > 0) {
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (bind(port->fd, (struct sockaddr *)&any, sizeof any) != 0) fail("bind");
  } else if (connect(port->fd, (struct sockaddr *)&server, sizeof server) != 0) {
    fail("connect");
  }
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, port->fd, &event) != 0) fail("epoll_ctl");
}

static void name_source(struct msghdr *header, int slot, uint32_t address) {
  struct in_pktinfo info = {.ipi_spec_dst.s_addr = address};
  struct cmsghdr *control = &controls[slot].align;
  header->msg_name = &server;
  header->msg_namelen = sizeof server;
  header->msg_control = control;
  header->msg_controllen = CMSG_SPACE(sizeof info);
  control->cmsg_level = IPPROTO_IP;
  control->cmsg_type = IP_PKTINFO;
  control->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(control), &info, sizeof info);
}

/* Sends up to a batch of queries, due at `at` and `step` later each. */
static void send_batch(struct load *load, struct port *port, int count, uint64_t at) {
  for (int i = 0; i < count; i++) {
    uint32_t question = next_question(load);
    uint16_t id = window_open(load, &port->window, question, at);
    vectors[i].iov_base = slots[i];
    vectors[i].iov_len = write_query(load, question, id, slots[i]);
    struct msghdr *header = &messages[i].msg_hdr;
    *header = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    if (load->sources > 0) {
      name_source(header, i, source_address(load, &load->questions[question]));
    }
  }
  /* What the kernel does not take is lost like any datagram, and counted as such later. */
  for (int sent = 0; sent < count;) {
    int done = sendmmsg(port->fd, messages + sent, (unsigned)(count - sent), 0);
    sent += done > 0 ? done : 1;
  }
}

static void receive(struct load *load, struct port *port) {
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){.iov_base = slots[i], .iov_len = SLOT};
      messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(port->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (count > 0) load->receive_calls++;
    for (int i = 0; i < count; i++) {
      window_close(load, &port->window, slots[i], messages[i].msg_len);
    }
    if (count < BATCH) return;
  }
}

static void fill(struct load *load, struct port *ports, uint64_t now) {
  int each = load->outstanding / load->sockets;
  for (int i = 0; i < load->sockets; i++) {
    struct window *window = &ports[i].window;
    while (window->under_way < each && may_send(load, now)) {
      int room = each - window->under_way;
      uint32_t rest = load->once ? load->count - load->next : BATCH;
      if (room > BATCH) room = BATCH;
      if ((uint32_t)room > rest) room = (int)rest;
      send_batch(load, &ports[i], room, now_ns());
    }
  }
}

/* Sends what is due; returns when the next one is. */
static uint64_t send_due(struct load *load, struct port *ports, uint64_t now) {
  for (;;) {
    uint64_t due = load->started + (uint64_t)((double)load->sent * 1e9 / load->rate);
    if (due > now || due >= load->ends) return due;
    struct port *port = &ports[load->sent % (uint64_t)load->sockets];
    if (port->window.under_way > UNDER_WAY_MAX) window_expire(load, &port->window, true);
    send_batch(load, port, 1, due);
  }
}

static int under_way(const struct load *load, const struct port *ports) {
  int sum = 0;
  for (int i = 0; i < load->sockets; i++) sum += ports[i].window.under_way;
  return sum;
}

static void wait_for(struct load *load, int epoll, uint64_t until) {
  struct epoll_event events[BATCH];
  uint64_t now = now_ns();
  uint64_t wait = until > now ? until - now : 0;
  struct timespec time = {.tv_sec = (time_t)(wait / NS), .tv_nsec = (long)(wait % NS)};
  int count = epoll_pwait2(epoll, events, BATCH, &time, NULL);
  for (int i = 0; i < count; i++) receive(load, events[i].data.ptr);
}

void run_udp(struct load *load) {
  static const uint64_t LOOK = 10000000; /* ns between looks at what was lost */
  struct port *ports = calloc((size_t)load->sockets, sizeof *ports);
  int epoll = epoll_create1(0);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(load->port)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!ports || epoll < 0) fail("starting");
  for (int i = 0; i < load->sockets; i++) open_port(load, &ports[i], epoll);
  uint64_t looked = load->started;
  for (;;) {
    uint64_t now = now_ns(), wake = now + LOOK;
    if (load->rate == 0) {
      fill(load, ports, now);
    } else if (may_send(load, now)) {
      uint64_t due = send_due(load, ports, now);
      if (due < wake) wake = due;
    }
    if (!may_send(load, now) && (under_way(load, ports) == 0 || now > load->ends + TIMEOUT)) break;
    wait_for(load, epoll, wake);
    if (now < looked + LOOK) continue;
    looked = now;
    for (int i = 0; i < load->sockets; i++) window_expire(load, &ports[i].window, false);
  }
  for (int i = 0; i < load->sockets; i++) window_expire(load, &ports[i].window, true);
}
