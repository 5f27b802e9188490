/*
 * Huge pages for memory that JavaScript owns. Most systems give them only to who asks (madvise).
 */
#include "glue.h"

#include <sys/mman.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

/* Best effort: a kernel that does not know a request goes on with small pages. */
napi_value advise_huge(napi_env env, napi_callback_info info) {
  napi_value args[1];
  size_t length = 0;
  void *data = NULL;
  if (!arguments(env, info, 1, args)) return NULL;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, args[0], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    return failure(env, "expected a Uint8Array");
  }
  /* Whole huge pages inside the array: its neighbours are somebody else's. */
  uintptr_t from = ((uintptr_t)data + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  uintptr_t to = ((uintptr_t)data + length) & ~(HUGE_PAGE - 1);
  if (!data || from >= to) return undefined(env);
  madvise((void *)from, to - from, MADV_HUGEPAGE);
  return undefined(env);
}
