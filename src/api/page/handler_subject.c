/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/handler_subject.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/json_text.h"
#include "base/loop.h"
#include "base/words.h"
#include "broker/subject_text.h"
#include "sse/service.h"

void handler_subject_note(struct handler_subject *subject, const struct broker_message *answer)
{
    if (!answer->called.user)
        return;
    handler_subject_release(subject);
    subject->told = broker_message_keep(answer);
}

void handler_subject_note_user(struct handler_subject *subject, const struct sse_user *user)
{
    free(subject->user);
    subject->user = broker_text_of_user(user, &subject->telling);
}

void handler_subject_release(struct handler_subject *subject)
{
    if (subject->told)
        broker_message_free(subject->told);
    free(subject->user);
    subject->told = NULL;
    subject->user = NULL;
}

void handler_subject_open(struct buf *text, const struct api_exchange *exchange, const char *type,
                          const struct handler_subject *subject)
{
    const struct broker_called *called = subject->told ? &subject->told->called : NULL;
    const char *user = called ? called->user : subject->user;

    buf_printf(text, "{\"type\":\"%s\",\"service\":", type);
    json_text_string(text, exchange->service->settings->core->name);
    buf_append_str(text, ",\"path\":");
    json_text_string(text, exchange->variable);
    buf_printf(text, ",\"time\":%" PRId64 ",\"user\":", loop_wall_ms(exchange->api->loop));
    buf_append_str(text, user ? user : "null");
    buf_append_str(text, ",\"connection\":");
    buf_append_str(text, called && called->connection ? called->connection : "null");
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
