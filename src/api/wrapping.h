/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_WRAPPING_H
#define API_WRAPPING_H
/*
 * How the JSON of an answer is wrapped: not at all, in the usual envelope {"success":…,"code":…,
 * "data":…,"message":…,"errorMessage":…}, or, for pages, in what the service has instead
 * (api/envelope.h). A request with the field "x-sse-envelope: plain" gets the usual one.
 */
#include <stdbool.h>

#include "base/buf.h"

struct api_service;
struct envelope;
struct h2_request;

struct wrapping {
    bool is_bare;
    const struct envelope *ok, *error; /* NULL: the usual one. Until the settings change. */
};

/* service: NULL outside of every service; request: NULL when it is not known (any more). */
struct wrapping wrapping_of(const struct api_service *service, const struct h2_request *request,
                            bool is_for_pages);

void wrapping_append_data(const struct wrapping *wrapping, struct buf *to, int status,
                          const struct buf *data);
/* data: JSON, or NULL; detail: for who can mend it, behind a sentence for people. */
void wrapping_append_error(const struct wrapping *wrapping, struct buf *to, int status,
                           const char *data, const char *detail);

#endif
