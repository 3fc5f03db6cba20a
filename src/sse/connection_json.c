/* SPDX-License-Identifier: Apache-2.0 */
/* A connection as `connections` shows it: the part of sse/connection.h about JSON. */
#include "base/json.h"
#include "base/secrets.h"
#include "sse/connection.h"
#include "sse/parameters.h"
#include "sse/service.h"
#include "sse/user.h"

/* Pages send numbers as texts; what is none stays a text. */
static json_t *number(const char *value)
{
    json_t *read = json_number_or_null(value);

    return json_is_null(read) ? json_text_or_null(value) : read;
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
    json_object_set_new(to, "id", json_string(connection->handle));
    json_object_set_new(to, "createTime", json_integer(connection->create_time));
    json_object_set_new(to, "timeout", json_integer(sse_connection_life_ms(connection)));
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

/* Takes over the reference. */
static void set_user(json_t *to, json_t *access_user)
{
    json_object_set(to, "accessUserId", json_object_get(access_user, "id"));
    json_object_set(to, "accessTenantId", json_object_get(access_user, "tenantId"));
    json_object_set(to, "accessToken", json_object_get(access_user, "accessToken"));
    json_object_set_new(to, "accessUser", access_user);
}

/* Secrets among them masked as those of the user are. */
static void set_attributes(json_t *to, const struct sse_user *user)
{
    json_t *attributes = user->attributes ? object(user->attributes) : NULL;

    if (!attributes)
        return;
    secrets_mask_members(attributes);
    json_object_set_new(to, "attributes", attributes);
}

static void set_client(json_t *to, const struct sse_client_info *info)
{
    json_object_set_new(to, "locationHref", json_text_or_null(info->location_href));
    json_object_set_new(to, "clientId", json_text_or_null(info->client_id));
    json_object_set_new(to, "clientVersion", json_text_or_null(info->client_version));
    json_object_set_new(to, "clientImportModuleTime", number(info->client_import_module_time));
    json_object_set_new(to, "clientInstanceId", json_text_or_null(info->client_instance_id));
    json_object_set_new(to, "clientInstanceTime", number(info->client_instance_time));
    json_object_set_new(to, "requestIp", json_text_or_null(info->request_ip));
    json_object_set_new(to, "requestTls", json_text_or_null(info->request_tls));
    json_object_set_new(to, "requestDomain", json_text_or_null(info->request_domain));
    json_object_set_new(to, "userAgent", json_text_or_null(info->user_agent));
    json_object_set_new(to, "httpParameters", sse_parameters_own(info));
    json_object_set_new(to, "httpHeaders", object(info->http_headers));
    json_object_set_new(to, "screen", json_text_or_null(info->screen));
    json_object_set_new(to, "totalJSHeapSize", number(info->total_js_heap_size));
    json_object_set_new(to, "usedJSHeapSize", number(info->used_js_heap_size));
    json_object_set_new(to, "jsHeapSizeLimit", number(info->js_heap_size_limit));
}

json_t *sse_connection_to_json(const struct sse_connection *connection, const char *server_id)
{
    const struct sse_user *user = connection->user;
    const bool shows_secrets = connection->home->settings->show_secrets;
    const struct sse_client_info info = sse_connection_info(connection);
    json_t *shown = json_object();

    set_state(shown, connection);
    set_channels(shown, connection);
    set_user(shown, shows_secrets ? sse_user_to_json_in_full(user) : sse_user_to_json(user));
    set_client(shown, &info);
    json_object_set_new(shown, "serverId", json_text_or_null(server_id));
    set_attributes(shown, user);
    return shown;
}

json_t *sse_connection_as_told(const struct sse_connection *connection, const char *server_id,
                               bool has_token)
{
    json_t *shown = sse_connection_to_json(connection, server_id);

    if (!connection->home->settings->show_secrets)
        set_user(shown, sse_user_as_told(connection->user, has_token));
    return shown;
}
