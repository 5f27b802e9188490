/*
 * Batches of datagrams in and out: recvmmsg into a slab, sendmmsg out of one, and the peer record
 * between them. No JavaScript, no opening of sockets.
 */
#include "dnsvalve_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool lane_init(struct lane *lane, uint8_t *slots, uint32_t capacity) {
  lane->messages = calloc(capacity, sizeof *lane->messages);
  lane->vectors = calloc(capacity, sizeof *lane->vectors);
  lane->names = calloc(capacity, sizeof *lane->names);
  lane->controls = calloc(capacity, sizeof *lane->controls);
  if (!lane->messages || !lane->vectors || !lane->names || !lane->controls) return false;
  for (uint32_t i = 0; i < capacity; i++) {
    lane->vectors[i].iov_base = slots + (size_t)i * SLOT_STRIDE;
    lane->vectors[i].iov_len = SLOT_SIZE;
    struct msghdr *header = &lane->messages[i].msg_hdr;
    header->msg_iov = &lane->vectors[i];
    header->msg_iovlen = 1;
    header->msg_name = &lane->names[i];
    header->msg_namelen = sizeof lane->names[i];
    header->msg_control = &lane->controls[i];
    header->msg_controllen = CONTROL_SIZE;
  }
  return true;
}

static void lane_release(struct lane *lane) {
  free(lane->messages);
  free(lane->vectors);
  free(lane->names);
  free(lane->controls);
}

bool slab_init(struct slab *slab) {
  return lane_init(&slab->in, slab->rx, slab->capacity) &&
         lane_init(&slab->out, slab->tx, slab->capacity);
}

void slab_release(struct slab *slab) {
  lane_release(&slab->in);
  lane_release(&slab->out);
}

static void write_mapped(uint8_t *out, const struct in_addr *address) {
  memcpy(out, mapped_prefix, sizeof mapped_prefix);
  memcpy(out + sizeof mapped_prefix, address, 4);
}

static void write_u32le(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t read_u32le(const uint8_t *in) {
  return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

void name_to_record(const union sock_name *name, uint8_t *record) {
  memset(record, 0, PEER_SIZE);
  if (name->any.sa_family == AF_INET) {
    write_mapped(record, &name->v4.sin_addr);
    memcpy(record + PEER_PORT, &name->v4.sin_port, 2);
    record[PEER_FAMILY] = 4;
  } else if (name->any.sa_family == AF_INET6) {
    memcpy(record, &name->v6.sin6_addr, 16);
    memcpy(record + PEER_PORT, &name->v6.sin6_port, 2);
    record[PEER_FAMILY] = 6;
    write_u32le(record + PEER_SCOPE, name->v6.sin6_scope_id);
  }
}

/* The address that was asked, as the kernel tells it for wildcard binds. */
static void read_local(struct msghdr *header, uint8_t *record) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      /* ipi_spec_dst and not ipi_addr: for a broadcast it is the address of ours to answer from. */
      write_mapped(record + PEER_LOCAL, &info.ipi_spec_dst);
      write_u32le(record + PEER_INTERFACE, (uint32_t)info.ipi_ifindex);
      record[PEER_HAS_LOCAL] = 1;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(record + PEER_LOCAL, &info.ipi6_addr, 16);
      write_u32le(record + PEER_INTERFACE, info.ipi6_ifindex);
      record[PEER_HAS_LOCAL] = 1;
    }
  }
}

int packets_receive(struct udp *udp, struct slab *slab) {
  struct lane *lane = &slab->in;
  int count = recvmmsg(udp->fd, lane->messages, slab->capacity, MSG_DONTWAIT, NULL);
  if (count < 0) return -errno;
  for (int i = 0; i < count; i++) {
    struct msghdr *header = &lane->messages[i].msg_hdr;
    uint8_t *record = slab->peer + (size_t)i * PEER_SIZE;
    int32_t length = (int32_t)lane->messages[i].msg_len;
    slab->rx_length[i] = header->msg_flags & MSG_TRUNC ? -length : length;
    name_to_record(&lane->names[i], record);
    if (udp->wildcard) {
      read_local(header, record);
    } else {
      memcpy(record + PEER_LOCAL, udp->local, 16);
      record[PEER_HAS_LOCAL] = 1;
    }
    /* The kernel shortened these; the next call must offer the whole room again. */
    header->msg_namelen = sizeof lane->names[i];
    header->msg_controllen = CONTROL_SIZE;
  }
  return count;
}

