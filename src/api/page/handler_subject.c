/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/handler_subject.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/json_text.h"
#include "base/loop.h"
#include "base/words.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

/* A field of 8 KiB is the most that many back ends take. */
#define BRIEF_TOKEN 2048u

static char *take_text(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    return text;
}

void handler_subject_note(struct handler_subject *subject, const struct api_exchange *exchange,
                          const struct sse_connection *connection)
{
    const bool has_token = subject->has_token && !subject->is_brief; /* once will do */
    json_t *shown = sse_connection_as_told(connection, exchange->api->server_id, has_token);

    if (subject->is_brief) {
        json_object_del(shown, "httpHeaders");
        json_object_del(shown, "httpParameters");
    }
    subject->connection = take_text(shown);
    handler_subject_note_user(subject, connection->user);
}

void handler_subject_note_user(struct handler_subject *subject, const struct sse_user *user)
{
    const bool has_room = !subject->is_brief || strlen(user->access_token) <= BRIEF_TOKEN;

    subject->user = take_text(sse_user_as_told(user, subject->has_token && has_room));
}

void handler_subject_release(struct handler_subject *subject)
{
    free(subject->connection);
    free(subject->user);
    subject->connection = subject->user = NULL;
}

void handler_subject_open(struct buf *text, const struct api_exchange *exchange, const char *type,
                          const struct handler_subject *subject)
{
    buf_printf(text, "{\"type\":\"%s\",\"service\":", type);
    json_text_string(text, exchange->service->settings->core->name);
    buf_append_str(text, ",\"path\":");
    json_text_string(text, exchange->variable);
    buf_printf(text, ",\"time\":%" PRId64 ",\"user\":", loop_wall_ms(exchange->api->loop));
    buf_append_str(text, subject->user ? subject->user : "null");
    buf_append_str(text, ",\"connection\":");
    buf_append_str(text, subject->connection ? subject->connection : "null");
}

/* What says who is asking is not for the handler, whichever kind of auth knows it. */
static bool is_credential(const struct api_exchange *exchange, const char *name)
{
    return strcmp(name, "connectionId") == 0 || strcmp(name, "access-token") == 0 ||
           words_have(exchange->service->settings->secret_names, name);
}

json_t *handler_subject_query(const struct api_exchange *exchange)
{
    json_t *object = json_object();

    for (size_t i = 0; i < exchange->query.count; i++) {
        const struct h2_form_field *field = &exchange->query.fields[i];

        /* Of a name that comes twice the first counts, as everywhere. */
        if (!is_credential(exchange, field->name) && !json_object_get(object, field->name))
            json_object_set_new(object, field->name, json_string(field->value));
    }
    return object;
}
