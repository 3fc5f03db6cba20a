/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_JSON_NUMBER_H
#define SSE_JSON_NUMBER_H
/* JSON whose numbers look as they were given: jansson would write 0.1 as 0.10000000000000001. */
#include <jansson.h>

/* As json_write(), each real number with as few digits as bring it back; the precision is not to be
 * among the flags. */
char *json_number_dumps(const json_t *value, size_t flags);

#endif
