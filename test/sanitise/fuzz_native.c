/*
 * libFuzzer target for the C files of the I/O addon that know no JavaScript: packets.c, streams.c
 * and sockets.c, linked with --wrap so that the kernel is the fuzzer. What it says (lengths, flags,
 * addresses, errors, readiness) and what JavaScript leaves in the shared arrays is all input; after
 * each call the promises of the headers are checked.
 */
#include "../../src/native/dnsvalve_io.h"
#include "../../src/native/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* Descriptors of the fuzzer's kernel; everything below is the process's own. */
#define FAKE_FIRST 1000000
#define FAKES 256

static const uint8_t *input;
static size_t left;
static bool is_open[FAKES];

#define REQUIRE(condition) \
  do {                     \
    if (!(condition)) abort(); \
  } while (0)

static uint8_t take_octet(void) {
  if (left == 0) return 0;
  left--;
  return *input++;
}

static uint32_t take_word(void) {
  uint32_t word = 0;
  for (int i = 0; i < 4; i++) word = word << 8 | take_octet();
  return word;
}

/* Small as often as not, so that values lie within and beyond every bound. */
static uint32_t take_number(void) {
  uint8_t kind = take_octet();
  return kind < 160 ? kind % 40 : kind < 224 ? take_octet() * 37u : take_word();
}

static void fill(void *to, size_t size) {
  uint8_t *octets = to;
  for (size_t i = 0; i < size; i++) octets[i] = take_octet();
}

static void touch(const void *from, size_t size) {
  const volatile uint8_t *octets = from;
  for (size_t i = 0; i < size; i++) (void)octets[i];
}

static int fail(void) {
  static const int errors[] = {EAGAIN, EINTR,  ENOBUFS, ECONNREFUSED, EPERM,
                               ENOMEM, EMFILE, EPIPE,   ECONNABORTED, EINVAL};
  errno = errors[take_octet() % (sizeof errors / sizeof *errors)];
  return -1;
}

static int open_fake(void) {
  for (int i = 0; i < FAKES; i++) {
    if (is_open[i]) continue;
    is_open[i] = true;
    return FAKE_FIRST + i;
  }
  errno = EMFILE;
  return -1;
}

static int count_fakes(void) {
  int count = 0;
  for (int i = 0; i < FAKES; i++) count += is_open[i];
  return count;
}

static void fill_name(void *name, socklen_t *length) {
  union sock_name given;
  fill(&given, sizeof given);
  given.any.sa_family = take_octet() % 3 ? AF_INET : AF_INET6;
  memcpy(name, &given, *length < sizeof given ? *length : sizeof given);
  *length = sizeof given;
}

/* The kernel. */

int __real_close(int fd);
int __wrap_close(int fd) {
  if (fd < FAKE_FIRST) return __real_close(fd);
  REQUIRE(fd < FAKE_FIRST + FAKES && is_open[fd - FAKE_FIRST]);
  is_open[fd - FAKE_FIRST] = false;
  return 0;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, void *timeout) {
  (void)fd;
  (void)flags;
  (void)timeout;
  uint32_t got = take_number();
  if (got > count) return fail();
  for (uint32_t i = 0; i < got; i++) {
    struct msghdr *header = &messages[i].msg_hdr;
    uint32_t length = take_number();
    header->msg_flags = 0;
    if (length > header->msg_iov->iov_len) {
      length = (uint32_t)header->msg_iov->iov_len;
      header->msg_flags = MSG_TRUNC;
    }
    messages[i].msg_len = length;
    if (length > 0) memset(header->msg_iov->iov_base, take_octet(), length);
    fill_name(header->msg_name, &header->msg_namelen);
    size_t control = take_number() % (header->msg_controllen + 1);
    fill(header->msg_control, control);
    /* The kernel writes whole messages, of the kinds that were asked for and of others. */
    if (control >= CMSG_LEN(0)) {
      struct cmsghdr *first = header->msg_control;
      bool is_v4 = take_octet() & 1;
      size_t size = is_v4 ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo);
      first->cmsg_len = CMSG_LEN(size);
      first->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
      first->cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
      if (first->cmsg_len > control) control = 0;
    }
    header->msg_controllen = control < CMSG_SPACE(sizeof(struct in6_pktinfo)) && control > 0
                                 ? CMSG_SPACE(sizeof(struct in_pktinfo))
                                 : control;
    if (control == 0) header->msg_controllen = 0;
  }
  return (int)got;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  (void)fd;
  (void)flags;
  if (take_octet() % 4 == 0) return fail();
  uint32_t sent = 1 + take_number() % count;
  for (uint32_t i = 0; i < sent; i++) {
    const struct msghdr *header = &messages[i].msg_hdr;
    REQUIRE(header->msg_iovlen == 1 && header->msg_iov->iov_len <= SLOT_SIZE);
    touch(header->msg_iov->iov_base, header->msg_iov->iov_len);
    touch(header->msg_name, header->msg_namelen);
    touch(header->msg_control, header->msg_controllen);
    REQUIRE(header->msg_controllen <= CONTROL_SIZE);
  }
  return (int)sent;
}

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags) {
  (void)flags;
  REQUIRE(is_open[fd - FAKE_FIRST]);
  uint8_t kind = take_octet();
  if (kind < 40) return fail();
  /* Without room the datagram is thrown away. */
  if (kind < 60 || size == 0) return 0;
  size_t length = 1 + take_number() % size;
  memset(to, kind, length);
  return (ssize_t)length;
}

