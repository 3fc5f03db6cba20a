/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/filters.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/input.h"
#include "api/reply.h"
#include "base/mem.h"
#include "base/text.h"
#include "sse/service.h"
#include "sse/user.h"

static bool is_said(const char *text)
{
    return text && text[0] != '\0';
}

const char *query_said(const struct api_exchange *exchange, const char *name)
{
    const char *text = h2_form_get(&exchange->query, name);

    return is_said(text) ? text : NULL;
}

static bool is_of_tenants(const struct api_exchange *exchange)
{
    return exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT;
}

static bool can_be(struct api_exchange *exchange, const char *name, const char *text)
{
    if (!text || sse_text_is_plain(text, strlen(text)))
        return true;
    api_reply_error(exchange, 422, "%s has a control character, which no user and no tenant has",
                    name);
    return false;
}

bool user_query_read(struct user_query *query, struct api_exchange *exchange)
{
    const bool is_of_tenant = is_of_tenants(exchange);
    const char *tenant_id = h2_form_get(&exchange->query, "tenantId");

    *query = (struct user_query){.user_id = h2_form_get(&exchange->query, "userId")};
    if (!is_said(query->user_id)) {
        query->user_id = NULL;
        return true;
    }
    if (is_of_tenant || is_said(tenant_id))
        query->tenant_id = tenant_id;
    if (is_of_tenant && !tenant_id) {
        api_reply_error(exchange, 422,
                        "userId alone names nobody here, since users are unique within their "
                        "tenant (services[].users.unique); give tenantId beside it, empty for "
                        "users without one");
        return false;
    }
    return can_be(exchange, "userId", query->user_id) &&
           can_be(exchange, "tenantId", query->tenant_id);
}

/* A token by the name that its user has. */
static char *token_of(const struct api_exchange *exchange)
{
    const struct auth_ops *ops = exchange->service->auth->ops;
    const char *shown = query_said(exchange, "accessToken");
    char *token = shown ? mem_strdup(shown) : NULL;

    if (token && ops->name_token)
        ops->name_token(token);
    return token;
}

static void say_owned(struct connection_filter *filter)
{
    filter->said.by[BROKER_BY_NAME] = filter->name;
    filter->said.by[BROKER_BY_TOKEN] = filter->token;
    filter->said.by[BROKER_BY_USER_KEY] = filter->user_key;
}

bool connection_filter_init(struct connection_filter *filter, struct api_exchange *exchange,
                            bool of_users)
{
    const char *name = query_said(exchange, "name");
    struct user_query user;

    if (!user_query_read(&user, exchange))
        return false;
    *filter = (struct connection_filter){
        .name = name ? mem_strdup(name) : NULL,
        .token = token_of(exchange),
        .said.by = {[BROKER_BY_USER] = user.user_id,
                    [BROKER_BY_TENANT] =
                        user.user_id ? user.tenant_id : query_said(exchange, "tenantId"),
                    [BROKER_BY_CHANNEL] = query_said(exchange, "channel"),
                    [BROKER_BY_LISTENER] = query_said(exchange, "listening"),
                    [BROKER_BY_CLIENT] = query_said(exchange, "clientId"),
                    [BROKER_BY_ID] = query_said(exchange, "id")},
        .said.is_of_users = of_users,
    };
    if (user.user_id)
        filter->user_key = is_of_tenants(exchange) ? sse_user_key_new(user.tenant_id, user.user_id)
                                                   : mem_strdup(user.user_id);
    say_owned(filter);
    return true;
}

/* Without the blanks around it; NULL: nothing is left. */
static char *trimmed(const char *text)
{
    size_t length;

    while (text && *text != '\0' && (unsigned char)*text <= ' ')
        text++;
    if (!is_said(text))
        return NULL;
    length = strlen(text);
    while ((unsigned char)text[length - 1] <= ' ')
        length--;
    return mem_strndup(text, length);
}

