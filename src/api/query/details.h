/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DETAILS_H
#define API_DETAILS_H
/*
 * The second half of a query: the page's elements are known by name; the shards that may have them
 * show those that they have, and the page is answered. What has gone meanwhile is left out.
 */
#include <stdbool.h>
#include <stddef.h>

#include "api/query/paging.h"
#include "broker/message.h"

struct api_exchange;

struct details_page {
    struct paging paging;
    size_t total;
    bool is_of_users; /* by their keys; or of connections, by their handles */
    enum broker_form form;
    size_t count;
    char **names; /* owned, as the texts are: freed with the answer */
};

/* Answers the exchange. */
void details_start(struct api_exchange *exchange, const struct details_page *page);

#endif
