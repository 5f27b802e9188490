/*
 * What the N-API files share: reading arguments and making values. Arguments are checked by the
 * TypeScript side; here only what would make memory unsafe is checked again.
 */
#ifndef DNSVALVE_GLUE_H
#define DNSVALVE_GLUE_H

#include "dnsvalve_io.h"

#include <node_api.h>

/* Room for the text of a unix path (108) and for any address with a zone. */
#define TEXT_MAX 128

napi_value number(napi_env env, int64_t value);
napi_value undefined(napi_env env);
/* Throws a TypeError; returns NULL. */
napi_value failure(napi_env env, const char *message);
/* Reads exactly `count` arguments; false leaves an exception pending. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *out);
/* Data of an external value; NULL for anything else. */
void *external(napi_env env, napi_value value);

/* Data of a typed array of this type with at least `length` elements, kept alive by *ref, or
 * NULL. */
void *keep_array(napi_env env, napi_value value, napi_typedarray_type want, size_t length,
                 napi_ref *ref);
/* Calls a function with one number: the number it returns, or -1 when it threw (which Node is told)
 * or may not run any more. */
int32_t call_number(napi_env env, napi_ref function, int32_t argument);

/* slab_handle.c: createSlab(rx, rxLength, tx, txLength, txPeer, peer): handle. The arrays must stay
 * attached (never transferred to another thread). Its external is a `struct slab`. */
napi_value create_slab(napi_env env, napi_callback_info info);

/* udp_handle.c */
/* openUdp(slab, family, address, port, reusePort, peer | null, peerPort, onBatch, onError):
 * a handle, or a negative errno. */
napi_value open_udp(napi_env env, napi_callback_info info);
/* sendUdp(handle, slab, count): answers that the kernel took; 0 after close. */
napi_value send_udp(napi_env env, napi_callback_info info);
/* localUdp(handle, record): 0 or a negative errno; fills a peer record with the bound name. */
napi_value local_udp(napi_env env, napi_callback_info info);
/* deafenUdp(handle): 0, or a negative errno. */
napi_value deafen_udp(napi_env env, napi_callback_info info);
/* kernelDrops(handle), sendDrops(handle): counts since open. */
/* filterUdp(handle, family, rows, count): 0 or a positive errno. */
napi_value filter_udp(napi_env env, napi_callback_info info);
napi_value kernel_drops(napi_env env, napi_callback_info info);
napi_value send_drops(napi_env env, napi_callback_info info);
napi_value close_udp_handle(napi_env env, napi_callback_info info);

/* streams_handle.c */
/* createStreams(rx, events, tx, segments, peers, onBatch): a handle, or a negative errno. The
 * arrays must stay attached. */
napi_value create_streams(napi_env env, napi_callback_info info);
/* listenStreams(handle, family, address, port, reusePort, backlog): the port, or a negative
 * errno. */
napi_value listen_streams(napi_env env, napi_callback_info info);
/* sendStreams(handle, count): segments that were not taken whole. */
napi_value send_streams(napi_env env, napi_callback_info info);
/* watchStream(handle, slot, watched), dropStream(handle, slot): nothing when the slot is free. */
napi_value watch_stream(napi_env env, napi_callback_info info);
napi_value drop_stream(napi_env env, napi_callback_info info);
/* resumeStreams(handle), stopStreams(handle), closeStreams(handle): harmless after close. */
napi_value resume_streams(napi_env env, napi_callback_info info);
napi_value stop_streams(napi_env env, napi_callback_info info);
napi_value close_streams(napi_env env, napi_callback_info info);

/* unix_handle.c */
/* openUnix(path): a handle, or a negative errno. The receiver need not exist yet. */
napi_value open_unix(napi_env env, napi_callback_info info);
/* sendUnix(handle, octets): 0 or a positive errno. Never waits. */
napi_value send_unix(napi_env env, napi_callback_info info);
napi_value close_unix_handle(napi_env env, napi_callback_info info);

/* peer.c: peerCredentials(descriptor, record): 0 or a positive errno; fills in pid, uid, gid. */
napi_value peer_credentials(napi_env env, napi_callback_info info);
/* peer.c: isAcknowledged(descriptor): 1 where both ends of a TCP connection are closed, ours first
 * or acknowledged, and no reset came; else 0, or a negative errno. */
napi_value is_acknowledged(napi_env env, napi_callback_info info);

/* huge_pages.c: adviseHuge(octets): asks for huge pages where they are first used from now on. */
napi_value advise_huge(napi_env env, napi_callback_info info);

#endif
