/*
 * TCP connections of many clients: accepted, read and written in rounds. No JavaScript and no
 * event loop; it knows neither what the octets mean nor when a connection has had enough.
 *
 * Level-triggered, so that what a round leaves is met again by the next, in the order in which
 * epoll rotates what is ready: a client that sends without pause gets a chunk per round like the
 * others.
 */
#include "streams.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Connections taken from one listener per round; with READY_MAX they fit into the rows of one. */
#define ACCEPT_MAX 16
#define READY_MAX 32
/* A signal that interrupts a call is not a reason to try for ever. */
#define TRIES_MAX 4

/* Keys of epoll: a slot, or a listener's index above all slots. */
#define LISTENER_KEY ((uint64_t)1 << 32)

/* One round: rows and octets used so far. */
struct round {
  uint32_t count;
  uint32_t at;
};

static int set_on(int fd, int level, int option) {
  int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0 ? 0 : errno;
}

static uint32_t interest(uint32_t watched) {
  return (watched & WATCH_READ ? EPOLLIN : 0) | (watched & WATCH_WRITE ? EPOLLOUT : 0);
}

static int control(struct streams *streams, int operation, int fd, struct epoll_event event) {
  return epoll_ctl(streams->poller, operation, fd, &event) == 0 ? 0 : errno;
}

int streams_init(struct streams *streams) {
  streams->table = calloc(streams->capacity, sizeof *streams->table);
  streams->free_slots = calloc(streams->capacity, sizeof *streams->free_slots);
  streams->poller = epoll_create1(EPOLL_CLOEXEC);
  int error = streams->poller < 0 ? errno : 0;
  if (!error && (!streams->table || !streams->free_slots)) error = ENOMEM;
  if (error) {
    if (streams->poller >= 0) close(streams->poller);
    free(streams->table);
    free(streams->free_slots);
    return error;
  }
  for (uint32_t slot = 0; slot < streams->capacity; slot++) {
    streams->table[slot].fd = -1;
    streams->free_slots[slot] = slot;
  }
  streams->free_count = streams->capacity;
  return 0;
}

void streams_stop_listening(struct streams *streams) {
  for (uint32_t i = 0; i < streams->listener_count; i++) close(streams->listeners[i].fd);
  streams->listener_count = 0;
}

void streams_release(struct streams *streams) {
  streams_stop_listening(streams);
  for (uint32_t slot = 0; slot < streams->capacity; slot++) {
    if (streams->table[slot].fd >= 0) close(streams->table[slot].fd);
  }
  close(streams->poller);
  free(streams->table);
  free(streams->free_slots);
  streams->table = NULL;
  streams->free_slots = NULL;
  streams->capacity = 0;
}

/* Listeners. */

static int set_options(int fd, const struct listen_options *options) {
  int error = set_on(fd, SOL_SOCKET, SO_REUSEADDR);
  if (!error && options->family == AF_INET6) error = set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (!error && options->reuse_port) error = set_on(fd, SOL_SOCKET, SO_REUSEPORT);
  /* Inherited by what is accepted: an answer never waits for the acknowledgement of another. */
  if (!error) error = set_on(fd, IPPROTO_TCP, TCP_NODELAY);
  return error;
}

