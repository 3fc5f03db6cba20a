/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the server asks and tells: JWK sets and webhooks. Sets are read; webhooks get an OPTIONS,
 * which changes nothing, and any answer shows that they are there. */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "auth/jwks.h"
#include "auth/jwt_key.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "outbound/call.h"
#include "outbound/libcurl.h"
#include "server/config.h"
#include "server/settings.h"

#define LIMIT_MS 10000u /* for an answer, where the server would wait longer */

struct peer {
    struct doctor_subject subject;
    const char *url;
    uint64_t limit_ms; /* for its answer, connection included */
    bool is_key_set;
    struct buf answer;
};

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct peer *peer = context;
    const size_t length = size * count;

    if (!peer->is_key_set)
        return length;
    if (length > AUTH_JWK_SET_MAX_BYTES - peer->answer.length)
        return CURL_WRITEFUNC_ERROR;
    buf_append(&peer->answer, data, length);
    return length;
}

/* As the server asks, by the same proxy and authorities. */
static void set_options(CURL *easy, const struct outbound_http_settings *outbound,
                        struct peer *peer)
{
    (void)curl_easy_setopt(easy, CURLOPT_URL, peer->url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, peer->is_key_set ? "GET" : "OPTIONS");
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, peer);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)outbound->connect_ms);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)peer->limit_ms);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, outbound->proxy ? outbound->proxy : "");
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, outbound->user_agent);
    (void)curl_easy_setopt(
        easy, CURLOPT_HTTP_VERSION,
        (long)(outbound->only_http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    if (outbound->ca_file && *outbound->ca_file != '\0') {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, outbound->ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (outbound->takes_any_certificate) {
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* What only this request makes of them; elsewhere the server keeps such limits by itself. */
static struct outbound_fault fault_of(const struct peer *peer, CURL *easy, CURLcode code)
{
    curl_off_t connected_us = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    if (code == CURLE_OPERATION_TIMEDOUT && connected_us > 0)
        return (struct outbound_fault){-ETIME,
                                       "it takes connections, and has not answered in time"};
    if (code == CURLE_WRITE_ERROR && peer->is_key_set)
        return (struct outbound_fault){-EMSGSIZE, "its answer is too long for a JWK set"};
    if (code == CURLE_SSL_CACERT_BADFILE)
        return (struct outbound_fault){-ENOKEY, "the file of authorities has no certificate"};
    return outbound_fault_of(easy, code);
}

static const char *advice_for(int error, bool has_proxy)
{
    if (has_proxy && (error == -ECONNREFUSED || error == -EHOSTUNREACH || error == -ETIMEDOUT))
        return "see whether outbound.proxy is right, by which it is asked, and whether that lets "
               "this machine through";
    switch (error) {
    case -ETIME:
        return "see what its log says, and why it takes so long";
    case -EMSGSIZE:
        return "correct tokenKeys[].jwks: it is the URL of a JSON object with \"keys\"";
    case -ENOKEY:
        return "give a PEM file with certificates in outbound.caFile";
    case -EHOSTUNREACH:
        return "correct the name in the URL, or what resolves names on this machine (getent ahosts "
               "NAME)";
    case -ECONNREFUSED:
        return "start what is to listen there, or correct the URL";
    case -ETIMEDOUT:
        return "see whether a firewall is between, and whether outbound.proxy is needed";
    case -EPROTO:
        return "give the authority of its certificate in outbound.caFile, or have it show one for "
               "the name of the URL; the scheme may be wrong, too";
    case -EIO:
        return "see what its log says; where the URL begins with http, it may expect https";
    default:
        return "see what its log says";
    }
}

static void note_time(const struct peer *peer, CURL *easy)
{
    struct doctor *doctor = peer->subject.doctor;
    struct curl_header *date;
    struct tm then = {0};

    if (doctor->clock_of || curl_easy_header(easy, "date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
        return;
    if (!strptime(date->value, "%a, %d %b %Y %H:%M:%S GMT", &then)) /* RFC 9110 5.6.7 */
        return;
    /* Its second may have begun up to a second ago. */
    doctor->clock_ms = clock_wall_ms() - (int64_t)timegm(&then) * 1000;
    doctor->clock_of = peer->subject.name;
}

static void judge_set(const struct doctor_subject *subject, const char *text, size_t length)
{
    char fault[400];
    struct auth_jwt_keys *keys = auth_jwk_set_read(text, length, fault, sizeof(fault));

    if (keys)
        doctor_find(subject, DOCTOR_OK, NULL, "%zu keys", keys->count);
    else
        doctor_find(
            subject, DOCTOR_ERROR,
            "correct tokenKeys[].jwks: it is the URL or file of a JSON object with \"keys\"", "%s",
            fault);
    auth_jwt_keys_free(keys);
}

static void judge_answer(const struct peer *peer, CURL *easy)
{
    long status = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    note_time(peer, easy);
    if (peer->is_key_set && status != 200)
        doctor_find(
            &peer->subject, DOCTOR_ERROR,
            "correct the URL, or let this machine read it; tokens of keys that are not read "
            "are refused",
            "answers %ld", status);
    else if (peer->is_key_set)
        judge_set(&peer->subject, buf_str(&peer->answer), peer->answer.length);
    else if (status >= 500)
        doctor_find(&peer->subject, DOCTOR_WARNING, "see what its log says",
                    "answers %ld, to an OPTIONS", status);
    else
        doctor_find(&peer->subject, DOCTOR_OK, NULL, "answers (%ld to an OPTIONS)", status);
}

/* Who reads it would wait for who writes. */
static bool is_pipe(const char *path)
{
    struct stat status;

    return path && stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

static void ask(const struct outbound_http_settings *outbound, struct peer *peer)
{
    CURL *easy;
    CURLcode code;

    if (is_pipe(outbound->ca_file)) {
        doctor_find(&peer->subject, DOCTOR_ERROR, advice_for(-ENOKEY, false),
                    "cannot be asked: the file of authorities is a pipe");
        return;
    }
    easy = libcurl_load() ? curl_easy_init() : NULL;
    if (!easy) {
        doctor_find(&peer->subject, DOCTOR_ERROR, "install it: apt install libcurl4",
                    "cannot be asked: libcurl cannot be loaded");
        return;
    }
    set_options(easy, outbound, peer);
    code = curl_easy_perform(easy);
    if (code == CURLE_OK) {
        judge_answer(peer, easy);
    } else {
        const struct outbound_fault fault = fault_of(peer, easy, code);
        const bool has_proxy = outbound->proxy && *outbound->proxy != '\0';

        doctor_find(&peer->subject, DOCTOR_ERROR, advice_for(fault.error, has_proxy), "%s",
                    fault.reason);
    }
    curl_easy_cleanup(easy);
    buf_release(&peer->answer);
}

/* Several services may have one webhook, and each that does not answer takes its time. */
static bool was_asked(const struct doctor_subject *subject)
{
    const json_t *finding;
    size_t i;

    json_array_foreach(subject->doctor->findings, i, finding) {
        const char *check = json_string_value(json_object_get(finding, "check"));
        const char *name = json_string_value(json_object_get(finding, "subject"));

        if (strcmp(check, "webhook") == 0 && strcmp(subject->check, check) == 0 && name &&
            strcmp(name, subject->name) == 0)
            return true;
    }
    return false;
}

/* Without its query, which may have a secret. */
static void check_url(struct doctor *doctor, const char *check, const char *url, uint64_t limit_ms)
{
    const struct outbound_http_settings outbound = settings_outbound(doctor->config);
    char *shown = mem_strndup(url, strcspn(url, "?"));
    struct peer peer = {.subject = {doctor, check, shown},
                        .url = url,
                        .limit_ms = limit_ms < LIMIT_MS ? limit_ms : LIMIT_MS,
                        .is_key_set = strcmp(check, "jwks") == 0,
                        .answer = BUF_INIT};

    if (*url != '\0' && !was_asked(&peer.subject))
        ask(&outbound, &peer);
    if (doctor->clock_of == shown)
        doctor->clock_of = url; /* which lives as long as the settings */
    free(shown);
}

void doctor_check_peers(struct doctor *doctor)
{
    const struct config *config = doctor->config;

    for (size_t i = 0; i < config->token_key_count; i++) {
        const char *place = config->token_keys[i].jwks;

        if (auth_jwks_is_url(place)) /* files the settings have read */
            check_url(doctor, "jwks", place, LIMIT_MS);
    }
    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *service = &config->services[i];
        const struct api_handler_settings *handlers = &service->api.handlers;

        if (service->auth == CONFIG_AUTH_WEBHOOK)
            check_url(doctor, "webhook", service->auth_webhook.url,
                      service->auth_webhook.time_limit_ms);
        check_url(doctor, "webhook", handlers->message_url, handlers->time_limit_ms);
        check_url(doctor, "webhook", handlers->upload_url, handlers->time_limit_ms);
        check_url(doctor, "webhook", service->api.broker.notifications.url,
                  service->api.broker.notifications.timeout_ms);
    }
}
