/*
 * What the kernel knows of the other end of a stream socket, and Node does not ask: who it is, as
 * noted at connect(2), and whether it took all that it was sent. The socket is Node's: nothing here
 * keeps or closes it.
 */
#define _GNU_SOURCE
#include "glue.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

napi_value peer_credentials(napi_env env, napi_callback_info info) {
  napi_value args[2];
  napi_typedarray_type type;
  int32_t fd = -1;
  size_t length = 0;
  int32_t *out = NULL;
  if (!arguments(env, info, 2, args)) return NULL;
  bool is_number = napi_get_value_int32(env, args[0], &fd) == napi_ok;
  napi_status status = napi_get_typedarray_info(env, args[1], &type, &length, (void **)&out, NULL,
                                                NULL);
  if (!is_number || status != napi_ok || type != napi_int32_array || length < 3) {
    return failure(env, "expected a descriptor and three integers");
  }
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return number(env, errno);
  out[0] = (int32_t)peer.pid;
  out[1] = (int32_t)peer.uid;
  out[2] = (int32_t)peer.gid;
  return number(env, 0);
}

napi_value is_acknowledged(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int32_t fd = -1;
  if (!arguments(env, info, 1, args)) return NULL;
  if (napi_get_value_int32(env, args[0], &fd) != napi_ok) {
    return failure(env, "expected a descriptor");
  }
  struct tcp_info tcp;
  socklen_t size = sizeof tcp;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &size) < 0) return number(env, -errno);
  int error = 0;
  socklen_t error_size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) < 0) return number(env, -errno);
  /* Both ends are closed and ours was acknowledged: the kernel keeps the rest as TIME-WAIT. */
  return number(env, tcp.tcpi_state == TCP_CLOSE && error == 0);
}
