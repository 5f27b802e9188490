/*
 * The I/O addon: what it exports, and the helpers of its N-API files. It moves octets, knows no DNS
 * and decides nothing. Failures that have an errno are returned as numbers, not thrown.
 */
#include "glue.h"

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

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"createSlab", create_slab}, {"openUdp", open_udp},         {"sendUdp", send_udp},
      {"localUdp", local_udp},     {"kernelDrops", kernel_drops}, {"sendDrops", send_drops},
      {"openUnix", open_unix},     {"sendUnix", send_unix},       {"closeUnix", close_unix_handle},
      {"closeUdp", close_udp_handle}, {"adviseHuge", advise_huge},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    const char *name = functions[i].name;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, name, function);
  }
  napi_set_named_property(env, exports, "slotStride", number(env, SLOT_STRIDE));
  napi_set_named_property(env, exports, "peerSize", number(env, PEER_SIZE));
  return exports;
}
