/*
 * Unix datagram sockets for /dev/log and NOTIFY_SOCKET: send only, never waiting, reconnecting when
 * the receiver was restarted. Nothing is ever received.
 */
#include "glue.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct js_unix {
  int fd;
  struct sockaddr_un name;
  socklen_t length;
};

static void close_unix(struct js_unix *js) {
  if (js->fd >= 0) close(js->fd);
  js->fd = -1;
}

static void drop_unix(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_unix(data);
  free(data);
}

napi_value open_unix(napi_env env, napi_callback_info info) {
  napi_value args[1], handle = NULL;
  char path[TEXT_MAX];
  size_t size = 0;
  if (!arguments(env, info, 1, args)) return NULL;
  if (napi_get_value_string_utf8(env, args[0], path, sizeof path, &size) != napi_ok) {
    return failure(env, "expected a path");
  }
  struct js_unix *js = calloc(1, sizeof *js);
  if (!js) return number(env, -ENOMEM);
  int error = unix_name(path, &js->name, &js->length);
  js->fd = error ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (!error && js->fd < 0) error = errno;
  if (error || napi_create_external(env, js, drop_unix, NULL, &handle) != napi_ok) {
    drop_unix(env, js, NULL);
    return number(env, -error);
  }
  return handle;
}

napi_value send_unix(napi_env env, napi_callback_info info) {
  napi_value args[2];
  napi_typedarray_type type;
  struct iovec octets = {0};
  if (!arguments(env, info, 2, args)) return NULL;
  struct js_unix *js = external(env, args[0]);
  napi_status status = napi_get_typedarray_info(env, args[1], &type, &octets.iov_len,
                                                &octets.iov_base, NULL, NULL);
  if (!js || status != napi_ok || type != napi_uint8_array) {
    return failure(env, "expected a socket and octets");
  }
  return number(env, js->fd < 0 ? EBADF : unix_send(js->fd, &js->name, js->length, &octets));
}

napi_value close_unix_handle(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_unix *js = external(env, args[0]);
  if (js) close_unix(js);
  return undefined(env);
}
