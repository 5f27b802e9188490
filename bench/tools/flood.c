/*
 * A flood over UDP from one address: one question, RATE times a second, or with 0 as fast as
 * sendmmsg takes it, and no answer is ever read. Starts when a line comes in on stdin, ends after
 * SECONDS, prints how many it sent.
 *
 * To port 0 it goes to a socket of its own that nobody reads.
 *
 *   flood PORT FROM SECONDS RATE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, IDS = 1 << 16 };

/* Seconds that it may be late; what it could not send before is not made up for. */
#define LATE 0.005

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* www.example.com A, with RD. */
static const uint8_t question[] =
    "\0\0\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A port that is never read. */
static uint16_t open_sink(void) {
  struct sockaddr_in name = {.sin_family = AF_INET};
  socklen_t length = sizeof name;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0) fail("sink");
  if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) fail("sink");
  return name.sin_port;
}

static int open_socket(const char *port, const char *from) {
  struct sockaddr_in own = {.sin_family = AF_INET};
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  int octets = 1;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) fail("socket");
  if (server.sin_port == 0) server.sin_port = open_sink();
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (inet_pton(AF_INET, from, &own.sin_addr) != 1) fail("address");
  /* Answers are dropped as early as can be. */
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0) fail("bind");
  if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0) fail("connect");
  return fd;
}

/* Waits until the next batch is due; *due is when that was. */
static void keep_pace(double rate, double *due) {
  double time = now();
  if (rate == 0) return;
  *due += BATCH / rate;
  if (*due < time - LATE) *due = time;
  if (*due <= time) return;
  struct timespec until = {.tv_sec = (time_t)*due};
  until.tv_nsec = (long)((*due - (double)until.tv_sec) * 1e9);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: %s PORT FROM SECONDS RATE\n", argv[0]);
    return 2;
  }
  double rate = atof(argv[4]);
  static uint8_t octets[BATCH][sizeof question];
  static struct iovec vectors[BATCH];
  static struct mmsghdr messages[BATCH];
  int fd = open_socket(argv[1], argv[2]);
  for (int i = 0; i < BATCH; i++) {
    memcpy(octets[i], question, sizeof question);
    vectors[i] = (struct iovec){.iov_base = octets[i], .iov_len = sizeof question - 1};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  prctl(PR_SET_TIMERSLACK, 1000); /* ns */
  getchar();
  uint64_t sent = 0;
  double due = now();
  for (double end = due + atof(argv[3]); now() < end;) {
    keep_pace(rate, &due);
    for (int i = 0; i < BATCH; i++) {
      uint32_t id = (uint32_t)(sent + (uint64_t)i) % IDS;
      octets[i][0] = (uint8_t)(id >> 8);
      octets[i][1] = (uint8_t)id;
    }
    int taken = sendmmsg(fd, messages, BATCH, 0);
    /* A refusal by ICMP is reported once, and is nothing to a flood. */
    if (taken > 0) sent += (uint64_t)taken;
  }
  printf("%llu\n", (unsigned long long)sent);
  return 0;
}
