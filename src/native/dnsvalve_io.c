/*
 * The I/O addon: what it exports, and the helpers of its N-API files. It moves octets, knows no DNS
 * and decides nothing. Failures that have an errno are returned as numbers, not thrown.
 */
#include "glue.h"
#include "streams.h"

napi_value number(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

napi_value undefined(napi_env env) {
  napi_value result = NULL;
  napi_get_undefined(env, &result);
  return result;
}

napi_value failure(napi_env env, const char *message) {
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *out) {
  size_t given = count;
  napi_status status = napi_get_cb_info(env, info, &given, out, NULL, NULL);
  if (status == napi_ok && given == count) return true;
  failure(env, "wrong number of arguments");
  return false;
}

void *external(napi_env env, napi_value value) {
  void *data = NULL;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return NULL;
  return napi_get_value_external(env, value, &data) == napi_ok ? data : NULL;
}

void *keep_array(napi_env env, napi_value value, napi_typedarray_type want, size_t length,
                 napi_ref *ref) {
  napi_typedarray_type type;
  size_t elements = 0;
  void *data = NULL;
  napi_status status = napi_get_typedarray_info(env, value, &type, &elements, &data, NULL, NULL);
  if (status != napi_ok || type != want || elements < length) return NULL;
  return napi_create_reference(env, value, 1, ref) == napi_ok ? data : NULL;
}

/* Node's uncaughtException decides about what a callback throws; swallowing it would hide bugs. */
static void raise_pending(napi_env env) {
  bool pending = false;
  napi_value thrown = NULL;
  napi_is_exception_pending(env, &pending);
  if (!pending || napi_get_and_clear_last_exception(env, &thrown) != napi_ok) return;
  napi_fatal_exception(env, thrown);
}

int32_t call_number(napi_env env, napi_ref function, int32_t argument) {
  napi_value callee, receiver, value, result = NULL;
  int32_t answer = 0;
  if (napi_get_reference_value(env, function, &callee) != napi_ok) return -1;
  if (napi_get_global(env, &receiver) != napi_ok) return -1;
  if (napi_create_int32(env, argument, &value) != napi_ok) return -1;
  /* make_callback and not call_function: ticks and promises of the callback run when it returns. */
  if (napi_make_callback(env, NULL, receiver, callee, 1, &value, &result) != napi_ok) {
    raise_pending(env);
    return -1;
  }
  napi_get_value_int32(env, result, &answer);
  return answer;
}

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"createSlab", create_slab}, {"openUdp", open_udp},         {"sendUdp", send_udp},
      {"localUdp", local_udp},     {"kernelDrops", kernel_drops}, {"sendDrops", send_drops},
      {"openUnix", open_unix},     {"sendUnix", send_unix},       {"closeUnix", close_unix_handle},
      {"closeUdp", close_udp_handle}, {"deafenUdp", deafen_udp},
      {"filterUdp", filter_udp},
      {"adviseHuge", advise_huge},
      {"peerCredentials", peer_credentials},
      {"isAcknowledged", is_acknowledged},
      {"createStreams", create_streams},
      {"listenStreams", listen_streams},
      {"sendStreams", send_streams},
      {"watchStream", watch_stream},
      {"dropStream", drop_stream},
      {"resumeStreams", resume_streams},
      {"stopStreams", stop_streams},
      {"closeStreams", close_streams},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    const char *name = functions[i].name;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, name, function);
  }
  napi_set_named_property(env, exports, "slotStride", number(env, SLOT_STRIDE));
  napi_set_named_property(env, exports, "peerSize", number(env, PEER_SIZE));
  napi_set_named_property(env, exports, "rxChunk", number(env, RX_CHUNK));
  return exports;
}
