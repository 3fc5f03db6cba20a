/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/endpoint.h"
#include "cli/line.h"
#include "cli/print.h"
#include "outbound/libcurl.h"
#include "server/version.h"

#define CONNECT_MS   5000L
#define LIMIT_MS     60000u
#define ANSWER_BYTES ((size_t)64 << 20)

struct cli_http {
    const struct cli_endpoint *endpoint;
    CURL *call;
    const struct cli_request *request;
    struct buf *answer;
    bool is_ended; /* by on_data */
    char reason[CURL_ERROR_SIZE];
};

/* What is no answer to what was asked is kept, as a whole, since it says why. */
static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct cli_http *http = context;
    const size_t length = size * count;
    long status = 0;

    (void)curl_easy_getinfo(http->call, CURLINFO_RESPONSE_CODE, &status);
    if (http->request->on_data && status == 200) {
        http->is_ended = !http->request->on_data(http->request->context, data, length);
        return http->is_ended ? CURL_WRITEFUNC_ERROR : length;
    }
    if (length > ANSWER_BYTES - http->answer->length)
        return CURL_WRITEFUNC_ERROR;
    buf_append(http->answer, data, length);
    return length;
}

static void set_trust(CURL *call, const struct cli_endpoint *endpoint)
{
    /* The key is what says who it is: it is asked for whatever else is checked. */
    const long checks = endpoint->takes_any || endpoint->public_keys ? 0L : 1L;

    (void)curl_easy_setopt(call, CURLOPT_SSL_VERIFYPEER, checks);
    (void)curl_easy_setopt(call, CURLOPT_SSL_VERIFYHOST, checks * 2);
    if (endpoint->public_keys)
        (void)curl_easy_setopt(call, CURLOPT_PINNEDPUBLICKEY, endpoint->public_keys);
    if (endpoint->ca_file) {
        (void)curl_easy_setopt(call, CURLOPT_CAINFO, endpoint->ca_file);
        (void)curl_easy_setopt(call, CURLOPT_CAPATH, NULL);
    }
}

struct cli_http *cli_http_new(const struct cli_endpoint *endpoint, struct config_fault *fault)
{
    struct cli_http *http = mem_zalloc(sizeof(*http));
    CURL *call = libcurl_load() ? curl_easy_init() : NULL;

