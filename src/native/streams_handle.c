/*
 * Streams polled on the calling thread's own loop: one poll handle, on the epoll instance that
 * watches every listener and connection.
 *
 * Life: create -> on_ready (gather, one call of onBatch; repeated) -> close, by JavaScript or by
 * the end of its environment -> on_closed. The struct goes when both the loop and the JavaScript
 * handle have let go of it, so that a late call on a closed handle is harmless. JavaScript may
 * close any connection, or all of it, inside onBatch: nothing gathered is looked at afterwards.
 */
#include "glue.h"
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

/* Full rounds one readiness event may take before other sockets have their turn. */
#define ROUNDS_MAX 4
/* Rounds with fewer events than this have met all that was ready. */
#define ROUND_IS_FULL 32

enum { RX, EVENTS, TX, SEGMENTS, PEERS, ON_BATCH, C_COUNT };

struct js_streams {
  struct streams streams;
  uv_poll_t poll;
  napi_env env;
  napi_ref refs[C_COUNT];
  napi_async_cleanup_hook_handle hook;
  int holders; /* the loop and the JavaScript handle: 2, 1, freed */
  bool closing;
};

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)events;
  struct js_streams *js = poll->data;
  napi_handle_scope scope;
  if (napi_open_handle_scope(js->env, &scope) != napi_ok) return;
  if (status < 0) uv_poll_start(poll, UV_READABLE, on_ready);
  for (int round = 0; round < ROUNDS_MAX && !js->closing; round++) {
    uint32_t count = streams_gather(&js->streams);
    if (count == 0 || call_number(js->env, js->refs[ON_BATCH], (int32_t)count) < 0) break;
    if (count < ROUND_IS_FULL) break;
  }
  napi_close_handle_scope(js->env, scope);
}

static void let_go(struct js_streams *js) {
  if (--js->holders == 0) free(js);
}

static void on_closed(uv_handle_t *handle) {
  struct js_streams *js = handle->data;
  if (js->hook) napi_remove_async_cleanup_hook(js->hook);
  let_go(js);
}

static void delete_refs(struct js_streams *js) {
  for (int i = 0; i < C_COUNT; i++) {
    if (js->refs[i]) napi_delete_reference(js->env, js->refs[i]);
    js->refs[i] = NULL;
  }
}

/* Closes the descriptors and lets JavaScript's objects go; the poll handle must not be active. */
static void release_resources(struct js_streams *js) {
  js->closing = true;
  streams_release(&js->streams);
  delete_refs(js);
}

static void close_all(struct js_streams *js) {
  if (js->closing) return;
  /* uv_close first: it forgets the descriptor, whose number may be reused at once. */
  uv_close((uv_handle_t *)&js->poll, on_closed);
  release_resources(js);
}

/* The environment (a worker, or the process) ends: it waits until on_closed removes the hook. */
static void on_exit_of_env(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_all(data);
}

static void drop_streams(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  let_go(data);
}

static bool start_polling(napi_env env, struct js_streams *js) {
  uv_loop_t *loop = NULL;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok ||
      uv_poll_init(loop, &js->poll, js->streams.poller) != 0) {
    release_resources(js);
    return false;
  }
  js->poll.data = js;
  /* From here on the loop holds the struct, and close_all undoes everything. */
  js->holders++;
  if (napi_add_async_cleanup_hook(env, on_exit_of_env, js, &js->hook) != napi_ok) js->hook = NULL;
  if (js->hook && uv_poll_start(&js->poll, UV_READABLE, on_ready) == 0) return true;
  close_all(js);
  return false;
}

/* An array of `type` kept alive by *ref; its length goes to *length, in elements. */
static void *take_array(napi_env env, napi_value value, napi_typedarray_type type, napi_ref *ref,
                        uint32_t *length) {
  size_t elements = 0;
  napi_get_typedarray_info(env, value, NULL, &elements, NULL, NULL, NULL);
  if (elements < 1 || elements > INT32_MAX) return NULL;
  *length = (uint32_t)elements;
  return keep_array(env, value, type, elements, ref);
}

static bool bind_arrays(napi_env env, struct js_streams *js, const napi_value *args) {
  struct streams *s = &js->streams;
  uint32_t events = 0, segments = 0, peers = 0;
  s->rx = take_array(env, args[RX], napi_uint8_array, &js->refs[RX], &s->rx_size);
  s->events = take_array(env, args[EVENTS], napi_int32_array, &js->refs[EVENTS], &events);
  s->tx = take_array(env, args[TX], napi_uint8_array, &js->refs[TX], &s->tx_size);
  s->segments = take_array(env, args[SEGMENTS], napi_int32_array, &js->refs[SEGMENTS], &segments);
  s->peers = take_array(env, args[PEERS], napi_uint8_array, &js->refs[PEERS], &peers);
  s->events_max = events / ROW_SIZE;
  s->segments_max = segments / ROW_SIZE;
  s->capacity = peers / PEER_SIZE;
  return s->rx && s->events && s->tx && s->segments && s->peers && s->rx_size >= RX_CHUNK &&
         s->events_max >= 1 && s->capacity >= 1 && s->capacity <= STREAMS_MAX;
}

