/* SPDX-License-Identifier: Apache-2.0 */
/* Users and connections as queries show them: the part of sse/connection.h about JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/secrets.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

/* Pages send numbers as texts; what is none stays a text. */
static json_t *number(const char *value)
{
    json_t *read = json_number_or_null(value);

    return json_is_null(read) ? json_text_or_null(value) : read;
}

static json_t *object(const char *value)
{
    json_t *parsed = json_loads(value, 0, NULL);

    if (json_is_object(parsed))
        return parsed;
    json_decref(parsed);
    return json_object();
}

static json_t *time_or_null(int64_t wall_ms)
{
    return wall_ms > 0 ? json_integer(wall_ms) : json_null();
}

static void set_text(json_t *to, const char *key, const char *text)
{
    json_object_set_new(to, key, json_text_or_null(text));
}

static void set_count(json_t *to, const char *key, int64_t count)
{
    json_object_set_new(to, key, json_integer(count));
}

/* Who knows of one channel only is shown the first. */
static void set_first_channel(json_t *to, const json_t *channels)
{
    json_t *first = json_array_get(channels, 0);

    json_object_set_new(to, "channel", first ? json_incref(first) : json_null());
}

/* Times and numbers are what the two forms write differently. */
static void set_requests(json_t *to, const struct sse_connection *connection,
                         json_t *(*as_time)(int64_t wall_ms))
{
    json_object_set_new(to, "lastRequestTime", as_time(connection->last_request_time));
    set_count(to, "requestMessageCount", connection->request_message_count);
    set_count(to, "requestUploadCount", connection->request_upload_count);
    json_object_set_new(to, "listeners", sse_connection_names(connection, SSE_GROUP_LISTENER));
}

/* Takes over the reference. */
static void set_user(json_t *to, json_t *access_user)
{
    json_object_set(to, "accessUserId", json_object_get(access_user, "id"));
    json_object_set(to, "accessTenantId", json_object_get(access_user, "tenantId"));
    json_object_set(to, "accessToken", json_object_get(access_user, "accessToken"));
    json_object_set_new(to, "accessUser", access_user);
}

static void set_client(json_t *to, const struct sse_client_info *info,
                       json_t *(*as_number)(const char *text))
{
    set_text(to, "clientId", info->client_id);
    set_text(to, "clientVersion", info->client_version);
    json_object_set_new(to, "clientImportModuleTime", as_number(info->client_import_module_time));
    set_text(to, "clientInstanceId", info->client_instance_id);
    json_object_set_new(to, "clientInstanceTime", as_number(info->client_instance_time));
}

static void set_browser(json_t *to, const struct sse_client_info *info,
                        json_t *(*as_number)(const char *text))
{
    set_text(to, "screen", info->screen);
    json_object_set_new(to, "totalJSHeapSize", as_number(info->total_js_heap_size));
    json_object_set_new(to, "usedJSHeapSize", as_number(info->used_js_heap_size));
    json_object_set_new(to, "jsHeapSizeLimit", as_number(info->js_heap_size_limit));
}

/* ---- our own form ---- */

