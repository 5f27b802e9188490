/*
 * UDP sockets polled on the calling thread's own loop (the main one or a worker's).
 *
 * Life: open -> on_ready (receive, one call of onBatch, send; repeated) -> close, by JavaScript or
 * by the end of its environment -> on_closed. The struct goes when both the loop and the JavaScript
 * handle have let go of it, so that a late call on a closed handle is harmless.
 */
#include "glue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

/* Batches one socket may take per readiness event, so that busy sockets share the loop fairly. */
#define ROUNDS_MAX 8

/* A listener that hears more than one datagram in 20 us takes a breath of 100 us after a small
 * batch, as a network card does between interrupts: where the load came in batches of 6 to 10, they
 * are of 35 to 45 so, and a hit took 8.5 us of the worker without and 8.0 with (medians of 2 and 3
 * runs that lay a fifth apart). Below that rate nobody waits. */
#define BUSY_NS 20000
#define BREATH_NS 100000
#define SMALL_BATCH 32

struct js_udp {
  struct udp udp;
  uv_poll_t poll;
  napi_env env;
  napi_ref on_batch;
  napi_ref on_error;
  napi_ref slab_ref;
  struct slab *slab;
  napi_async_cleanup_hook_handle hook;
  uint64_t heard_ns; /* when the last readiness event was done with */
  int holders; /* the loop and the JavaScript handle: 2, 1, freed */
  bool closing;
};

/* UDP: calls into JavaScript. */

/* Node's uncaughtException decides about what a callback throws; swallowing it would hide bugs. */
static void raise_pending(napi_env env) {
  bool pending = false;
  napi_value thrown = NULL;
  napi_is_exception_pending(env, &pending);
  if (!pending || napi_get_and_clear_last_exception(env, &thrown) != napi_ok) return;
  napi_fatal_exception(env, thrown);
}

/* Calls back with one number; -1 when it threw or may not run any more. */
static int32_t call_back(struct js_udp *js, napi_ref function, int32_t argument) {
  napi_value callee, receiver, value, result = NULL;
  int32_t answer = 0;
  if (napi_get_reference_value(js->env, function, &callee) != napi_ok) return -1;
  if (napi_get_global(js->env, &receiver) != napi_ok) return -1;
  if (napi_create_int32(js->env, argument, &value) != napi_ok) return -1;
  /* make_callback and not call_function: ticks and promises of the callback run when it returns. */
  napi_status status = napi_make_callback(js->env, NULL, receiver, callee, 1, &value, &result);
  if (status != napi_ok) {
    raise_pending(js->env);
    return -1;
  }
  napi_get_value_int32(js->env, result, &answer);
  return answer;
}

static void report(struct js_udp *js, int error) {
  if (!js->closing) call_back(js, js->on_error, error);
}

static uint32_t transmit(struct js_udp *js, struct slab *slab, uint32_t count) {
  int error = 0;
  uint32_t taken = packets_send(&js->udp, slab, count, &error);
  /* An unconnected socket's errors are about one peer each: they are counted, not reported. */
  if (error != 0 && js->udp.connected) report(js, error);
  return taken;
}

/* One batch; false when there is no more to do in this readiness event. Adds to *heard. */
static bool run_round(struct js_udp *js, uint32_t *heard) {
  int count = packets_receive(&js->udp, js->slab);
  if (count == -EINTR) return true;
  if (count == 0 || count == -EAGAIN || count == -EWOULDBLOCK) return false;
  if (count < 0) {
    report(js, -count);
    return !js->closing;
  }
  *heard += (uint32_t)count;
  int32_t answers = call_back(js, js->on_batch, count);
  if (answers < 0 || js->closing) return false;
  bool drained = (uint32_t)count < js->slab->capacity;
  if (answers > 0) transmit(js, js->slab, (uint32_t)answers);
  return !drained && !js->closing;
}

