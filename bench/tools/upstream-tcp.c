/* The upstream's TCP side: dnsdist forwards what came over TCP over TCP. */
#include "stream.h"

#include "answer.h"

int main(int argc, char **argv) { return serve(argc, argv, answer_address); }
