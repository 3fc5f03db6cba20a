/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QUERY_FILTERS_H
#define API_QUERY_FILTERS_H
/* Whom, or what, a query is about, as its parameters say it; and which page of a list. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "broker/message.h"
#include "qos/look.h"

struct api_exchange;

/* A parameter of the query; NULL: it is not there, or empty. */
const char *query_said(const struct api_exchange *exchange, const char *name);

/* Lent from the exchange; NULL: not said. Where users are unique within their tenant the tenant is
 * always said, "" for users without one; elsewhere an empty text says nothing. */
struct user_query {
    const char *user_id, *tenant_id; /* without userId there is no tenant here */
};

/* False: it has answered with 422. */
bool user_query_read(struct user_query *query, struct api_exchange *exchange);

/* The parameters, for the table of routes. */
#define CONNECTION_FILTER_PARAMETERS                                                               \
    "name, userId, accessToken, tenantId, channel, listening, clientId, id"

struct connection_filter {
    struct broker_filter said;     /* lent from the exchange, but for these: */
    char *name, *token, *user_key; /* owned */
};

/* of_users: those are listed, and not their connections. False: it has answered 422. */
bool connection_filter_init(struct connection_filter *filter, struct api_exchange *exchange,
                            bool of_users);
/* The same as the Java system has it: for connections the first that is said of id, clientId and
 * name; for users the name. A back end's tenantId narrows it, and so does the tenant of a page's
 * user where users are unique within theirs. */
void connection_filter_init_java(struct connection_filter *filter,
                                 const struct api_exchange *exchange, bool of_users);
void connection_filter_release(struct connection_filter *filter);

/* The parameters, for the table of routes. */
#define MESSAGE_FILTER_PARAMETERS "userId, accessToken, tenantId, channel, listeners, unreadable"

struct message_filter {
    struct qos_filter filter; /* lends its texts from the exchange, and from: */
    char *token;
    const char **channels;
    char **listeners;
};

/* False: it has answered with 422; there is nothing to release. */
bool message_filter_init(struct message_filter *filter, struct api_exchange *exchange);
void message_filter_release(struct message_filter *filter);

/* Whether nothing is said, so that every message passes. */
bool message_filter_is_empty(const struct message_filter *filter);

#define PAGING_MAX_SIZE 1000u

struct paging {
    uint64_t number; /* from 1 */
    uint64_t size;   /* 0: the page is empty */
    int64_t shown_number, shown_size;
    /* For what may take long; 0: as long as it takes. Connections need no limit: the workers of one
     * process always answer. */
    uint64_t timeout_ms;
};

/* pageNum, pageSize, timeout. is_java: as the Java system takes them, numbers below 1 are served,
 * too. False: then it has answered 400. */
bool paging_read(struct api_exchange *exchange, struct paging *paging, bool is_java);

/* What a list may be sorted by, the usual first, to one without a word. */
struct order_choice {
    const char *word;
    enum broker_sort sort;
};

extern const struct order_choice order_of_users[], order_of_connections[], order_of_keys[];

/* sort and order. False: then it has answered 400. */
bool order_read(struct api_exchange *exchange, struct broker_order *order,
                const struct order_choice *choice);

/* Elements before the page, and up to its end. */
size_t paging_start(const struct paging *paging);
size_t paging_end(const struct paging *paging);

/* {"total":…,"list":[…]}: the caller appends the elements between the two, and answers. is_timeout:
 * it took too long, and what is answered is not all. */
void paging_open(struct buf *text, const struct paging *paging, size_t total);
void paging_close(struct buf *text, bool is_timeout);

#endif
