/*
 * A load generator for one server on 127.0.0.1, because dnsperf has one source address, one system
 * call per datagram and no percentiles. Prints `ready` when the questions are read, starts when a
 * line comes in on stdin, and prints what it saw as JSON.
 *
 *   load -p PORT -d FILE [-m udp|pipelined|connections] [-c SOCKETS] [-q OUTSTANDING]
 *        [-l SECONDS] [-r RATE] [-a SOURCES] [-w SLICE_MS] [-1]
 *
 * FILE holds lines `NAME A [SOURCE]`; source k asks from 127.1.0.1 + k. With a rate, latency counts
 * from when a query was due, so that a server that stalls is not spared the queries it held up.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void fail(const char *what) {
  perror(what);
  exit(2);
}

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * NS + (uint64_t)time.tv_nsec;
}

/* Writes one line's question; 0 when the line has no name. */
static size_t write_question(const char *line, const char *end, uint8_t *out) {
  const char *space = memchr(line, ' ', (size_t)(end - line));
  const char *name_end = space ? space : end;
  size_t at = 0;
  for (const char *label = line; label < name_end;) {
    const char *dot = memchr(label, '.', (size_t)(name_end - label));
    size_t length = (size_t)((dot ? dot : name_end) - label);
    if (length == 0 || length > 63 || at + length + 6 > QUESTION_MAX) return 0;
    out[at++] = (uint8_t)length;
    memcpy(out + at, label, length);
    at += length;
    label += length + 1;
  }
  static const uint8_t tail[] = {0, 0, 1, 0, 1}; /* root, A, IN */
  memcpy(out + at, tail, sizeof tail);
  return at + sizeof tail;
}

/* The third word of the line. */
static uint16_t source_of(const char *line, const char *end) {
  const char *space = memchr(line, ' ', (size_t)(end - line));
  space = space ? memchr(space + 1, ' ', (size_t)(end - space - 1)) : NULL;
  return space ? (uint16_t)atoi(space + 1) : 0;
}

void read_questions(struct load *load) {
  int fd = open(load->path, O_RDONLY);
  struct stat stat;
  if (fd < 0 || fstat(fd, &stat) != 0 || stat.st_size == 0) fail(load->path);
  size_t size = (size_t)stat.st_size;
  const char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (text == MAP_FAILED) fail("mmap");
  uint32_t lines = 0;
  for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
  load->octets = malloc(size + (size_t)lines * 8 + QUESTION_MAX);
  load->questions = calloc(lines, sizeof *load->questions);
  if (!load->octets || !load->questions) fail("malloc");
  uint32_t at = 0;
  for (const char *line = text; line < text + size;) {
    const char *end = memchr(line, '\n', (size_t)(text + size - line));
    if (!end) break;
    size_t length = write_question(line, end, load->octets + at);
    if (length > 0) {
      struct question *question = &load->questions[load->count++];
      *question = (struct question){.at = at, .length = (uint16_t)length};
      question->source = source_of(line, end);
      at += (uint32_t)length;
    }
    line = end + 1;
  }
  munmap((void *)text, size);
  close(fd);
  if (load->count == 0) fail("no question");
}

uint32_t next_question(struct load *load) {
  uint32_t question = load->next++;
  if (load->next == load->count) {
    load->next = 0;
    load->wraps++;
  }
  return question;
}

bool may_send(const struct load *load, uint64_t now) {
  return now < load->ends && !(load->once && load->wraps > 0);
}

uint32_t source_address(const struct load *load, const struct question *question) {
  if (load->sources == 0) return htonl(INADDR_LOOPBACK);
  return htonl(0x7f010001u + (uint32_t)question->source % (uint32_t)load->sources);
}

size_t write_query(const struct load *load, uint32_t number, uint16_t id, uint8_t *out) {
  static const uint8_t rest[] = {1, 0, 0, 1, 0, 0, 0, 0, 0, 0}; /* RD, one question */
  const struct question *question = &load->questions[number];
  out[0] = (uint8_t)(id >> 8);
  out[1] = (uint8_t)id;
  memcpy(out + 2, rest, sizeof rest);
  memcpy(out + HEADER, load->octets + question->at, question->length);
  return HEADER + (size_t)question->length;
}

uint16_t window_open(struct load *load, struct window *window, uint32_t question, uint64_t at) {
  uint16_t id = window->head++;
  if (window->sent_at[id] != 0) { /* all IDs used since, and still no answer */
    window->under_way--;
    load->lost++;
  }
  window->sent_at[id] = at;
  window->question[id] = question;
  window->under_way++;
  load->sent++;
  return id;
}

static void count_latency(struct load *load, uint64_t sent_at, uint64_t now) {
  uint64_t latency = now > sent_at ? now - sent_at : 1;
  /* Logarithmic, with 64 steps for each doubling: 1.6 % apart. */
  int power = 63 - __builtin_clzll(latency | 1 << SUB_BITS);
  uint64_t step = latency >> (power - SUB_BITS) & ((1 << SUB_BITS) - 1);
  uint64_t bucket = (uint64_t)(power - SUB_BITS) << SUB_BITS | step;
  load->histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  load->total_latency += latency;
  if (latency > load->longest) load->longest = latency;
  if (load->slice_ms == 0) return;
  uint64_t slice = (sent_at - load->started) / ((uint64_t)load->slice_ms * 1000000);
  if (slice >= SLICES_MAX) return;
  load->slice_completed[slice]++;
  if (latency > load->slice_longest[slice]) load->slice_longest[slice] = latency;
}

