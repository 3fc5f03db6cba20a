/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_PARAMETERS_H
#define SSE_PARAMETERS_H
/*
 * What a page said in its query, as sse_client_info.http_parameters has it: an object with the
 * page's own parameters as texts, and those that the server understands as 0 where the text is
 * another member of the info, else as an array with the text; all in the order of the query.
 */
#include <jansson.h>
#include <stdbool.h>

struct sse_client_info;

/* Whether the parameter of this name is a member of the info. */
bool sse_parameters_is_member(const char *name);

/* Objects of texts: what is the page's own, or all of it. A new reference. */
json_t *sse_parameters_own(const struct sse_client_info *info);
json_t *sse_parameters_all(const struct sse_client_info *info);

#endif
