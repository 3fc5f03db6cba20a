/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_EVENT_NAME_H
#define SSE_EVENT_NAME_H
/* Which names the events of senders may have. */
#include <stddef.h>

/* What is wrong with a name that no page could tell from another event, or could not listen to: a
 * sentence to follow the name. NULL: nothing. That it fits into its line is for
 * sse_event_check_field() to say. */
const char *sse_event_name_fault(const char *name);

#endif
