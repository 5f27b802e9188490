/*
 * The floor: what the kernel asks for one datagram in and one out. Every query comes back with QR
 * set and nothing else done; no resolver on this machine can be cheaper by this way of I/O.
 */
#include "loop.h"

#include "answer.h"

int main(int argc, char **argv) { return serve(argc, argv, answer_echo); }
