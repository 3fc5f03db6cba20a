/* SPDX-License-Identifier: Apache-2.0 */
/* users, connections, the lists of different user ids, tenants, channels and access tokens, page by
 * page; and counts, how many there are of each. */
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/query/details.h"
#include "api/query/query.h"
#include "api/reply.h"
#include "api/shown_token.h"
#include "base/mem.h"
#include "broker/query.h"
#include "sse/user_key.h"

/* Who was asked for in one tenant is shown as that tenant knows them. */
static char *user_name(const struct query *query, const char *key)
{
    const char *tenant_id = query->filter.said.by[BROKER_BY_TENANT];

    return tenant_id && *tenant_id != '\0' ? sse_user_key_new(tenant_id, sse_user_key_id(key))
                                           : mem_strdup(key);
}

/* Users and connections, with all that is shown of them. */
static void reply_in_detail(const struct query *query)
{
    const bool is_of_users = query->listed == BROKER_USERS;
    struct details_page page = {
        .paging = query->paging,
        .total = query_count(query, query->listed),
        .is_of_users = is_of_users,
        .form = query->form,
        .names = mem_zalloc((query->paging.size + 1) * sizeof(char *)),
    };

    for (size_t i = paging_start(&query->paging); i < query->ranking->count; i++) {
        const char *text = ranking_at(query->ranking, i);

        if (i > 0 && strcmp(text, ranking_at(query->ranking, i - 1)) == 0)
            continue; /* a connection that was looked at twice */
        page.names[page.count++] =
            is_of_users ? user_name(query, text) : mem_strdup(broker_row_handle(text));
    }
    details_start(query->exchange, &page);
}

static void append_key(struct buf *text, const struct query *query, const char *key)
{
    if (query->listed == BROKER_TOKENS)
        shown_token_append(text, key, shown_token_is_whole(query->exchange));
    else if (query->listed == BROKER_USERS)
        json_text_user(text, key);
    else
        json_text_string(text, key);
}

static void reply_keys(const struct query *query)
{
    const size_t start = paging_start(&query->paging);
    struct buf text = BUF_INIT;

    paging_open(&text, &query->paging, query_count(query, query->listed));
    for (size_t i = start; i < query->ranking->count; i++) {
        if (i > start)
            buf_append_char(&text, ',');
        append_key(&text, query, ranking_at(query->ranking, i));
    }
    paging_close(&text, false);
    api_reply_data(query->exchange, &text);
}

static struct query *list_new(struct api_exchange *exchange, enum broker_list listed)
{
    struct query *query = query_new(exchange);

    query->listed = listed;
    query->lists = 1u << listed;
    query->has_away = listed == BROKER_USERS;
    return query;
}

static void list(struct api_exchange *exchange, enum broker_list listed,
                 void (*reply)(const struct query *query))
{
    struct connection_filter filter;
    struct paging paging;
    struct query *query;

    if (!paging_read(exchange, &paging) ||
        !connection_filter_init(&filter, exchange, listed == BROKER_USERS))
        return;
    query = list_new(exchange, listed);
    query->paging = paging;
    query->filter = filter;
    query->reply = reply;
    query_start(query);
}

void api_handle_users(struct api_exchange *exchange)
{
    list(exchange, BROKER_USERS, reply_in_detail);
}

void api_handle_connections(struct api_exchange *exchange)
{
    list(exchange, BROKER_CONNECTIONS, reply_in_detail);
}

void api_handle_user_ids(struct api_exchange *exchange)
{
    list(exchange, BROKER_USERS, reply_keys);
}

void api_handle_tenant_ids(struct api_exchange *exchange)
{
    list(exchange, BROKER_TENANTS, reply_keys);
}

void api_handle_channels(struct api_exchange *exchange)
{
    list(exchange, BROKER_CHANNELS, reply_keys);
}

void api_handle_access_tokens(struct api_exchange *exchange)
{
    list(exchange, BROKER_TOKENS, reply_keys);
}

/* Who is away is in no list of the Java system. */
static void list_java(struct api_exchange *exchange, enum broker_list listed)
{
    struct paging paging;
    struct query *query;

    if (!paging_read_java(exchange, &paging))
        return;
    query = list_new(exchange, listed);
    query->paging = paging;
    query->has_away = false;
    query->form = exchange->user ? BROKER_FORM_JAVA_MASKED : BROKER_FORM_JAVA; /* to a page */
    connection_filter_init_java(&query->filter, exchange, listed == BROKER_USERS);
    query->reply = reply_in_detail;
    query_start(query);
}

void api_handle_java_users(struct api_exchange *exchange)
{
    list_java(exchange, BROKER_USERS);
}

void api_handle_java_connections(struct api_exchange *exchange)
{
    list_java(exchange, BROKER_CONNECTIONS);
}

static void reply_counts(const struct query *query)
{
    const bool is_of_tenant = query->filter.said.by[BROKER_BY_TENANT] != NULL;
    const size_t connections =
        is_of_tenant ? query_count(query, BROKER_CONNECTIONS) : query_connections(query);

    api_reply_json(query->exchange,
                   json_pack("{s:I,s:I,s:I,s:I,s:I}", "connections", (json_int_t)connections,
                             "users", (json_int_t)query_count(query, BROKER_USERS), "accessTokens",
                             (json_int_t)query_count(query, BROKER_TOKENS), "tenants",
                             (json_int_t)query_count(query, BROKER_TENANTS), "channels",
                             (json_int_t)query_count(query, BROKER_CHANNELS)));
}

void api_handle_counts(struct api_exchange *exchange)
{
    struct connection_filter filter;
    struct query *query;

    if (!connection_filter_init(&filter, exchange, true))
        return;
    query = query_new(exchange);
    query->lists =
        1u << BROKER_USERS | 1u << BROKER_TOKENS | 1u << BROKER_TENANTS | 1u << BROKER_CHANNELS;
    query->has_away = true;
    query->filter = filter;
    query->reply = reply_counts;
    query_start(query);
}
