/*
 * The answers of the upstream: any A query gets one address that lives for a day, any other type an
 * empty answer, and an OPT record for who sent one. Names keep their case.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MESSAGE_HEADER = 12 };

static const uint8_t record[] = {
    0xc0, 0x0c,             /* the qname */
    0, 1, 0, 1,             /* A IN */
    0, 1, 0x51, 0x80,       /* 86,400 s */
    0, 4, 185, 199, 108, 1, /* a public address; nothing connects to it */
};
static const uint8_t opt[] = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};

/* The offset after the question, 0 when it cannot be read. */
static size_t question_end(const uint8_t *message, size_t length) {
  size_t at = MESSAGE_HEADER;
  while (at < length && message[at] != 0) {
    if (message[at] > 63) return 0;
    at += 1 + (size_t)message[at];
  }
  return at + 5 <= length ? at + 5 : 0;
}

/* Turns the query into its answer in place; there is room for what is added. 0 when unreadable. */
static inline size_t answer_address(uint8_t *message, size_t length) {
  size_t at = question_end(message, length);
  if (at == 0) return 0;
  int has_opt = message[11] != 0;
  int is_a = message[at - 4] == 0 && message[at - 3] == 1;
  message[2] |= 0x80; /* QR */
  message[3] = 0x80;  /* RA, NOERROR */
  memset(message + 6, 0, 6);
  if (is_a) {
    message[7] = 1;
    memcpy(message + at, record, sizeof record);
    at += sizeof record;
  }
  if (has_opt) {
    message[11] = 1;
    memcpy(message + at, opt, sizeof opt);
    at += sizeof opt;
  }
  return at;
}

/* The floor's: the query comes back with QR set. */
static inline size_t answer_echo(uint8_t *message, size_t length) {
  message[2] |= 0x80;
  return length;
}

#endif