static socklen_t record_to_name(const uint8_t *record, union sock_name *name) {
  memset(name, 0, sizeof *name);
  if (record[PEER_FAMILY] == 4) {
    name->v4.sin_family = AF_INET;
    memcpy(&name->v4.sin_addr, record + 12, 4);
    memcpy(&name->v4.sin_port, record + PEER_PORT, 2);
    return sizeof name->v4;
  }
  name->v6.sin6_family = AF_INET6;
  memcpy(&name->v6.sin6_addr, record, 16);
  memcpy(&name->v6.sin6_port, record + PEER_PORT, 2);
  name->v6.sin6_scope_id = read_u32le(record + PEER_SCOPE);
  return sizeof name->v6;
}

static size_t put_control(union control *control, int level, const void *info, size_t size) {
  memset(control, 0, sizeof *control);
  control->align.cmsg_level = level;
  control->align.cmsg_type = level == IPPROTO_IP ? IP_PKTINFO : IPV6_PKTINFO;
  control->align.cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(&control->align), info, size);
  return CMSG_SPACE(size);
}

/* Source address of an answer. Routing chooses the interface, unless it is part of the address. */
static size_t write_local(const uint8_t *record, union control *control) {
  if (record[PEER_FAMILY] == 4) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, record + PEER_LOCAL + 12, 4);
    return put_control(control, IPPROTO_IP, &info, sizeof info);
  }
  struct in6_pktinfo info = {0};
  memcpy(&info.ipi6_addr, record + PEER_LOCAL, 16);
  if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
    info.ipi6_ifindex = read_u32le(record + PEER_INTERFACE);
  }
  return put_control(control, IPPROTO_IPV6, &info, sizeof info);
}

static void prepare_answer(const struct udp *udp, struct slab *slab, uint32_t j) {
  struct lane *lane = &slab->out;
  struct msghdr *header = &lane->messages[j].msg_hdr;
  int32_t length = slab->tx_length[j];
  lane->vectors[j].iov_len = length < 0 ? 0 : length > SLOT_SIZE ? SLOT_SIZE : (size_t)length;
  header->msg_name = NULL;
  header->msg_namelen = 0;
  header->msg_control = NULL;
  header->msg_controllen = 0;
  if (udp->connected) return;
  uint32_t index = (uint32_t)slab->tx_peer[j];
  const uint8_t *record = slab->peer + (size_t)(index < slab->capacity ? index : 0) * PEER_SIZE;
  header->msg_name = &lane->names[j];
  header->msg_namelen = record_to_name(record, &lane->names[j]);
  if (udp->wildcard && record[PEER_HAS_LOCAL]) {
    header->msg_control = &lane->controls[j];
    header->msg_controllen = write_local(record, &lane->controls[j]);
  }
}

static bool queue_is_full(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

uint32_t packets_send(struct udp *udp, struct slab *slab, uint32_t count, int *error) {
  *error = 0;
  if (count > slab->capacity) count = slab->capacity;
  for (uint32_t j = 0; j < count; j++) prepare_answer(udp, slab, j);
  uint32_t next = 0, taken = 0;
  bool retried = false;
  while (next < count) {
    int sent = sendmmsg(udp->fd, slab->out.messages + next, count - next, MSG_DONTWAIT);
    if (sent > 0) {
      next += (uint32_t)sent;
      taken += (uint32_t)sent;
      retried = false;
      continue;
    }
    int failed = sent < 0 ? errno : EAGAIN;
    if (failed == EINTR) continue;
    if (queue_is_full(failed)) break;
    if (*error == 0) *error = failed;
    /* A connected socket first reports what became of earlier datagrams: that is not this one's
     * fault, so it gets one more try. Everything else is about this answer alone, which is lost. */
    if (udp->connected && !retried) {
      retried = true;
    } else {
      next++;
      retried = false;
    }
  }
  udp->send_drops += count - taken;
  return taken;
}