static void take_breath(struct js_udp *js, uint32_t heard) {
  uint64_t now = uv_hrtime();
  bool busy = heard > 0 && (now - js->heard_ns) / heard < BUSY_NS;
  js->heard_ns = now;
  if (!busy || heard >= SMALL_BATCH) return;
  struct timespec breath = {.tv_nsec = BREATH_NS};
  nanosleep(&breath, NULL);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)events;
  struct js_udp *js = poll->data;
  napi_handle_scope scope;
  if (napi_open_handle_scope(js->env, &scope) != napi_ok) return;
  /* libuv stops polling at POLLERR, which for UDP is only an ICMP message that recvmmsg reports. */
  if (status < 0) uv_poll_start(poll, UV_READABLE, on_ready);
  uint32_t heard = 0;
  for (int round = 0; round < ROUNDS_MAX; round++) {
    if (!run_round(js, &heard)) break;
  }
  if (!js->closing && !js->udp.connected) take_breath(js, heard);
  napi_close_handle_scope(js->env, scope);
}

/* UDP: opening and closing. */

static void let_go(struct js_udp *js) {
  if (--js->holders == 0) free(js);
}

static void on_closed(uv_handle_t *handle) {
  struct js_udp *js = handle->data;
  if (js->hook) napi_remove_async_cleanup_hook(js->hook);
  let_go(js);
}

/* Closes the descriptor and lets JavaScript's objects go; the poll handle must not be active. */
static void release_resources(struct js_udp *js) {
  js->closing = true;
  js->udp.kernel_drops = udp_kernel_drops(&js->udp);
  close(js->udp.fd);
  js->udp.fd = -1;
  napi_delete_reference(js->env, js->on_batch);
  napi_delete_reference(js->env, js->on_error);
  napi_delete_reference(js->env, js->slab_ref);
}

static void close_udp(struct js_udp *js) {
  if (js->closing) return;
  /* uv_close first: it forgets the descriptor, whose number may be reused at once. */
  uv_close((uv_handle_t *)&js->poll, on_closed);
  release_resources(js);
}

/* The environment (a worker, or the process) ends: it waits until on_closed removes the hook. */
static void on_exit_of_env(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_udp(data);
}

static void drop_udp(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  let_go(data);
}

static bool start_polling(napi_env env, struct js_udp *js) {
  uv_loop_t *loop = NULL;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok ||
      uv_poll_init(loop, &js->poll, js->udp.fd) != 0) {
    release_resources(js);
    return false;
  }
  js->poll.data = js;
  /* Of this thread: the kernel would make 150 us of a breath of 100. */
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  /* From here on the loop holds the struct, and close_udp undoes everything. */
  js->holders++;
  if (napi_add_async_cleanup_hook(env, on_exit_of_env, js, &js->hook) != napi_ok) js->hook = NULL;
  if (js->hook && uv_poll_start(&js->poll, UV_READABLE, on_ready) == 0) return true;
  close_udp(js);
  return false;
}

enum {
  O_SLAB,
  O_FAMILY,
  O_ADDRESS,
  O_PORT,
  O_REUSE,
  O_PEER,
  O_PEER_PORT,
  O_BATCH,
  O_ERROR,
  O_COUNT
};

static int read_name(napi_env env, const napi_value *args, int family, union sock_name *name) {
  char text[TEXT_MAX];
  size_t size = 0;
  uint32_t port = 0;
  if (napi_get_value_string_utf8(env, args[0], text, sizeof text, &size) != napi_ok) return EINVAL;
  if (napi_get_value_uint32(env, args[1], &port) != napi_ok || port > UINT16_MAX) return EINVAL;
  return parse_name(family, text, (uint16_t)port, name);
}

static int read_options(napi_env env, const napi_value *args, struct udp_options *options) {
  uint32_t family = 0;
  napi_valuetype type = napi_undefined;
  napi_get_value_uint32(env, args[O_FAMILY], &family);
  napi_get_value_bool(env, args[O_REUSE], &options->reuse_port);
  options->family = family == 6 ? AF_INET6 : AF_INET;
  options->name_length = family == 6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  int error = read_name(env, &args[O_ADDRESS], options->family, &options->bind_to);
  napi_typeof(env, args[O_PEER], &type);
  if (error || type != napi_string) return error;
  options->connect = true;
  return read_name(env, &args[O_PEER], options->family, &options->connect_to);
}

