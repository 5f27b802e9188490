/*
 * Opening sockets: UDP with the options a resolver wants, and unix datagram sockets. No JavaScript
 * and no event loop. Every function returns 0 or a positive errno unless it says otherwise.
 */
#include "dnsvalve_io.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_BUFFER_OCTETS (4 << 20)

/* More datagrams than can arrive between bind and connect. */
#define STRANGERS_MAX 4096

/* Since Linux 4.12: getsockopt(SO_MEMINFO) fills this many counters; the last are the drops. */
#define MEMINFO_VARS 9
#define MEMINFO_DROPS 8

int parse_name(int family, const char *address, uint16_t port, union sock_name *name) {
  struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  char service[8];
  /* Numeric only: nothing here may ever ask a resolver. Takes care of zones (fe80::1%eth0). */
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  snprintf(service, sizeof service, "%u", port);
  if (getaddrinfo(address, service, &hints, &found) != 0) return EINVAL;
  if (found->ai_addrlen > sizeof *name) {
    freeaddrinfo(found);
    return EINVAL;
  }
  memset(name, 0, sizeof *name);
  memcpy(name, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return 0;
}

static int set_int(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : errno;
}

/* Best effort: with CAP_NET_ADMIN beyond net.core.[rw]mem_max, otherwise up to it. */
static void grow_buffers(int fd) {
  if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_OCTETS) != 0) {
    set_int(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_OCTETS);
  }
  if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_OCTETS) != 0) {
    set_int(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_OCTETS);
  }
}

/* Path MTU from ICMP can be forged to make a resolver fragment its answers; do not learn it. */
static void ignore_path_mtu(int fd, int family) {
  if (family == AF_INET) {
    set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  } else {
    set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  }
}

static bool is_wildcard(const union sock_name *name) {
  if (name->any.sa_family == AF_INET) return name->v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&name->v6.sin6_addr);
}

static int set_options(int fd, const struct udp_options *options) {
  int error = 0;
  if (options->family == AF_INET6) error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (!error && options->reuse_port) error = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (!error && !options->connect && is_wildcard(&options->bind_to)) {
    error = options->family == AF_INET ? set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)
                                       : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
  grow_buffers(fd);
  ignore_path_mtu(fd, options->family);
  return error;
}

static int bind_and_connect(int fd, const struct udp_options *options) {
  if (bind(fd, &options->bind_to.any, options->name_length) != 0) return errno;
  if (!options->connect) return 0;
  if (connect(fd, &options->connect_to.any, options->name_length) != 0) return errno;
  /* Until now anybody could write to the port; the kernel does not clear the queue at connect. */
  for (int i = 0; i < STRANGERS_MAX; i++) {
    if (recv(fd, NULL, 0, MSG_DONTWAIT) < 0) break;
  }
  return 0;
}

int udp_open(struct udp *udp, const struct udp_options *options) {
  uint8_t record[PEER_SIZE];
  udp->fd = socket(options->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (udp->fd < 0) return errno;
  int error = set_options(udp->fd, options);
  if (!error) error = bind_and_connect(udp->fd, options);
  if (!error) error = udp_local(udp, record);
  if (error) {
    close(udp->fd);
    udp->fd = -1;
    return error;
  }
  udp->connected = options->connect;
  udp->wildcard = !options->connect && is_wildcard(&options->bind_to);
  memcpy(udp->local, record, 16);
  return 0;
}

int udp_local(const struct udp *udp, uint8_t *record) {
  union sock_name name = {0};
  socklen_t length = sizeof name;
  if (getsockname(udp->fd, &name.any, &length) != 0) return errno;
  name_to_record(&name, record);
  return 0;
}

/* A socket that is connected hears its peer only: here itself. Those that share the port hear the
 * others from now on (Linux skips connected sockets of an SO_REUSEPORT group); where nobody does,
 * clients are told at once that the port is closed. */
int udp_deafen(const struct udp *udp) {
  union sock_name name = {0};
  socklen_t length = sizeof name;
  if (getsockname(udp->fd, &name.any, &length) != 0) return errno;
  if (is_wildcard(&name)) {
    if (name.any.sa_family == AF_INET) {
      name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      name.v6.sin6_addr = in6addr_loopback;
    }
  }
  return connect(udp->fd, &name.any, length) == 0 ? 0 : errno;
}

/* SO_MEMINFO reads the counter that SO_RXQ_OVFL attaches to datagrams, whenever asked. */
uint32_t udp_kernel_drops(const struct udp *udp) {
  uint32_t counters[MEMINFO_VARS] = {0};
  socklen_t length = sizeof counters;
  if (udp->fd < 0) return udp->kernel_drops;
  if (getsockopt(udp->fd, SOL_SOCKET, SO_MEMINFO, counters, &length) != 0) return 0;
  return counters[MEMINFO_DROPS];
}

int unix_name(const char *path, struct sockaddr_un *name, socklen_t *length) {
  size_t size = strlen(path);
  bool abstract = path[0] == '@';
  memset(name, 0, sizeof *name);
  name->sun_family = AF_UNIX;
  if (size == 0) return EINVAL;
  /* A path needs its terminating NUL, an abstract name is as long as it says (unix(7)). */
  if (size + (abstract ? 0 : 1) > sizeof name->sun_path) return ENAMETOOLONG;
  memcpy(name->sun_path, path, size);
  if (abstract) name->sun_path[0] = '\0';
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
  return 0;
}

int unix_send(int fd, const struct sockaddr_un *name, socklen_t length, const struct iovec *data) {
  if (send(fd, data->iov_base, data->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
  int error = errno;
  /* Not connected yet, or the receiver was restarted: connect once, send once. */
  if (error != ENOTCONN && error != ECONNREFUSED && error != ECONNRESET && error != EPIPE) {
    return error;
  }
  if (connect(fd, (const struct sockaddr *)name, length) != 0) return errno;
  if (send(fd, data->iov_base, data->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
  return errno;
}
