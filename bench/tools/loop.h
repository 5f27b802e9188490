/*
 * The loop that the floor and the upstream share: recvmmsg, one call per datagram that turns a query
 * into an answer in place, sendmmsg. One thread, one blocking socket on 127.0.0.1, until a signal.
 * For benchmarks on loopback only: no bounds beyond those of the slot, no other addresses.
 * How many queries came in how many calls can be read in the file that the second argument names.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#define _GNU_SOURCE /* recvmmsg, sendmmsg */

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, SLOT = 4096, HEADER = 12, SOCKET_OCTETS = 4 << 20 };

/* Turns the query of `length` octets into its answer; returns its length, 0 to send none. */
typedef size_t answer_function(uint8_t *message, size_t length);

static int bound_socket(const char *port) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  int octets = SOCKET_OCTETS;
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
  if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0) {
    perror("bind");
    exit(2);
  }
  return fd;
}

/* What was taken in so far; in a file of shared memory, so that reading it disturbs nobody. */
struct counts {
  uint64_t queries, calls;
};

static struct counts *shared_counts(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(struct counts)) != 0) {
    perror(path);
    exit(2);
  }
  void *counts = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (counts == MAP_FAILED) exit(2);
  close(fd);
  return counts;
}

static inline void send_all(int fd, struct mmsghdr *messages, unsigned count) {
  for (unsigned sent = 0; sent < count;) {
    int done = sendmmsg(fd, messages + sent, count - sent, 0);
    sent += done > 0 ? (unsigned)done : 1; /* what cannot be sent is lost, like any datagram */
  }
}

static inline int serve(int argc, char **argv, answer_function *answer) {
  static uint8_t slots[BATCH][SLOT];
  static struct sockaddr_in names[BATCH];
  struct iovec vectors[BATCH];
  struct mmsghdr in[BATCH] = {0}, out[BATCH];
  if (argc != 3) {
    fprintf(stderr, "usage: %s PORT COUNTS\n", argv[0]);
    return 2;
  }
  struct counts *counts = shared_counts(argv[2]);
  int fd = bound_socket(argv[1]);
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){.iov_base = slots[i], .iov_len = SLOT};
      in[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                      .msg_namelen = sizeof names[i],
                                      .msg_iov = &vectors[i],
                                      .msg_iovlen = 1};
    }
    int count = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
    unsigned answers = 0;
    if (count > 0) {
      counts->queries += (uint64_t)count;
      counts->calls++;
    }
    for (int i = 0; i < count; i++) {
      size_t length = in[i].msg_len < HEADER ? 0 : answer(slots[i], in[i].msg_len);
      if (length == 0) continue;
      vectors[i].iov_len = length;
      out[answers++] = in[i];
    }
    send_all(fd, out, answers);
  }
}

#endif
