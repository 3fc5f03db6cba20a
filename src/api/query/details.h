/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DETAILS_H
#define API_DETAILS_H
/*
 * The second half of a query: the page's elements are known by name; each worker shows those that
 * it has, in slices, and the page is answered. What has gone meanwhile is left out.
 */
#include <jansson.h>
#include <stddef.h>

#include "api/query/paging.h"

struct api;
struct api_exchange;
struct sse_service;

struct details_page {
    struct paging paging;
    size_t total;
    size_t count;
    char **names; /* owned, as the texts are: freed with the answer */
};

/* Answers the exchange. show runs in each worker: the element of that name as JSON, a new
 * reference, or NULL when this worker has none. */
void details_start(struct api_exchange *exchange, const struct details_page *page,
                   json_t *(*show)(const struct api *api, const struct sse_service *core,
                                   const char *name));

#endif