ssize_t __wrap_send(int fd, const void *from, size_t size, int flags) {
  (void)flags;
  if (fd >= FAKE_FIRST) REQUIRE(is_open[fd - FAKE_FIRST]);
  touch(from, size);
  uint8_t kind = take_octet();
  if (kind < 60) return fail();
  return (ssize_t)(kind < 160 ? size : take_number() % (size + 1));
}

int __wrap_accept4(int fd, struct sockaddr *name, socklen_t *length, int flags) {
  (void)flags;
  REQUIRE(is_open[fd - FAKE_FIRST]);
  if (take_octet() % 3 == 0) return fail();
  fill_name(name, length);
  return open_fake();
}

int __wrap_epoll_create1(int flags) {
  (void)flags;
  return open_fake();
}

int __wrap_epoll_ctl(int poller, int operation, int fd, struct epoll_event *event) {
  (void)operation;
  REQUIRE(is_open[poller - FAKE_FIRST] && is_open[fd - FAKE_FIRST]);
  touch(event, sizeof *event);
  return take_octet() < 10 ? fail() : 0;
}

int __wrap_epoll_wait(int poller, struct epoll_event *events, int max, int timeout) {
  (void)poller;
  (void)timeout;
  int count = take_octet() % (max + 2) - 1;
  for (int i = 0; i < count; i++) {
    bool is_listener = take_octet() % 4 == 0;
    events[i].events = take_octet() & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP);
    /* Keys of slots that were closed in this very round come too. */
    events[i].data.u64 = (is_listener ? (uint64_t)1 << 32 : 0) | take_number();
  }
  return count;
}

int __wrap_socket(int domain, int type, int protocol) {
  (void)domain;
  (void)type;
  (void)protocol;
  return take_octet() < 10 ? fail() : open_fake();
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
  (void)fd;
  (void)level;
  (void)option;
  touch(value, size);
  return take_octet() < 10 ? fail() : 0;
}

int __wrap_bind(int fd, const struct sockaddr *name, socklen_t length) {
  (void)fd;
  touch(name, length);
  return take_octet() < 10 ? fail() : 0;
}

int __wrap_connect(int fd, const struct sockaddr *name, socklen_t length) {
  return __wrap_bind(fd, name, length);
}

int __wrap_listen(int fd, int backlog) {
  (void)fd;
  (void)backlog;
  return take_octet() < 10 ? fail() : 0;
}

int __wrap_getsockname(int fd, struct sockaddr *name, socklen_t *length) {
  (void)fd;
  if (take_octet() < 10) return fail();
  fill_name(name, length);
  return 0;
}

/* Arrays of exactly the size that JavaScript gives, so that one octet beyond is seen. */
static void *array(size_t size) {
  void *made = calloc(1, size);
  REQUIRE(made);
  return made;
}

static void fuzz_packets(void) {
  uint32_t capacity = 1 + take_octet() % 8;
  int32_t *tx_length = array(capacity * sizeof *tx_length);
  int32_t *tx_peer = array(capacity * sizeof *tx_peer);
  struct slab slab = {.capacity = capacity,
                      .rx = array((size_t)capacity * SLOT_STRIDE),
                      .rx_length = array(capacity * sizeof(int32_t)),
                      .tx = array((size_t)capacity * SLOT_STRIDE),
                      .tx_length = tx_length,
                      .tx_peer = tx_peer,
                      .peer = array((size_t)capacity * PEER_SIZE)};
  REQUIRE(slab_init(&slab));
  struct udp udp = {.connected = take_octet() & 1, .wildcard = take_octet() & 1};
  for (int step = 0; step < 24 && left > 0; step++) {
    int count = packets_receive(&udp, &slab);
    REQUIRE(count <= (int)capacity);
    for (int i = 0; i < count; i++) {
      REQUIRE(slab.rx_length[i] <= SLOT_SIZE && slab.rx_length[i] >= -SLOT_SIZE);
    }
    /* JavaScript's side is not trusted with memory either. */
    fill(slab.peer, take_number() % (capacity * PEER_SIZE + 1));
    for (uint32_t j = 0; j < capacity; j++) {
      tx_length[j] = (int32_t)take_number();
      tx_peer[j] = (int32_t)take_number();
    }
    int error = 0;
    uint32_t asked = take_number();
    uint32_t taken = packets_send(&udp, &slab, asked, &error);
    REQUIRE(taken <= asked && taken <= capacity);
  }
  slab_release(&slab);
  free(slab.rx);
  free(slab.rx_length);
  free(slab.tx);
  free(tx_length);
  free(tx_peer);
  free(slab.peer);
}

