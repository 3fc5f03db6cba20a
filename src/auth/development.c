/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "sse/user.h"

#define MAX_TEXT 256u

typedef const char *lookup(const void *request, const char *name);

static const char none_message[] =
    "nobody said who is asking: add userId=… (and name, tenantId, access-token) to the query, or "
    "set a cookie userId";
static const char bad_message[] =
    "userId, name, tenantId and access-token must be UTF-8 without control characters, of at most "
    "256 bytes each";

static bool is_acceptable(const char *text)
{
    size_t length = strlen(text);

    if (length > MAX_TEXT || !utf8_is_valid(text, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    }
    return true;
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

/* All of a user comes from the place that has the userId: never one's id with another's tenant. */
static void user_from(const struct auth_facts *facts, lookup *find, struct auth_result *result)
{
    const char *id = find(facts->request, "userId");
    const char *name = text_or_empty(find(facts->request, "name"));
    const char *tenant = text_or_empty(find(facts->request, "tenantId"));
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
        .user = sse_user_new(&(struct sse_user_fields){
            .id = id, .name = name, .access_token = token, .tenant_id = tenant})};
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
    struct auth_result result = {.verdict = AUTH_NONE, .message = none_message};

    (void)auth;
    if (has_user(facts, facts->parameter)) {
        user_from(facts, facts->parameter, &result);
    } else if (has_user(facts, facts->cookie)) {
        user_from(facts, facts->cookie, &result);
        result.source = AUTH_BY_COOKIE;
    }
    done(context, &result);
}

static void development_free(struct auth *auth)
{
    free(auth);
}

static const struct auth_ops development_ops = {
    .name = "development",
    .check = development_check,
    .free = development_free,
};

struct auth *auth_development_new(void)
{
    struct auth *auth = mem_zalloc(sizeof(*auth));

    auth->ops = &development_ops;
    return auth;
}