static void discard(struct js_streams *js) {
  delete_refs(js);
  free(js);
}

napi_value create_streams(napi_env env, napi_callback_info info) {
  napi_value args[C_COUNT], handle = NULL;
  napi_valuetype type = napi_undefined;
  if (!arguments(env, info, C_COUNT, args)) return NULL;
  napi_typeof(env, args[ON_BATCH], &type);
  struct js_streams *js = calloc(1, sizeof *js);
  if (!js) return number(env, -ENOMEM);
  js->env = env;
  js->holders = 1;
  if (type != napi_function || !bind_arrays(env, js, args) ||
      napi_create_reference(env, args[ON_BATCH], 1, &js->refs[ON_BATCH]) != napi_ok) {
    discard(js);
    return failure(env, "stream arrays are too small or of the wrong type");
  }
  int error = streams_init(&js->streams);
  if (error) {
    discard(js);
    return number(env, -error);
  }
  if (napi_create_external(env, js, drop_streams, NULL, &handle) != napi_ok) {
    release_resources(js);
    free(js);
    return number(env, -ENOMEM);
  }
  return start_polling(env, js) ? handle : number(env, -EIO);
}

/* The streams of a handle that is still open, or NULL. */
static struct js_streams *opened(napi_env env, napi_value value) {
  struct js_streams *js = external(env, value);
  return js && !js->closing ? js : NULL;
}

static bool numbers(napi_env env, const napi_value *args, int count, uint32_t *out) {
  for (int i = 0; i < count; i++) {
    if (napi_get_value_uint32(env, args[i], &out[i]) != napi_ok) return false;
  }
  return true;
}

enum { L_HANDLE, L_FAMILY, L_ADDRESS, L_PORT, L_REUSE, L_BACKLOG, L_COUNT };

napi_value listen_streams(napi_env env, napi_callback_info info) {
  napi_value args[L_COUNT];
  char text[TEXT_MAX];
  size_t size = 0;
  uint32_t family = 0, port = 0, backlog = 0;
  struct listen_options options = {0};
  if (!arguments(env, info, L_COUNT, args)) return NULL;
  struct js_streams *js = opened(env, args[L_HANDLE]);
  if (!js) return number(env, -EBADF);
  if (!numbers(env, &args[L_FAMILY], 1, &family) || !numbers(env, &args[L_PORT], 1, &port) ||
      !numbers(env, &args[L_BACKLOG], 1, &backlog) || port > UINT16_MAX || backlog > UINT16_MAX ||
      napi_get_value_string_utf8(env, args[L_ADDRESS], text, sizeof text, &size) != napi_ok) {
    return number(env, -EINVAL);
  }
  napi_get_value_bool(env, args[L_REUSE], &options.reuse_port);
  options.backlog = (int)backlog;
  options.family = family == 6 ? AF_INET6 : AF_INET;
  options.name_length = family == 6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  int error = parse_name(options.family, text, (uint16_t)port, &options.bind_to);
  return number(env, error ? -error : streams_listen(&js->streams, &options));
}

napi_value send_streams(napi_env env, napi_callback_info info) {
  napi_value args[2];
  uint32_t count = 0;
  if (!arguments(env, info, 2, args)) return NULL;
  struct js_streams *js = opened(env, args[0]);
  if (!numbers(env, &args[1], 1, &count)) return failure(env, "expected streams and a count");
  return number(env, js ? streams_send(&js->streams, count) : 0);
}

napi_value watch_stream(napi_env env, napi_callback_info info) {
  napi_value args[3];
  uint32_t given[2];
  if (!arguments(env, info, 3, args)) return NULL;
  struct js_streams *js = opened(env, args[0]);
  if (!numbers(env, &args[1], 2, given)) return failure(env, "expected streams and two numbers");
  if (js) streams_watch(&js->streams, given[0], given[1]);
  return undefined(env);
}

napi_value drop_stream(napi_env env, napi_callback_info info) {
  napi_value args[2];
  uint32_t slot = 0;
  if (!arguments(env, info, 2, args)) return NULL;
  struct js_streams *js = opened(env, args[0]);
  if (!numbers(env, &args[1], 1, &slot)) return failure(env, "expected streams and a slot");
  if (js) streams_drop(&js->streams, slot);
  return undefined(env);
}

napi_value resume_streams(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_streams *js = opened(env, args[0]);
  if (js) streams_resume(&js->streams);
  return undefined(env);
}

napi_value stop_streams(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_streams *js = opened(env, args[0]);
  if (js) streams_stop_listening(&js->streams);
  return undefined(env);
}

napi_value close_streams(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct js_streams *js = opened(env, args[0]);
  if (js) close_all(js);
  return undefined(env);
}
