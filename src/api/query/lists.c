/* SPDX-License-Identifier: Apache-2.0 */
/* users, connections, the lists of different user ids, tenants, channels and access tokens, page by
 * page; counts, how many there are of each; and online: whether a user has a connection, in any
 * worker, or had one within the grace time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/query/filters.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/json.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/gather.h"
#include "broker/row.h"
#include "broker/showing.h"
#include "sse/user.h"

struct listing {
    struct api_exchange *exchange; /* a reference */
    struct connection_filter filter;
    struct paging paging;
    struct broker_order order;
    enum broker_list listed;
    bool is_sorted;        /* as somebody has said; what it may be sorted by is shown, too */
    enum broker_form form; /* in which it is shown */
};

static void listing_free(void *context)
{
    struct listing *listing = context;

    connection_filter_release(&listing->filter);
    api_exchange_unref(listing->exchange);
    free(listing);
}

/* Who was asked for in one tenant is shown as that tenant knows them. */
static char *user_name(const struct listing *listing, const char *key)
{
    const char *tenant_id = listing->filter.said.by[BROKER_BY_TENANT];

    return tenant_id && *tenant_id != '\0' ? sse_user_key_new(tenant_id, sse_user_key_id(key))
                                           : mem_strdup(key);
}

/* A page whose rows are asked for. */
struct shown {
    struct api_exchange *exchange; /* a reference */
    struct paging paging;
    size_t total;
};

/* What has gone meanwhile is left out. */
static void reply_shown(void *context, char *const *texts, size_t count)
{
    struct shown *shown = context;
    struct buf text = BUF_INIT;

    paging_open(&text, &shown->paging, shown->total);
    for (size_t i = 0; i < count; i++) {
        if (!texts[i])
            continue;
        json_text_next(&text);
        buf_append_str(&text, texts[i]);
    }
    paging_close(&text, false);
    api_reply_data(shown->exchange, &text);
    api_exchange_unref(shown->exchange);
    free(shown);
}

static void show_users(const struct gather *gather, struct showing *page)
{
    const struct listing *listing = gather->context;
    uint64_t connections;

    if (listing->is_sorted)
        page->connections = mem_alloc((listing->paging.size + 1) * sizeof(uint64_t));
    for (size_t i = 0; i < gather_rows(gather); i++) {
        char *key = row_user(gather_row(gather, i), &connections);

        if (page->connections)
            page->connections[i] = connections;
        page->names[page->count++] = user_name(listing, key);
        free(key);
    }
}

static void show_connections(const struct gather *gather, struct showing *page)
{
    for (size_t i = 0; i < gather_rows(gather); i++) {
        const char *row = gather_row(gather, i);

        if (i == 0 || strcmp(row, gather_row(gather, i - 1)) != 0) /* it was looked at twice */
            page->names[page->count++] = mem_strdup(row_handle(row));
    }
}

/* Users and connections, with all that is shown of them. */
static void reply_in_detail(const struct gather *gather)
{
    const struct listing *listing = gather->context;
    struct shown *shown = mem_alloc(sizeof(*shown));
    struct showing page = {
        .is_of_users = listing->listed == BROKER_USERS,
        .form = listing->form,
        .shows_queued = listing->is_sorted,
        .names = mem_zalloc((listing->paging.size + 1) * sizeof(char *)),
        .done = reply_shown,
        .context = shown,
    };

    *shown = (struct shown){.exchange = api_exchange_ref(listing->exchange),
                            .paging = listing->paging,
                            .total = gather_count(gather, listing->listed)};
    if (page.is_of_users)
        show_users(gather, &page);
    else
        show_connections(gather, &page);
    showing_start(gather->service, &page);
}

/* For those who may name one as a target; else it is shortened beyond use. */
static bool shown_token_is_whole(const struct api_exchange *exchange)
{
    return exchange->service->settings->core->show_secrets ||
           (exchange->permissions & (AUTH_MAY_SEND | AUTH_MAY_DISCONNECT)) != 0;
}

static void append_key(struct buf *text, const struct listing *listing, const char *key)
{
    if (listing->listed == BROKER_TOKENS)
        json_text_token(text, key, shown_token_is_whole(listing->exchange));
    else if (listing->listed == BROKER_USERS)
        json_text_user(text, key);
    else
        json_text_string(text, key);
}

static void reply_keys(const struct gather *gather)
{
    const struct listing *listing = gather->context;
    struct buf text = BUF_INIT;

    paging_open(&text, &listing->paging, gather_count(gather, listing->listed));
    for (size_t i = 0; i < gather_rows(gather); i++) {
        json_text_next(&text);
        append_key(&text, listing, gather_row(gather, i));
    }
    paging_close(&text, false);
    api_reply_data(listing->exchange, &text);
}