void connection_filter_init_java(struct connection_filter *filter,
                                 const struct api_exchange *exchange, bool of_users)
{
    const char **by = filter->said.by;

    *filter = (struct connection_filter){.said.is_of_users = of_users};
    if (!exchange->user)
        by[BROKER_BY_TENANT] = query_said(exchange, "tenantId");
    else if (is_of_tenants(exchange))
        by[BROKER_BY_TENANT] = exchange->user->tenant_id;
    by[BROKER_BY_ID] = of_users ? NULL : query_said(exchange, "id");
    if (!of_users && !by[BROKER_BY_ID])
        by[BROKER_BY_CLIENT] = query_said(exchange, "clientId");
    if (!by[BROKER_BY_ID] && !by[BROKER_BY_CLIENT])
        filter->name = trimmed(query_said(exchange, "name"));
    say_owned(filter);
}

void connection_filter_release(struct connection_filter *filter)
{
    free(filter->name);
    free(filter->token);
    free(filter->user_key);
}

static void read_channels(struct message_filter *filter, const struct h2_form *query)
{
    size_t count = 0;

    filter->channels = mem_alloc((query->count + 1) * sizeof(const char *));
    for (size_t i = 0; i < query->count; i++) {
        const struct h2_form_field *field = &query->fields[i];

        if (strcmp(field->name, "channel") == 0 && field->value[0] != '\0')
            filter->channels[count++] = field->value;
    }
    filter->filter.channels = count > 0 ? filter->channels : NULL;
    filter->filter.channel_count = count;
}

static void read_listeners(struct message_filter *filter, const char *list)
{
    struct word word;
    size_t count = 0;

    if (!list || words_count(list) == 0)
        return;
    filter->listeners = mem_alloc(words_count(list) * sizeof(char *));
    while (words_next(&list, &word))
        filter->listeners[count++] = mem_strndup(word.text, word.length);
    filter->filter.listeners = (const char *const *)filter->listeners;
    filter->filter.listener_count = count;
}

bool message_filter_init(struct message_filter *filter, struct api_exchange *exchange)
{
    const char *is_aside = query_said(exchange, "unreadable");
    struct user_query user;

    *filter = (struct message_filter){.token = NULL};
    if (!user_query_read(&user, exchange))
        return false;
    filter->filter.user_id = user.user_id;
    filter->filter.tenant_id = user.user_id ? user.tenant_id : query_said(exchange, "tenantId");
    filter->filter.tenants = exchange->tenants;
    filter->filter.of_tenant = is_of_tenants(exchange);
    filter->filter.is_aside = is_aside && strcmp(is_aside, "true") == 0;
    filter->filter.token = filter->token = token_of(exchange);
    read_channels(filter, &exchange->query);
    read_listeners(filter, query_said(exchange, "listeners"));
    return true;
}

void message_filter_release(struct message_filter *filter)
{
    for (size_t i = 0; i < filter->filter.listener_count; i++)
        free(filter->listeners[i]);
    free(filter->listeners);
    free(filter->channels);
    free(filter->token);
    *filter = (struct message_filter){.token = NULL};
}

bool message_filter_is_empty(const struct message_filter *filter)
{
    const struct qos_filter *said_of = &filter->filter;

    return !said_of->user_id && !said_of->token && !said_of->tenant_id && !said_of->channels &&
           !said_of->listeners && !said_of->is_aside;
}

#define DEFAULT_SIZE       100u
#define DEFAULT_TIMEOUT_MS 5000u
#define MOST               1000000000u

/* Where numbers below 0 are taken an empty text says nothing. */
static bool read_number(struct api_exchange *exchange, const char *name, int64_t least,
                        int64_t *number)
{
    const char *text = h2_form_get(&exchange->query, name);
    const bool is_negative = least < 0 && text && *text == '-';
    uint64_t digits;

    if (!text || (least < 0 && *text == '\0'))
        return true;
    if (api_whole_number(text + is_negative, MOST + 1, &digits) == 0 && digits <= MOST) {
        *number = is_negative ? -(int64_t)digits : (int64_t)digits;
        if (*number >= least)
            return true;
    }
    api_reply_error(exchange, 400, "%s must be a whole number from %" PRId64 " to %u", name, least,
                    MOST);
    return false;
}

