/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/subject_text.h"

#include <string.h>

#include "sse/connection.h"
#include "sse/user.h"

/* A field of 8 KiB is the most that many back ends take. */
#define BRIEF_TOKEN 2048u

static char *take_text(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    return text;
}

char *broker_text_of_user(const struct sse_user *user, const struct broker_telling *telling)
{
    const bool has_room = !telling->is_brief || strlen(user->access_token) <= BRIEF_TOKEN;

    return take_text(sse_user_as_told(user, telling->has_token && has_room));
}

char *broker_text_of_connection(const struct sse_connection *connection, const char *server_id,
                                const struct broker_telling *telling)
{
    const bool has_token = telling->has_token && !telling->is_brief; /* once will do */
    json_t *shown = sse_connection_as_told(connection, server_id, has_token);

    if (telling->is_brief) {
        json_object_del(shown, "httpHeaders");
        json_object_del(shown, "httpParameters");
    }
    return take_text(shown);
}
