/* SPDX-License-Identifier: Apache-2.0 */
/* What a call is to libcurl: its options, its errors, its early answers. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/networks.h"
#include "outbound/authorities.h"
#include "outbound/call.h"

static struct outbound_fault fault_of_connect(CURL *easy)
{
    long number = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    switch (number) {
    case ETIMEDOUT:
        return (struct outbound_fault){-ETIMEDOUT, "nobody answers at its address"};
    case ENETUNREACH:
    case EHOSTUNREACH:
        return (struct outbound_fault){-EHOSTUNREACH, "there is no way to its address"};
    default:
        return (struct outbound_fault){-ECONNREFUSED, "it takes no connections"};
    }
}

static struct outbound_fault fault_of_certificate(CURL *easy)
{
    long result = X509_V_OK;

    (void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
    /* libcurl says "unspecified" where it has found the names wrong before it asked for the result.
     */
    if (result == X509_V_OK || result == X509_V_ERR_UNSPECIFIED)
        return (struct outbound_fault){-EPROTO, "its certificate is for another name"};
    return (struct outbound_fault){-EPROTO, X509_verify_cert_error_string(result)};
}

/* reason NULL: that of curl_easy_strerror(), which is static, and names no part of a request. */
static const struct {
    CURLcode code;
    struct outbound_fault fault;
} faults[] = {
    {CURLE_URL_MALFORMAT, {-EINVAL, NULL}},
    {CURLE_UNSUPPORTED_PROTOCOL,
     {-EPROTO, "its answer is not HTTP"}}, /* other schemes never come */
    {CURLE_WEIRD_SERVER_REPLY, {-EPROTO, "its answer is not HTTP"}},
    {CURLE_COULDNT_RESOLVE_HOST, {-EHOSTUNREACH, "its name has no address"}},
    {CURLE_COULDNT_RESOLVE_PROXY, {-EHOSTUNREACH, "its name has no address"}},
    {CURLE_OPERATION_TIMEDOUT, {-ETIMEDOUT, "no connection was made in time"}},
    {CURLE_SEND_ERROR, {-EIO, "the connection broke"}},
    {CURLE_RECV_ERROR, {-EIO, "the connection broke"}},
    {CURLE_SEND_FAIL_REWIND, {-EIO, "the connection broke"}},
    {CURLE_OUT_OF_MEMORY, {-EIO, NULL}},
    {CURLE_FAILED_INIT, {-EIO, NULL}},
    {CURLE_SSL_CACERT_BADFILE, {-EIO, NULL}},
};

struct outbound_fault outbound_fault_of(CURL *easy, CURLcode code)
{
    /* What is left for HTTP is about TLS, or about how the answer looks. */
    struct outbound_fault fault = {-EPROTO, NULL};

    if (code == CURLE_OK)
        return (struct outbound_fault){0, NULL};
    if (code == CURLE_COULDNT_CONNECT)
        return fault_of_connect(easy);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return fault_of_certificate(easy);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (faults[i].code == code)
            fault = faults[i].fault;
    if (!fault.reason)
        fault.reason = curl_easy_strerror(code);
    return fault;
}

/*
 * HTTP/2 answers that come before the request's body has left: from a back end that is near, and
 * has no need to read a body to refuse it. libcurl 7.88 sends on all the same, finds the stream
 * closed, and makes one of three things of it: an error after the whole answer, an error instead of
 * it, or nothing until the limit of time. And whatever the version, it does not end a call whose
 * body is paused, though the answer is there.
 */

/* Of every other reason for this error there is a text. */
enum outbound_early outbound_early_answer_of(const struct outbound_call *call, CURLcode code)
{
    long status = 0;

    if (code != CURLE_HTTP2_STREAM || call->explanation[0] != '\0')
        return OUTBOUND_EARLY_NOT;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return status != 0 ? OUTBOUND_EARLY_READ : OUTBOUND_EARLY_LOST;
}

/* Of a streamed body nobody knows: the producer may go on, or have paused for good. */
static bool is_early(const struct outbound_call *call)
{
    const struct bytes *body = call->request.body;
    curl_off_t sent = 0;

    if (call->request.is_streamed)
        return call->is_paused;
    (void)curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return body && (size_t)sent < body->length;
}

/* For libcurl: a line of the answer's head. Starts the timer of the call where that is needed. */
static size_t on_head(char *data, size_t size, size_t count, void *context)
{
    struct outbound_call *call = context;

    (void)data;
    if (!loop_timer_is_active(&call->look) && is_early(call))
        loop_timer_start(call->loop, &call->look, 0);
    return size * count;
}

