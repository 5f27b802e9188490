/* The floor of TCP: each frame comes back with QR set, and nothing else is done. */
#include "stream.h"

#include "answer.h"

int main(int argc, char **argv) { return serve(argc, argv, answer_echo); }
