/*
 * The load generator's shared words: the questions of a file, a histogram of latencies, and what
 * was seen. One thread; everything is allocated before the first query leaves.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#define _GNU_SOURCE /* recvmmsg, sendmmsg, epoll_pwait2 */

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEADER = 12, FRAME = 2, QUESTION_MAX = 260, MESSAGE_MAX = HEADER + QUESTION_MAX };
enum { SUB_BITS = 6, BUCKETS = 40 << SUB_BITS, SLICES_MAX = 4096, RCODES = 16 };

struct question {
  uint32_t at;     /* where its octets begin in `octets` */
  uint16_t length; /* qname, qtype and qclass */
  uint16_t source; /* number of the address that asks */
};

struct load {
  uint16_t port;
  int sockets;
  int outstanding; /* of all sockets together, when there is no rate */
  double rate;     /* queries a second, sent whatever comes back; 0: as fast as answers come */
  double seconds;
  int sources; /* addresses to ask from; 0: 127.0.0.1 alone */
  int slice_ms;
  bool once; /* ends with the file */
  const char *path;

  uint8_t *octets;
  struct question *questions;
  uint32_t count;
  uint32_t next;
  uint64_t wraps;

  uint64_t started, ends; /* ns */
  uint64_t sent, completed, lost, strange, reconnects;
  uint64_t receive_calls;
  uint64_t last_answer;
  uint64_t rcodes[RCODES];
  uint64_t histogram[BUCKETS];
  uint64_t longest, total_latency;
  uint64_t slice_longest[SLICES_MAX];
  uint64_t slice_completed[SLICES_MAX];
};

/* What is under way, by message ID. IDs go up, so the oldest is always known. */
struct window {
  uint64_t sent_at[1 << 16]; /* 0: not under way */
  uint32_t question[1 << 16];
  uint16_t head, tail;
  int under_way;
};

static const uint64_t NS = 1000000000;
static const uint64_t TIMEOUT = 1000000000; /* after which a query counts as lost */

uint64_t now_ns(void);
void read_questions(struct load *load);
/* The next question of the file, from its start again after its end. */
uint32_t next_question(struct load *load);
bool may_send(const struct load *load, uint64_t now);
uint32_t source_address(const struct load *load, const struct question *question);
size_t write_query(const struct load *load, uint32_t question, uint16_t id, uint8_t *out);
/* Takes a free ID; the caller has checked that the window has room. */
uint16_t window_open(struct load *load, struct window *window, uint32_t question, uint64_t at);
/* Takes an answer; false when nothing was under way that it could belong to. */
bool window_close(struct load *load, struct window *window, const uint8_t *message, size_t length);
/* Gives up what waited too long; `all` what waits at all. */
void window_expire(struct load *load, struct window *window, bool all);
void fail(const char *what);

void run_udp(struct load *load);
void run_pipelined(struct load *load);
void run_connections(struct load *load);

#endif
