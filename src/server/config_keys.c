/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_keys.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/presence_event.h"
#include "server/config.h"

#define KIB  UINT64_C(1024)
#define MIB  (1024 * KIB)
#define GIB  (1024 * MIB)
#define SEC  UINT64_C(1000)
#define MIN  (60 * SEC)
#define HOUR (60 * MIN)

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"text", "logfmt", "json", NULL};
/* In the order of enum config_access_format. */
static const char *const access_formats[] = {"combined", "logfmt", "json", NULL};
static const char *const tls_profiles[] = {"intermediate", "modern", NULL};
static const char *const roles[] = {"all", "public", "admin", NULL};
/* In the order of enum config_compat. */
static const char *const compats[] = {"none", "java", NULL};
/* In the order of enum config_auth. */
static const char *const auths[] = {"development", "jwt", "webhook", NULL};
static const char *const stores[] = {"sqlite", "memory", NULL};
static const char *const acknowledgements[] = {"page", "write", "client", NULL};
/* In the order of enum sse_unique. */
static const char *const uniques[] = {"service", "tenant", NULL};
static const char *const slow_policies[] = {"disconnect", "drop-oldest", "latest", NULL};

/* In the order of enum client_address_field. */
static const char *const proxy_fields[] = {"x-forwarded-for", "forwarded", NULL};

#define LIST(array, number, largest)                                                               \
    {                                                                                              \
        .items = offsetof(struct config, array),                                                   \
        .item_size = sizeof(((struct config *)0)->array[0]),                                       \
        .count = offsetof(struct config, number), .most = (largest),                               \
    }
static const struct config_list listeners = LIST(listeners, listener_count, CONFIG_MAX_LISTENERS);
static const struct config_list certificates = {
    .items = offsetof(struct config_listener, certificates),
    .item_size = sizeof(struct config_certificate),
    .count = offsetof(struct config_listener, certificate_count),
    .most = CONFIG_MAX_CERTIFICATES,
    .within = &listeners,
};
static const struct config_list services = LIST(services, service_count, CONFIG_MAX_SERVICES);
static const struct config_list api_keys = LIST(api_keys, api_key_count, CONFIG_MAX_KEYS);
static const struct config_list token_keys =
    LIST(token_keys, token_key_count, CONFIG_MAX_TOKEN_KEYS);

#define MEMBER(owner, member)                                                                      \
    .offset = offsetof(struct owner, member), .width = sizeof(((struct owner *)0)->member)
#define RANGE(lowest, highest) .low = (lowest), .high = (highest)

/* Rows, not statements: lines that are read across, and members that cannot stand in parentheses.
 */
/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define HEAD(path, kind, of, text) {.name = (path), .type = (kind), .list = (of), .help = (text)}
#define ROW(owner, prefix, of, path, changes, kind, member, normal, text, ...)                     \
    {.name = prefix path, .change = CONFIG_##changes, .type = (kind), .list = (of),                \
     MEMBER(owner, member), .fallback = (normal), .help = (text), __VA_ARGS__}
#define KEY(...)         ROW(config, "", NULL, __VA_ARGS__)
#define API_KEY(...)     ROW(config_api_key, "apiKeys[]", &api_keys, __VA_ARGS__)
#define TOKEN_KEY(...)   ROW(config_token_key, "tokenKeys[].", &token_keys, __VA_ARGS__)
#define LISTENER(...)    ROW(config_listener, "listeners[].", &listeners, __VA_ARGS__)
#define CERTIFICATE(...) ROW(config_certificate, "listeners[].certificates[].", &certificates, __VA_ARGS__)
#define SERVICE(...)     ROW(config_service, "services[].", &services, __VA_ARGS__)
#define LIMIT(path, changes, kind, member, normal, text, ...)                                      \
    KEY("limits." path, changes, kind, limits.member, normal, text, __VA_ARGS__)
/* A text, which is a path or a URL and may be "". */
#define PATH(ROW, path, changes, member, text)                                                     \
    ROW(path, changes, CONFIG_TEXT, member, "", text, RANGE(0, 1024))
/* A secret, and beside it the file that may have it instead. ROW: the macro of its list. */
#define SECRET(ROW, path, member, file, text, ...)                                                 \
    ROW(path, DYNAMIC, CONFIG_TEXT, member, "", text, .is_secret = true, __VA_ARGS__),             \
    ROW(path "File", DYNAMIC, CONFIG_TEXT, file, "",                                               \
        "Or the path of a file that has it; a relative one is in $CREDENTIALS_DIRECTORY if set.",  \
        RANGE(0, 1024), .is_file = true)
#define BUCKET(path, member, burst_normal, rate_normal, text)                                      \
    HEAD("limits." path, CONFIG_SECTION, NULL, text),                                              \
    LIMIT(path ".burst", DYNAMIC, CONFIG_COUNT, member.burst, burst_normal, "So many at once.",    \
          RANGE(1, 1000000)),                                                                      \
    LIMIT(path ".perSecond", DYNAMIC, CONFIG_COUNT, member.per_second, rate_normal,                \
          "So many a second from then on.", RANGE(1, 1000000), .zero = "never again")

#define RATE(path, member, burst_normal, burst_zero, rate_normal, text)                            \
    HEAD("services[]." path, CONFIG_SECTION, &services, text),                                     \
    SERVICE(path ".burst", DYNAMIC, CONFIG_COUNT, member.burst, burst_normal, "So many at once.",  \
            RANGE(1, 1000000), .zero = burst_zero),                                                \
    SERVICE(path ".perSecond", DYNAMIC, CONFIG_COUNT, member.per_second, rate_normal,              \
            "So many a second from then on.", RANGE(1, 1000000))

