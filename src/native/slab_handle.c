/*
 * A Batch of src/batch.ts as a handle: its typed arrays kept alive, their data pointers cached, so
 * that moving a batch costs no look-up and makes no object.
 */
#include "glue.h"

#include <stdlib.h>

enum { RX, RX_LENGTH, TX, TX_LENGTH, TX_PEER, PEER, SLAB_ARRAYS };

struct js_slab {
  struct slab slab; /* first, so that the external is a struct slab too */
  napi_ref arrays[SLAB_ARRAYS];
};

static void drop_slab(napi_env env, void *data, void *hint) {
  (void)hint;
  struct js_slab *js = data;
  for (int i = 0; i < SLAB_ARRAYS; i++) {
    if (js->arrays[i]) napi_delete_reference(env, js->arrays[i]);
  }
  slab_release(&js->slab);
  free(js);
}

static bool bind_arrays(napi_env env, struct js_slab *js, const napi_value *args) {
  struct slab *slab = &js->slab;
  napi_ref *refs = js->arrays;
  size_t n = slab->capacity;
  slab->rx = keep_array(env, args[RX], napi_uint8_array, n * SLOT_STRIDE, &refs[RX]);
  slab->rx_length = keep_array(env, args[RX_LENGTH], napi_int32_array, n, &refs[RX_LENGTH]);
  slab->tx = keep_array(env, args[TX], napi_uint8_array, n * SLOT_STRIDE, &refs[TX]);
  slab->tx_length = keep_array(env, args[TX_LENGTH], napi_int32_array, n, &refs[TX_LENGTH]);
  slab->tx_peer = keep_array(env, args[TX_PEER], napi_int32_array, n, &refs[TX_PEER]);
  slab->peer = keep_array(env, args[PEER], napi_uint8_array, n * PEER_SIZE, &refs[PEER]);
  return slab->rx && slab->rx_length && slab->tx && slab->tx_length && slab->tx_peer && slab->peer;
}

napi_value create_slab(napi_env env, napi_callback_info info) {
  napi_value args[SLAB_ARRAYS], handle = NULL;
  size_t capacity = 0;
  if (!arguments(env, info, SLAB_ARRAYS, args)) return NULL;
  napi_get_typedarray_info(env, args[RX_LENGTH], NULL, &capacity, NULL, NULL, NULL);
  if (capacity < 1 || capacity > CAPACITY_MAX) return failure(env, "batch capacity out of range");
  struct js_slab *js = calloc(1, sizeof *js);
  if (!js) return failure(env, "out of memory");
  js->slab.capacity = (uint32_t)capacity;
  if (!bind_arrays(env, js, args) || !slab_init(&js->slab) ||
      napi_create_external(env, js, drop_slab, NULL, &handle) != napi_ok) {
    drop_slab(env, js, NULL);
    return failure(env, "batch arrays are too small or of the wrong type");
  }
  return handle;
}
