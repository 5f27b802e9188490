/*
 * The floor: what the kernel asks for one datagram in and one out. Every query comes back with QR
 * set and nothing else done; no resolver on this machine can be cheaper by this way of I/O.
 */
#include "loop.h"

static size_t answer(uint8_t *message, size_t length) {
  message[2] |= 0x80; /* QR */
  return length;
}

int main(int argc, char **argv) { return serve(argc, argv, answer); }