const struct config_key config_keys[] = {
    KEY("workers", STATIC, CONFIG_COUNT, workers, "0", "Threads that serve connections.",
        RANGE(1, 256), .zero = "one per processor that this process may use"),
    KEY("signatureShare", DYNAMIC, CONFIG_COUNT, signature_share, "50",
        "Percent of a worker's time for checks of tokens; above it those who only failed wait.",
        RANGE(1, 100)),
    PATH(KEY, "stateDirectory", STATIC, state_directory,
         "Uploads, the development certificate. \"\": $STATE_DIRECTORY, or else below the home."),
    KEY("demo", STATIC, CONFIG_BOOL, demo, "false",
        "Serve the demo page at /; without any API key make one up and print it at start."),
    HEAD("console", CONFIG_SECTION, NULL, "The page at /console, for who operates the server."),
    KEY("console.hosts", DYNAMIC, CONFIG_TEXTS, console_hosts, "",
        "Further names that it answers to; localhost, addresses, the certificate's names always do.",
        RANGE(0, 4096)),
    KEY("allowDevelopmentRemote", DYNAMIC, CONFIG_BOOL, allow_development_remote, "false",
        "Let strangers in: auth development on addresses that other machines can reach."),
    KEY("stopNotice", DYNAMIC, CONFIG_DURATION, stop_notice_ms, "5s",
        "A stop begins with this: /health/ready answers 503, and all else goes on.",
        RANGE(100, HOUR), .zero = "no notice"),
    KEY("drainSpread", DYNAMIC, CONFIG_DURATION, drain_spread_ms, "12s",
        "Then event streams end, spread over this; their pages come back as spread after it.",
        RANGE(100, HOUR), .zero = "all at once"),
    KEY("drainTime", DYNAMIC, CONFIG_DURATION, drain_ms, "20s",
        "How long a stop takes, with these two, until what is left is cut off; at the most 5 s more.",
        RANGE(100, HOUR), .zero = "cut off at once"),

    KEY("trustedProxies", DYNAMIC, CONFIG_TEXTS, trusted_proxies, "",
        "Networks of proxies whose word on the client's address counts: 10.0.0.0/8, ::1, unix.",
        RANGE(0, 4096)),
    KEY("proxyField", DYNAMIC, CONFIG_CHOICE, proxy_field, "x-forwarded-for",
        "The field that these proxies write: theirs alone, not one that they let through.",
        .words = proxy_fields),

    HEAD("log", CONFIG_SECTION, NULL, "One line per event, on standard error."),
    KEY("log.level", DYNAMIC, CONFIG_CHOICE, log_level, "info", "The least that is worth a line. info: also refused requests; debug: connects and answers.",
        .words = log_levels),
    KEY("log.format", DYNAMIC, CONFIG_CHOICE, log_format, "text", "text is for people, logfmt for programs; json has the names of the Elastic Common Schema.",
        .words = log_formats),
    KEY("log.slowRequest", DYNAMIC, CONFIG_DURATION, slow_request_ms, "5s",
        "A request that waits so long for its answer, once all of it has come, is a warning.",
        RANGE(100, HOUR), .zero = "none is"),

    HEAD("audit", CONFIG_SECTION, NULL, "Who kicks, revokes and deletes, and who was refused it."),
    PATH(KEY, "audit.file", STATIC, audit_file,
         "JSON lines. \"\": <stateDirectory>/audit.log. -: standard error. none: it is not written."),

    HEAD("accessLog", CONFIG_SECTION, NULL, "A line for each request, when it is answered."),
    PATH(KEY, "accessLog.file", STATIC, access_file,
         "Where to. \"\": it is not written. -: standard output."),
    KEY("accessLog.format", DYNAMIC, CONFIG_CHOICE, access_format, "combined",
        "combined: as Apache and nginx write it; logfmt and json, as in log.format, say more.",
        .words = access_formats),
    KEY("accessLog.buffer", STATIC, CONFIG_SIZE, access_bytes, "1MiB",
        "Of lines that wait for the disk; what does not fit is left out, and counted.",
        RANGE(16 * KIB, 256 * MIB)),

    HEAD("outbound", CONFIG_SECTION, NULL, "Requests to back ends, of one worker."),
    KEY("outbound.inFlight", DYNAMIC, CONFIG_COUNT, outbound.in_flight, "100",
        "So many at once; more wait. As many again for uploads that are passed on.",
        RANGE(1, 10000)),
    KEY("outbound.waiting", DYNAMIC, CONFIG_COUNT, outbound.waiting, "1000",
        "So many may wait; more fail, with 503 to the page.", RANGE(1, 1000000)),
    KEY("outbound.hostConnections", DYNAMIC, CONFIG_COUNT, outbound.host_connections, "8",
        "Connections to one host, uploads aside; with HTTP/2 each carries many requests.", RANGE(1, 1000),
        .zero = "any number"),
    KEY("outbound.http2", DYNAMIC, CONFIG_BOOL, outbound_http2, "true",
        "HTTP/2 to https hosts that speak it. Bodies that are streamed go by HTTP/1.1."),
    KEY("outbound.connectTimeout", DYNAMIC, CONFIG_DURATION, outbound.connect_ms, "5s",
        "Until a connection stands, TLS included.", RANGE(100, 10 * MIN)),
    PATH(KEY, "outbound.caFile", DYNAMIC, outbound.ca_file,
         "PEM file of the authorities that back ends are certified by. \"\": the system's."),
    SECRET(KEY, "outbound.proxy", outbound.proxy, outbound_proxy_file,
        "URL of a proxy to reach them by. \"\": none, whatever the environment says.",
        RANGE(0, 1024)),

    HEAD("apiKeys", CONFIG_LIST, &api_keys,
         "What back ends show as \"Authorization: Bearer …\". None: they are refused."),
    API_KEY("", DYNAMIC, CONFIG_TEXT, key, "", "A text alone is a key (or the hash of one) that may do all but inspect.",
            RANGE(1, 512), .is_shorthand = true),
    API_KEY(".name", DYNAMIC, CONFIG_TEXT, name, "", "What it is called in counters and answers; letters, digits, . _ -. \"\": key- and a number.",
            RANGE(0, 64)),
    API_KEY(".hash", DYNAMIC, CONFIG_TEXT, hash, "",
            "sha256: and the hash of the key in hex: sse-server make-key prints both.",
            RANGE(0, 128)),
    SECRET(API_KEY, ".key", key, key_file,
            "Or the key itself, without white space. Better from the environment.", RANGE(0, 512)),
    API_KEY(".permissions", DYNAMIC, CONFIG_TEXTS, permissions, "send, query, disconnect, presence, metrics",
            "What it may do: send (and setDuration), query, disconnect, presence, metrics, inspect.",
            RANGE(0, 256)),
    API_KEY(".services", DYNAMIC, CONFIG_TEXTS, services, "", "Names of the services that it is for. []: all.",
            RANGE(0, 4224)),
    API_KEY(".tenants", DYNAMIC, CONFIG_TEXTS, tenants, "",
            "Ids of the tenants that it is for: it reaches and sees nobody else. []: all.",
            RANGE(0, 4224)),

    HEAD("tokenKeys", CONFIG_LIST, &token_keys,
         "Keys that access tokens (auth: jwt) are signed with; several of a service while they change."),
    TOKEN_KEY("id", DYNAMIC, CONFIG_TEXT, id, "", "The kid of its tokens. \"\": they have none.", RANGE(0, 256)),
    TOKEN_KEY("algorithm", DYNAMIC, CONFIG_TEXT, algorithm, "",
              "HS, RS, PS or ES with 256, 384 or 512; EdDSA, Ed25519 or Ed448. None beside jwks.",
              RANGE(0, 16)),
    SECRET(TOKEN_KEY, "secret", secret, secret_file,
              "For HS*: a text of 32, 48 or 64 bytes or more, or base64: and base64.", RANGE(0, 1024)),
    PATH(TOKEN_KEY, "file", DYNAMIC, file,
         "Or a file: with the secret, or PEM with a public key, a certificate, a private key."),
    PATH(TOKEN_KEY, "jwks", DYNAMIC, jwks,
         "Or a JWK set with any number of keys: a file, or an https URL."),
    TOKEN_KEY("refresh", DYNAMIC, CONFIG_DURATION, refresh_ms, "10m",
              "How often the JWK set is read; also when a token comes that no key of it fits.",
              RANGE(SEC, 24 * HOUR), .zero = "only then"),
    TOKEN_KEY("services", DYNAMIC, CONFIG_TEXTS, services, "", "Names of the services that it is for. []: all.",
              RANGE(0, 4224)),

    HEAD("tls", CONFIG_SECTION, NULL, "What listeners with TLS have in common."),
    PATH(KEY, "tls.ticketKeyFile", DYNAMIC, ticket_key_file,
         "Keys of session tickets, of 80 or 48 bytes each; the first encrypts. \"\": made at the start."),

    HEAD("listeners", CONFIG_LIST, &listeners, "Where clients reach the server."),
    LISTENER("address", STATIC, CONFIG_TEXT, address, "localhost:8443",
             "127.0.0.1:8443, [::1]:8443, *:8443 (all), localhost:8443 or unix:/run/sse.sock.",
             RANGE(1, 255)),
    LISTENER("tls", STATIC, CONFIG_BOOL, tls, "true",
             "false: clear text (HTTP/2 with prior knowledge), for use behind a proxy."),
    PATH(LISTENER, "certificate", DYNAMIC, files.certificate,
         "PEM file with the chain. \"\": a development certificate that the server makes."),
    PATH(LISTENER, "key", DYNAMIC, files.key,
         "PEM file with the private key of the certificate."),
    PATH(LISTENER, "ocspFile", DYNAMIC, files.ocsp,
         "DER file with an OCSP response to staple to it. \"\": none."),
    LISTENER("tlsProfile", DYNAMIC, CONFIG_CHOICE, tls_profile, "intermediate",
             "intermediate: TLS 1.2 and 1.3. modern: 1.3 only.", .words = tls_profiles),
    LISTENER("strictTransportSecurity", DYNAMIC, CONFIG_TEXT, transport_security, "",
             "Field that keeps browsers from http, such as max-age=63072000. \"\": none is sent.",
             RANGE(0, 128)),
    LISTENER("role", DYNAMIC, CONFIG_CHOICE, role, "all",
             "public: for pages only. admin: for back ends and /metrics only; TLS, or this machine.",
             .words = roles),
    LISTENER("http1", DYNAMIC, CONFIG_BOOL, http1, "true",
             "Speaks HTTP/1.1 and 1.0 with clients that do not choose HTTP/2. false: HTTP/2 alone."),
    LISTENER("proxyProtocol", DYNAMIC, CONFIG_BOOL, proxy_protocol, "false",
             "true: each connection begins with a PROXY header, 1 or 2, that names the client."),
    LISTENER("proxyFrom", DYNAMIC, CONFIG_TEXTS, proxy_from, "",
             "With it: who may connect, such as [10.0.0.0/8, ::1, unix]. []: anybody.",
             RANGE(0, 1024)),
    LISTENER("socketMode", STATIC, CONFIG_TEXT, socket_mode, "",
             "Of a unix socket: who may connect, such as \"0660\". \"\": as the umask has it.",
             RANGE(0, 64)),
    LISTENER("socketGroup", STATIC, CONFIG_TEXT, socket_group, "",
             "Of a unix socket: the group it belongs to, by name or number. \"\": the process's.",
             RANGE(0, 64)),
    HEAD("listeners[].certificates", CONFIG_LIST, &certificates,
         "More of them, for clients that ask for other names (SNI), or take another kind of key."),
    CERTIFICATE("certificate", DYNAMIC, CONFIG_TEXT, files.certificate, "", "PEM file with the chain.", RANGE(1, 1024)),
    CERTIFICATE("key", DYNAMIC, CONFIG_TEXT, files.key, "", "PEM file with its private key.", RANGE(1, 1024)),
    PATH(CERTIFICATE, "ocspFile", DYNAMIC, files.ocsp,
         "DER file with an OCSP response to staple to it. \"\": none."),

    HEAD("services", CONFIG_LIST, &services, "Named push services, each with its own users."),
    SERVICE("name", STATIC, CONFIG_TEXT, settings.name, "", "Of a-z, 0-9, _ and -.", RANGE(1, 64)),
    SERVICE("basePath", STATIC, CONFIG_TEXT, settings.base_path, "",
            "Where its routes begin. \"\": /sse/ and the name.", RANGE(0, 128)),
    SERVICE("compat", DYNAMIC, CONFIG_CHOICE, compat, "none",
            "java: defaults for pages and back ends of the Java system; check-config says which.", .words = compats),
    SERVICE("auth", STATIC, CONFIG_CHOICE, auth, "development",
            "Who a page's user is: who it says, whom its token names, or who a back end says it is.", .words = auths),
    HEAD("services[].users", CONFIG_SECTION, &services, "Which users are the same one."),
    SERVICE("users.unique", STATIC, CONFIG_CHOICE, settings.users_unique, "service",
            "Who has the same id; or tenant: and the same tenantId, too, which userId then comes with.",
            .words = uniques),
    SERVICE("envelope", DYNAMIC, CONFIG_BOOL, api.envelope, "true",
            "Wrap answers as {\"success\":…,\"data\":…}. false: the data alone."),
    SERVICE("envelopeOk", DYNAMIC, CONFIG_TEXT, envelope_ok, "",
            "What pages get instead, such as '{\"status\": 0, \"result\": $data}'. \"\": that.", RANGE(0, 4000)),
    SERVICE("envelopeError", DYNAMIC, CONFIG_TEXT, envelope_error, "",
            "The same when something is wrong: '{\"status\": $code, \"message\": $errorMessage}'. \"\": that.",
            RANGE(0, 4000)),
    SERVICE("pageLists", DYNAMIC, CONFIG_BOOL, api.page_lists, "false",
            "Let pages read connect/users.json, … whose user's credential has the claim lists: true."),
    SERVICE("origins", DYNAMIC, CONFIG_TEXTS, origins, "",
            "Other origins whose pages may use it: https://app.example.com, https://*.example.com.", RANGE(0, 4096)),
    SERVICE("corsHeaders", DYNAMIC, CONFIG_TEXTS, cors_headers, "",
            "Further header fields that their scripts may send, such as x-session; [\"*\"]: any.", RANGE(0, 4096)),
    SERVICE("sessionBindingStrict", DYNAMIC, CONFIG_BOOL, api.session_binding_strict, "false",
            "true: a connectionId alone counts on its own TLS connection only (WebKit has several)."),
    SERVICE("sessionConnections", DYNAMIC, CONFIG_COUNT, api.session_connections, "32",
            "Event streams that one TLS connection may hold.", RANGE(1, 10000)),
    SERVICE("idempotencyKeys", DYNAMIC, CONFIG_COUNT, api.broker.idempotency.keys, "10000",
            "Answers that the service keeps, up to 5 min, for requests that are sent again.",
            RANGE(1, 10000000)),
    SERVICE("idempotencyBytes", DYNAMIC, CONFIG_SIZE, api.broker.idempotency.bytes, "16MiB", "The size of these.",
            RANGE(64 * KIB, 16 * GIB)),
    SERVICE("idempotencyUserKeys", DYNAMIC, CONFIG_COUNT, api.broker.idempotency.user_keys, "1000",
            "Of these, those of one user; with one more the oldest of its own goes.", RANGE(1, 10000000)),
    SERVICE("idempotencyUserBytes", DYNAMIC, CONFIG_SIZE, api.broker.idempotency.user_bytes, "2MiB", "The size of these.",
            RANGE(64 * KIB, 16 * GIB)),
    SERVICE("orderedCalls", DYNAMIC, CONFIG_COUNT, settings.ordered_calls, "64",
            "Calls of one page under way that run in the order of their numbers; above it 429.",
            RANGE(1, 1000), .zero = "none: they run as they come"),
    SERVICE("orderedWait", DYNAMIC, CONFIG_DURATION, settings.ordered_wait_ms, "5s",
            "How long one waits for those before it that do not come.", RANGE(100, MIN)),
    SERVICE("clientConnections", DYNAMIC, CONFIG_COUNT, settings.client_connections, "3",
            "Event streams of one clientId; one more closes its oldest.", RANGE(1, 10000),
            .zero = "any number"),
    SERVICE("countPagesWithoutClientId", STATIC, CONFIG_BOOL, settings.counts_clientless, "false",
            "true: those of a user that name no clientId count as one client of its, too."),
    SERVICE("reconnectTime", DYNAMIC, CONFIG_DURATION, settings.reconnect_ms, "5s",
            "How long a page waits before it connects again.", RANGE(100, HOUR)),
    SERVICE("commentInterval", DYNAMIC, CONFIG_DURATION, settings.comment_ms, "25s",
            "Send a heartbeat after this much silence: a comment, or to sse.js an event.",
            RANGE(SEC, HOUR), .zero = "never"),
    SERVICE("lifetime", DYNAMIC, CONFIG_DURATION, settings.lifetime_ms, "1h",
            "A stream ends after 80 to 100 % of this; the page connects again.",
            RANGE(SEC, 720 * HOUR), .zero = "the page may choose"),
    SERVICE("honorKeepaliveTime", DYNAMIC, CONFIG_BOOL, settings.honors_keepalive, "false",
            "true: a page may ask for a shorter one (keepaliveTime), of a minute at the least."),
    SERVICE("offlineGrace", DYNAMIC, CONFIG_DURATION, settings.offline_grace_ms, "5s",
            "A user whose last stream ended counts as online for so long.", RANGE(100, HOUR),
            .zero = "not at all"),
    SERVICE("tokenExpiryNotice", DYNAMIC, CONFIG_DURATION, settings.token_expiry_notice_ms, "1m",
            "How long before its credential ends a stream is told; without another it ends then.",
            RANGE(SEC, HOUR), .zero = "not at all"),
    SERVICE("queueBytes", DYNAMIC, CONFIG_SIZE, settings.queue_bytes, "1MiB",
            "What may wait for one stream.", RANGE(4 * KIB, GIB)),
    SERVICE("queueEvents", DYNAMIC, CONFIG_COUNT, settings.queue_events, "1000",
            "Events that may wait for one stream.", RANGE(1, 1000000)),
    SERVICE("slowPolicy", DYNAMIC, CONFIG_CHOICE, settings.slow_policy, "disconnect",
            "What happens when the queue is full. latest: keep the newest of each event name.",
            .words = slow_policies),
    HEAD("services[].lastWords", CONFIG_SECTION, &services,
         "Ended streams whose page may still acknowledge messages and say why it left, in each worker."),
    SERVICE("lastWords.time", DYNAMIC, CONFIG_DURATION, settings.last_words_ms, "5s",
            "How long they are remembered.", RANGE(SEC, MIN), .zero = "not at all"),
    SERVICE("lastWords.connections", DYNAMIC, CONFIG_COUNT, settings.last_words_connections, "10000",
            "So many; one more, and the oldest is forgotten.", RANGE(1, 10000000)),
    HEAD("services[].history", CONFIG_SECTION, &services,
         "Events that are kept for pages that were away for a moment (Last-Event-ID)."),
    SERVICE("history.events", DYNAMIC, CONFIG_COUNT, settings.history.events, "10000", "So many.",
            RANGE(1, 10000000), .zero = "none: who has missed something is told of a gap"),
    SERVICE("history.bytes", DYNAMIC, CONFIG_SIZE, settings.history.bytes, "16MiB", "Their size.",
            RANGE(64 * KIB, 16 * GIB)),
    SERVICE("history.time", DYNAMIC, CONFIG_DURATION, settings.history.keep_ms, "10m", "How long.",
            RANGE(SEC, 24 * HOUR)),
    HEAD("services[].log", CONFIG_SECTION, &services,
         "What is sent, in its order, until all workers have brought it to their connections."),
    SERVICE("log.lag", DYNAMIC, CONFIG_SIZE, settings.log_lag, "64MiB",
            "So much of it a worker may be behind; then sends wait, and as much again is refused.",
            RANGE(64 * KIB, 16 * GIB)),
    HEAD("services[].trace", CONFIG_SECTION, &services,
         "What was decided lately, for who asks why: GET <basePath>/trace (permission inspect)."),
    SERVICE("trace.bytes", DYNAMIC, CONFIG_SIZE, api.broker.trace.bytes, "16MiB",
            "Its size, of all workers together; it is taken as it fills.", RANGE(MIB, GIB),
            .zero = "nothing is recorded"),
    SERVICE("trace.watchers", DYNAMIC, CONFIG_COUNT, api.broker.trace.watchers, "10",
            "Those who read it live, of each worker; one more is refused.", RANGE(1, 1000)),
    HEAD("services[].qos", CONFIG_SECTION, &services,
         "Messages with qos 1: they are stored until a page has acknowledged them."),
    SERVICE("qos.store", STATIC, CONFIG_CHOICE, store, "sqlite",
            "Where. memory: they are lost when the server ends, and the oldest when it is full.",
            .words = stores),
    PATH(SERVICE, "qos.file", STATIC, api.qos.file,
         "On a local disk, for this service alone. \"\": <stateDirectory>/<name>/messages.sqlite."),
    SERVICE("qos.acknowledgement", STATIC, CONFIG_CHOICE, acknowledgement, "page",
            "Who says it has arrived: its page; write: it was written to one; client: as its client can.",
            .words = acknowledgements),
    SERVICE("qos.ttl", DYNAMIC, CONFIG_DURATION, api.qos.ttl_ms, "24h", "How long a message is kept that has no ttl.",
            RANGE(SEC, 720 * HOUR)),
    SERVICE("qos.ttlMost", DYNAMIC, CONFIG_DURATION, api.qos.ttl_ms_most, "720h", "The longest ttl that a message may have.",
            RANGE(SEC, 1000 * HOUR)),
    SERVICE("qos.queue", DYNAMIC, CONFIG_COUNT, api.qos.queue, "10000",
            "Messages that wait for one user, token, channel, …; one more ends the oldest.",
            RANGE(1, 10000000)),
    SERVICE("qos.messages", DYNAMIC, CONFIG_COUNT, api.qos.messages, "1000000",
            "Messages that wait in all; above it 503, or the oldest end (memory).", RANGE(1, 1000000000)),
    SERVICE("qos.bytes", DYNAMIC, CONFIG_SIZE, api.qos.bytes, "1GiB", "Their size; the same.", RANGE(64 * KIB, 1024 * GIB)),
    SERVICE("qos.waitingBytes", DYNAMIC, CONFIG_SIZE, api.qos.waiting_bytes, "16MiB",
            "The size of those that wait for the disk; above it 503.", RANGE(64 * KIB, 16 * GIB)),
    SERVICE("qos.waitingTime", STATIC, CONFIG_DURATION, api.qos.waiting_ms, "10s",
            "That a request waits until the store comes to it; above it 503.",
            RANGE(SEC, 10 * MIN)),
    SERVICE("qos.remember", DYNAMIC, CONFIG_DURATION, api.qos.remember_ms, "24h",
            "How long it is known what became of one, and its id cannot be used again.", RANGE(SEC, 720 * HOUR)),
    SERVICE("qos.remembered", DYNAMIC, CONFIG_COUNT, api.qos.remembered, "100000", "Of how many, at the most.",
            RANGE(1, 100000000)),
    SERVICE("qos.receipts", DYNAMIC, CONFIG_COUNT, api.qos.receipts, "1000",
            "Receipts that wait to be posted to their senders; above it they are dropped.",
            RANGE(1, 1000000), .zero = "none is posted"),
    SERVICE("qos.receiptHosts", DYNAMIC, CONFIG_TEXTS, api.qos.receipt_hosts, "",
            "Hosts that these may go to: a.example, *.b.example, 10.0.0.1:8080. []: public addresses.",
            RANGE(0, 4096)),
    SERVICE("qos.window", DYNAMIC, CONFIG_COUNT, api.qos.redelivery.window, "1000",
            "Messages of one queue that may be written and not yet acknowledged.", RANGE(1, 100000)),
    SERVICE("qos.ackTimeout", DYNAMIC, CONFIG_DURATION, api.qos.redelivery.ack_ms, "30s",
            "Until one is written again that was not acknowledged; twice as long each time, to 10 min.",
            RANGE(100, HOUR)),
    SERVICE("listeners", DYNAMIC, CONFIG_COUNT, settings.listeners, "100",
            "Event names that one stream may listen to.", RANGE(1, 10000)),
    SERVICE("channelsPerConnection", DYNAMIC, CONFIG_COUNT, settings.channels_per_connection, "100",
            "Channels that one stream may have.", RANGE(1, 10000)),
    SERVICE("eventDataBytes", DYNAMIC, CONFIG_SIZE, settings.event_data_bytes, "64KiB",
            "Data of one event.", RANGE(256, 16 * MIB)),
    SERVICE("lineBytes", DYNAMIC, CONFIG_SIZE, settings.line_bytes, "60KiB",
            "Of data, a line of text or a string in JSON; above it 413.", RANGE(60 * KIB, 64 * MIB)),
    SERVICE("jsonBodyBytes", DYNAMIC, CONFIG_SIZE, api.json_body_bytes, "1MiB",
            "A JSON body; above it 413.", RANGE(KIB, 64 * MIB)),
    SERVICE("showSecrets", DYNAMIC, CONFIG_BOOL, settings.show_secrets, "false",
            "true: users and connections show tokens, cookies, authorization; for debugging."),
    SERVICE("secretNames", DYNAMIC, CONFIG_TEXTS, api.secret_names, "",
            "Parameters and header fields that connections mask besides those that look secret.",
            RANGE(0, 1024)),
    PATH(SERVICE, "uploadDirectory", STATIC, api.upload_directory,
         "\"\": <stateDirectory>/<name>/uploads."),
    SERVICE("uploadAge", DYNAMIC, CONFIG_DURATION, upload_age_ms, "0",
            "Uploads without handler that are older are removed.", RANGE(SEC, 1000 * HOUR),
            .zero = "none is"),
    SERVICE("uploadBytes", DYNAMIC, CONFIG_SIZE, api.upload_bytes, "32MiB",
            "The body of one upload; above it 413.", RANGE(KIB, 64 * GIB)),
    SERVICE("uploadParts", DYNAMIC, CONFIG_COUNT, api.upload_parts, "64", "Parts of one upload.",
            RANGE(1, 1000)),
    SERVICE("uploadThreads", STATIC, CONFIG_COUNT, upload_threads, "4",
            "Threads that write uploads of this service; a slow disk keeps no others waiting.",
            RANGE(1, 64)),
    SERVICE("uploadTimeout", DYNAMIC, CONFIG_DURATION, api.upload_timeout_ms, "30s",
            "Until the disk has taken what came of an upload; above it 503.",
            RANGE(SEC, 10 * MIN)),
    HEAD("services[].jwt", CONFIG_SECTION, &services,
         "With auth jwt: where access tokens are, and what their claims mean."),
    SERVICE("jwt.cookie", DYNAMIC, CONFIG_TEXT, jwt.cookie, "access-token",
            "A cookie that may hold one. \"\": none. A Bearer field wins over it.", RANGE(0, 128)),
    SERVICE("jwt.parameter", DYNAMIC, CONFIG_TEXT, jwt.parameter, "access-token",
            "A parameter of the query or of a form that may hold one. \"\": none.", RANGE(0, 128)),
    SERVICE("jwt.audience", DYNAMIC, CONFIG_TEXTS, jwt.rules.audiences, "",
            "One of these must be in aud. []: it is not looked at.", RANGE(0, 2048)),
    SERVICE("jwt.issuer", DYNAMIC, CONFIG_TEXT, jwt.rules.issuer, "", "What iss must be. \"\": it is not looked at.",
            RANGE(0, 512)),
    SERVICE("jwt.leeway", DYNAMIC, CONFIG_DURATION, jwt.rules.leeway_ms, "30s",
            "By how much the clocks of those who make tokens may differ.", RANGE(1, 5 * MIN),
            .zero = "they must not"),
    SERVICE("jwt.requireExpiry", DYNAMIC, CONFIG_BOOL, jwt.rules.require_expiry, "true",
            "Refuse tokens without exp: they would count for ever."),
    SERVICE("jwt.userId", DYNAMIC, CONFIG_TEXT, jwt.claims.user_id, "sub", "The claim with the user's id.",
            RANGE(1, 128)),
    SERVICE("jwt.name", DYNAMIC, CONFIG_TEXT, jwt.claims.name, "name", "The claim with the user's name.",
            RANGE(0, 128)),
    SERVICE("jwt.tenantId", DYNAMIC, CONFIG_TEXT, jwt.claims.tenant_id, "tenantId",
            "The claim with the tenant's id.", RANGE(0, 128)),
    SERVICE("jwt.channels", DYNAMIC, CONFIG_TEXT, jwt.claims.channels, "channels",
            "The claim with the channels that the user may have: a list, or one text.", RANGE(0, 128)),
    SERVICE("jwt.permissions", DYNAMIC, CONFIG_TEXT, jwt.claims.permissions, "permissions",
            "The claim with what a back end may do: as for API keys, or all. \"\": tokens are not for them.",
            RANGE(0, 128)),
    SERVICE("jwt.fields", DYNAMIC, CONFIG_TEXTS, jwt.claims.fields, "",
            "Claims that become further fields of the user.", RANGE(0, 2048)),
    SERVICE("jwt.revocationTime", DYNAMIC, CONFIG_DURATION, jwt.revocation_ms, "720h",
            "How long a revocation counts; that of a single token until it ends.",
            RANGE(SEC, 8760 * HOUR)),
    SERVICE("jwt.revocations", DYNAMIC, CONFIG_COUNT, jwt.revocations, "100000",
            "Revocations that a worker keeps; one more evicts the one that ends first.",
            RANGE(1, 10000000)),
    SERVICE("jwt.waiting", DYNAMIC, CONFIG_COUNT, jwt.waiting, "1000",
            "Requests that may wait for a JWK set; above it 503.", RANGE(1, 100000)),
    SERVICE("jwt.verified", DYNAMIC, CONFIG_COUNT, jwt.signatures.verified, "10000",
            "Tokens with a right signature that a worker remembers, for an hour; and good addresses.",
            RANGE(1, 10000000), .zero = "none, so that each is computed each time"),
    SERVICE("jwt.forged", DYNAMIC, CONFIG_COUNT, jwt.signatures.forged, "2000",
            "The same of wrong ones, for a minute; and addresses that have only failed.",
            RANGE(1, 10000000)),
    RATE("jwt.addressFailures", jwt.signatures.address_failures, "0",
         "any number, while signatureShare is not used up", "5",
         "Wrong signatures from one address, by each worker; above it 503 for what is not remembered."),
    HEAD("services[].authWebhook", CONFIG_SECTION, &services,
         "With auth webhook: the back end that knows the users, and what of a request it is told."),
    PATH(SERVICE, "authWebhook.url", DYNAMIC, auth_webhook.url,
         "Where the question is posted, as JSON and as fields; 200 with the user, 401 or 403."),
    SERVICE("authWebhook.cookies", DYNAMIC, CONFIG_TEXTS, auth_webhook.names.cookies, "",
            "Cookies that it is told, such as the session's; 8 at the most.", RANGE(0, 1024)),
    SERVICE("authWebhook.headers", DYNAMIC, CONFIG_TEXTS, auth_webhook.names.headers, "authorization",
            "Header fields that it is told. But for Bearer tokens, origins count as with cookies.",
            RANGE(0, 1024)),
    SERVICE("authWebhook.parameters", DYNAMIC, CONFIG_TEXTS, auth_webhook.names.parameters, "access-token",
            "Parameters of the query or of a form that it is told.", RANGE(0, 1024)),
    SERVICE("authWebhook.apis", DYNAMIC, CONFIG_TEXTS, auth_webhook.names.apis, "",
            "What is asked about apart, such as connect, addListener, upload/*, message/orders/*.", RANGE(0, 4096)),
    SERVICE("authWebhook.timeout", DYNAMIC, CONFIG_DURATION, auth_webhook.time_limit_ms, "3s",
            "Until it has answered, waiting included; then the page gets 504.", RANGE(100, MIN)),
    SERVICE("authWebhook.answerBytes", DYNAMIC, CONFIG_SIZE, auth_webhook.answer_bytes, "64KiB",
            "Of its answer; above it the page gets 502.", RANGE(KIB, MIB)),
    SERVICE("authWebhook.inFlight", DYNAMIC, CONFIG_COUNT, auth_webhook.in_flight, "100",
            "Questions of one worker at a time.", RANGE(1, 10000)),
    SERVICE("authWebhook.waiting", DYNAMIC, CONFIG_COUNT, auth_webhook.waiting, "1000",
            "Requests that may wait behind them, or for the same answer; above it 503.", RANGE(1, 1000000)),
    SERVICE("authWebhook.cache", DYNAMIC, CONFIG_DURATION, auth_webhook.cache_ms, "10s",
            "How long a worker goes by an answer; by a refusal 1 s at the most.", RANGE(100, HOUR),
            .zero = "not at all"),
    SERVICE("authWebhook.cacheEntries", DYNAMIC, CONFIG_COUNT, auth_webhook.cache_entries, "10000",
            "Answers that a worker remembers; one more evicts the oldest.", RANGE(1, 10000000)),
    SERVICE("authWebhook.userCacheEntries", DYNAMIC, CONFIG_COUNT, auth_webhook.user_entries, "1000",
            "Of these, those of one user; one more evicts the oldest of its own.", RANGE(1, 10000000)),
    HEAD("services[].channels", CONFIG_SECTION, &services,
         "Who may have which channels. A credential may allow some of its own."),
    SERVICE("channels.open", DYNAMIC, CONFIG_BOOL, api.broker.channels.is_open, "false",
            "Everybody may have every channel. With auth development it is so in any case."),
    SERVICE("channels.allow", DYNAMIC, CONFIG_TEXTS, api.broker.channels.patterns, "",
            "Else these: names, * for any text, {userId} and {tenantId} for the user's own.",
            RANGE(0, 4096)),

    SECRET(SERVICE, "webhookSecret", api.broker.webhook_secret, webhook_secret_file,
            "Signs what is posted to back ends (sse-signature). \"\": it is not signed.",
            RANGE(0, 512)),

    HEAD("services[].handlers", CONFIG_SECTION, &services,
         "Back ends that handle what pages send; the page gets their answer."),
    PATH(SERVICE, "handlers.messageUrl", DYNAMIC, api.handlers.message_url,
         "Where messages are posted. \"\": the answer is the path."),
    PATH(SERVICE, "handlers.uploadUrl", DYNAMIC, api.handlers.upload_url,
         "Where it is told of uploads. \"\": they are stored, and that is all."),
    SERVICE("handlers.uploadStreams", DYNAMIC, CONFIG_BOOL, api.handlers.upload_streams, "false",
            "true: bodies of uploads go there as they come, and are not stored."),
    SERVICE("handlers.withoutConnection", DYNAMIC, CONFIG_BOOL, api.calls_without_connection, "false",
            "true: calls with an unknown connectionId run without one, for the caller's own credential."),
    SERVICE("handlers.timeout", DYNAMIC, CONFIG_DURATION, api.handlers.time_limit_ms, "10s",
            "Until a handler has answered; then the page gets 504.", RANGE(100, 10 * MIN)),
    SERVICE("handlers.answerBytes", DYNAMIC, CONFIG_SIZE, api.handlers.answer_bytes, "256KiB",
            "Of a handler's answer; above it the page gets 502.", RANGE(KIB, 16 * MIB)),

    HEAD("services[].presence", CONFIG_SECTION, &services,
         "What back ends that watch who comes and goes may take: GET <basePath>/presence."),
    SERVICE("presence.watchers", DYNAMIC, CONFIG_COUNT, api.broker.presence.watchers, "100",
            "Watchers at a time; above it 503.", RANGE(1, 10000)),
    SERVICE("presence.history", DYNAMIC, CONFIG_COUNT, api.broker.presence.history, "10000",
            "Events that are kept for a watcher that comes back.", RANGE(1, 10000000)),
    SERVICE("presence.historyBytes", DYNAMIC, CONFIG_SIZE, api.broker.presence.history_bytes, "8MiB",
            "The size of these events.", RANGE(64 * KIB, GIB)),
    SERVICE("presence.keep", DYNAMIC, CONFIG_DURATION, api.broker.presence.keep_ms, "10m",
            "How long they are kept when the last watcher has left.", RANGE(SEC, 24 * HOUR),
            .zero = "not at all"),
    HEAD("services[].notifications", CONFIG_SECTION, &services,
         "The same events POSTed to a back end, in order for each user."),
    PATH(SERVICE, "notifications.url", DYNAMIC, api.broker.notifications.url,
         "Where to: http or https. \"\": nowhere."),
    SERVICE("notifications.events", DYNAMIC, CONFIG_TEXTS, notified_events, PRESENCE_COMING_LIST,
            "Which of them; also: receipt, of what becomes of messages with qos 1.", RANGE(1, 256)),
    SERVICE("notifications.channels", DYNAMIC, CONFIG_TEXTS, api.broker.notifications.channels, "",
            "Of connections in one of these channels alone: names, * for any text. []: of all.", RANGE(0, 4096)),
    SERVICE("notifications.accessTokens", DYNAMIC, CONFIG_TEXTS, api.broker.notifications.access_tokens, "",
            "Of connections with one of these accessTokens alone, written alike. []: of all.", RANGE(0, 4096),
            .is_hidden = true),
    SERVICE("notifications.timeout", DYNAMIC, CONFIG_DURATION, api.broker.notifications.timeout_ms, "10s",
            "Until one is answered.", RANGE(100, 10 * MIN)),
    SERVICE("notifications.retryTime", DYNAMIC, CONFIG_DURATION, api.broker.notifications.queue.retry_ms, "1h",
            "One that fails at this age is not tried again.", RANGE(SEC, 720 * HOUR)),
    SERVICE("notifications.queue", DYNAMIC, CONFIG_COUNT, api.broker.notifications.queue.most, "10000",
            "So many may wait; at one more the oldest is dropped.", RANGE(1, 10000000)),
    SERVICE("notifications.queueBytes", DYNAMIC, CONFIG_SIZE, api.broker.notifications.queue.most_bytes, "16MiB",
            "The size of these.", RANGE(64 * KIB, 16 * GIB)),
    SERVICE("notifications.inFlight", DYNAMIC, CONFIG_COUNT, api.broker.notifications.queue.in_flight, "8",
            "Users whose notifications are sent at the same time.", RANGE(1, 1000)),

    HEAD("services[].limits", CONFIG_SECTION, &services,
         "Above these 429 (503 for connections), with a retry-after. Nobody is sent away for others."),
    SERVICE("limits.connections", DYNAMIC, CONFIG_COUNT, api.broker.limits.connections, "0",
            "Event streams of the service.", RANGE(1, 100000000), .zero = "any number"),
    SERVICE("limits.userConnections", DYNAMIC, CONFIG_COUNT, api.broker.limits.slots[BROKER_STREAM][BROKER_SLOT_OF_USER], "0",
            "Event streams of one user.", RANGE(1, 1000000), .zero = "20, or any number with auth development"),
    SERVICE("limits.addressConnections", DYNAMIC, CONFIG_COUNT, api.broker.limits.slots[BROKER_STREAM][BROKER_SLOT_OF_ADDRESS], "0",
            "Event streams from one address (trustedProxies); of IPv6 a /64 is one.", RANGE(1, 1000000), .zero = "any number"),
    SERVICE("limits.userUploads", DYNAMIC, CONFIG_COUNT, api.broker.limits.slots[BROKER_UPLOAD][BROKER_SLOT_OF_USER], "0",
            "Uploads of one user at a time.", RANGE(1, 1000000), .zero = "20, or any number with auth development"),
    SERVICE("limits.addressUploads", DYNAMIC, CONFIG_COUNT, api.broker.limits.slots[BROKER_UPLOAD][BROKER_SLOT_OF_ADDRESS], "0",
            "Uploads from one address at a time.", RANGE(1, 1000000), .zero = "any number"),
    SERVICE("limits.userUploadBytes", DYNAMIC, CONFIG_SIZE, api.upload_limits.user_bytes, "256MiB",
            "Of one user's uploads, under way and kept; what a handler has taken counts no longer.",
            RANGE(KIB, 1024 * GIB), .zero = "any number"),
    SERVICE("limits.userUploadFiles", DYNAMIC, CONFIG_COUNT, api.upload_limits.user_files, "1000", "The files of these.",
            RANGE(1, 100000000), .zero = "any number"),
    SERVICE("limits.userOpenFiles", DYNAMIC, CONFIG_COUNT, api.upload_limits.user_open_files, "128",
            "Files of one user's uploads under way; each takes a descriptor.", RANGE(1, 1000000),
            .zero = "any number"),
    SERVICE("limits.uploadBytes", DYNAMIC, CONFIG_SIZE, api.upload_limits.bytes, "0",
            "The same of all users of the service. 64 MiB of a disk are left in any case.",
            RANGE(KIB, 1048576 * GIB), .zero = "as the disk has room"),
    SERVICE("limits.uploadFiles", DYNAMIC, CONFIG_COUNT, api.upload_limits.files, "100000", "The files of these.",
            RANGE(1, 1000000000), .zero = "any number"),
    SERVICE("limits.rememberedRates", DYNAMIC, CONFIG_COUNT, api.broker.limits.remembered, "65536",
            "Users, and addresses, whose rates one worker keeps; the longest idle is forgotten.",
            RANGE(1, 10000000)),
    RATE("limits.userRequests", api.broker.limits.user_requests, "0", "1000, or any number with auth development", "200",
         "Requests of one user's pages, counted by each worker."),
    RATE("limits.addressRequests", api.broker.limits.address_requests, "0", "any number", "1000",
         "Requests of pages from one address, counted by each worker."),
    RATE("limits.sends", api.broker.limits.sends, "0", "any number", "1000",
         "Messages that back ends send. A list counts as many, and may overdraw once."),

    HEAD("limits", CONFIG_SECTION, NULL,
         "Bounds of the HTTP/2 layer. Each has a counter in /metrics. Times are per connection."),
    LIMIT("sessions", DYNAMIC, CONFIG_COUNT, sessions, "100000",
          "Client connections of one worker; one more is closed at once.", RANGE(1, 10000000)),
    LIMIT("addressSessions", DYNAMIC, CONFIG_COUNT, address_sessions, "0",
          "Of one address (IPv6: a /64), over all workers; proxies in trustedProxies have no limit.",
          RANGE(1, 10000000), .zero = "a quarter of the open files that the process may have"),
    LIMIT("handshakes", DYNAMIC, CONFIG_COUNT, handshakes, "512",
          "TLS handshakes at work in one worker; above it clients wait.", RANGE(1, 1000000)),
    LIMIT("handshakesPerAddress", DYNAMIC, CONFIG_COUNT, handshakes_per_address, "64",
          "Of one address; raise it for proxies that pass TLS on without a PROXY header.",
          RANGE(1, 1000000)),
    LIMIT("concurrentStreams", DYNAMIC, CONFIG_COUNT, concurrent_streams, "100",
          "Streams that one connection may have open.", RANGE(1, 10000)),
    LIMIT("headerFields", DYNAMIC, CONFIG_COUNT, header_fields, "100", "Header fields of a request.",
          RANGE(8, 1000)),
    LIMIT("headerListBytes", DYNAMIC, CONFIG_SIZE, header_list_bytes, "16KiB",
          "Header fields of a request, names + values + 32 each.", RANGE(KIB, MIB)),
    LIMIT("headerFieldBytes", DYNAMIC, CONFIG_SIZE, header_field_bytes, "8KiB",
          "One header field, name and value; the path has its own.", RANGE(256, 64 * KIB)),
    LIMIT("pathBytes", DYNAMIC, CONFIG_SIZE, path_bytes, "4KiB", "Path and query; above it 414.",
          RANGE(256, 64 * KIB)),
    LIMIT("continuations", DYNAMIC, CONFIG_COUNT, continuations, "2",
          "CONTINUATION frames of one header block.", RANGE(1, 64)),
    LIMIT("streamWindow", DYNAMIC, CONFIG_SIZE, stream_window, "64KiB",
          "Body bytes on the way to the server, per stream.", RANGE(16 * KIB, 16 * MIB)),
    LIMIT("sessionWindow", DYNAMIC, CONFIG_SIZE, session_window, "1MiB",
          "Body bytes on the way to the server, per connection.", RANGE(64 * KIB, 64 * MIB)),
    LIMIT("sessionBodyBytes", DYNAMIC, CONFIG_SIZE, session_body_bytes, "8MiB",
          "Bodies in memory until they are complete, per connection; above it 429.",
          RANGE(64 * KIB, GIB)),
    LIMIT("inboundBytes", DYNAMIC, CONFIG_SIZE, inbound_bytes, "64MiB",
          "Sent by clients and taken by nobody, of all connections; above it 503, the oldest first.",
          RANGE(2 * MIB, 64 * GIB)),
    LIMIT("outputSoftBytes", DYNAMIC, CONFIG_SIZE, output_soft_bytes, "256KiB",
          "Unsent output above which no more frames are made.", RANGE(32 * KIB, 64 * MIB)),
    LIMIT("outputHardBytes", DYNAMIC, CONFIG_SIZE, output_hard_bytes, "512KiB",
          "Unsent output above which nothing more is read.", RANGE(64 * KIB, 128 * MIB)),
    LIMIT("unsentBytes", DYNAMIC, CONFIG_SIZE, unsent_bytes, "128KiB",
          "Output that the kernel takes before it can send it (TCP_NOTSENT_LOWAT).",
          RANGE(4 * KIB, 64 * MIB)),
    LIMIT("sendBufferBytes", DYNAMIC, CONFIG_SIZE, send_buffer_bytes, "512KiB",
          "Output in the kernel, sent or not, until it has arrived (SO_SNDBUF, net.core.wmem_max).",
          RANGE(16 * KIB, 64 * MIB), .zero = "as much as the kernel likes (net.ipv4.tcp_wmem)"),
    LIMIT("outboundFrames", DYNAMIC, CONFIG_COUNT, outbound_frames, "1000",
          "Frames that wait to be made; above it the connection is closed.", RANGE(100, 100000)),
    LIMIT("outboundAcks", DYNAMIC, CONFIG_COUNT, outbound_acks, "100",
          "PING and SETTINGS acknowledgements that wait.", RANGE(10, 10000)),
    LIMIT("settingsEntries", DYNAMIC, CONFIG_COUNT, settings_entries, "16",
          "Entries of one SETTINGS frame.", RANGE(8, 1000)),
    LIMIT("handshakeTimeout", DYNAMIC, CONFIG_DURATION, handshake_ms, "5s",
          "Until the TLS handshake is done.", RANGE(100, 10 * MIN)),
    LIMIT("prefaceTimeout", DYNAMIC, CONFIG_DURATION, preface_ms, "5s",
          "Until the HTTP/2 preface has come.", RANGE(100, 10 * MIN)),
    LIMIT("settingsAckTimeout", DYNAMIC, CONFIG_DURATION, settings_ack_ms, "10s",
          "Until our SETTINGS are acknowledged.", RANGE(100, 10 * MIN)),
    LIMIT("headersTimeout", DYNAMIC, CONFIG_DURATION, headers_ms, "10s",
          "Until a header block that has begun is complete.", RANGE(100, 10 * MIN)),
    LIMIT("bodyIdleTimeout", DYNAMIC, CONFIG_DURATION, body_idle_ms, "10s",
          "Without a byte of a body that is due.", RANGE(100, 10 * MIN)),
    LIMIT("bodyFloor", DYNAMIC, CONFIG_SIZE, body_floor, "1KiB",
          "Bytes a second that a body must come with after that time.", RANGE(1, 16 * MIB),
          .zero = "any speed"),
    LIMIT("idleTimeout", DYNAMIC, CONFIG_DURATION, idle_ms, "3m", "Without any stream.",
          RANGE(SEC, 24 * HOUR)),
    LIMIT("writeStallTimeout", DYNAMIC, CONFIG_DURATION, write_stall_ms, "30s",
          "Output waits and the client takes none of it.", RANGE(SEC, 10 * MIN)),
    /* A client that vanishes without a word is offline within 45 s: this with its 5 %, then
     * pingAckTimeout, then offlineGrace. A page's next comment is mostly sooner, and takes the PING
     * along. */
    LIMIT("pingInterval", DYNAMIC, CONFIG_DURATION, ping_ms, "24s",
          "PING a client that is silent for so long (up to 5 % more; along with output from 5/6 on).",
          RANGE(SEC, HOUR)),
    LIMIT("pingAckTimeout", DYNAMIC, CONFIG_DURATION, ping_ack_ms, "10s",
          "Until such a PING is answered.", RANGE(100, 10 * MIN)),
    BUCKET("clientResets", client_resets, "200", "20", "Streams that the client breaks off."),
    BUCKET("serverResets", server_resets, "100", "10", "Streams that the client makes us break off."),
    BUCKET("glitches", glitches, "1000", "33", "Frames that are legal and of no use."),
    BUCKET("pings", pings, "20", "1", "PING frames."),
    BUCKET("settings", settings, "10", "1", "SETTINGS frames."),
    HEAD("limits.tinyWindows", CONFIG_SECTION, NULL,
         "DATA frames that windows of less than 64 octets make us cut; more of them wait."),
    LIMIT("tinyWindows.burst", DYNAMIC, CONFIG_COUNT, tiny_windows.burst, "10000", "So many at once.",
          RANGE(1, 1000000)),
    /* Never again would be for ever: nothing is ended here, it waits. */
    LIMIT("tinyWindows.perSecond", DYNAMIC, CONFIG_COUNT, tiny_windows.per_second, "5000",
          "So many a second from then on.", RANGE(1, 1000000)),
};
/* NOLINTEND(bugprone-macro-parentheses) */
/* clang-format on */