    if (!call) {
        (void)config_fail(fault, -EIO, "libcurl does not start: there is no memory");
        free(http);
        return NULL;
    }
    http->endpoint = endpoint;
    http->call = call;
    (void)curl_easy_setopt(call, CURLOPT_ERRORBUFFER, http->reason);
    (void)curl_easy_setopt(call, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(call, CURLOPT_WRITEDATA, http);
    (void)curl_easy_setopt(call, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(call, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(call, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    (void)curl_easy_setopt(
        call, CURLOPT_HTTP_VERSION,
        (long)(endpoint->is_clear ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_2TLS));
    (void)curl_easy_setopt(call, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    (void)curl_easy_setopt(call, CURLOPT_XOAUTH2_BEARER, endpoint->key);
    if (endpoint->is_of_settings)
        (void)curl_easy_setopt(call, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(call, CURLOPT_HAPROXYPROTOCOL, endpoint->proxy_protocol ? 1L : 0L);
    if (endpoint->socket)
        (void)curl_easy_setopt(call, CURLOPT_UNIX_SOCKET_PATH, endpoint->socket);
    set_trust(call, endpoint);
    return http;
}

void cli_http_free(struct cli_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->call);
    free(http);
}

/* Of an answer in the envelope: what it says, fit for a terminal. */
static void append_message(const struct buf *answer, struct buf *to)
{
    struct json_fault fault;
    json_t *envelope = json_parse(buf_str(answer), answer->length, &fault);
    const char *message = cli_text_of(envelope, "errorMessage");

    if (message) {
        buf_append_str(to, ": ");
        cli_append_visible(to, message);
    }
    json_decref(envelope);
}

/* Somebody is there, who speaks otherwise than the URL says. */
static const char *scheme_hint(const struct cli_endpoint *endpoint, CURLcode code)
{
    if (endpoint->is_of_settings)
        return "";
    if (endpoint->is_clear && (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
                               code == CURLE_HTTP2 || code == CURLE_SEND_ERROR))
        return "; where it expects TLS, begin the URL with https://";
    return code == CURLE_SSL_CONNECT_ERROR ? "; where it has no TLS, begin the URL with http://"
                                           : "";
}

/* Of a transfer that has failed: what libcurl says, which may quote who answered. */
static int fail_transfer(const struct cli_http *http, CURLcode code, const char *url,
                         struct config_fault *fault)
{
    struct buf reason = BUF_INIT;
    long status = 0;
    int rc;

    (void)curl_easy_getinfo(http->call, CURLINFO_RESPONSE_CODE, &status);
    cli_append_visible(&reason, *http->reason != '\0' ? http->reason : curl_easy_strerror(code));
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
        rc =
            config_fail(fault, -EPROTO,
                        "%.200s: who answers there has not the certificate of these settings", url);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        rc = config_fail(fault, -EPROTO,
                         "%.200s: %.150s; give --cacert with the authority of its certificate, or "
                         "--insecure for a development certificate",
                         url, buf_str(&reason));
    else if (code == CURLE_SSL_CACERT_BADFILE)
        rc = config_fail(fault, -EINVAL,
                         "--cacert: \"%.200s\" holds no certificate that can be read; give a PEM "
                         "file with the authority of the server's",
                         http->endpoint->ca_file ? http->endpoint->ca_file : "");
    else
        rc = config_fail(fault, status == 0 ? -ECONNREFUSED : -EPROTO, "%.200s: %s: %.200s%s", url,
                         status == 0 ? "no answer" : "the answer broke off", buf_str(&reason),
                         status == 0 ? scheme_hint(http->endpoint, code) : "");
    buf_release(&reason);
    return rc;
}

static int judge(struct cli_http *http, CURLcode code, const char *url, struct config_fault *fault)
{
    struct buf message = BUF_INIT;
    long status = 0;

    (void)curl_easy_getinfo(http->call, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && !http->is_ended && (status == 0 || status == 200))
        return fail_transfer(http, code, url, fault);
    if (status == 200)
        return 0;
    append_message(http->answer, &message);
    (void)config_fail(fault, -EACCES, "the server answers %ld%.400s", status, buf_str(&message));
    buf_release(&message);
    return -EACCES;
}

static struct curl_slist *fields_of(const struct cli_request *request)
{
    struct curl_slist *fields = NULL;
    struct buf accept = BUF_INIT, agent = BUF_INIT;

    buf_printf(&agent, "user-agent: sse-server/%s", server_version);
    fields = curl_slist_append(fields, buf_str(&agent));
    if (request->body)
        fields = curl_slist_append(fields, "content-type: application/json");
    if (request->accept) {
        buf_printf(&accept, "accept: %s", request->accept);
        fields = curl_slist_append(fields, buf_str(&accept));
    }
    buf_release(&accept);
    buf_release(&agent);
    return fields;
}

int cli_http_ask(struct cli_http *http, const struct cli_request *request, struct buf *answer,
                 struct config_fault *fault)
{
    struct curl_slist *fields = fields_of(request);
    const unsigned limit_ms = request->limit_ms > 0 ? request->limit_ms : LIMIT_MS;
    struct buf url = BUF_INIT;
    int rc;

    buf_printf(&url, "%s%s%s", http->endpoint->origin,
               request->is_of_server ? "" : http->endpoint->base, request->path);
    http->request = request;
    http->answer = answer;
    http->is_ended = false;
    *http->reason = '\0';
    (void)curl_easy_setopt(http->call, CURLOPT_URL, buf_str(&url));
    (void)curl_easy_setopt(http->call, CURLOPT_HTTPHEADER, fields);
    (void)curl_easy_setopt(http->call, CURLOPT_TIMEOUT_MS, request->on_data ? 0L : (long)limit_ms);
    (void)curl_easy_setopt(http->call, CURLOPT_HTTPGET, 1L);
    if (request->body) {
        (void)curl_easy_setopt(http->call, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)request->length);
        (void)curl_easy_setopt(http->call, CURLOPT_POSTFIELDS, request->body);
    }
    (void)curl_easy_setopt(http->call, CURLOPT_CUSTOMREQUEST, request->method);
    rc = judge(http, curl_easy_perform(http->call), buf_str(&url), fault);
    (void)curl_easy_setopt(http->call, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(fields);
    buf_release(&url);
    return rc;
}

json_t *cli_http_ask_json(struct cli_http *http, const struct cli_request *request, int *rc,
                          struct config_fault *fault)
{
    const struct json_rules rules = {.is_wide = true};
    struct buf answer = BUF_INIT;
    struct json_fault wrong;
    json_t *envelope = NULL, *data = NULL;

    *rc = cli_http_ask(http, request, &answer, fault);
    if (*rc == 0) {
        envelope = json_parse_by(&rules, buf_str(&answer), answer.length, &wrong);
        data = json_incref(json_object_get(envelope, "data"));
        if (!data)
            *rc = config_fail(fault, -EPROTO,
                              "the answer is not one of sse-server; is the URL that of a service?");
    }
    json_decref(envelope);
    buf_release(&answer);
    return data;
}

void cli_append_parameter(struct buf *path, const char *name, const char *value)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    if (!value)
        return;
    buf_printf(path, "%c%s=", memchr(buf_str(path), '?', path->length) ? '&' : '?', name);
    for (; *value != '\0'; value++) {
        if (strchr(unreserved, *value))
            buf_append_char(path, *value);
        else
            buf_printf(path, "%%%02X", (unsigned char)*value);
    }
}

void cli_append_filter(struct buf *path, const struct cli_line *line)
{
    cli_append_parameter(path, "userId", line->user);
    cli_append_parameter(path, "tenantId", line->tenant);
    cli_append_parameter(path, "channel", line->channel);
    cli_append_parameter(path, "clientId", line->client);
    cli_append_parameter(path, "id", line->id);
}
