/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/connection_filter.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/query/user_query.h"
#include "base/mem.h"
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

static void say_owned(struct connection_filter *filter)
{
    filter->said.by[BROKER_BY_NAME] = filter->name;
    filter->said.by[BROKER_BY_TOKEN] = filter->token;
    filter->said.by[BROKER_BY_USER_KEY] = filter->user_key;
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
        .said.by = {[BROKER_BY_USER] = user.user_id,
                    [BROKER_BY_TENANT] = user.user_id ? user.tenant_id : said(exchange, "tenantId"),
                    [BROKER_BY_CHANNEL] = said(exchange, "channel"),
                    [BROKER_BY_LISTENER] = said(exchange, "listening"),
                    [BROKER_BY_CLIENT] = said(exchange, "clientId"),
                    [BROKER_BY_ID] = said(exchange, "id")},
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
        by[BROKER_BY_TENANT] = said(exchange, "tenantId");
    else if (is_of_tenants(exchange))
        by[BROKER_BY_TENANT] = exchange->user->tenant_id;
    by[BROKER_BY_ID] = of_users ? NULL : said(exchange, "id");
    if (!of_users && !by[BROKER_BY_ID])
        by[BROKER_BY_CLIENT] = said(exchange, "clientId");
    if (!by[BROKER_BY_ID] && !by[BROKER_BY_CLIENT])
        filter->name = trimmed(said(exchange, "name"));
    say_owned(filter);
}

void connection_filter_release(struct connection_filter *filter)
{
    free(filter->name);
    free(filter->token);
    free(filter->user_key);
}