const size_t config_key_count = COUNT(config_keys);

bool config_key_is_text(const struct config_key *key)
{
    return key->type == CONFIG_TEXT || key->type == CONFIG_TEXTS;
}

bool config_key_has_value(const struct config_key *key)
{
    return key->fallback && !key->is_shorthand;
}

const char *const *config_key_words(const struct config_key *key)
{
    static const char *const no_yes[] = {"false", "true", NULL};

    return key->type == CONFIG_BOOL ? no_yes : key->words;
}

void config_key_append_name(const struct config_key *key, const size_t numbers[CONFIG_DEPTH],
                            struct buf *to)
{
    for (const char *c = key->name; *c; c++) {
        buf_append_char(to, *c);
        if (*c == '[')
            buf_printf(to, "%zu", *numbers++);
    }
}

const struct config_key *config_key_find(const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    }
    return NULL;
}

const char *config_key_last(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot ? dot + 1 : name;
}

/* Whether name lies below key: then key is not what it should have been called. */
static bool lies_below(const char *name, const char *key)
{
    size_t length = strlen(key);

    return strncmp(name, key, length) == 0 && name[length] == '.';
}

/* How far name is from key, where it may be the right word in the wrong place or its beginning. */
static size_t distance_to(const char *name, const char *key)
{
    enum { ELSEWHERE = 2, SHORTEST_BEGINNING = 3 };
    const char *word = config_key_last(name);
    const char *key_word = config_key_last(key);
    size_t whole = config_distance(name, key);
    size_t last = config_distance(word, key_word);

    if (strlen(word) >= SHORTEST_BEGINNING && strncasecmp(word, key_word, strlen(word)) == 0)
        last = 0;
    return whole < last + ELSEWHERE ? whole : last + ELSEWHERE;
}