static void set_state(json_t *to, const struct sse_connection *connection)
{
    json_t *channels = sse_connection_names(connection, SSE_GROUP_CHANNEL);

    json_object_set_new(to, "id", json_string(connection->handle));
    set_count(to, "createTime", connection->create_time);
    set_count(to, "timeout", sse_connection_life_ms(connection));
    json_object_set_new(to, "accessTime", time_or_null(connection->access_time));
    set_count(to, "messageCount", connection->message_count);
    set_count(to, "sessionDuration", connection->session_duration);
    set_requests(to, connection, time_or_null);
    set_first_channel(to, channels);
    json_object_set_new(to, "channels", channels);
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

json_t *sse_connection_to_json(const struct sse_connection *connection, const char *server_id)
{
    const struct sse_user *user = connection->user;
    const bool shows_secrets = connection->home->settings->show_secrets;
    const struct sse_client_info info = sse_connection_info(connection);
    json_t *shown = json_object();

    set_state(shown, connection);
    set_user(shown, shows_secrets ? sse_user_to_json_in_full(user) : sse_user_to_json(user));
    set_text(shown, "locationHref", info.location_href);
    set_client(shown, &info, number);
    set_text(shown, "requestIp", info.request_ip);
    set_text(shown, "requestTls", info.request_tls);
    set_text(shown, "requestDomain", info.request_domain);
    set_text(shown, "userAgent", info.user_agent);
    json_object_set_new(shown, "httpParameters", sse_parameters_own(&info));
    json_object_set_new(shown, "httpHeaders", object(info.http_headers));
    set_browser(shown, &info, number);
    set_text(shown, "serverId", server_id);
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

/* ---- that of the Java system ---- */

json_t *sse_java_time(int64_t wall_ms)
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    char date[32], written[48];
    struct tm parts;

    if (wall_ms <= 0 || !gmtime_r(&seconds, &parts) ||
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return json_null();
    snprintf(written, sizeof(written), "%s.%03" PRId64 "+00:00", date, wall_ms % 1000);
    return json_string(written);
}

json_t *sse_java_user(const struct sse_user *user, bool shows_secrets)
{
    json_t *all = shows_secrets ? sse_user_to_json_in_full(user) : sse_user_to_json(user);
    json_t *shown = json_object();

    json_object_set(shown, "accessToken", json_object_get(all, "accessToken"));
    json_object_set_new(shown, "id", sse_user_id_to_json(user));
    set_text(shown, "name", user->name);
    json_object_set_new(shown, "tenantId", sse_user_tenant_to_json(user));
    json_object_update_missing(shown, all);
    json_decref(all);
    return shown;
}

/* It counts connect-finish, too. */
static void set_java_state(json_t *to, const struct sse_connection *connection,
                           const json_t *parameters)
{
    json_t *channels = sse_connection_names(connection, SSE_GROUP_CHANNEL);
    const bool has_duration =
        connection->session_duration > 0 || json_object_get(parameters, "sessionDuration");

    json_object_set_new(to, "id", json_string(connection->handle));
    json_object_set_new(to, "createTime", sse_java_time(connection->create_time));
    set_count(to, "timeout", sse_connection_life_ms(connection));
    json_object_set_new(to, "accessTime", sse_java_time(connection->access_time));
    set_count(to, "messageCount", connection->message_count + 1);
    set_first_channel(to, channels);
    json_object_set_new(to, "sessionDuration",
                        has_duration ? json_integer(connection->session_duration) : json_null());
    set_requests(to, connection, sse_java_time);
    json_decref(channels);
}

/* HTTP/2 has no such field, and the host is no other one. */
static json_t *headers_with_host(const struct sse_client_info *info)
{
    json_t *said = json_loads(info->http_headers, 0, NULL);
    const char *host = strstr(info->request_domain, "://");
    json_t *headers = json_object();

    if (host)
        json_object_set_new(headers, "host", json_string(host + 3));
    json_object_update_missing(headers, said);
    json_decref(said);
    return headers;
}

json_t *sse_java_connection(const struct sse_connection *connection, const char *server_id,
                            bool shows_secrets)
{
    const struct sse_client_info info = sse_connection_info(connection);
    const struct sse_user *user = connection->user;
    const int64_t life_ms = sse_connection_life_ms(connection);
    json_t *parameters = sse_parameters_all(&info);
    json_t *headers = headers_with_host(&info);
    json_t *shown = json_object();

    if (!shows_secrets && connection->home->settings->show_secrets) {
        secrets_mask_members(parameters);
        secrets_mask_members(headers);
    }
    json_object_set_new(shown, "arrayClassName", json_null());
    json_object_set_new(shown, "objectClassName", json_null());
    set_java_state(shown, connection, parameters);
    set_text(shown, "locationHref", info.location_href);
    set_user(shown, sse_java_user(user, shows_secrets));
    json_object_set_new(shown, "accessUserClass", json_null());
    set_client(shown, &info, json_number_or_null);
    set_text(shown, "serverId", server_id);
    set_text(shown, "requestIp", info.request_ip);
    set_text(shown, "requestDomain", info.request_domain);
    set_text(shown, "userAgent", info.user_agent);
    json_object_set_new(shown, "httpParameters", parameters);
    json_object_set_new(shown, "httpHeaders", headers);
    set_browser(shown, &info, json_number_or_null);
    json_object_set_new(shown, "tenantId", sse_user_tenant_to_json(user));
    json_object_set_new(shown, "expireTime",
                        sse_java_time(life_ms > 0 ? connection->create_time + life_ms : 0));
    set_text(shown, "accessUserName", user->name);
    return shown;
}