/* To go on after a pause is what makes libcurl try both to read and to send. */
void outbound_early_answer_look(struct loop_timer *timer)
{
    struct outbound_call *call = container_of(timer, struct outbound_call, look);

    (void)curl_easy_pause(call->easy, CURLPAUSE_SEND);
    (void)curl_easy_pause(call->easy, CURLPAUSE_CONT);
    loop_timer_start(call->loop, timer, LOOP_TIMER_TICK_MS);
}

/* A connection on which nothing is acknowledged for so long is dead. Without it, requests would
 * share a dead HTTP/2 connection until TCP gives up, which is a quarter of an hour. */
#define UNACKNOWLEDGED_MS 15000

/* Also one that is idle is asked now and then, so that what lies between does not forget it. */
#define KEEPALIVE_IDLE_S     30L
#define KEEPALIVE_INTERVAL_S 10L

/* Connections are not kept for ever: so back ends that were added get their share. */
#define CONNECTION_LIFE_S 600L

/* Each step is done when all before it were. */
#define SET(code, easy, option, value)                                                             \
    ((code) = (code) == CURLE_OK ? curl_easy_setopt(easy, option, value) : (code))

static int on_socket(void *context, curl_socket_t socket, curlsocktype purpose)
{
    unsigned milliseconds = UNACKNOWLEDGED_MS;

    (void)context;
    (void)purpose;
    /* Where the kernel does not have it, the connection works all the same. */
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
    return CURL_SOCKOPT_OK;
}

/* For each address that a name has led to, right before it is connected to. */
static curl_socket_t open_public_socket(void *context, curlsocktype purpose,
                                        struct curl_sockaddr *address)
{
    struct outbound_call *call = context;

    (void)purpose;
    if (public_address_is(&address->addr))
        return socket(address->family, address->socktype, address->protocol);
    call->fault = (struct outbound_fault){-EACCES, "its address is not a public one"};
    return CURL_SOCKET_BAD;
}

/* Not by a connection that was made for others, who may go anywhere; nor is it left to them. */
static CURLcode set_only_public(CURL *easy, struct outbound_call *call)
{
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_OPENSOCKETFUNCTION, open_public_socket);
    SET(code, easy, CURLOPT_OPENSOCKETDATA, call);
    SET(code, easy, CURLOPT_FRESH_CONNECT, 1L);
    SET(code, easy, CURLOPT_FORBID_REUSE, 1L);
    return code;
}

