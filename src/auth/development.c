/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/mem.h"
#include "base/text.h"
#include "sse/user.h"

#define MAX_TEXT 256u

typedef const char *lookup(const void *request, const char *name);

static const char none_message[] =
    "nobody said who is asking: add userId=… (and name, tenantId, access-token) to the query, or "
    "set a cookie userId";
static const char bad_message[] =
    "userId, name, tenantId and access-token must be UTF-8 without control characters, of at most "
    "256 bytes each";

struct auth_development {
    struct auth base;
    bool of_tenant;
};

static bool is_acceptable(const char *text)
{
    const size_t length = strlen(text);

    return length <= MAX_TEXT && utf8_is_valid(text, length) && sse_text_is_plain(text, length);
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

/* All of a user comes from the place that has the userId: never one's id with another's tenant. */
static void user_from(const struct auth_development *development, const struct auth_facts *facts,
                      lookup *find, struct auth_result *result)
{
    const char *id = find(facts->request, "userId");
    const char *name = text_or_empty(find(facts->request, "name"));
    const char *tenant = text_or_empty(find(facts->request, "tenantId"));
    const char *lists = text_or_empty(find(facts->request, "lists"));
    const char *token = facts->credential;

    if (!token)
        token = text_or_empty(find(facts->request, "access-token"));

    if (!is_acceptable(id) || !is_acceptable(name) || !is_acceptable(tenant) ||
        !is_acceptable(token)) {
        *result = (struct auth_result){.verdict = AUTH_BAD, .message = bad_message};
        return;
    }
    *result = (struct auth_result){
        .verdict = AUTH_OK,
        .user = sse_user_new(&(struct sse_user_fields){.id = id,
                                                       .name = name,
                                                       .access_token = token,
                                                       .tenant_id = tenant,
                                                       .may_list = strcmp(lists, "true") == 0,
                                                       .is_of_tenant = development->of_tenant})};
}

static bool has_user(const struct auth_facts *facts, lookup *find)
{
    const char *id = find(facts->request, "userId");

    return id && id[0] != '\0';
}

static void development_check(struct auth *auth, const struct auth_facts *facts,
                              void (*done)(void *context, const struct auth_result *result),
                              void *context)
{
    const struct auth_development *development = container_of(auth, struct auth_development, base);
    struct auth_result result = {.verdict = AUTH_NONE, .message = none_message};

    if (has_user(facts, facts->parameter)) {
        user_from(development, facts, facts->parameter, &result);
    } else if (has_user(facts, facts->cookie)) {
        user_from(development, facts, facts->cookie, &result);
        result.source = AUTH_BY_COOKIE;
    }
    done(context, &result);
}

static void development_free(struct auth *auth)
{
    free(container_of(auth, struct auth_development, base));
}

static const struct auth_ops development_ops = {
    .name = "development",
    .check = development_check,
    .free = development_free,
};

struct auth *auth_development_new(bool of_tenant)
{
    struct auth_development *development = mem_zalloc(sizeof(*development));

    development->base.ops = &development_ops;
    development->of_tenant = of_tenant;
    return &development->base;
}
