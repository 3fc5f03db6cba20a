/* SPDX-License-Identifier: Apache-2.0 */
/* A connection as `connections` shows it: the part of sse/connection.h about JSON. */
#include <stdlib.h>
#include <string.h>

#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

#define MOST_INT64_DIGITS 18u

static json_t *text(const char *value)
{
    json_t *string = value[0] != '\0' ? json_string(value) : NULL;

    return string ? string : json_null();
}

/* Pages send numbers as texts; what is none stays a text. */
static json_t *number(const char *value)
{
    const size_t length = strlen(value);

    if (length == 0 || length > MOST_INT64_DIGITS || strspn(value, "0123456789") != length)
        return text(value);
    return json_integer(strtoll(value, NULL, 10));
}

static json_t *time_or_null(int64_t time)
{
    return time > 0 ? json_integer(time) : json_null();
}

static json_t *object(const char *value)
{
    json_t *parsed = json_loads(value, 0, NULL);

    if (json_is_object(parsed))
        return parsed;
    json_decref(parsed);
    return json_object();
}

static void set_state(json_t *to, const struct sse_connection *connection)
{
    const uint64_t life_ms =
        connection->ends_at > 0 ? connection->ends_at - connection->created_at : 0;

    json_object_set_new(to, "id", json_string(connection->handle));
    json_object_set_new(to, "createTime", json_integer(connection->create_time));
    json_object_set_new(to, "timeout", json_integer((json_int_t)life_ms));
    json_object_set_new(to, "accessTime", time_or_null(connection->access_time));
    json_object_set_new(to, "messageCount", json_integer(connection->message_count));
    json_object_set_new(to, "sessionDuration", json_integer(connection->session_duration));
    json_object_set_new(to, "lastRequestTime", time_or_null(connection->last_request_time));
    json_object_set_new(to, "requestMessageCount", json_integer(connection->request_message_count));
    json_object_set_new(to, "requestUploadCount", json_integer(connection->request_upload_count));
    json_object_set_new(to, "listeners", sse_connection_listeners(connection));
}

/* Who knows of one channel only is shown the first. */
static void set_channels(json_t *to, const struct sse_connection *connection)
{
    json_t *channels = sse_connection_channels(connection);
    json_t *first = json_array_get(channels, 0);

    json_object_set_new(to, "channel", first ? json_incref(first) : json_null());
    json_object_set_new(to, "channels", channels);
}

static void set_user(json_t *to, const struct sse_user *user, bool shows_secrets)
{
    json_t *access_user = shows_secrets ? sse_user_to_json_in_full(user) : sse_user_to_json(user);

    json_object_set_new(to, "accessUserId", text(user->id));
    json_object_set_new(to, "accessTenantId", text(user->tenant_id));
    json_object_set(to, "accessToken", json_object_get(access_user, "accessToken"));
    json_object_set_new(to, "accessUser", access_user);
}

static void set_client(json_t *to, const struct sse_client_info *info)
{
    json_object_set_new(to, "locationHref", text(info->location_href));
    json_object_set_new(to, "clientId", text(info->client_id));
    json_object_set_new(to, "clientVersion", text(info->client_version));
    json_object_set_new(to, "clientImportModuleTime", number(info->client_import_module_time));
    json_object_set_new(to, "clientInstanceId", text(info->client_instance_id));
    json_object_set_new(to, "clientInstanceTime", number(info->client_instance_time));
    json_object_set_new(to, "requestIp", text(info->request_ip));
    json_object_set_new(to, "requestTls", text(info->request_tls));
    json_object_set_new(to, "requestDomain", text(info->request_domain));
    json_object_set_new(to, "userAgent", text(info->user_agent));
    json_object_set_new(to, "httpParameters", object(info->http_parameters));
    json_object_set_new(to, "httpHeaders", object(info->http_headers));
    json_object_set_new(to, "screen", text(info->screen));
    json_object_set_new(to, "totalJSHeapSize", number(info->total_js_heap_size));
    json_object_set_new(to, "usedJSHeapSize", number(info->used_js_heap_size));
    json_object_set_new(to, "jsHeapSizeLimit", number(info->js_heap_size_limit));
}

json_t *sse_connection_to_json(const struct sse_connection *connection, const char *server_id)
{
    const struct sse_client_info info = sse_connection_info(connection);
    json_t *shown = json_object();

    set_state(shown, connection);
    set_channels(shown, connection);
    set_user(shown, connection->user, connection->home->settings->show_secrets);
    set_client(shown, &info);
    json_object_set_new(shown, "serverId", text(server_id));
    return shown;
}