static void check_events(const struct streams *streams, uint32_t count) {
  uint32_t at = 0;
  REQUIRE(count <= streams->events_max);
  for (uint32_t i = 0; i < count; i++) {
    const int32_t *row = streams->events + (size_t)i * ROW_SIZE;
    REQUIRE(row[0] >= -1 && row[0] < (int32_t)streams->capacity);
    if (!(row[1] & EVENT_DATA)) continue;
    REQUIRE(row[2] == (int32_t)at && row[3] > 0);
    at += (uint32_t)row[3];
    REQUIRE(at <= streams->rx_size);
  }
}

/* No descriptor is lost and none is closed twice: the poller, listeners and connections are all. */
static void check_slots(const struct streams *streams) {
  uint32_t used = 0;
  for (uint32_t slot = 0; slot < streams->capacity; slot++) used += streams->table[slot].fd >= 0;
  REQUIRE(used + streams->free_count == streams->capacity);
  REQUIRE(count_fakes() == (int)(1 + streams->listener_count + used));
}

static void fuzz_streams(void) {
  uint32_t events_max = 1 + take_octet() % 64, segments_max = 1 + take_octet() % 16;
  uint8_t *tx = array(512);
  struct streams streams = {.capacity = 1 + take_octet() % 24,
                            .rx_size = RX_CHUNK * (1 + take_octet() % 3),
                            .events_max = events_max,
                            .tx = tx,
                            .tx_size = 512,
                            .segments_max = segments_max};
  streams.rx = array(streams.rx_size);
  streams.events = array((size_t)events_max * ROW_SIZE * sizeof(int32_t));
  streams.segments = array((size_t)segments_max * ROW_SIZE * sizeof(int32_t));
  streams.peers = array((size_t)streams.capacity * PEER_SIZE);
  if (streams_init(&streams) == 0) {
    struct listen_options options = {.family = AF_INET, .backlog = 5};
    options.bind_to.any.sa_family = AF_INET;
    options.name_length = sizeof(struct sockaddr_in);
    for (int step = 0; step < 48 && left > 0; step++) {
      switch (take_octet() % 7) {
        case 0:
          streams_listen(&streams, &options);
          break;
        case 1:
          for (uint32_t i = 0; i < segments_max * ROW_SIZE; i++) {
            streams.segments[i] = (int32_t)take_number();
          }
          streams_send(&streams, take_number());
          break;
        case 2:
          streams_watch(&streams, take_number(), take_number());
          break;
        case 3:
          streams_drop(&streams, take_number());
          break;
        case 4:
          streams_resume(&streams);
          if (take_octet() < 8) streams_stop_listening(&streams);
          break;
        default:
          check_events(&streams, streams_gather(&streams));
      }
      check_slots(&streams);
    }
    streams_release(&streams);
  }
  REQUIRE(count_fakes() == 0);
  free(streams.rx);
  free(tx);
  free(streams.events);
  free(streams.segments);
  free(streams.peers);
}

/* Texts as glue.h bounds them: at most 127 octets and their NUL. */
static void fuzz_names(void) {
  char text[128];
  size_t size = left < sizeof text - 1 ? left : sizeof text - 1;
  struct sockaddr_un unix_address;
  union sock_name name;
  socklen_t length = 0;
  memcpy(text, input, size);
  text[size] = '\0';
  if (unix_name(text, &unix_address, &length) == 0) REQUIRE(length <= sizeof unix_address);
  for (int family = 4; family <= 6; family += 2) {
    if (parse_name(family == 4 ? AF_INET : AF_INET6, text, 53, &name) == 0) {
      uint8_t *record = array(PEER_SIZE);
      name_to_record(&name, record);
      REQUIRE(record[PEER_FAMILY] == family);
      free(record);
    }
  }
  struct udp udp = {0};
  struct udp_options options = {.family = AF_INET, .name_length = sizeof(struct sockaddr_in)};
  options.bind_to.any.sa_family = AF_INET;
  options.connect = take_octet() & 1;
  if (udp_open(&udp, &options) == 0) __wrap_close(udp.fd);
  REQUIRE(count_fakes() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input = data;
  left = size;
  memset(is_open, 0, sizeof is_open);
  switch (take_octet() % 8) {
    case 0:
      fuzz_names();
      break;
    case 1:
    case 2:
    case 3:
      fuzz_packets();
      break;
    default:
      fuzz_streams();
  }
  return 0;
}
