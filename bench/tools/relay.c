/*
 * The floor of forwarding: each query goes to the upstream under an ID of its own and its answer
 * back to who asked, in batches of recvmmsg and sendmmsg both ways, and nothing else is done. One
 * client socket, one connected upstream socket, one thread.
 */
#include "loop.h"

#include <string.h>
#include <sys/epoll.h>

struct flight {
  struct sockaddr_in name;
  uint8_t id[2];
};

static struct flight flights[1 << 16];
static uint16_t next_id;
static uint8_t slots[BATCH][SLOT];
static struct sockaddr_in names[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr in[BATCH], out[BATCH];

static int receive(int fd, bool named) {
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = slots[i], .iov_len = SLOT};
    in[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    if (!named) continue;
    in[i].msg_hdr.msg_name = &names[i];
    in[i].msg_hdr.msg_namelen = sizeof names[i];
  }
  int count = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++) {
    vectors[i].iov_len = in[i].msg_len;
    out[i].msg_hdr = in[i].msg_hdr;
  }
  return count;
}

static int forward(int clients, int upstream, struct counts *counts) {
  int count = receive(clients, true);
  for (int i = 0; i < count; i++) {
    uint16_t id = next_id++;
    flights[id].name = names[i];
    memcpy(flights[id].id, slots[i], 2);
    memcpy(slots[i], &id, 2);
    out[i].msg_hdr.msg_name = NULL;
    out[i].msg_hdr.msg_namelen = 0;
  }
  if (count <= 0) return count;
  counts->queries += (uint64_t)count;
  counts->calls++;
  send_all(upstream, out, (unsigned)count);
  return count;
}

static int give_back(int clients, int upstream) {
  int count = receive(upstream, false);
  for (int i = 0; i < count; i++) {
    uint16_t id;
    memcpy(&id, slots[i], 2);
    memcpy(slots[i], flights[id].id, 2);
    out[i].msg_hdr.msg_name = &flights[id].name;
    out[i].msg_hdr.msg_namelen = sizeof flights[id].name;
  }
  if (count > 0) send_all(clients, out, (unsigned)count);
  return count;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s PORT COUNTS UPSTREAM-PORT\n", argv[0]);
    return 2;
  }
  struct counts *counts = shared_counts(argv[2]);
  int clients = bound_socket(argv[1]), upstream = bound_socket("0");
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(upstream, (struct sockaddr *)&to, sizeof to) != 0) return 2;
  int epoll = epoll_create1(0);
  struct epoll_event events[2] = {{.events = EPOLLIN, .data.fd = clients},
                                  {.events = EPOLLIN, .data.fd = upstream}};
  for (int i = 0; i < 2; i++) epoll_ctl(epoll, EPOLL_CTL_ADD, events[i].data.fd, &events[i]);
  for (;;) {
    int ready = epoll_wait(epoll, events, 2, -1);
    for (int i = 0; i < ready; i++) {
      int taken;
      do {
        taken = events[i].data.fd == clients ? forward(clients, upstream, counts)
                                             : give_back(clients, upstream);
      } while (taken == BATCH);
    }
  }
}