static CURLcode set_connection(CURL *easy, const struct outbound_http_settings *settings)
{
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_NOSIGNAL, 1L);
    /* A thread that still resolves a name is left alone when its request ends, not waited for. */
    SET(code, easy, CURLOPT_QUICK_EXIT, 1L);
    SET(code, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(code, easy, CURLOPT_PROXY, settings->proxy ? settings->proxy : "");
    SET(code, easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_ms);
    SET(code, easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    SET(code, easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(code, easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    SET(code, easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    SET(code, easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S);
    return code;
}

/* Of the back end's connection, and of that to a proxy. */
static CURLcode use_authorities(CURL *easy, void *context, void *authorities)
{
    (void)easy;
    SSL_CTX_set1_cert_store(context, authorities);
    return CURLE_OK;
}

static CURLcode set_authorities(CURL *easy, X509_STORE *authorities)
{
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_CAINFO, NULL);
    SET(code, easy, CURLOPT_CAPATH, NULL);
    SET(code, easy, CURLOPT_PROXY_CAINFO, NULL);
    SET(code, easy, CURLOPT_PROXY_CAPATH, NULL);
    SET(code, easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    SET(code, easy, CURLOPT_SSL_CTX_FUNCTION, use_authorities);
    SET(code, easy, CURLOPT_SSL_CTX_DATA, authorities);
    return code;
}

/* libcurl reads the authorities once, and not for every connection, only when they are one file:
 * the folder that it is built to look into as well is left out. */
static CURLcode set_tls(CURL *easy, const struct outbound_http_settings *settings)
{
    bool verifies = !settings->takes_any_certificate;
    CURLcode code = CURLE_OK;
    char *system_file = NULL;
    X509_STORE *authorities = outbound_authorities_store(settings->authorities);

    (void)curl_easy_getinfo(easy, CURLINFO_CAINFO, &system_file);
    SET(code, easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(code, easy, CURLOPT_SSL_VERIFYPEER, verifies ? 1L : 0L);
    SET(code, easy, CURLOPT_SSL_VERIFYHOST, verifies ? 2L : 0L);
    if (code == CURLE_OK && authorities)
        return set_authorities(easy, authorities);
    if (settings->ca_file && settings->ca_file[0] != '\0')
        SET(code, easy, CURLOPT_CAINFO, settings->ca_file);
    else if (!system_file)
        return code;
    SET(code, easy, CURLOPT_CAPATH, NULL);
    return code;
}

static size_t on_answer(char *data, size_t size, size_t count, void *context)
{
    struct outbound_call *call = context;
    size_t length = size * count;

    if (length > call->request.answer_bytes - call->answer.length) {
        call->fault = (struct outbound_fault){-EMSGSIZE, "its answer is too large"};
        return CURL_WRITEFUNC_ERROR;
    }
    buf_append(&call->answer, data, length);
    return length;
}

/* A producer that has nothing to send is not the other side's fault: it has no limit here. */
static size_t on_read(char *to, size_t size, size_t count, void *context)
{
    struct outbound_call *call = context;
    size_t length = outbound_feed_take(&call->feed, to, size * count);

    if (length > 0) {
        outbound_call_allow_time(call);
        loop_defer(call->loop, &call->report);
        return length;
    }
    if (!call->feed.has_ended) {
        call->is_paused = true;
        loop_timer_stop(&call->limit);
        return CURL_READFUNC_PAUSE;
    }
    if (call->request.stream_length >= 0 &&
        call->feed.fed < (uint64_t)call->request.stream_length) {
        call->fault = (struct outbound_fault){-EINVAL, "its body ended before its length"};
        return CURL_READFUNC_ABORT;
    }
    return 0;
}

static CURLcode set_streamed_body(CURL *easy, struct outbound_call *call)
{
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_UPLOAD, 1L);
    SET(code, easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->request.stream_length);
    SET(code, easy, CURLOPT_READFUNCTION, on_read);
    SET(code, easy, CURLOPT_READDATA, call);
    SET(code, easy, CURLOPT_CUSTOMREQUEST, call->request.method);
    return code;
}

static CURLcode set_request(CURL *easy, struct outbound_call *call)
{
    const struct outbound_request *request = &call->request;
    const struct bytes *body = request->body;
    CURLcode code = CURLE_OK;

    if (request->is_streamed)
        return set_streamed_body(easy, call);
    if (!body && strcmp(request->method, "GET") == 0)
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    SET(code, easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(body ? body->length : 0));
    SET(code, easy, CURLOPT_POSTFIELDS, body ? body->data : "");
    SET(code, easy, CURLOPT_CUSTOMREQUEST, request->method);
    return code;
}

static bool is_https(const char *url)
{
    return url && strncasecmp(url, "https:", 6) == 0;
}

bool outbound_call_needs_tls(const struct outbound_call *call)
{
    return is_https(call->request.url) || is_https(call->settings->proxy);
}

/* Not HTTP/2 for streamed bodies: libcurl 7.88 loses most answers that come before such a body has
 * ended. And a body that is as slow as its producer has no need to share a connection. */
static CURLcode set_version(CURL *easy, const struct outbound_call *call)
{
    bool is_http1 = call->settings->only_http1 || call->request.is_streamed;
    bool may_share = !is_http1 && is_https(call->request.url);
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_HTTP_VERSION,
        (long)(is_http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    /* Rather waits for a connection that is being made, and may be shared, than makes another. */
    SET(code, easy, CURLOPT_PIPEWAIT, may_share ? 1L : 0L);
    return code;
}

/* From 8.12 on all handles have their sessions of TLS in common, and the authorities are no part of
 * what libcurl finds one by: a back end that the old ones have let in would not be checked again.
 */
static CURLcode set_resumption(CURL *easy, const struct outbound_call *call)
{
    const bool are_shared = curl_version_info(CURLVERSION_NOW)->version_num >= 0x080c00;
    CURLcode code = CURLE_OK;

    SET(code, easy, CURLOPT_SSL_SESSIONID_CACHE, are_shared && call->change > 0 ? 0L : 1L);
    return code;
}

CURLcode outbound_call_set_options(struct outbound_call *call)
{
    const struct outbound_http_settings *settings = call->settings;
    CURL *easy = call->easy;
    CURLcode code = set_connection(easy, settings);

    if (code == CURLE_OK)
        code = set_tls(easy, settings);
    if (code == CURLE_OK)
        code = set_resumption(easy, call);
    if (code == CURLE_OK)
        code = set_version(easy, call);
    if (code == CURLE_OK)
        code = set_request(easy, call);
    if (code == CURLE_OK && call->request.only_public)
        code = set_only_public(easy, call);
    SET(code, easy, CURLOPT_URL, call->request.url);
    SET(code, easy, CURLOPT_HTTPHEADER, call->fields);
    SET(code, easy, CURLOPT_USERAGENT, settings->user_agent);
    SET(code, easy, CURLOPT_WRITEFUNCTION, on_answer);
    SET(code, easy, CURLOPT_WRITEDATA, call);
    SET(code, easy, CURLOPT_HEADERFUNCTION, on_head);
    SET(code, easy, CURLOPT_HEADERDATA, call);
    SET(code, easy, CURLOPT_ERRORBUFFER, call->explanation);
    SET(code, easy, CURLOPT_PRIVATE, call);
    return code;
}