const struct config_key *config_key_nearest(const char *name)
{
    const struct config_key *nearest = &config_keys[0];
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < config_key_count; i++) {
        size_t distance = distance_to(name, config_keys[i].name);

        if (distance < least && !lies_below(name, config_keys[i].name)) {
            least = distance;
            nearest = &config_keys[i];
        }
    }
    return config_is_near(config_key_last(name), least) ? nearest : NULL;
}

const struct config_key *config_key_beside(const struct config_key *key)
{
    if (key->is_file)
        return key - 1;
    return key->is_secret && !key->is_shorthand ? key + 1 : NULL;
}

void config_key_variable(const char *name, char buffer[CONFIG_VARIABLE_SIZE])
{
    const size_t end = CONFIG_VARIABLE_SIZE - 3;
    size_t at = strlen(CONFIG_PREFIX);

    memcpy(buffer, CONFIG_PREFIX, at);
    for (const char *c = name; *c && at < end; c++) {
        if (*c == '[') {
            buffer[at++] = '_';
            buffer[at++] = '#';
        } else if (*c == '.') {
            buffer[at++] = '_';
        } else if (*c != ']') {
            if (isupper((unsigned char)*c))
                buffer[at++] = '_';
            buffer[at++] = (char)toupper((unsigned char)*c);
        }
    }
    buffer[at] = '\0';
}

bool config_is_near(const char *word, size_t distance)
{
    return distance <= strlen(word) / 3 + 1;
}

const char *config_nearest(const char *word, const char *const *names)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (; *names; names++) {
        const size_t distance = config_distance(word, *names);

        if (distance < least) {
            least = distance;
            nearest = *names;
        }
    }
    return config_is_near(word, least) ? nearest : NULL;
}

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

size_t config_distance(const char *left, const char *right)
{
    enum { LONGEST = 95 };
    size_t row[LONGEST + 1];
    size_t width = strnlen(right, LONGEST);
    size_t height = strnlen(left, LONGEST);

    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; i <= height; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t above = row[j];
            bool same = tolower((unsigned char)left[i - 1]) == tolower((unsigned char)right[j - 1]);

            row[j] = least_of(above + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1));
            diagonal = above;
        }
    }
    return row[width];
}
