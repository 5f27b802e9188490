/*
 * A filter in the kernel for datagrams of few sources, of which only a share is to come through:
 * what it drops is never queued, copied or woken up for. Which sources and what share is decided
 * in JavaScript.
 */
#include "glue.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>

/* A row: 16 octets of address, as in a peer record, and the share as 32 bits, network order. */
#define ROWS_MAX 32
#define SHARE_AT 16
#define V4_AT 12
#define V4_SOURCE 12 /* octets from the start of each header to its source address */
#define V6_SOURCE 8
#define INSTRUCTIONS_PER_ROW 8

static uint32_t read_u32(const uint8_t *in) {
  return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* Takes a row's datagrams where the random number is below its share; ends the program. */
static struct sock_filter *put_share(struct sock_filter *at, uint32_t share) {
  *at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RANDOM);
  *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, share, 0, 1);
  *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
  *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
  return at;
}

static struct sock_filter *put_word(struct sock_filter *at, int offset, uint32_t want, int skip) {
  *at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + offset);
  *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, want, 0, (uint8_t)skip);
  return at;
}

/* An IPv4 address, or the /64 of an IPv6 one: whoever has one address of it has all. */
static struct sock_filter *put_row(struct sock_filter *at, int family, const uint8_t *row) {
  if (family == AF_INET) {
    at = put_word(at, V4_SOURCE, read_u32(row + V4_AT), 4);
  } else {
    at = put_word(at, V6_SOURCE, read_u32(row), 6);
    at = put_word(at, V6_SOURCE + 4, read_u32(row + 4), 4);
  }
  return put_share(at, read_u32(row + SHARE_AT));
}

static bool is_v4(const uint8_t *row) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return memcmp(row, mapped, sizeof mapped) == 0;
}

int udp_filter(const struct udp *udp, int family, const uint8_t *rows, uint32_t count) {
  struct sock_filter code[ROWS_MAX * INSTRUCTIONS_PER_ROW + 1];
  struct sock_filter *at = code;
  int none = 0;
  if (udp->fd < 0) return EBADF;
  if (count == 0) {
    int status = setsockopt(udp->fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
    return status == 0 || errno == ENOENT ? 0 : errno;
  }
  for (uint32_t i = 0; i < count && i < ROWS_MAX; i++) {
    const uint8_t *row = rows + (size_t)i * FILTER_ROW;
    if (is_v4(row) == (family == AF_INET)) at = put_row(at, family, row);
  }
  *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
  struct sock_fprog program = {.len = (unsigned short)(at - code), .filter = code};
  int status = setsockopt(udp->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  return status == 0 ? 0 : errno;
}
