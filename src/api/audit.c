/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit.h"

#include <stdlib.h>
#include <string.h>

#include "api/client_address.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/worker.h"
#include "base/audit_log.h"
#include "base/log.h"
#include "base/mem.h"
#include "sse/service.h"
#include "sse/target.h"
#include "sse/user.h"
#include "sse/user_key.h"

#define TARGET_MOST ((size_t)1000) /* bytes: a line is no longer than what a pipe takes at once */
#define FIELDS      10u

void api_audit_release(struct api_audit *audit)
{
    free(audit->key);
    free(audit->subject);
    buf_release(&audit->target);
}

static const char *action_of(const struct api_exchange *exchange)
{
    static const struct {
        void (*handle)(struct api_exchange *exchange);
        const char *action;
    } actions[] = {
        {api_handle_disconnect_user, "disconnectUser"},
        {api_handle_delete_messages, "deleteMessages"},
        {api_handle_delete_message, "deleteMessages"},
    };

    for (size_t i = 0; exchange->endpoint && i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (exchange->endpoint->handle == actions[i].handle)
            return actions[i].action;
    }
    return NULL;
}

void api_audit_note_key(struct api_exchange *exchange, const char *name)
{
    if (action_of(exchange)) /* others are too many to copy something for each */
        exchange->audit.key = mem_strdup(name);
}

static void append_value(struct buf *to, const char *value, bool is_token)
{
    if (is_token)
        sse_user_append_shortened(to, value);
    else
        buf_append_str(to, value);
}

/* Of users in a tenant: all of a target are of one. */
static void append_tenant(struct buf *to, const struct sse_target *target)
{
    char *tenant = target->dimension == SSE_BY_USER && target->count > 0
                       ? sse_user_key_tenant(target->values[0])
                       : NULL;

    if (tenant)
        buf_printf(to, "tenantId=%s ", tenant);
    free(tenant);
}

void api_audit_note_target(struct api_exchange *exchange, const struct sse_target *target)
{
    struct buf *to = &exchange->audit.target;

    buf_clear(to);
    append_tenant(to, target);
    buf_printf(to, "%s=", sse_dimension_keys[target->dimension]);
    for (size_t i = 0; i < target->count && to->length < TARGET_MOST; i++) {
        buf_append_str(to, i > 0 ? "," : "");
        append_value(to,
                     target->dimension == SSE_BY_USER ? sse_user_key_id(target->values[i])
                                                      : target->values[i],
                     target->dimension == SSE_BY_TOKEN);
    }
}

void api_audit_note_query(struct api_exchange *exchange)
{
    struct buf *to = &exchange->audit.target;

    buf_clear(to);
    if (exchange->variable[0] != '\0')
        buf_printf(to, "id=%s", exchange->variable);
    for (size_t i = 0; i < exchange->query.count && to->length < TARGET_MOST; i++) {
        const struct h2_form_field *field = &exchange->query.fields[i];

        buf_printf(to, "%s%s=", to->length > 0 ? " " : "", field->name);
        append_value(to, field->value, strcmp(field->name, "accessToken") == 0);
    }
}

static const char *result_of(int status)
{
    if (status < 400)
        return "ok";
    return status == 401 || status == 403 ? "refused" : "failed";
}

void api_audit_answer(const struct api_exchange *exchange, int status, long long count)
{
    const char *action = action_of(exchange);
    const struct api_audit *audit = &exchange->audit;
    const char *result = result_of(status);
    struct log_field fields[FIELDS] = {LOG_STR("action", action), LOG_STR("result", result),
                                       LOG_INT("status", status)};
    char address[CLIENT_ADDRESS_SIZE];
    size_t filled = 3;

    if (!action || !exchange->api->settings->audit || !exchange->request)
        return;
    client_address_of(exchange, address);
    if (audit->key)
        fields[filled++] = (struct log_field)LOG_STR("key", audit->key);
    else if (audit->subject)
        fields[filled++] = (struct log_field)LOG_STR("token", audit->subject);
    fields[filled++] = (struct log_field)LOG_STR("address", address);
    if (exchange->service)
        fields[filled++] =
            (struct log_field)LOG_STR("service", exchange->service->settings->core->name);
    if (audit->target.length > 0)
        fields[filled++] = (struct log_field)LOG_STR("target", buf_str(&audit->target));
    if (audit->is_revoking)
        fields[filled++] = (struct log_field)LOG_STR("revoke", "true");
    if (count >= 0)
        fields[filled++] = (struct log_field)LOG_INT("count", count);
    audit_log_write(exchange->api->settings->audit, strcmp(result, "refused") == 0, fields, filled);
}