bool window_close(struct load *load, struct window *window, const uint8_t *message, size_t length) {
  uint16_t id = length < HEADER ? 0 : (uint16_t)(message[0] << 8 | message[1]);
  const struct question *question = &load->questions[window->question[id]];
  /* A late or a foreign answer, or one that is no answer to what was asked. */
  if (length < HEADER + (size_t)question->length || window->sent_at[id] == 0 ||
      !(message[2] & 0x80) ||
      memcmp(message + HEADER, load->octets + question->at, question->length) != 0) {
    load->strange++;
    return false;
  }
  load->last_answer = now_ns();
  count_latency(load, window->sent_at[id], load->last_answer);
  load->rcodes[message[3] & 15]++;
  load->completed++;
  window->sent_at[id] = 0;
  window->under_way--;
  return true;
}

void window_expire(struct load *load, struct window *window, bool all) {
  uint64_t now = now_ns();
  while (window->tail != window->head) {
    uint64_t sent_at = window->sent_at[window->tail];
    if (sent_at != 0) {
      if (!all && now < sent_at + TIMEOUT) return;
      window->sent_at[window->tail] = 0;
      window->under_way--;
      load->lost++;
    }
    window->tail++;
  }
}

/* The latency in µs that `share` of all answers did not exceed: the end of its bucket. */
static double percentile(const struct load *load, double share) {
  uint64_t wanted = (uint64_t)(share * (double)load->completed), seen = 0;
  for (uint64_t bucket = 0; bucket < BUCKETS; bucket++) {
    seen += load->histogram[bucket];
    if (seen <= wanted) continue;
    uint64_t power = bucket >> SUB_BITS, step = bucket & ((1 << SUB_BITS) - 1);
    uint64_t end = ((1 << SUB_BITS) + step + 1) << power;
    /* Below the first full doubling a bucket is its own value. */
    return (double)(end < load->longest ? end : load->longest) / 1000;
  }
  return (double)load->longest / 1000;
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_numbers(const char *name, const uint64_t *numbers, size_t count, double unit) {
  printf(", \"%s\": [", name);
  for (size_t i = 0; i < count; i++) printf("%s%.1f", i > 0 ? "," : "", (double)numbers[i] / unit);
  printf("]");
}

static void print_result(const struct load *load, double cpu) {
  double seconds = load->last_answer ? (double)(load->last_answer - load->started) / 1e9 : 0;
  printf("{\"sent\": %lu, \"completed\": %lu, \"lost\": %lu, \"strange\": %lu", load->sent,
         load->completed, load->lost, load->strange);
  printf(", \"reconnects\": %lu, \"wraps\": %lu, \"seconds\": %.6f, \"cpuSeconds\": %.6f",
         load->reconnects, load->wraps, seconds, cpu);
  printf(", \"receiveCalls\": %lu, \"meanMicros\": %.1f", load->receive_calls,
         load->completed ? (double)load->total_latency / (double)load->completed / 1000 : 0);
  printf(", \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f", percentile(load, 0.5),
         percentile(load, 0.99), percentile(load, 0.999), (double)load->longest / 1000);
  print_numbers("rcodes", load->rcodes, RCODES, 1);
  size_t slices = 0;
  if (load->slice_ms > 0) slices = (size_t)(load->seconds * 1000 / load->slice_ms);
  if (slices > SLICES_MAX) slices = SLICES_MAX;
  print_numbers("sliceMax", load->slice_longest, slices, 1000);
  print_numbers("sliceCompleted", load->slice_completed, slices, 1);
  printf("}\n");
}

static const char *read_arguments(int argc, char **argv, struct load *load) {
  const char *mode = "udp";
  for (int option; (option = getopt(argc, argv, "p:d:m:c:q:l:r:a:w:1")) != -1;) {
    if (option == 'p') load->port = (uint16_t)atoi(optarg);
    else if (option == 'd') load->path = optarg;
    else if (option == 'm') mode = optarg;
    else if (option == 'c') load->sockets = atoi(optarg);
    else if (option == 'q') load->outstanding = atoi(optarg);
    else if (option == 'l') load->seconds = atof(optarg);
    else if (option == 'r') load->rate = atof(optarg);
    else if (option == 'a') load->sources = atoi(optarg);
    else if (option == 'w') load->slice_ms = atoi(optarg);
    else if (option == '1') load->once = true;
    else exit(2);
  }
  if (load->path && load->port && load->sockets > 0 && load->outstanding >= load->sockets) {
    return mode;
  }
  fprintf(stderr, "usage: see load.c\n");
  exit(2);
}

int main(int argc, char **argv) {
  static struct load load = {.sockets = 8, .outstanding = 400, .seconds = 1};
  const char *mode = read_arguments(argc, argv, &load);
  read_questions(&load);
  prctl(PR_SET_TIMERSLACK, 1000); /* ns; the usual 50 µs would be part of every latency */
  printf("ready\n");
  fflush(stdout);
  if (getchar() == EOF) return 2;
  double cpu = cpu_seconds();
  load.started = now_ns();
  load.ends = load.started + (uint64_t)(load.seconds * 1e9);
  if (strcmp(mode, "udp") == 0) run_udp(&load);
  else if (strcmp(mode, "pipelined") == 0) run_pipelined(&load);
  else if (strcmp(mode, "connections") == 0) run_connections(&load);
  else return 2;
  print_result(&load, cpu_seconds() - cpu);
  return 0;
}
