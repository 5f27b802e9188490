/*
 * Streams: TCP listeners and their connections behind one epoll instance. Connections are numbered
 * by slots of a table that is allocated once; what a slot means is JavaScript's business.
 *
 * The rows of `events` and `segments`, the flags and RX_CHUNK are those of src/native/tcp.ts;
 * addon.ts refuses an addon whose row size differs.
 */
#ifndef DNSVALVE_STREAMS_H
#define DNSVALVE_STREAMS_H

#include "dnsvalve_io.h"

/* Slots, at most; JavaScript packs a slot into 14 bits of a number. */
#define STREAMS_MAX (1 << 14)
#define LISTENERS_MAX 64

/* An event is {slot, EVENT_ flags, start, length}; start and length are those of octets in rx. */
/* A segment is {slot, start, length, taken}; a slot of -1 is passed over. */
#define ROW_SIZE 4

#define EVENT_OPENED 1
#define EVENT_DATA 2
#define EVENT_ENDED 4
#define EVENT_FAILED 8
#define EVENT_WRITABLE 16
/* Slot -1, and in `length` the errno; that listener rests until streams_resume. */
#define EVENT_REFUSED 32

#define WATCH_READ 1
#define WATCH_WRITE 2

/* Octets that one connection may bring per round, so that busy ones share it fairly. */
#define RX_CHUNK 8192

struct stream {
  int fd; /* -1: the slot is free */
  uint32_t watched;
  /* The kernel took less than it was given: nothing more is given until it is writable. */
  bool stalled;
};

struct listener {
  int fd;
  bool resting;
};

struct streams {
  int poller;
  uint32_t capacity;
  struct stream *table;
  /* Free slots, first in, first out: a slot comes back as late as can be. */
  uint32_t *free_slots;
  uint32_t free_first;
  uint32_t free_count;
  uint32_t listener_count;
  struct listener listeners[LISTENERS_MAX];
  uint8_t *rx;
  uint32_t rx_size;
  int32_t *events;
  uint32_t events_max;
  const uint8_t *tx;
  uint32_t tx_size;
  int32_t *segments;
  uint32_t segments_max;
  uint8_t *peers; /* one peer record per slot */
};

struct listen_options {
  int family; /* AF_INET or AF_INET6 */
  bool reuse_port;
  int backlog;
  union sock_name bind_to;
  socklen_t name_length;
};

/* Needs capacity and the arrays; 0 or a positive errno, and then nothing is left open. */
int streams_init(struct streams *streams);
/* Closes every descriptor and frees the table. Safe once after streams_init succeeded. */
void streams_release(struct streams *streams);
/* Opens a listener: its port, or a negative errno. */
int streams_listen(struct streams *streams, const struct listen_options *options);
void streams_stop_listening(struct streams *streams);
/* Lets listeners that rest accept again. */
void streams_resume(struct streams *streams);
/* Accepts and reads what is ready, without waiting; returns the number of events. */
uint32_t streams_gather(struct streams *streams);
/* Sends segments 0..count-1 and writes what the kernel took of each, or a negative errno; returns
 * how many were not taken whole. */
uint32_t streams_send(struct streams *streams, uint32_t count);
void streams_watch(struct streams *streams, uint32_t slot, uint32_t watched);
void streams_drop(struct streams *streams, uint32_t slot);

#endif
