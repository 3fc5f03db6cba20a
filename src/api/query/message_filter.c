/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/message_filter.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/query/user_query.h"
#include "base/mem.h"
#include "base/words.h"
#include "sse/service.h"

/* NULL where nothing is said; an empty text says nothing. */
static const char *said(const struct api_exchange *exchange, const char *name)
{
    const char *text = h2_form_get(&exchange->query, name);

    return text && text[0] != '\0' ? text : NULL;
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

/* The store has a token by the name that its user has. */
static void read_token(struct message_filter *filter, const struct api_exchange *exchange)
{
    const struct auth_ops *ops = exchange->service->auth->ops;
    const char *shown = said(exchange, "accessToken");

    if (!shown)
        return;
    filter->token = mem_strdup(shown);
    if (ops->name_token)
        ops->name_token(filter->token);
    filter->filter.token = filter->token;
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
    struct user_query user;

    *filter = (struct message_filter){.token = NULL};
    if (!user_query_read(&user, exchange))
        return false;
    filter->filter.user_id = user.user_id;
    filter->filter.tenant_id = user.user_id ? user.tenant_id : said(exchange, "tenantId");
    filter->filter.tenants = exchange->tenants;
    filter->filter.of_tenant =
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT;
    filter->filter.is_aside = strcmp(text_or_empty(said(exchange, "unreadable")), "true") == 0;
    read_token(filter, exchange);
    read_channels(filter, &exchange->query);
    read_listeners(filter, said(exchange, "listeners"));
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
