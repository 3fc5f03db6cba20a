/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/connection_filter.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/query/user_query.h"
#include "base/mem.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"
#include "sse/user_key.h"

static bool is_said(const char *text)
{
    return text && text[0] != '\0';
}

static const char *said(const struct api_exchange *exchange, const char *name)
{
    const char *text = h2_form_get(&exchange->query, name);

    return is_said(text) ? text : NULL;
}

static bool is_of_tenants(const struct api_exchange *exchange)
{
    return exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT;
}

/* A token by the name that its user has. */
static char *token_of(const struct api_exchange *exchange)
{
    const struct auth_ops *ops = exchange->service->auth->ops;
    const char *shown = said(exchange, "accessToken");
    char *token = shown ? mem_strdup(shown) : NULL;

    if (token && ops->name_token)
        ops->name_token(token);
    return token;
}

bool connection_filter_init(struct connection_filter *filter, struct api_exchange *exchange,
                            bool of_users)
{
    const char *name = said(exchange, "name");
    struct user_query user;

    if (!user_query_read(&user, exchange))
        return false;
    *filter = (struct connection_filter){
        .name = name ? mem_strdup(name) : NULL,
        .token = token_of(exchange),
        .user_id = user.user_id,
        .tenant_id = user.user_id ? user.tenant_id : said(exchange, "tenantId"),
        .channel = said(exchange, "channel"),
        .listening = said(exchange, "listening"),
        .client_id = said(exchange, "clientId"),
        .id = said(exchange, "id"),
        .is_of_users = of_users,
    };
    if (user.user_id)
        filter->user_key = is_of_tenants(exchange) ? sse_user_key_new(user.tenant_id, user.user_id)
                                                   : mem_strdup(user.user_id);
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
    *filter = (struct connection_filter){.is_of_users = of_users};
    if (!exchange->user)
        filter->tenant_id = said(exchange, "tenantId");
    else if (is_of_tenants(exchange))
        filter->tenant_id = exchange->user->tenant_id;
    filter->id = of_users ? NULL : said(exchange, "id");
    if (!of_users && !filter->id)
        filter->client_id = said(exchange, "clientId");
    if (!filter->id && !filter->client_id)
        filter->name = trimmed(said(exchange, "name"));
}

void connection_filter_release(struct connection_filter *filter)
{
    free(filter->name);
    free(filter->token);
    free(filter->user_key);
    *filter = (struct connection_filter){.name = NULL};
}

static bool is_same(const char *wanted, const char *value)
{
    return !wanted || strcmp(wanted, value) == 0;
}

static bool passes_user(const struct connection_filter *filter, const struct sse_user *user)
{
    return (!filter->name || strcasestr(user->name, filter->name)) &&
           is_same(filter->user_id, user->id) && is_same(filter->tenant_id, user->tenant_id) &&
           is_same(filter->token, user->access_token);
}

static bool passes_id(const struct connection_filter *filter,
                      const struct sse_connection *connection)
{
    return !filter->id || sse_connection_id_names(connection, filter->id) ||
           (filter->is_of_users && strcmp(connection->user->id, filter->id) == 0);
}

bool connection_filter_passes(const struct connection_filter *filter,
                              const struct sse_connection *connection)
{
    return passes_user(filter, connection->user) && passes_id(filter, connection) &&
           (!filter->channel || sse_connection_has_channel(connection, filter->channel)) &&
           (!filter->listening || sse_connection_is_listening(connection, filter->listening)) &&
           is_same(filter->client_id, sse_connection_info(connection).client_id);
}

bool connection_filter_passes_away(const struct connection_filter *filter,
                                   const struct sse_user *user)
{
    return passes_user(filter, user) && is_same(filter->id, user->id) && !filter->channel &&
           !filter->listening && !filter->client_id;
}

const char *connection_filter_group(const struct connection_filter *filter,
                                    enum sse_group_kind *kind)
{
    const struct {
        enum sse_group_kind kind;
        const char *key;
    } groups[] = {
        {SSE_GROUP_USER, filter->user_key},    {SSE_GROUP_TOKEN, filter->token},
        {SSE_GROUP_CHANNEL, filter->channel},  {SSE_GROUP_LISTENER, filter->listening},
        {SSE_GROUP_TENANT, filter->tenant_id},
    };

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        *kind = groups[i].kind;
        if (is_said(groups[i].key))
            return groups[i].key;
    }
    return NULL;
}
