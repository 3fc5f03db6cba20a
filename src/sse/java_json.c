/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/java_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/secrets.h"
#include "sse/connection.h"
#include "sse/parameters.h"
#include "sse/service.h"
#include "sse/user.h"

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
    json_object_set_new(shown, "name", json_text_or_null(user->name));
    json_object_set_new(shown, "tenantId", sse_user_tenant_to_json(user));
    json_object_update_missing(shown, all);
    json_decref(all);
    return shown;
}

static int64_t life_of(const struct sse_connection *connection)
{
    return connection->ends_at > 0 ? (int64_t)(connection->ends_at - connection->created_at) : 0;
}

/* It counts connect-finish, too. */
static void set_state(json_t *to, const struct sse_connection *connection, const json_t *parameters)
{
    json_t *channels = sse_connection_channels(connection);
    json_t *first = json_array_get(channels, 0);
    const bool has_duration =
        connection->session_duration > 0 || json_object_get(parameters, "sessionDuration");

    json_object_set_new(to, "id", json_string(connection->handle));
    json_object_set_new(to, "createTime", sse_java_time(connection->create_time));
    json_object_set_new(to, "timeout", json_integer(life_of(connection)));
    json_object_set_new(to, "accessTime", sse_java_time(connection->access_time));
    json_object_set_new(to, "messageCount", json_integer(connection->message_count + 1));
    json_object_set_new(to, "channel", first ? json_incref(first) : json_null());
    json_object_set_new(to, "sessionDuration",
                        has_duration ? json_integer(connection->session_duration) : json_null());
    json_object_set_new(to, "lastRequestTime", sse_java_time(connection->last_request_time));
    json_object_set_new(to, "requestMessageCount", json_integer(connection->request_message_count));
    json_object_set_new(to, "requestUploadCount", json_integer(connection->request_upload_count));
    json_object_set_new(to, "listeners", sse_connection_listeners(connection));
    json_decref(channels);
}

static void set_user(json_t *to, const struct sse_user *user, bool shows_secrets)
{
    json_t *shown = sse_java_user(user, shows_secrets);

    json_object_set(to, "accessUserId", json_object_get(shown, "id"));
    json_object_set(to, "accessTenantId", json_object_get(shown, "tenantId"));
    json_object_set(to, "accessToken", json_object_get(shown, "accessToken"));
    json_object_set_new(to, "accessUser", shown);
    json_object_set_new(to, "accessUserClass", json_null());
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

static void set_client(json_t *to, const struct sse_client_info *info, const char *server_id)
{
    json_object_set_new(to, "clientId", json_text_or_null(info->client_id));
    json_object_set_new(to, "clientVersion", json_text_or_null(info->client_version));
    json_object_set_new(to, "clientImportModuleTime",
                        json_number_or_null(info->client_import_module_time));
    json_object_set_new(to, "clientInstanceId", json_text_or_null(info->client_instance_id));
    json_object_set_new(to, "clientInstanceTime", json_number_or_null(info->client_instance_time));
    json_object_set_new(to, "serverId", json_text_or_null(server_id));
    json_object_set_new(to, "requestIp", json_text_or_null(info->request_ip));
    json_object_set_new(to, "requestDomain", json_text_or_null(info->request_domain));
    json_object_set_new(to, "userAgent", json_text_or_null(info->user_agent));
}

static void set_browser(json_t *to, const struct sse_client_info *info)
{
    json_object_set_new(to, "screen", json_text_or_null(info->screen));
    json_object_set_new(to, "totalJSHeapSize", json_number_or_null(info->total_js_heap_size));
    json_object_set_new(to, "usedJSHeapSize", json_number_or_null(info->used_js_heap_size));
    json_object_set_new(to, "jsHeapSizeLimit", json_number_or_null(info->js_heap_size_limit));
}

json_t *sse_java_connection(const struct sse_connection *connection, const char *server_id,
                            bool shows_secrets)
{
    const struct sse_client_info info = sse_connection_info(connection);
    const struct sse_user *user = connection->user;
    const int64_t life_ms = life_of(connection);
    json_t *parameters = sse_parameters_all(&info);
    json_t *headers = headers_with_host(&info);
    json_t *shown = json_object();

    if (!shows_secrets && connection->home->settings->show_secrets) {
        secrets_mask_members(parameters);
        secrets_mask_members(headers);
    }
    json_object_set_new(shown, "arrayClassName", json_null());
    json_object_set_new(shown, "objectClassName", json_null());
    set_state(shown, connection, parameters);
    json_object_set_new(shown, "locationHref", json_text_or_null(info.location_href));
    set_user(shown, user, shows_secrets);
    set_client(shown, &info, server_id);
    json_object_set_new(shown, "httpParameters", parameters);
    json_object_set_new(shown, "httpHeaders", headers);
    set_browser(shown, &info);
    json_object_set_new(shown, "tenantId", sse_user_tenant_to_json(user));
    json_object_set_new(shown, "expireTime",
                        life_ms > 0 ? sse_java_time(connection->create_time + life_ms)
                                    : json_null());
    json_object_set_new(shown, "accessUserName", json_text_or_null(user->name));
    return shown;
}
