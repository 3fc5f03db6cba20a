/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_keys.h"

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
static const char *const tls_profiles[] = {"intermediate", "modern", NULL};
static const char *const roles[] = {"all", "public", "admin", NULL};
static const char *const stores[] = {"sqlite", "memory", NULL};
static const char *const acknowledgements[] = {"page", "write", "client", NULL};
static const char *const slow_policies[] = {"disconnect", "drop-oldest", "latest", NULL};
/* Each in the order of its enum. */
static const char *const access_formats[] = {"combined", "logfmt", "json", NULL};
static const char *const compats[] = {"none", "java", NULL};
static const char *const auths[] = {"development", "jwt", "webhook", NULL};
static const char *const uniques[] = {"service", "tenant", NULL};
static const char *const proxy_fields[] = {"x-forwarded-for", "forwarded", NULL};

#define LIST(owner, array, number, largest, outer)                                                 \
    {                                                                                              \
        .items = offsetof(struct owner, array),                                                    \
        .item_size = sizeof(((struct owner *)0)->array[0]),                                        \
        .count = offsetof(struct owner, number), .most = (largest), .within = (outer),             \
    }
static const struct config_list listeners =
    LIST(config, listeners, listener_count, CONFIG_MAX_LISTENERS, NULL);
static const struct config_list certificates =
    LIST(config_listener, certificates, certificate_count, CONFIG_MAX_CERTIFICATES, &listeners);
static const struct config_list services =
    LIST(config, services, service_count, CONFIG_MAX_SERVICES, NULL);
static const struct config_list api_keys =
    LIST(config, api_keys, api_key_count, CONFIG_MAX_KEYS, NULL);
static const struct config_list token_keys =
    LIST(config, token_keys, token_key_count, CONFIG_MAX_TOKEN_KEYS, NULL);

#define MEMBER(owner, member)                                                                      \
    .offset = offsetof(struct owner, member), .width = sizeof(((struct owner *)0)->member)
#define RANGE(lowest, highest) .low = (lowest), .high = (highest)

/* Rows, not statements: lines that are read across, members that cannot stand in parentheses. */
/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define HEAD(path, kind, of, text) {.name = (path), .type = (kind), .list = (of), .help = (text)}
#define SECTION(path, text)         HEAD(path, CONFIG_SECTION, NULL, text)
#define SERVICE_SECTION(path, text) HEAD("services[]." path, CONFIG_SECTION, &services, text)
#define ROW(owner, prefix, of, path, changes, kind, member, normal, ...)                           \
    {.name = prefix path, .change = CONFIG_##changes, .type = CONFIG_##kind, .list = (of),         \
     MEMBER(owner, member), .fallback = (normal), __VA_ARGS__}
#define HELP(text)       .help = (text)
#define KEY(...)         ROW(config, "", NULL, __VA_ARGS__)
#define API_KEY(...)     ROW(config_api_key, "apiKeys[]", &api_keys, __VA_ARGS__)
#define TOKEN_KEY(...)   ROW(config_token_key, "tokenKeys[].", &token_keys, __VA_ARGS__)
#define LISTENER(...)    ROW(config_listener, "listeners[].", &listeners, __VA_ARGS__)
#define CERTIFICATE(...) ROW(config_certificate, "listeners[].certificates[].", &certificates, __VA_ARGS__)
#define SERVICE(...)     ROW(config_service, "services[].", &services, __VA_ARGS__)
#define LIMIT(path, kind, member, ...) KEY("limits." path, DYNAMIC, kind, limits.member, __VA_ARGS__)
/* A text, which is a path or a URL and may be "". */
#define PATH(ROW, path, changes, member, text)                                                     \
    ROW(path, changes, TEXT, member, "", RANGE(0, 1024), HELP(text))
/* A secret, and beside it the file that may have it instead. ROW: the macro of its list. */
#define SECRET(ROW, path, member, file, text, ...)                                                 \
    ROW(path, DYNAMIC, TEXT, member, "", .is_secret = true, __VA_ARGS__, HELP(text)),              \
    ROW(path "File", DYNAMIC, TEXT, file, "", RANGE(0, 1024), .is_file = true,                     \
        HELP("Or the path of a file that has it; a relative one is in $CREDENTIALS_DIRECTORY if set."))
#define BUCKET(path, member, burst_normal, rate_normal, text)                                      \
    SECTION("limits." path, text),                                                                 \
    LIMIT(path ".burst", COUNT, member.burst, burst_normal, RANGE(1, 1000000),            \
          HELP("So many at once.")),                                                               \
    LIMIT(path ".perSecond", COUNT, member.per_second, rate_normal, RANGE(1, 1000000),    \
          .zero = "never again", HELP("So many a second from then on."))
#define RATE(path, member, burst_normal, burst_zero, rate_normal, text)                            \
    SERVICE_SECTION(path, text),                                                                   \
    SERVICE(path ".burst", DYNAMIC, COUNT, member.burst, burst_normal, RANGE(1, 1000000),          \
            .zero = burst_zero, HELP("So many at once.")),                                         \
    SERVICE(path ".perSecond", DYNAMIC, COUNT, member.per_second, rate_normal, RANGE(1, 1000000),  \
            HELP("So many a second from then on."))

