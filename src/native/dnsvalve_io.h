/*
 * Shapes and limits shared by the C files of the I/O addon. The addon moves octets between sockets
 * and slabs that JavaScript owns; it knows no DNS and decides nothing.
 *
 * SLOT_SIZE, SLOT_STRIDE, PEER_SIZE and the PEER_ offsets are those of src/batch.ts; addon.ts
 * refuses an addon whose two sizes differ from them.
 */
#ifndef DNSVALVE_IO_H
#define DNSVALVE_IO_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NAPI_VERSION 8

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SLOT_SIZE 4096
#define SLOT_STRIDE (SLOT_SIZE + 128)
#define CAPACITY_MAX 1024
#define PEER_SIZE 48
#define PEER_PORT 16
#define PEER_FAMILY 18
#define PEER_HAS_LOCAL 19
#define PEER_SCOPE 20
#define PEER_LOCAL 24
#define PEER_INTERFACE 40
#define FILTER_ROW 20

/* Room for one IP_PKTINFO or IPV6_PKTINFO message (28 or 40 octets), with some to spare. */
#define CONTROL_SIZE 64

union sock_name {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

union control {
  uint8_t octets[CONTROL_SIZE];
  struct cmsghdr align;
};

/* System call headers of one direction; entry i points at slot i, at names[i] and controls[i]. */
struct lane {
  struct mmsghdr *messages;
  struct iovec *vectors;
  union sock_name *names;
  union control *controls;
};

/* A Batch of src/batch.ts: pointers into its typed arrays, and the headers to move it with. */
struct slab {
  uint32_t capacity;
  uint8_t *rx;
  int32_t *rx_length;
  uint8_t *tx;
  const int32_t *tx_length;
  const int32_t *tx_peer;
  uint8_t *peer;
  struct lane in;
  struct lane out;
};

/* The part of a UDP socket that moves packets. */
struct udp {
  int fd;
  bool connected;
  /* Bound to the wildcard address: the kernel tells which address was asked; we answer from it. */
  bool wildcard;
  /* The bound address in the 16-octet form; meaningless when wildcard. */
  uint8_t local[16];
  uint32_t send_drops;
  /* What the kernel had counted when the socket was closed. */
  uint32_t kernel_drops;
};

struct udp_options {
  int family; /* AF_INET or AF_INET6 */
  bool reuse_port;
  union sock_name bind_to;
  socklen_t name_length;
  bool connect;
  union sock_name connect_to;
};

/* sockets.c: all return 0 or a positive errno. */
int parse_name(int family, const char *address, uint16_t port, union sock_name *name);
int udp_open(struct udp *udp, const struct udp_options *options);
/* Writes address, port, family and scope of the bound name as a peer record. */
int udp_local(const struct udp *udp, uint8_t *record);
/* Hears nobody any more; what lies in its queue stays, and it still sends to anybody. */
int udp_deafen(const struct udp *udp);
uint32_t udp_kernel_drops(const struct udp *udp);
/* filter.c: of datagrams from the sources in `count` rows of 20 octets, the kernel passes a share.
 * Replaces the filter before; 0 rows take it off. */
int udp_filter(const struct udp *udp, int family, const uint8_t *rows, uint32_t count);
/* A leading '@' names an abstract socket. ENAMETOOLONG when sun_path cannot hold it. */
int unix_name(const char *path, struct sockaddr_un *name, socklen_t *length);
int unix_send(int fd, const struct sockaddr_un *name, socklen_t length, const struct iovec *data);

/* packets.c */
bool slab_init(struct slab *slab);
void slab_release(struct slab *slab);
void name_to_record(const union sock_name *name, uint8_t *record);
/* Datagrams received into slots 0..n-1, or a negative errno. Never waits. */
int packets_receive(struct udp *udp, struct slab *slab);
/* Sends answers 0..count-1, never waits; returns how many the kernel took. *error: first errno. */
uint32_t packets_send(struct udp *udp, struct slab *slab, uint32_t count, int *error);

#endif