static int open_listener(const struct listen_options *options, int *fd) {
  *fd = socket(options->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (*fd < 0) return errno;
  int error = set_options(*fd, options);
  if (!error && bind(*fd, &options->bind_to.any, options->name_length) != 0) error = errno;
  if (!error && listen(*fd, options->backlog) != 0) error = errno;
  if (error) close(*fd);
  return error;
}

static int port_of(int fd) {
  union sock_name name = {0};
  socklen_t length = sizeof name;
  if (getsockname(fd, &name.any, &length) != 0) return -errno;
  return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

static struct epoll_event listener_event(uint32_t index, uint32_t events) {
  return (struct epoll_event){.events = events, .data.u64 = LISTENER_KEY | index};
}

int streams_listen(struct streams *streams, const struct listen_options *options) {
  uint32_t index = streams->listener_count;
  int fd = -1;
  if (index == LISTENERS_MAX) return -ENOSPC;
  int error = open_listener(options, &fd);
  if (error) return -error;
  int port = port_of(fd);
  if (port >= 0) error = control(streams, EPOLL_CTL_ADD, fd, listener_event(index, EPOLLIN));
  if (port < 0 || error) {
    close(fd);
    return port < 0 ? port : -error;
  }
  streams->listeners[index] = (struct listener){.fd = fd};
  streams->listener_count++;
  return port;
}

void streams_resume(struct streams *streams) {
  for (uint32_t i = 0; i < streams->listener_count; i++) {
    struct listener *listener = &streams->listeners[i];
    if (!listener->resting) continue;
    int error = control(streams, EPOLL_CTL_MOD, listener->fd, listener_event(i, EPOLLIN));
    listener->resting = error != 0;
  }
}

/* Rounds. */

static bool has_room(const struct streams *streams, const struct round *round) {
  return round->count < streams->events_max && streams->rx_size - round->at >= RX_CHUNK;
}

static void add_event(struct streams *streams, struct round *round, int32_t slot, int32_t what,
                      uint32_t length) {
  int32_t *row = streams->events + (size_t)round->count++ * ROW_SIZE;
  row[0] = slot;
  row[1] = what;
  row[2] = (int32_t)round->at;
  row[3] = (int32_t)length;
  if (what & EVENT_DATA) round->at += length;
}

/* Reads one chunk: an EVENT_ flag, or 0 when there was nothing after all. */
static int32_t read_chunk(struct streams *streams, struct round *round, int fd, uint32_t *length) {
  for (int i = 0; i < TRIES_MAX; i++) {
    ssize_t size = recv(fd, streams->rx + round->at, RX_CHUNK, MSG_DONTWAIT);
    if (size > 0) {
      *length = (uint32_t)size;
      return EVENT_DATA;
    }
    if (size == 0) return EVENT_ENDED;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return EVENT_FAILED;
  }
  return 0; /* level-triggered: the next round tries again */
}

/* What POLLERR or POLLHUP mean for a connection that is not to be read now. */
static int32_t look_at_error(int fd) {
  char octet;
  ssize_t size = recv(fd, &octet, 1, MSG_DONTWAIT | MSG_PEEK);
  /* A process that is about to exec may hold the last occupant of the slot open for a moment. */
  bool is_mistaken = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return is_mistaken ? 0 : EVENT_FAILED;
}

static void on_stream(struct streams *streams, struct round *round, uint32_t slot, uint32_t ready) {
  struct stream *stream = &streams->table[slot];
  int32_t what = 0;
  uint32_t length = 0;
  if (stream->fd < 0) return;
  if (ready & EPOLLOUT && stream->watched & WATCH_WRITE) {
    stream->stalled = false;
    what |= EVENT_WRITABLE;
  }
  if (stream->watched & WATCH_READ) {
    if (ready & ~(uint32_t)EPOLLOUT) what |= read_chunk(streams, round, stream->fd, &length);
  } else if (ready & (EPOLLERR | EPOLLHUP)) {
    what |= look_at_error(stream->fd);
  }
  if (what) add_event(streams, round, (int32_t)slot, what, length);
}

/* The new connection's slot, or -1: no slot, or epoll has no room. The descriptor is ours then. */
static int64_t take_in(struct streams *streams, int fd, const union sock_name *name) {
  if (streams->free_count == 0) return -1;
  uint32_t slot = streams->free_slots[streams->free_first];
  struct epoll_event event = {.events = interest(WATCH_READ), .data.u64 = slot};
  if (control(streams, EPOLL_CTL_ADD, fd, event) != 0) return -1;
  streams->free_first = (streams->free_first + 1) % streams->capacity;
  streams->free_count--;
  streams->table[slot] = (struct stream){.fd = fd, .watched = WATCH_READ};
  name_to_record(name, streams->peers + (size_t)slot * PEER_SIZE);
  return slot;
}

/* Errors of accept4(2) that are about one connection, which is gone; or a signal. */
static bool is_passing(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM: /* a firewall's rule */
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

/* Descriptors, memory or slots ran out: to be told of it for ever would keep the loop spinning. */
static void rest(struct streams *streams, struct round *round, uint32_t index, int error) {
  struct listener *listener = &streams->listeners[index];
  listener->resting = true;
  control(streams, EPOLL_CTL_MOD, listener->fd, listener_event(index, 0));
  add_event(streams, round, -1, EVENT_REFUSED, (uint32_t)error);
}

static void on_listener(struct streams *streams, struct round *round, uint32_t index) {
  if (index >= streams->listener_count) return;
  for (int i = 0; i < ACCEPT_MAX && has_room(streams, round); i++) {
    union sock_name name = {0};
    socklen_t size = sizeof name;
    uint32_t length = 0;
    int fd = accept4(streams->listeners[index].fd, &name.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (fd < 0 && is_passing(errno)) continue;
    int64_t slot = fd < 0 ? -1 : take_in(streams, fd, &name);
    if (slot < 0) {
      int error = fd < 0 ? errno : ENOSPC;
      if (fd >= 0) close(fd);
      rest(streams, round, index, error);
      return;
    }
    /* Its first query is there already more often than not. */
    int32_t what = EVENT_OPENED | read_chunk(streams, round, fd, &length);
    add_event(streams, round, (int32_t)slot, what, length);
  }
}

uint32_t streams_gather(struct streams *streams) {
  struct epoll_event ready[READY_MAX];
  struct round round = {0};
  int count = epoll_wait(streams->poller, ready, READY_MAX, 0);
  for (int i = 0; i < count && has_room(streams, &round); i++) {
    uint64_t key = ready[i].data.u64;
    if (key >= LISTENER_KEY) {
      on_listener(streams, &round, (uint32_t)(key - LISTENER_KEY));
    } else if (key < streams->capacity) {
      on_stream(streams, &round, (uint32_t)key, ready[i].events);
    }
  }
  return round.count;
}

/* Sending, and what JavaScript says about one connection. */

static bool is_open(const struct streams *streams, int64_t slot) {
  return slot >= 0 && slot < streams->capacity && streams->table[slot].fd >= 0;
}

/* Octets taken, 0 when there is no room now, or a negative errno. */
static int32_t send_octets(int fd, const uint8_t *octets, uint32_t length) {
  for (int i = 0; i < TRIES_MAX; i++) {
    ssize_t size = send(fd, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size >= 0) return (int32_t)size;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -errno;
  }
  return 0;
}

static int32_t send_segment(struct streams *streams, const int32_t *row) {
  int64_t slot = row[0], start = row[1], length = row[2];
  if (!is_open(streams, slot)) return -EBADF;
  if (start < 0 || length < 0 || start + length > streams->tx_size) return -EINVAL;
  struct stream *stream = &streams->table[slot];
  if (stream->stalled) return 0;
  int32_t taken = send_octets(stream->fd, streams->tx + start, (uint32_t)length);
  stream->stalled = taken >= 0 && taken < length;
  return taken;
}

uint32_t streams_send(struct streams *streams, uint32_t count) {
  uint32_t left = 0;
  if (count > streams->segments_max) count = streams->segments_max;
  for (uint32_t i = 0; i < count; i++) {
    int32_t *row = streams->segments + (size_t)i * ROW_SIZE;
    row[3] = row[0] == -1 ? row[2] : send_segment(streams, row);
    if (row[3] != row[2]) left++;
  }
  return left;
}

void streams_watch(struct streams *streams, uint32_t slot, uint32_t watched) {
  if (!is_open(streams, slot)) return;
  struct stream *stream = &streams->table[slot];
  struct epoll_event event = {.events = interest(watched), .data.u64 = slot};
  stream->watched = watched;
  control(streams, EPOLL_CTL_MOD, stream->fd, event);
}

void streams_drop(struct streams *streams, uint32_t slot) {
  if (!is_open(streams, slot)) return;
  /* Closing takes it out of epoll too. */
  close(streams->table[slot].fd);
  streams->table[slot].fd = -1;
  uint32_t last = (streams->free_first + streams->free_count) % streams->capacity;
  streams->free_slots[last] = slot;
  streams->free_count++;
}