bool paging_read(struct api_exchange *exchange, struct paging *paging, bool is_java)
{
    const int64_t least = is_java ? -(int64_t)MOST : 1;
    int64_t timeout_ms = DEFAULT_TIMEOUT_MS;

    *paging = (struct paging){.shown_number = 1, .shown_size = DEFAULT_SIZE};
    if (!read_number(exchange, "pageNum", least, &paging->shown_number) ||
        !read_number(exchange, "pageSize", least, &paging->shown_size) ||
        !read_number(exchange, "timeout", is_java ? least : 0, &timeout_ms))
        return false;
    if (paging->shown_size > PAGING_MAX_SIZE)
        paging->shown_size = PAGING_MAX_SIZE;
    paging->number = paging->shown_number < 1 ? 1 : (uint64_t)paging->shown_number;
    paging->size = paging->shown_size < 0 ? 0 : (uint64_t)paging->shown_size;
    paging->timeout_ms = timeout_ms < 0 ? 0 : (uint64_t)timeout_ms;
    return true;
}

const struct order_choice order_of_users[] = {{"id", BROKER_SORT_KEY},
                                              {"name", BROKER_SORT_NAME},
                                              {"connections", BROKER_SORT_CONNECTIONS},
                                              {0}};
const struct order_choice order_of_connections[] = {{"name", BROKER_SORT_NAME},
                                                    {"createTime", BROKER_SORT_CREATED},
                                                    {"messageCount", BROKER_SORT_MESSAGES},
                                                    {"queuedBytes", BROKER_SORT_QUEUED},
                                                    {0}};
const struct order_choice order_of_keys[] = {{NULL, BROKER_SORT_KEY}};

static void refuse_sort(struct api_exchange *exchange, const struct order_choice *choice)
{
    struct buf words = BUF_INIT;

    if (!choice->word) {
        api_reply_error(exchange, 400,
                        "sort is for /users and /connections; this list has one order, which "
                        "order=desc turns around");
        return;
    }
    for (const struct order_choice *at = choice; at->word; at++)
        buf_printf(&words, "%s%s", at == choice ? "" : at[1].word ? ", " : " or ", at->word);
    api_reply_error(exchange, 400, "sort must be %s", buf_str(&words));
    buf_release(&words);
}

bool order_read(struct api_exchange *exchange, struct broker_order *order,
                const struct order_choice *choice)
{
    const char *sort = query_said(exchange, "sort");
    const char *direction = query_said(exchange, "order");
    const struct order_choice *found = choice;

    while (sort && found->word && strcmp(sort, found->word) != 0)
        found++;
    if (sort && !found->word) {
        refuse_sort(exchange, choice);
        return false;
    }
    if (direction && strcmp(direction, "asc") != 0 && strcmp(direction, "desc") != 0) {
        api_reply_error(exchange, 400, "order must be asc or desc");
        return false;
    }
    *order =
        (struct broker_order){.sort = found->sort, .is_descending = direction && *direction == 'd'};
    return true;
}

size_t paging_start(const struct paging *paging)
{
    return (size_t)((paging->number - 1) * paging->size);
}

size_t paging_end(const struct paging *paging)
{
    return (size_t)(paging->number * paging->size);
}

void paging_open(struct buf *text, const struct paging *paging, size_t total)
{
    buf_printf(text, "{\"total\":%zu,\"pageNum\":%" PRId64 ",\"pageSize\":%" PRId64 ",\"list\":[",
               total, paging->shown_number, paging->shown_size);
}

void paging_close(struct buf *text, bool is_timeout)
{
    buf_printf(text, "],\"timeout\":%s}", is_timeout ? "true" : "false");
}