napi_value open_udp(napi_env env, napi_callback_info info) {
  napi_value args[O_COUNT], handle = NULL;
  struct udp_options options = {0};
  if (!arguments(env, info, O_COUNT, args)) return NULL;
  struct slab *slab = external(env, args[O_SLAB]);
  if (!slab) return failure(env, "not a slab");
  int error = read_options(env, args, &options);
  if (error) return number(env, -error);
  struct js_udp *js = calloc(1, sizeof *js);
  if (!js) return number(env, -ENOMEM);
  js->env = env;
  js->slab = slab;
  js->holders = 1;
  error = udp_open(&js->udp, &options);
  if (error) {
    free(js);
    return number(env, -error);
  }
  if (napi_create_external(env, js, drop_udp, NULL, &handle) != napi_ok) {
    close(js->udp.fd);
    free(js);
    return number(env, -ENOMEM);
  }
  napi_create_reference(env, args[O_BATCH], 1, &js->on_batch);
  napi_create_reference(env, args[O_ERROR], 1, &js->on_error);
  napi_create_reference(env, args[O_SLAB], 1, &js->slab_ref);
  return start_polling(env, js) ? handle : number(env, -EIO);
}

napi_value send_udp(napi_env env, napi_callback_info info) {
  napi_value args[3];
  uint32_t count = 0;
  if (!arguments(env, info, 3, args)) return NULL;
  struct js_udp *js = external(env, args[0]);
  struct slab *slab = external(env, args[1]);
  if (!js || !slab || napi_get_value_uint32(env, args[2], &count) != napi_ok) {
    return failure(env, "expected a socket, a slab and a count");
  }
  return number(env, js->closing ? 0 : transmit(js, slab, count));
}

napi_value local_udp(napi_env env, napi_callback_info info) {
  napi_value args[2];
  size_t length = 0;
  void *record = NULL;
  if (!arguments(env, info, 2, args)) return NULL;
  struct js_udp *js = external(env, args[0]);
  napi_get_typedarray_info(env, args[1], NULL, &length, &record, NULL, NULL);
  if (!js || !record || length < PEER_SIZE) return failure(env, "expected a socket and a record");
  return number(env, js->closing ? -EBADF : -udp_local(&js->udp, record));
}

napi_value filter_udp(napi_env env, napi_callback_info info) {
  napi_value args[4];
  uint32_t family = 0, count = 0;
  size_t length = 0;
  void *rows = NULL;
  if (!arguments(env, info, 4, args)) return NULL;
  struct js_udp *js = external(env, args[0]);
  napi_get_value_uint32(env, args[1], &family);
  napi_get_typedarray_info(env, args[2], NULL, &length, &rows, NULL, NULL);
  napi_get_value_uint32(env, args[3], &count);
  if (!js || (count > 0 && !rows) || length < (size_t)count * FILTER_ROW) {
    return failure(env, "expected a socket, a family, rows and their count");
  }
  if (js->closing) return number(env, EBADF);
  return number(env, udp_filter(&js->udp, family == 6 ? AF_INET6 : AF_INET, rows, count));
}

napi_value kernel_drops(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_udp *js = external(env, args[0]);
  return number(env, js ? udp_kernel_drops(&js->udp) : 0);
}

napi_value send_drops(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_udp *js = external(env, args[0]);
  return number(env, js ? js->udp.send_drops : 0);
}

napi_value deafen_udp(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_udp *js = external(env, args[0]);
  return number(env, !js || js->closing ? -EBADF : -udp_deafen(&js->udp));
}

napi_value close_udp_handle(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_udp *js = external(env, args[0]);
  if (js) close_udp(js);
  return undefined(env);
}