/* The listing is copied, and its filter released at the end. */
static void start(struct api_exchange *exchange, const struct listing *listing, unsigned lists,
                  bool has_away, void (*reply)(const struct gather *gather))
{
    struct gather *gather = gather_new(&exchange->service->broker);
    struct listing *kept = mem_alloc(sizeof(*kept));

    *kept = *listing;
    kept->exchange = api_exchange_ref(exchange);
    gather->lists = lists;
    gather->has_away = has_away;
    gather->start = paging_start(&listing->paging);
    gather->size = listing->paging.size;
    gather->has_user_rows = listing->listed == BROKER_USERS && reply == reply_in_detail;
    gather->order = listing->order;
    gather->filter = listing->filter.said;
    gather->reply = reply;
    gather->done = listing_free;
    gather->context = kept;
    gather_start(gather);
}

static void list(struct api_exchange *exchange, const struct order_choice *orders,
                 void (*reply)(const struct gather *gather))
{
    struct listing listing = {.listed = (enum broker_list)exchange->endpoint->what,
                              .is_sorted = query_said(exchange, "sort") != NULL};
    const bool of_users = listing.listed == BROKER_USERS;

    if (paging_read(exchange, &listing.paging, false) &&
        order_read(exchange, &listing.order, orders) &&
        connection_filter_init(&listing.filter, exchange, of_users))
        start(exchange, &listing, 1u << listing.listed, of_users, reply);
}

void api_handle_list(struct api_exchange *exchange)
{
    list(exchange, exchange->endpoint->what == BROKER_USERS ? order_of_users : order_of_connections,
         reply_in_detail);
}

void api_handle_keys(struct api_exchange *exchange)
{
    list(exchange, order_of_keys, reply_keys);
}

/* Who is away is in no list of the Java system. */
void api_handle_java_list(struct api_exchange *exchange)
{
    struct listing listing = {
        .listed = (enum broker_list)exchange->endpoint->what,
        .form = exchange->user ? BROKER_FORM_JAVA_MASKED : BROKER_FORM_JAVA, /* to a page */
    };

    if (!paging_read(exchange, &listing.paging, true))
        return;
    if (listing.listed == BROKER_CONNECTIONS)
        listing.order.sort = BROKER_SORT_NAME;
    connection_filter_init_java(&listing.filter, exchange, listing.listed == BROKER_USERS);
    start(exchange, &listing, 1u << listing.listed, false, reply_in_detail);
}

static json_int_t count(const struct gather *gather, enum broker_list list)
{
    return (json_int_t)gather_count(gather, list);
}

static void reply_counts(const struct gather *gather)
{
    const struct listing *listing = gather->context;
    const json_int_t connections = gather->filter.by[BROKER_BY_TENANT]
                                       ? count(gather, BROKER_CONNECTIONS)
                                       : (json_int_t)gather_connections(gather);

    api_reply_json(listing->exchange,
                   json_pack("{s:I,s:I,s:I,s:I,s:I}", "connections", connections, "users",
                             count(gather, BROKER_USERS), "accessTokens",
                             count(gather, BROKER_TOKENS), "tenants", count(gather, BROKER_TENANTS),
                             "channels", count(gather, BROKER_CHANNELS)));
}

void api_handle_counts(struct api_exchange *exchange)
{
    const unsigned lists =
        1u << BROKER_USERS | 1u << BROKER_TOKENS | 1u << BROKER_TENANTS | 1u << BROKER_CHANNELS;
    struct listing listing = {.listed = BROKER_USERS};

    if (connection_filter_init(&listing.filter, exchange, true))
        start(exchange, &listing, lists, true, reply_counts);
}

struct asked_online {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    char *user_key;
    enum broker_online online; /* as far as is known */
};

static void reply_online(struct asked_online *query)
{
    json_t *answer = json_pack("{s:b}", "online", query->online != BROKER_IS_OFFLINE);

    if (query->online == BROKER_IS_AWAY)
        json_object_set_new(answer, "grace", json_true());
    api_reply_json(query->exchange, answer);
    api_exchange_unref(query->exchange);
    free(query->user_key);
    free(query);
}

static void on_online(struct broker_request *request, const struct broker_message *answer)
{
    struct asked_online *query = container_of(request, struct asked_online, request);

    if (answer->online > query->online)
        query->online = answer->online;
    if (request->open == 0)
        reply_online(query);
}

static struct broker_message *make_online(void *context, size_t worker)
{
    const struct asked_online *query = context;
    struct broker_message *message = broker_message_new(
        BROKER_IS_ONLINE, query->exchange->service->index, broker_text_size(query->user_key));

    (void)worker;
    message->user_key = broker_message_text(message, query->user_key);
    return message;
}

void api_handle_online(struct api_exchange *exchange)
{
    struct user_query user;
    struct asked_online *query;

    if (!user_query_read(&user, exchange))
        return;
    if (!user.user_id) {
        api_reply_error(exchange, 400, "userId is missing; ask for /online?userId=…");
        return;
    }
    query = mem_zalloc(sizeof(*query));
    query->exchange = api_exchange_ref(exchange);
    query->user_key =
        user.tenant_id ? sse_user_key_new(user.tenant_id, user.user_id) : mem_strdup(user.user_id);
    query->request.on_answer = on_online;
    broker_ask_all(exchange->api->broker, make_online, query, &query->request);
}