const struct config_key config_keys[] = {
    KEY("workers", STATIC, COUNT, workers, "0", RANGE(1, 256), .zero = "one per processor that this process may use",
        HELP("Threads that serve connections.")),
    KEY("signatureShare", DYNAMIC, COUNT, signature_share, "50", RANGE(1, 100),
        HELP("Percent of a worker's time for checks of tokens; above it those who only failed wait.")),
    PATH(KEY, "stateDirectory", STATIC, state_directory,
         "Uploads, the development certificate. \"\": $STATE_DIRECTORY, or else below the home."),
    KEY("demo", STATIC, BOOL, demo, "false",
        HELP("Serve the demo page at /; without any API key make one up and print it at start.")),
    SECTION("console", "The page at /console, for who operates the server."),
    KEY("console.hosts", DYNAMIC, TEXTS, console_hosts, "", RANGE(0, 4096),
        HELP("Further names that it answers to; localhost, addresses, the certificate's names always do.")),
    KEY("allowDevelopmentRemote", DYNAMIC, BOOL, allow_development_remote, "false",
        HELP("Let strangers in: auth development on addresses that other machines can reach.")),
    KEY("stopNotice", DYNAMIC, DURATION, stop_notice_ms, "5s", RANGE(100, HOUR), .zero = "no notice",
        HELP("A stop begins with this: /health/ready answers 503, and all else goes on.")),
    KEY("drainSpread", DYNAMIC, DURATION, drain_spread_ms, "12s", RANGE(100, HOUR), .zero = "all at once",
        HELP("Then event streams end, spread over this; their pages come back as spread after it.")),
    KEY("drainTime", DYNAMIC, DURATION, drain_ms, "20s", RANGE(100, HOUR), .zero = "cut off at once",
        HELP("How long a stop takes, with these two, until what is left is cut off; at the most 5 s more.")),

    KEY("trustedProxies", DYNAMIC, TEXTS, trusted_proxies, "", RANGE(0, 4096),
        HELP("Networks of proxies whose word on the client's address counts: 10.0.0.0/8, ::1, unix.")),
    KEY("proxyField", DYNAMIC, CHOICE, proxy_field, "x-forwarded-for", .words = proxy_fields,
        HELP("The field that these proxies write: theirs alone, not one that they let through.")),

    SECTION("log", "One line per event, on standard error."),
    KEY("log.level", DYNAMIC, CHOICE, log_level, "info", .words = log_levels,
        HELP("The least that is worth a line. info: also refused requests; debug: connects and answers.")),
    KEY("log.format", DYNAMIC, CHOICE, log_format, "text", .words = log_formats,
        HELP("text is for people, logfmt for programs; json has the names of the Elastic Common Schema.")),
    KEY("log.slowRequest", DYNAMIC, DURATION, slow_request_ms, "5s", RANGE(100, HOUR), .zero = "none is",
        HELP("A request that waits so long for its answer, once all of it has come, is a warning.")),

    SECTION("audit", "Who kicks, revokes and deletes, and who was refused it."),
    PATH(KEY, "audit.file", STATIC, audit_file,
         "JSON lines. \"\": <stateDirectory>/audit.log. -: standard error. none: it is not written."),

    SECTION("accessLog", "A line for each request, when it is answered."),
    PATH(KEY, "accessLog.file", STATIC, access_file, "Where to. \"\": it is not written. -: standard output."),
    KEY("accessLog.format", DYNAMIC, CHOICE, access_format, "combined", .words = access_formats,
        HELP("combined: as Apache and nginx write it; logfmt and json, as in log.format, say more.")),
    KEY("accessLog.buffer", STATIC, SIZE, access_bytes, "1MiB", RANGE(16 * KIB, 256 * MIB),
        HELP("Of lines that wait for the disk; what does not fit is left out, and counted.")),

    SECTION("outbound", "Requests to back ends, of one worker."),
    KEY("outbound.inFlight", DYNAMIC, COUNT, outbound.in_flight, "100", RANGE(1, 10000),
        HELP("So many at once; more wait. As many again for uploads that are passed on.")),
    KEY("outbound.waiting", DYNAMIC, COUNT, outbound.waiting, "1000", RANGE(1, 1000000),
        HELP("So many may wait; more fail, with 503 to the page.")),
    KEY("outbound.hostConnections", DYNAMIC, COUNT, outbound.host_connections, "8", RANGE(1, 1000),
        .zero = "any number", HELP("Connections to one host, uploads aside; with HTTP/2 each carries many requests.")),
    KEY("outbound.http2", DYNAMIC, BOOL, outbound_http2, "true",
        HELP("HTTP/2 to https hosts that speak it. Bodies that are streamed go by HTTP/1.1.")),
    KEY("outbound.connectTimeout", DYNAMIC, DURATION, outbound.connect_ms, "5s", RANGE(100, 10 * MIN),
        HELP("Until a connection stands, TLS included.")),
    PATH(KEY, "outbound.caFile", DYNAMIC, outbound.ca_file,
         "PEM file of the authorities that back ends are certified by. \"\": the system's."),
    SECRET(KEY, "outbound.proxy", outbound.proxy, outbound_proxy_file,
           "URL of a proxy to reach them by. \"\": none, whatever the environment says.", RANGE(0, 1024)),

    HEAD("apiKeys", CONFIG_LIST, &api_keys,
         "What back ends show as \"Authorization: Bearer …\". None: they are refused."),
    API_KEY("", DYNAMIC, TEXT, key, "", RANGE(1, 512), .is_shorthand = true,
            HELP("A text alone is a key (or the hash of one) that may do all but inspect.")),
    API_KEY(".name", DYNAMIC, TEXT, name, "", RANGE(0, 64),
            HELP("What it is called in counters and answers; letters, digits, . _ -. \"\": key- and a number.")),
    API_KEY(".hash", DYNAMIC, TEXT, hash, "", RANGE(0, 128),
            HELP("sha256: and the hash of the key in hex: sse-server make-key prints both.")),
    SECRET(API_KEY, ".key", key, key_file, "Or the key itself, without white space. Better from the environment.",
           RANGE(0, 512)),
    API_KEY(".permissions", DYNAMIC, TEXTS, permissions, "send, query, disconnect, presence, metrics", RANGE(0, 256),
            HELP("What it may do: send (and setDuration), query, disconnect, presence, metrics, inspect.")),
    API_KEY(".services", DYNAMIC, TEXTS, services, "", RANGE(0, 4224),
            HELP("Names of the services that it is for. []: all.")),
    API_KEY(".tenants", DYNAMIC, TEXTS, tenants, "", RANGE(0, 4224),
            HELP("Ids of the tenants that it is for: it reaches and sees nobody else. []: all.")),

    HEAD("tokenKeys", CONFIG_LIST, &token_keys,
         "Keys that access tokens (auth: jwt) are signed with; several of a service while they change."),
    TOKEN_KEY("id", DYNAMIC, TEXT, id, "", RANGE(0, 256), HELP("The kid of its tokens. \"\": they have none.")),
    TOKEN_KEY("algorithm", DYNAMIC, TEXT, algorithm, "", RANGE(0, 16),
              HELP("HS, RS, PS or ES with 256, 384 or 512; EdDSA, Ed25519 or Ed448. None beside jwks.")),
    SECRET(TOKEN_KEY, "secret", secret, secret_file,
           "For HS*: a text of 32, 48 or 64 bytes or more, or base64: and base64.", RANGE(0, 1024)),
    PATH(TOKEN_KEY, "file", DYNAMIC, file,
         "Or a file: with the secret, or PEM with a public key, a certificate, a private key."),
    PATH(TOKEN_KEY, "jwks", DYNAMIC, jwks, "Or a JWK set with any number of keys: a file, or an https URL."),
    TOKEN_KEY("refresh", DYNAMIC, DURATION, refresh_ms, "10m", RANGE(SEC, 24 * HOUR), .zero = "only then",
              HELP("How often the JWK set is read; also when a token comes that no key of it fits.")),
    TOKEN_KEY("services", DYNAMIC, TEXTS, services, "", RANGE(0, 4224),
              HELP("Names of the services that it is for. []: all.")),

    SECTION("tls", "What listeners with TLS have in common."),
    PATH(KEY, "tls.ticketKeyFile", DYNAMIC, ticket_key_file,
         "Keys of session tickets, of 80 or 48 bytes each; the first encrypts. \"\": made at the start."),

    HEAD("listeners", CONFIG_LIST, &listeners, "Where clients reach the server."),
    LISTENER("address", STATIC, TEXT, address, "localhost:8443", RANGE(1, 255),
             HELP("127.0.0.1:8443, [::1]:8443, *:8443 (all), localhost:8443 or unix:/run/sse.sock.")),
    LISTENER("tls", STATIC, BOOL, tls, "true",
             HELP("false: clear text (HTTP/2 with prior knowledge), for use behind a proxy.")),
    PATH(LISTENER, "certificate", DYNAMIC, files.certificate,
         "PEM file with the chain. \"\": a development certificate that the server makes."),
    PATH(LISTENER, "key", DYNAMIC, files.key, "PEM file with the private key of the certificate."),
    PATH(LISTENER, "ocspFile", DYNAMIC, files.ocsp, "DER file with an OCSP response to staple to it. \"\": none."),
    LISTENER("tlsProfile", DYNAMIC, CHOICE, tls_profile, "intermediate", .words = tls_profiles,
             HELP("intermediate: TLS 1.2 and 1.3. modern: 1.3 only.")),
    LISTENER("strictTransportSecurity", DYNAMIC, TEXT, transport_security, "", RANGE(0, 128),
             HELP("Field that keeps browsers from http, such as max-age=63072000. \"\": none is sent.")),
    LISTENER("role", DYNAMIC, CHOICE, role, "all", .words = roles,
             HELP("public: for pages only. admin: for back ends and /metrics only; TLS, or this machine.")),
    LISTENER("http1", DYNAMIC, BOOL, http1, "true",
             HELP("Speaks HTTP/1.1 and 1.0 with clients that do not choose HTTP/2. false: HTTP/2 alone.")),
    LISTENER("proxyProtocol", DYNAMIC, BOOL, proxy_protocol, "false",
             HELP("true: each connection begins with a PROXY header, 1 or 2, that names the client.")),
    LISTENER("proxyFrom", DYNAMIC, TEXTS, proxy_from, "", RANGE(0, 1024),
             HELP("With it: who may connect, such as [10.0.0.0/8, ::1, unix]. []: anybody.")),
    LISTENER("socketMode", STATIC, TEXT, socket_mode, "", RANGE(0, 64),
             HELP("Of a unix socket: who may connect, such as \"0660\". \"\": as the umask has it.")),
    LISTENER("socketGroup", STATIC, TEXT, socket_group, "", RANGE(0, 64),
             HELP("Of a unix socket: the group it belongs to, by name or number. \"\": the process's.")),
    HEAD("listeners[].certificates", CONFIG_LIST, &certificates,
         "More of them, for clients that ask for other names (SNI), or take another kind of key."),
    CERTIFICATE("certificate", DYNAMIC, TEXT, files.certificate, "", RANGE(1, 1024), HELP("PEM file with the chain.")),
    CERTIFICATE("key", DYNAMIC, TEXT, files.key, "", RANGE(1, 1024), HELP("PEM file with its private key.")),
    PATH(CERTIFICATE, "ocspFile", DYNAMIC, files.ocsp, "DER file with an OCSP response to staple to it. \"\": none."),

    HEAD("services", CONFIG_LIST, &services, "Named push services, each with its own users."),
    SERVICE("name", STATIC, TEXT, settings.name, "", RANGE(1, 64), HELP("Of a-z, 0-9, _ and -.")),
    SERVICE("basePath", STATIC, TEXT, settings.base_path, "", RANGE(0, 128),
            HELP("Where its routes begin. \"\": /sse/ and the name.")),
    SERVICE("compat", DYNAMIC, CHOICE, compat, "none", .words = compats,
            HELP("java: defaults for pages and back ends of the Java system; check-config says which.")),
    SERVICE("auth", STATIC, CHOICE, auth, "development", .words = auths,
            HELP("Who a page's user is: who it says, whom its token names, or who a back end says it is.")),
    SERVICE_SECTION("users", "Which users are the same one."),
    SERVICE("users.unique", STATIC, CHOICE, settings.users_unique, "service", .words = uniques,
            HELP("Who has the same id; or tenant: and the same tenantId, too, which userId then comes with.")),
    SERVICE("envelope", DYNAMIC, BOOL, api.envelope, "true",
            HELP("Wrap answers as {\"success\":…,\"data\":…}. false: the data alone.")),
    SERVICE("envelopeOk", DYNAMIC, TEXT, envelope_ok, "", RANGE(0, 4000),
            HELP("What pages get instead, such as '{\"status\": 0, \"result\": $data}'. \"\": that.")),
    SERVICE("envelopeError", DYNAMIC, TEXT, envelope_error, "", RANGE(0, 4000),
            HELP("The same when something is wrong: '{\"status\": $code, \"message\": $errorMessage}'. \"\": that.")),
    SERVICE("pageLists", DYNAMIC, BOOL, api.page_lists, "false",
            HELP("Let pages read connect/users.json, … whose user's credential has the claim lists: true.")),
    SERVICE("origins", DYNAMIC, TEXTS, origins, "", RANGE(0, 4096),
            HELP("Other origins whose pages may use it: https://app.example.com, https://*.example.com.")),
    SERVICE("corsHeaders", DYNAMIC, TEXTS, cors_headers, "", RANGE(0, 4096),
            HELP("Further header fields that their scripts may send, such as x-session; [\"*\"]: any.")),
    SERVICE("sessionBindingStrict", DYNAMIC, BOOL, api.session_binding_strict, "false",
            HELP("true: a connectionId alone counts on its own TLS connection only (WebKit has several).")),
    SERVICE("sessionConnections", DYNAMIC, COUNT, api.session_connections, "32", RANGE(1, 10000),
            HELP("Event streams that one TLS connection may hold.")),
    SERVICE("idempotencyKeys", DYNAMIC, COUNT, api.broker.idempotency.keys, "10000", RANGE(1, 10000000),
            HELP("Answers that the service keeps, up to 5 min, for requests that are sent again.")),
    SERVICE("idempotencyBytes", DYNAMIC, SIZE, api.broker.idempotency.bytes, "16MiB", RANGE(64 * KIB, 16 * GIB),
            HELP("The size of these.")),
    SERVICE("idempotencyUserKeys", DYNAMIC, COUNT, api.broker.idempotency.user_keys, "1000", RANGE(1, 10000000),
            HELP("Of these, those of one user; with one more the oldest of its own goes.")),
    SERVICE("idempotencyUserBytes", DYNAMIC, SIZE, api.broker.idempotency.user_bytes, "2MiB", RANGE(64 * KIB, 16 * GIB),
            HELP("The size of these.")),
    SERVICE("orderedCalls", DYNAMIC, COUNT, settings.ordered_calls, "64", RANGE(1, 1000),
            .zero = "none: they run as they come",
            HELP("Calls of one page under way that run in the order of their numbers; above it 429.")),
    SERVICE("orderedWait", DYNAMIC, DURATION, settings.ordered_wait_ms, "5s", RANGE(100, MIN),
            HELP("How long one waits for those before it that do not come.")),
    SERVICE("clientConnections", DYNAMIC, COUNT, settings.client_connections, "3", RANGE(1, 10000),
            .zero = "any number", HELP("Event streams of one clientId; one more closes its oldest.")),
    SERVICE("countPagesWithoutClientId", STATIC, BOOL, settings.counts_clientless, "false",
            HELP("true: those of a user that name no clientId count as one client of its, too.")),
    SERVICE("reconnectTime", DYNAMIC, DURATION, settings.reconnect_ms, "5s", RANGE(100, HOUR),
            HELP("How long a page waits before it connects again.")),
    SERVICE("commentInterval", DYNAMIC, DURATION, settings.comment_ms, "25s", RANGE(SEC, HOUR), .zero = "never",
            HELP("Send a heartbeat after this much silence: a comment, or to sse.js an event.")),
    SERVICE("lifetime", DYNAMIC, DURATION, settings.lifetime_ms, "1h", RANGE(SEC, 720 * HOUR),
            .zero = "the page may choose", HELP("A stream ends after 80 to 100 % of this; the page connects again.")),
    SERVICE("honorKeepaliveTime", DYNAMIC, BOOL, settings.honors_keepalive, "false",
            HELP("true: a page may ask for a shorter one (keepaliveTime), of a minute at the least.")),
    SERVICE("offlineGrace", DYNAMIC, DURATION, settings.offline_grace_ms, "5s", RANGE(100, HOUR), .zero = "not at all",
            HELP("A user whose last stream ended counts as online for so long.")),
    SERVICE("tokenExpiryNotice", DYNAMIC, DURATION, settings.token_expiry_notice_ms, "1m", RANGE(SEC, HOUR),
            .zero = "not at all",
            HELP("How long before its credential ends a stream is told; without another it ends then.")),
    SERVICE("queueBytes", DYNAMIC, SIZE, settings.queue_bytes, "1MiB", RANGE(4 * KIB, GIB),
            HELP("What may wait for one stream.")),
    SERVICE("queueEvents", DYNAMIC, COUNT, settings.queue_events, "1000", RANGE(1, 1000000),
            HELP("Events that may wait for one stream.")),
    SERVICE("slowPolicy", DYNAMIC, CHOICE, settings.slow_policy, "disconnect", .words = slow_policies,
            HELP("What happens when the queue is full. latest: keep the newest of each event name.")),
    SERVICE_SECTION("lastWords",
                    "Ended streams whose page may still acknowledge messages and say why it left, in each worker."),
    SERVICE("lastWords.time", DYNAMIC, DURATION, settings.last_words_ms, "5s", RANGE(SEC, MIN), .zero = "not at all",
            HELP("How long they are remembered.")),
    SERVICE("lastWords.connections", DYNAMIC, COUNT, settings.last_words_connections, "10000", RANGE(1, 10000000),
            HELP("So many; one more, and the oldest is forgotten.")),
    SERVICE_SECTION("history", "Events that are kept for pages that were away for a moment (Last-Event-ID)."),
    SERVICE("history.events", DYNAMIC, COUNT, settings.history.events, "10000", RANGE(1, 10000000),
            .zero = "none: who has missed something is told of a gap", HELP("So many.")),
    SERVICE("history.bytes", DYNAMIC, SIZE, settings.history.bytes, "16MiB", RANGE(64 * KIB, 16 * GIB),
            HELP("Their size.")),
    SERVICE("history.time", DYNAMIC, DURATION, settings.history.keep_ms, "10m", RANGE(SEC, 24 * HOUR),
            HELP("How long.")),
    SERVICE_SECTION("log", "What is sent, in its order, until all workers have brought it to their connections."),
    SERVICE("log.lag", DYNAMIC, SIZE, settings.log_lag, "64MiB", RANGE(64 * KIB, 16 * GIB),
            HELP("So much of it a worker may be behind; then sends wait, and as much again is refused.")),
    SERVICE_SECTION("trace", "What was decided lately, for who asks why: GET <basePath>/trace (permission inspect)."),
    SERVICE("trace.bytes", DYNAMIC, SIZE, api.broker.trace.bytes, "16MiB", RANGE(MIB, GIB),
            .zero = "nothing is recorded", HELP("Its size, of all workers together; it is taken as it fills.")),
    SERVICE("trace.watchers", DYNAMIC, COUNT, api.broker.trace.watchers, "10", RANGE(1, 1000),
            HELP("Those who read it live, of each worker; one more is refused.")),
    SERVICE_SECTION("qos", "Messages with qos 1: they are stored until a page has acknowledged them."),
    SERVICE("qos.store", STATIC, CHOICE, store, "sqlite", .words = stores,
            HELP("Where. memory: they are lost when the server ends, and the oldest when it is full.")),
    PATH(SERVICE, "qos.file", STATIC, api.qos.file,
         "On a local disk, for this service alone. \"\": <stateDirectory>/<name>/messages.sqlite."),
    SERVICE("qos.acknowledgement", STATIC, CHOICE, acknowledgement, "page", .words = acknowledgements,
            HELP("Who says it has arrived: its page; write: it was written to one; client: as its client can.")),
    SERVICE("qos.ttl", DYNAMIC, DURATION, api.qos.ttl_ms, "24h", RANGE(SEC, 720 * HOUR),
            HELP("How long a message is kept that has no ttl.")),
    SERVICE("qos.ttlMost", DYNAMIC, DURATION, api.qos.ttl_ms_most, "720h", RANGE(SEC, 1000 * HOUR),
            HELP("The longest ttl that a message may have.")),
    SERVICE("qos.queue", DYNAMIC, COUNT, api.qos.queue, "10000", RANGE(1, 10000000),
            HELP("Messages that wait for one user, token, channel, …; one more ends the oldest.")),
    SERVICE("qos.messages", DYNAMIC, COUNT, api.qos.messages, "1000000", RANGE(1, 1000000000),
            HELP("Messages that wait in all; above it 503, or the oldest end (memory).")),
    SERVICE("qos.bytes", DYNAMIC, SIZE, api.qos.bytes, "1GiB", RANGE(64 * KIB, 1024 * GIB),
            HELP("Their size; the same.")),
    SERVICE("qos.waitingBytes", DYNAMIC, SIZE, api.qos.waiting_bytes, "16MiB", RANGE(64 * KIB, 16 * GIB),
            HELP("The size of those that wait for the disk; above it 503.")),
    SERVICE("qos.waitingTime", STATIC, DURATION, api.qos.waiting_ms, "10s", RANGE(SEC, 10 * MIN),
            HELP("That a request waits until the store comes to it; above it 503.")),
    SERVICE("qos.remember", DYNAMIC, DURATION, api.qos.remember_ms, "24h", RANGE(SEC, 720 * HOUR),
            HELP("How long it is known what became of one, and its id cannot be used again.")),
    SERVICE("qos.remembered", DYNAMIC, COUNT, api.qos.remembered, "100000", RANGE(1, 100000000),
            HELP("Of how many, at the most.")),
    SERVICE("qos.receipts", DYNAMIC, COUNT, api.qos.receipts, "1000", RANGE(1, 1000000), .zero = "none is posted",
            HELP("Receipts that wait to be posted to their senders; above it they are dropped.")),
    SERVICE("qos.receiptHosts", DYNAMIC, TEXTS, api.qos.receipt_hosts, "", RANGE(0, 4096),
            HELP("Hosts that these may go to: a.example, *.b.example, 10.0.0.1:8080. []: public addresses.")),
    SERVICE("qos.window", DYNAMIC, COUNT, api.qos.redelivery.window, "1000", RANGE(1, 100000),
            HELP("Messages of one queue that may be written and not yet acknowledged.")),
    SERVICE("qos.ackTimeout", DYNAMIC, DURATION, api.qos.redelivery.ack_ms, "30s", RANGE(100, HOUR),
            HELP("Until one is written again that was not acknowledged; twice as long each time, to 10 min.")),
    SERVICE("listeners", DYNAMIC, COUNT, settings.listeners, "100", RANGE(1, 10000),
            HELP("Event names that one stream may listen to.")),
    SERVICE("channelsPerConnection", DYNAMIC, COUNT, settings.channels_per_connection, "100", RANGE(1, 10000),
            HELP("Channels that one stream may have.")),
    SERVICE("eventDataBytes", DYNAMIC, SIZE, settings.event_data_bytes, "64KiB", RANGE(256, 16 * MIB),
            HELP("Data of one event.")),
    SERVICE("lineBytes", DYNAMIC, SIZE, settings.line_bytes, "60KiB", RANGE(60 * KIB, 64 * MIB),
            HELP("Of data, a line of text or a string in JSON; above it 413.")),
    SERVICE("jsonBodyBytes", DYNAMIC, SIZE, api.json_body_bytes, "1MiB", RANGE(KIB, 64 * MIB),
            HELP("A JSON body; above it 413.")),
    SERVICE("showSecrets", DYNAMIC, BOOL, settings.show_secrets, "false",
            HELP("true: users and connections show tokens, cookies, authorization; for debugging.")),
    SERVICE("secretNames", DYNAMIC, TEXTS, api.secret_names, "", RANGE(0, 1024),
            HELP("Parameters and header fields that connections mask besides those that look secret.")),
    PATH(SERVICE, "uploadDirectory", STATIC, api.upload_directory, "\"\": <stateDirectory>/<name>/uploads."),
    SERVICE("uploadAge", DYNAMIC, DURATION, upload_age_ms, "0", RANGE(SEC, 1000 * HOUR), .zero = "none is",
            HELP("Uploads without handler that are older are removed.")),
    SERVICE("uploadBytes", DYNAMIC, SIZE, api.upload_bytes, "32MiB", RANGE(KIB, 64 * GIB),
            HELP("The body of one upload; above it 413.")),
    SERVICE("uploadParts", DYNAMIC, COUNT, api.upload_parts, "64", RANGE(1, 1000), HELP("Parts of one upload.")),
    SERVICE("uploadThreads", STATIC, COUNT, upload_threads, "4", RANGE(1, 64),
            HELP("Threads that write uploads of this service; a slow disk keeps no others waiting.")),
    SERVICE("uploadTimeout", DYNAMIC, DURATION, api.upload_timeout_ms, "30s", RANGE(SEC, 10 * MIN),
            HELP("Until the disk has taken what came of an upload; above it 503.")),
    SERVICE_SECTION("jwt", "With auth jwt: where access tokens are, and what their claims mean."),
    SERVICE("jwt.cookie", DYNAMIC, TEXT, jwt.cookie, "access-token", RANGE(0, 128),
            HELP("A cookie that may hold one. \"\": none. A Bearer field wins over it.")),
    SERVICE("jwt.parameter", DYNAMIC, TEXT, jwt.parameter, "access-token", RANGE(0, 128),
            HELP("A parameter of the query or of a form that may hold one. \"\": none.")),
    SERVICE("jwt.audience", DYNAMIC, TEXTS, jwt.rules.audiences, "", RANGE(0, 2048),
            HELP("One of these must be in aud. []: it is not looked at.")),
    SERVICE("jwt.issuer", DYNAMIC, TEXT, jwt.rules.issuer, "", RANGE(0, 512),
            HELP("What iss must be. \"\": it is not looked at.")),
    SERVICE("jwt.leeway", DYNAMIC, DURATION, jwt.rules.leeway_ms, "30s", RANGE(1, 5 * MIN), .zero = "they must not",
            HELP("By how much the clocks of those who make tokens may differ.")),
    SERVICE("jwt.requireExpiry", DYNAMIC, BOOL, jwt.rules.require_expiry, "true",
            HELP("Refuse tokens without exp: they would count for ever.")),
    SERVICE("jwt.userId", DYNAMIC, TEXT, jwt.claims.user_id, "sub", RANGE(1, 128),
            HELP("The claim with the user's id.")),
    SERVICE("jwt.name", DYNAMIC, TEXT, jwt.claims.name, "name", RANGE(0, 128), HELP("The claim with the user's name.")),
    SERVICE("jwt.tenantId", DYNAMIC, TEXT, jwt.claims.tenant_id, "tenantId", RANGE(0, 128),
            HELP("The claim with the tenant's id.")),
    SERVICE("jwt.channels", DYNAMIC, TEXT, jwt.claims.channels, "channels", RANGE(0, 128),
            HELP("The claim with the channels that the user may have: a list, or one text.")),
    SERVICE("jwt.permissions", DYNAMIC, TEXT, jwt.claims.permissions, "permissions", RANGE(0, 128),
            HELP("The claim with what a back end may do: as for API keys, or all. \"\": tokens are not for them.")),
    SERVICE("jwt.fields", DYNAMIC, TEXTS, jwt.claims.fields, "", RANGE(0, 2048),
            HELP("Claims that become further fields of the user.")),
    SERVICE("jwt.revocationTime", DYNAMIC, DURATION, jwt.revocation_ms, "720h", RANGE(SEC, 8760 * HOUR),
            HELP("How long a revocation counts; that of a single token until it ends.")),
    SERVICE("jwt.revocations", DYNAMIC, COUNT, jwt.revocations, "100000", RANGE(1, 10000000),
            HELP("Revocations that a worker keeps; one more evicts the one that ends first.")),
    SERVICE("jwt.waiting", DYNAMIC, COUNT, jwt.waiting, "1000", RANGE(1, 100000),
            HELP("Requests that may wait for a JWK set; above it 503.")),
    SERVICE("jwt.verified", DYNAMIC, COUNT, jwt.signatures.verified, "10000", RANGE(1, 10000000),
            .zero = "none, so that each is computed each time",
            HELP("Tokens with a right signature that a worker remembers, for an hour; and good addresses.")),
    SERVICE("jwt.forged", DYNAMIC, COUNT, jwt.signatures.forged, "2000", RANGE(1, 10000000),
            HELP("The same of wrong ones, for a minute; and addresses that have only failed.")),
    RATE("jwt.addressFailures", jwt.signatures.address_failures, "0", "any number, while signatureShare is not used up",
         "5", "Wrong signatures from one address, by each worker; above it 503 for what is not remembered."),
    SERVICE_SECTION("authWebhook",
                    "With auth webhook: the back end that knows the users, and what of a request it is told."),
    PATH(SERVICE, "authWebhook.url", DYNAMIC, auth_webhook.url,
         "Where the question is posted, as JSON and as fields; 200 with the user, 401 or 403."),
    SERVICE("authWebhook.cookies", DYNAMIC, TEXTS, auth_webhook.names.cookies, "", RANGE(0, 1024),
            HELP("Cookies that it is told, such as the session's; 8 at the most.")),
    SERVICE("authWebhook.headers", DYNAMIC, TEXTS, auth_webhook.names.headers, "authorization", RANGE(0, 1024),
            HELP("Header fields that it is told. But for Bearer tokens, origins count as with cookies.")),
    SERVICE("authWebhook.parameters", DYNAMIC, TEXTS, auth_webhook.names.parameters, "access-token", RANGE(0, 1024),
            HELP("Parameters of the query or of a form that it is told.")),
    SERVICE("authWebhook.apis", DYNAMIC, TEXTS, auth_webhook.names.apis, "", RANGE(0, 4096),
            HELP("What is asked about apart, such as connect, addListener, upload/*, message/orders/*.")),
    SERVICE("authWebhook.timeout", DYNAMIC, DURATION, auth_webhook.time_limit_ms, "3s", RANGE(100, MIN),
            HELP("Until it has answered, waiting included; then the page gets 504.")),
    SERVICE("authWebhook.answerBytes", DYNAMIC, SIZE, auth_webhook.answer_bytes, "64KiB", RANGE(KIB, MIB),
            HELP("Of its answer; above it the page gets 502.")),
    SERVICE("authWebhook.inFlight", DYNAMIC, COUNT, auth_webhook.in_flight, "100", RANGE(1, 10000),
            HELP("Questions of one worker at a time.")),
    SERVICE("authWebhook.waiting", DYNAMIC, COUNT, auth_webhook.waiting, "1000", RANGE(1, 1000000),
            HELP("Requests that may wait behind them, or for the same answer; above it 503.")),
    SERVICE("authWebhook.cache", DYNAMIC, DURATION, auth_webhook.cache_ms, "10s", RANGE(100, HOUR),
            .zero = "not at all", HELP("How long a worker goes by an answer; by a refusal 1 s at the most.")),
    SERVICE("authWebhook.cacheEntries", DYNAMIC, COUNT, auth_webhook.cache_entries, "10000", RANGE(1, 10000000),
            HELP("Answers that a worker remembers; one more evicts the oldest.")),
    SERVICE("authWebhook.userCacheEntries", DYNAMIC, COUNT, auth_webhook.user_entries, "1000", RANGE(1, 10000000),
            HELP("Of these, those of one user; one more evicts the oldest of its own.")),
    SERVICE_SECTION("channels", "Who may have which channels. A credential may allow some of its own."),
    SERVICE("channels.open", DYNAMIC, BOOL, api.broker.channels.is_open, "false",
            HELP("Everybody may have every channel. With auth development it is so in any case.")),
    SERVICE("channels.allow", DYNAMIC, TEXTS, api.broker.channels.patterns, "", RANGE(0, 4096),
            HELP("Else these: names, * for any text, {userId} and {tenantId} for the user's own.")),
    SECRET(SERVICE, "webhookSecret", api.broker.webhook_secret, webhook_secret_file,
           "Signs what is posted to back ends (sse-signature). \"\": it is not signed.", RANGE(0, 512)),
    SERVICE_SECTION("handlers", "Back ends that handle what pages send; the page gets their answer."),
    PATH(SERVICE, "handlers.messageUrl", DYNAMIC, api.handlers.message_url,
         "Where messages are posted. \"\": the answer is the path."),
    PATH(SERVICE, "handlers.uploadUrl", DYNAMIC, api.handlers.upload_url,
         "Where it is told of uploads. \"\": they are stored, and that is all."),
    SERVICE("handlers.uploadStreams", DYNAMIC, BOOL, api.handlers.upload_streams, "false",
            HELP("true: bodies of uploads go there as they come, and are not stored.")),
    SERVICE("handlers.withoutConnection", DYNAMIC, BOOL, api.calls_without_connection, "false",
            HELP("true: calls with an unknown connectionId run without one, for the caller's own credential.")),
    SERVICE("handlers.timeout", DYNAMIC, DURATION, api.handlers.time_limit_ms, "10s", RANGE(100, 10 * MIN),
            HELP("Until a handler has answered; then the page gets 504.")),
    SERVICE("handlers.answerBytes", DYNAMIC, SIZE, api.handlers.answer_bytes, "256KiB", RANGE(KIB, 16 * MIB),
            HELP("Of a handler's answer; above it the page gets 502.")),
    SERVICE_SECTION("presence", "What back ends that watch who comes and goes may take: GET <basePath>/presence."),
    SERVICE("presence.watchers", DYNAMIC, COUNT, api.broker.presence.watchers, "100", RANGE(1, 10000),
            HELP("Watchers at a time; above it 503.")),
    SERVICE("presence.history", DYNAMIC, COUNT, api.broker.presence.history, "10000", RANGE(1, 10000000),
            HELP("Events that are kept for a watcher that comes back.")),
    SERVICE("presence.historyBytes", DYNAMIC, SIZE, api.broker.presence.history_bytes, "8MiB", RANGE(64 * KIB, GIB),
            HELP("The size of these events.")),
    SERVICE("presence.keep", DYNAMIC, DURATION, api.broker.presence.keep_ms, "10m", RANGE(SEC, 24 * HOUR),
            .zero = "not at all", HELP("How long they are kept when the last watcher has left.")),
    SERVICE_SECTION("notifications", "The same events POSTed to a back end, in order for each user."),
    PATH(SERVICE, "notifications.url", DYNAMIC, api.broker.notifications.url,
         "Where to: http or https. \"\": nowhere."),
    SERVICE("notifications.events", DYNAMIC, TEXTS, notified_events, PRESENCE_COMING_LIST, RANGE(1, 256),
            HELP("Which of them; also: receipt, of what becomes of messages with qos 1.")),
    SERVICE("notifications.channels", DYNAMIC, TEXTS, api.broker.notifications.channels, "", RANGE(0, 4096),
            HELP("Of connections in one of these channels alone: names, * for any text. []: of all.")),
    SERVICE("notifications.accessTokens", DYNAMIC, TEXTS, api.broker.notifications.access_tokens, "", RANGE(0, 4096),
            .is_hidden = true, HELP("Of connections with one of these accessTokens alone, written alike. []: of all.")),
    SERVICE("notifications.timeout", DYNAMIC, DURATION, api.broker.notifications.timeout_ms, "10s",
            RANGE(100, 10 * MIN), HELP("Until one is answered.")),
    SERVICE("notifications.retryTime", DYNAMIC, DURATION, api.broker.notifications.queue.retry_ms, "1h",
            RANGE(SEC, 720 * HOUR), HELP("One that fails at this age is not tried again.")),
    SERVICE("notifications.queue", DYNAMIC, COUNT, api.broker.notifications.queue.most, "10000", RANGE(1, 10000000),
            HELP("So many may wait; at one more the oldest is dropped.")),
    SERVICE("notifications.queueBytes", DYNAMIC, SIZE, api.broker.notifications.queue.most_bytes, "16MiB",
            RANGE(64 * KIB, 16 * GIB), HELP("The size of these.")),
    SERVICE("notifications.inFlight", DYNAMIC, COUNT, api.broker.notifications.queue.in_flight, "8", RANGE(1, 1000),
            HELP("Users whose notifications are sent at the same time.")),
    SERVICE_SECTION("limits",
                    "Above these 429 (503 for connections), with a retry-after. Nobody is sent away for others."),
    SERVICE("limits.connections", DYNAMIC, COUNT, api.broker.limits.connections, "0", RANGE(1, 100000000),
            .zero = "any number", HELP("Event streams of the service.")),
    SERVICE("limits.userConnections", DYNAMIC, COUNT, api.broker.limits.slots[BROKER_STREAM][BROKER_SLOT_OF_USER], "0",
            RANGE(1, 1000000), .zero = "20, or any number with auth development", HELP("Event streams of one user.")),
    SERVICE("limits.addressConnections", DYNAMIC, COUNT, api.broker.limits.slots[BROKER_STREAM][BROKER_SLOT_OF_ADDRESS], "0",
            RANGE(1, 1000000), .zero = "any number",
            HELP("Event streams from one address (trustedProxies); of IPv6 a /64 is one.")),
    SERVICE("limits.userUploads", DYNAMIC, COUNT, api.broker.limits.slots[BROKER_UPLOAD][BROKER_SLOT_OF_USER], "0",
            RANGE(1, 1000000), .zero = "20, or any number with auth development",
            HELP("Uploads of one user at a time.")),
    SERVICE("limits.addressUploads", DYNAMIC, COUNT, api.broker.limits.slots[BROKER_UPLOAD][BROKER_SLOT_OF_ADDRESS], "0",
            RANGE(1, 1000000), .zero = "any number", HELP("Uploads from one address at a time.")),
    SERVICE("limits.userUploadBytes", DYNAMIC, SIZE, api.upload_limits.user_bytes, "256MiB", RANGE(KIB, 1024 * GIB),
            .zero = "any number",
            HELP("Of one user's uploads, under way and kept; what a handler has taken counts no longer.")),
    SERVICE("limits.userUploadFiles", DYNAMIC, COUNT, api.upload_limits.user_files, "1000", RANGE(1, 100000000),
            .zero = "any number", HELP("The files of these.")),
    SERVICE("limits.userOpenFiles", DYNAMIC, COUNT, api.upload_limits.user_open_files, "128", RANGE(1, 1000000),
            .zero = "any number", HELP("Files of one user's uploads under way; each takes a descriptor.")),
    SERVICE("limits.uploadBytes", DYNAMIC, SIZE, api.upload_limits.bytes, "0", RANGE(KIB, 1048576 * GIB),
            .zero = "as the disk has room",
            HELP("The same of all users of the service. 64 MiB of a disk are left in any case.")),
    SERVICE("limits.uploadFiles", DYNAMIC, COUNT, api.upload_limits.files, "100000", RANGE(1, 1000000000),
            .zero = "any number", HELP("The files of these.")),
    SERVICE("limits.rememberedRates", DYNAMIC, COUNT, api.broker.limits.remembered, "65536", RANGE(1, 10000000),
            HELP("Users, and addresses, whose rates one worker keeps; the longest idle is forgotten.")),
    RATE("limits.userRequests", api.broker.limits.user_requests, "0", "1000, or any number with auth development",
         "200", "Requests of one user's pages, counted by each worker."),
    RATE("limits.addressRequests", api.broker.limits.address_requests, "0", "any number", "1000",
         "Requests of pages from one address, counted by each worker."),
    RATE("limits.sends", api.broker.limits.sends, "0", "any number", "1000",
         "Messages that back ends send. A list counts as many, and may overdraw once."),

    SECTION("limits", "Bounds of the HTTP/2 layer. Each has a counter in /metrics. Times are per connection."),
    LIMIT("sessions", COUNT, sessions, "100000", RANGE(1, 10000000),
          HELP("Client connections of one worker; one more is closed at once.")),
    LIMIT("addressSessions", COUNT, address_sessions, "0", RANGE(1, 10000000),
          .zero = "a quarter of the open files that the process may have",
          HELP("Of one address (IPv6: a /64), over all workers; proxies in trustedProxies have no limit.")),
    LIMIT("handshakes", COUNT, handshakes, "512", RANGE(1, 1000000),
          HELP("TLS handshakes at work in one worker; above it clients wait.")),
    LIMIT("handshakesPerAddress", COUNT, handshakes_per_address, "64", RANGE(1, 1000000),
          HELP("Of one address; raise it for proxies that pass TLS on without a PROXY header.")),
    LIMIT("concurrentStreams", COUNT, concurrent_streams, "100", RANGE(1, 10000),
          HELP("Streams that one connection may have open.")),
    LIMIT("headerFields", COUNT, header_fields, "100", RANGE(8, 1000), HELP("Header fields of a request.")),
    LIMIT("headerListBytes", SIZE, header_list_bytes, "16KiB", RANGE(KIB, MIB),
          HELP("Header fields of a request, names + values + 32 each.")),
    LIMIT("headerFieldBytes", SIZE, header_field_bytes, "8KiB", RANGE(256, 64 * KIB),
          HELP("One header field, name and value; the path has its own.")),
    LIMIT("pathBytes", SIZE, path_bytes, "4KiB", RANGE(256, 64 * KIB), HELP("Path and query; above it 414.")),
    LIMIT("continuations", COUNT, continuations, "2", RANGE(1, 64),
          HELP("CONTINUATION frames of one header block.")),
    LIMIT("streamWindow", SIZE, stream_window, "64KiB", RANGE(16 * KIB, 16 * MIB),
          HELP("Body bytes on the way to the server, per stream.")),
    LIMIT("sessionWindow", SIZE, session_window, "1MiB", RANGE(64 * KIB, 64 * MIB),
          HELP("Body bytes on the way to the server, per connection.")),
    LIMIT("sessionBodyBytes", SIZE, session_body_bytes, "8MiB", RANGE(64 * KIB, GIB),
          HELP("Bodies in memory until they are complete, per connection; above it 429.")),
    LIMIT("inboundBytes", SIZE, inbound_bytes, "64MiB", RANGE(2 * MIB, 64 * GIB),
          HELP("Sent by clients and taken by nobody, of all connections; above it 503, the oldest first.")),
    LIMIT("outputSoftBytes", SIZE, output_soft_bytes, "256KiB", RANGE(32 * KIB, 64 * MIB),
          HELP("Unsent output above which no more frames are made.")),
    LIMIT("outputHardBytes", SIZE, output_hard_bytes, "512KiB", RANGE(64 * KIB, 128 * MIB),
          HELP("Unsent output above which nothing more is read.")),
    LIMIT("unsentBytes", SIZE, unsent_bytes, "128KiB", RANGE(4 * KIB, 64 * MIB),
          HELP("Output that the kernel takes before it can send it (TCP_NOTSENT_LOWAT).")),
    LIMIT("sendBufferBytes", SIZE, send_buffer_bytes, "512KiB", RANGE(16 * KIB, 64 * MIB),
          .zero = "as much as the kernel likes (net.ipv4.tcp_wmem)",
          HELP("Output in the kernel, sent or not, until it has arrived (SO_SNDBUF, net.core.wmem_max).")),
    LIMIT("outboundFrames", COUNT, outbound_frames, "1000", RANGE(100, 100000),
          HELP("Frames that wait to be made; above it the connection is closed.")),
    LIMIT("outboundAcks", COUNT, outbound_acks, "100", RANGE(10, 10000),
          HELP("PING and SETTINGS acknowledgements that wait.")),
    LIMIT("settingsEntries", COUNT, settings_entries, "16", RANGE(8, 1000),
          HELP("Entries of one SETTINGS frame.")),
    LIMIT("handshakeTimeout", DURATION, handshake_ms, "5s", RANGE(100, 10 * MIN),
          HELP("Until the TLS handshake is done.")),
    LIMIT("prefaceTimeout", DURATION, preface_ms, "5s", RANGE(100, 10 * MIN),
          HELP("Until the HTTP/2 preface has come.")),
    LIMIT("settingsAckTimeout", DURATION, settings_ack_ms, "10s", RANGE(100, 10 * MIN),
          HELP("Until our SETTINGS are acknowledged.")),
    LIMIT("headersTimeout", DURATION, headers_ms, "10s", RANGE(100, 10 * MIN),
          HELP("Until a header block that has begun is complete.")),
    LIMIT("bodyIdleTimeout", DURATION, body_idle_ms, "10s", RANGE(100, 10 * MIN),
          HELP("Without a byte of a body that is due.")),
    LIMIT("bodyFloor", SIZE, body_floor, "1KiB", RANGE(1, 16 * MIB), .zero = "any speed",
          HELP("Bytes a second that a body must come with after that time.")),
    LIMIT("idleTimeout", DURATION, idle_ms, "3m", RANGE(SEC, 24 * HOUR), HELP("Without any stream.")),
    LIMIT("writeStallTimeout", DURATION, write_stall_ms, "30s", RANGE(SEC, 10 * MIN),
          HELP("Output waits and the client takes none of it.")),
    /* A client that vanishes without a word is offline within 45 s: this with its 5 %, then
     * pingAckTimeout, then offlineGrace. A page's next comment is mostly sooner, and takes the PING
     * along. */
    LIMIT("pingInterval", DURATION, ping_ms, "24s", RANGE(SEC, HOUR),
          HELP("PING a client that is silent for so long (up to 5 % more; along with output from 5/6 on).")),
    LIMIT("pingAckTimeout", DURATION, ping_ack_ms, "10s", RANGE(100, 10 * MIN),
          HELP("Until such a PING is answered.")),
    BUCKET("clientResets", client_resets, "200", "20", "Streams that the client breaks off."),
    BUCKET("serverResets", server_resets, "100", "10", "Streams that the client makes us break off."),
    BUCKET("glitches", glitches, "1000", "33", "Frames that are legal and of no use."),
    BUCKET("pings", pings, "20", "1", "PING frames."),
    BUCKET("settings", settings, "10", "1", "SETTINGS frames."),
    SECTION("limits.tinyWindows", "DATA frames that windows of less than 64 octets make us cut; more of them wait."),
    LIMIT("tinyWindows.burst", COUNT, tiny_windows.burst, "10000", RANGE(1, 1000000),
          HELP("So many at once.")),
    /* Never again would be for ever: nothing is ended here, it waits. */
    LIMIT("tinyWindows.perSecond", COUNT, tiny_windows.per_second, "5000", RANGE(1, 1000000),
          HELP("So many a second from then on.")),
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
