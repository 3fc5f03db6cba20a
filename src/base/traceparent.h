/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TRACEPARENT_H
#define BASE_TRACEPARENT_H
/* The field traceparent of W3C Trace Context: which trace a request belongs to. Whoever passes it
 * on as it is takes no part in the trace. */
#include <stdbool.h>

#define TRACEPARENT_MOST    128u /* characters of a later version than 00, which may have more */
#define TRACEPARENT_ID_SIZE 33u  /* of the trace's id, and a NUL */

/* Whether the text is one, of version 00 or a later one; NULL is none. */
bool traceparent_is_valid(const char *text);

/* The trace's id in a valid one; "" of another text, or NULL. */
void traceparent_id(const char *text, char id[TRACEPARENT_ID_SIZE]);

#endif
