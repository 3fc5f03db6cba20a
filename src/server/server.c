/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "api/cors.h"
#include "api/limit/upload_keeper.h"
#include "api/limit/upload_quota.h"
#include "api/origins.h"
#include "api/presence/presence_event.h"
#include "api/qos/qos_shared.h"
#include "auth/api_key.h"
#include "auth/jwt_keys.h"
#include "base/budget.h"
#include "base/buf.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/networks.h"
#include "base/random.h"
#include "base/test_clock.h"
#include "cluster/peers.h"
#include "h2/listener.h"
#include "h2/slots.h"
#include "h2/tls.h"
#include "outbound/http.h"
#include "server/announce.h"
#include "server/certificate.h"
#include "server/config.h"
#include "server/config_api_keys.h"
#include "server/config_outbound.h"
#include "server/config_qos.h"
#include "server/config_token_keys.h"
#include "server/memory.h"
#include "server/processors.h"
#include "server/socket_rights.h"
#include "server/version.h"
#include "server/worker.h"

#define SERVER_ID_BYTES   8u
#define UPLOAD_FILES_PART 4u

/* Of the descriptors that sessions leave to files and to requests to back ends: at least, at most.
 */
#define SPARE_LEAST 8u
#define SPARE_MOST  1024u

#define HOUSEKEEPING_SECONDS 10

/* What one user may take where no setting says otherwise. */
#define USER_CONNECTIONS 20u
#define USER_UPLOADS     20u
#define USER_REQUESTS    1000u /* at once */

struct server {
    const struct config *config;
    size_t worker_count;
    struct worker **workers;
    struct peers *peers;
    struct h2_listener_options listeners[CONFIG_MAX_LISTENERS];
    struct networks *listener_proxies[CONFIG_MAX_LISTENERS]; /* NULL: anybody */
    struct h2_bound (*bound)[CONFIG_MAX_LISTENERS];          /* per worker */
    struct auth_api_keys *keys;
    struct auth_jwt_keys *token_keys[CONFIG_MAX_SERVICES]; /* NULL: not for that one's auth */
    struct origins *origins[CONFIG_MAX_SERVICES];
    struct buf origin_headers[CONFIG_MAX_SERVICES];
    struct networks *proxies;
    struct h2_slots *slots; /* of all sessions */
    struct limits_shared shared[CONFIG_MAX_SERVICES];
    struct qos_shared qos[CONFIG_MAX_SERVICES];
    struct upload_quota *uploads;
    struct upload_keeper *upload_keeper;
    struct api_service_settings services[CONFIG_MAX_SERVICES];
    struct api_settings api;
    struct outbound_http_settings outbound;
    char server_id[2 * SERVER_ID_BYTES + 1];
    struct budget inbound;
    atomic_bool ready;
    atomic_size_t busy; /* workers that still have work */
};

static int make_tls(struct server *server, size_t index)
{
    const struct config_listener *listener = &server->config->listeners[index];
    struct certificate_files files = {0};
    const char *certificate = listener->certificate;
    const char *key = listener->key;
    char fault[400];

    if (!listener->tls)
        return 0;
    if (!certificate || certificate[0] == '\0') {
        if (certificate_ensure(&files, server->config->state_directory, fault, sizeof(fault)) != 0)
            goto failed;
        certificate = files.certificate;
        key = files.key;
    }
    server->listeners[index].tls =
        h2_tls_context_new(certificate, key, listener->tls_profile, fault, sizeof(fault));
    if (!server->listeners[index].tls)
        goto failed;
    if (h2_tls_context_doubt(server->listeners[index].tls, fault, sizeof(fault)) != 0)
        log_error("browsers will refuse the certificate", LOG_STR("listener", listener->address),
                  LOG_STR("reason", fault));
    certificate_files_release(&files);
    return 0;
failed:
    certificate_files_release(&files);
    log_error("TLS", LOG_STR("listener", listener->address), LOG_STR("reason", fault));
    return -EINVAL;
}

static int prepare_listener(struct server *server, size_t index)
{
    const struct config_listener *listener = &server->config->listeners[index];
    char fault[400];

    server->listeners[index].role = listener->role;
    server->listeners[index].transport_security = listener->transport_security;
    server->listeners[index].trusted = server->proxies;
    server->listeners[index].keeps_sessions = listener->role == API_ROLE_ADMIN;
    server->listeners[index].proxy_protocol = listener->proxy_protocol;
    if (*listener->proxy_from != '\0') {
        server->listener_proxies[index] = networks_new(listener->proxy_from, fault, sizeof(fault));
        if (!server->listener_proxies[index]) { /* was checked; but none would mean anybody */
            log_error("listener", LOG_STR("reason", fault));
            return -EINVAL;
        }
        server->listeners[index].proxy_from = server->listener_proxies[index];
    }
    return make_tls(server, index);
}

/* Port 0 is chosen by the kernel for the first worker; the others join it there. */
static int bind_for_worker(struct server *server, size_t worker, size_t index)
{
    const char *address = server->config->listeners[index].address;
    struct h2_bound *first = &server->bound[0][index];
    struct h2_bound *mine = &server->bound[worker][index];
    char fault[400];
    int result = worker == 0 ? h2_address_probe(address, fault, sizeof(fault)) : 0;

    if (result != 0) {
        log_error("listener", LOG_STR("reason", fault));
        return result;
    }
    if (worker > 0 && h2_address_unix_path(address)) {
        result = h2_bound_share(mine, first);
        snprintf(fault, sizeof(fault), "cannot share %s: %s", address, strerror(-result));
    } else {
        result = h2_bound_open(mine, worker == 0 ? address : first->text, fault, sizeof(fault));
    }
    if (result == 0 && worker == 0) /* nobody is accepted yet */
        result = socket_rights_set(&server->config->listeners[index], fault, sizeof(fault));
    if (result != 0)
        log_error("listener", LOG_STR("reason", fault));
    return result;
}

static int bind_all(struct server *server)
{
    server->bound = mem_zalloc(server->worker_count * sizeof(*server->bound));
    for (size_t index = 0; index < server->config->listener_count; index++) {
        int result = prepare_listener(server, index);
        for (size_t worker = 0; result == 0 && worker < server->worker_count; worker++)
            result = bind_for_worker(server, worker, index);
        if (result != 0)
            return result;
    }
    return 0;
}

static struct api_notification_settings
notification_settings(const struct config_notifications *config)
{
    struct api_notification_settings settings = {
        .url = config->url,
        .timeout_ms = config->timeout_ms,
        .queue = {.most = config->queue,
                  .most_bytes = config->queue_bytes,
                  .in_flight = config->in_flight,
                  .retry_ms = config->retry_ms},
    };
    struct word unknown;

    (void)presence_kinds_parse(config->events, &settings.kinds, &unknown); /* was checked */
    return settings;
}

/* Where anybody may be anybody, a limit per user would let one lock out another: there it counts
 * only when somebody has set it. */
static struct limits_settings limits_for(const struct config_service *service)
{
    struct limits_settings limits = service->limits;

    if (service->auth == CONFIG_AUTH_DEVELOPMENT)
        return limits;
    if (limits.most[LIMIT_USER_CONNECTIONS] == 0)
        limits.most[LIMIT_USER_CONNECTIONS] = USER_CONNECTIONS;
    if (limits.most[LIMIT_USER_UPLOADS] == 0)
        limits.most[LIMIT_USER_UPLOADS] = USER_UPLOADS;
    if (limits.user_requests.burst == 0)
        limits.user_requests.burst = USER_REQUESTS;
    return limits;
}

/* What names a user must be let through. */
static const char *headers_for(const struct config_service *service, struct buf *list)
{
    const char *names[] = {service->cors_headers, service->auth_webhook.names.headers};

    cors_list_headers(list, names, service->auth == CONFIG_AUTH_WEBHOOK ? 2 : 1);
    return buf_str(list);
}

static int prepare_service(struct server *server, size_t index)
{
    const struct config_service *service = &server->config->services[index];
    const char *directory = service->upload_directory;
    char fault[240];
    int result = directory_make(directory);
    if (result != 0) {
        log_error("cannot make the upload directory", LOG_STR("path", directory),
                  LOG_STR("reason", strerror(-result)));
        return result;
    }
    atomic_init(&server->qos[index].copies, 1);
    server->origins[index] = origins_new(service->origins, fault, sizeof(fault)); /* was checked */
    if (service->settings.show_secrets)
        log_warn("queries show tokens and cookies: showSecrets is for debugging",
                 LOG_STR("service", service->settings.name));
    server->services[index] = (struct api_service_settings){
        .core = &service->settings,
        .envelope = service->envelope,
        .origins = server->origins[index],
        .origin_headers = headers_for(service, &server->origin_headers[index]),
        .session_binding_strict = service->session_binding_strict,
        .secret_names = service->secret_names,
        .upload_directory = directory,
        .json_body_bytes = service->json_body_bytes,
        .upload_bytes = service->upload_bytes,
        .upload_parts = service->upload_parts,
        .upload_quota = server->uploads,
        .session_connections = service->session_connections,
        .idempotency_keys = service->idempotency_keys,
        .idempotency_bytes = service->idempotency_bytes,
        .idempotency_user_keys = service->idempotency_user_keys,
        .idempotency_user_bytes = service->idempotency_user_bytes,
        .limits = limits_for(service),
        .shared = &server->shared[index],
        .presence = service->presence,
        .handlers = service->handlers,
        .notifications = notification_settings(&service->notifications),
        .qos = config_make_qos(&service->qos, *server->config->outbound.proxy != '\0'),
        .qos_shared = &server->qos[index],
        .webhook_secret = service->webhook_secret,
        /* Who may be anybody may have anybody's channels. */
        .channels_open = service->channels_open || service->auth == CONFIG_AUTH_DEVELOPMENT,
        .channel_patterns = service->channel_patterns,
    };
    return 0;
}

/* They were loaded once when the configuration was checked; a file may have changed since. */
static int prepare_token_keys(struct server *server)
{
    char fault[300];

    for (size_t i = 0; i < server->config->service_count; i++) {
        if (server->config->services[i].auth != CONFIG_AUTH_JWT)
            continue;
        server->token_keys[i] = config_make_token_keys(server->config, i, fault, sizeof(fault));
        if (!server->token_keys[i]) {
            log_error("cannot load the keys of tokens", LOG_STR("reason", fault));
            return -EINVAL;
        }
    }
    return 0;
}

/* A quarter of the descriptors, so that clients and stores find some. */
static uint32_t most_upload_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / UPLOAD_FILES_PART > UINT32_MAX)
        return UINT32_MAX;
    return (uint32_t)(limit.rlim_cur / UPLOAD_FILES_PART);
}

static void prepare_uploads(struct server *server)
{
    const struct config *config = server->config;
    struct upload_quota_service services[CONFIG_MAX_SERVICES];

    for (size_t i = 0; i < config->service_count; i++)
        services[i] =
            (struct upload_quota_service){.limits = &config->services[i].limits,
                                          .directory = config->services[i].upload_directory,
                                          .age_ms = config->services[i].upload_age_ms};
    server->uploads = upload_quota_new(services, config->service_count, most_upload_files());
}

static int prepare_api(struct server *server)
{
    const struct config *config = server->config;
    char fault[240];

    server->proxies = networks_new(config->trusted_proxies, fault, sizeof(fault)); /* was checked */
    prepare_uploads(server);
    for (size_t i = 0; i < config->service_count; i++) {
        int result = prepare_service(server, i);
        if (result != 0)
            return result;
    }
    random_hex(server->server_id, SERVER_ID_BYTES);
    server->keys = config_make_api_keys(config);
    server->api = (struct api_settings){
        .client_address = {server->proxies, config->proxy_field},
        .services = server->services,
        .service_count = config->service_count,
        .keys = server->keys,
        .demo = config->demo,
        .server_id = server->server_id,
        .version = server_version,
        .ready = &server->ready,
    };
    return 0;
}

static void start_workers(struct server *server)
{
    server->peers = peers_new(server->worker_count);
    atomic_init(&server->busy, server->worker_count);
    /* A part is for what comes along uncounted: records that are not complete, answers, and the
     * tables of their fields. */
    budget_init(&server->inbound, server->config->limits.inbound_bytes / 32 * 31);
    server->workers = mem_zalloc(server->worker_count * sizeof(struct worker *));
    for (size_t i = 0; i < server->worker_count; i++) {
        const struct worker_options options = {
            .config = server->config,
            .api = &server->api,
            .outbound = &server->outbound,
            .token_keys = server->token_keys,
            .inbound = &server->inbound,
            .peers = server->peers,
            .index = i,
            .bound = server->bound[i],
            .listeners = server->listeners,
            .listener_count = server->config->listener_count,
            .slots = server->slots,
            .busy = &server->busy,
        };
        server->workers[i] = worker_start(&options);
        if (!server->workers[i])
            _exit(1); /* the others wait for it in peers_join, and use what release() would free */
    }
    for (size_t i = 0; i < server->worker_count; i++)
        worker_wait_ready(server->workers[i]);
}

static void remove_sockets(const struct server *server)
{
    for (size_t i = 0; i < server->config->listener_count; i++) {
        const char *path = h2_address_unix_path(server->config->listeners[i].address);
        if (path)
            (void)unlink(path);
    }
}

static void release(struct server *server)
{
    for (size_t worker = 0; server->bound && worker < server->worker_count; worker++) {
        for (size_t i = 0; i < server->config->listener_count; i++)
            h2_bound_close(&server->bound[worker][i]);
    }
    free(server->bound);
    for (size_t i = 0; i < server->config->listener_count; i++) {
        h2_tls_context_free(server->listeners[i].tls);
        networks_free(server->listener_proxies[i]);
    }
    for (size_t i = 0; i < server->config->service_count; i++) {
        origins_free(server->origins[i]);
        buf_release(&server->origin_headers[i]);
    }
    networks_free(server->proxies);
    auth_api_keys_free(server->keys);
    for (size_t i = 0; i < server->config->service_count; i++)
        auth_jwt_keys_free(server->token_keys[i]);
    peers_free(server->peers);
    upload_quota_free(server->uploads);
    h2_slots_free(server->slots);
    free(server->workers);
}

static void drain(struct server *server)
{
    for (size_t i = 0; i < server->worker_count; i++)
        worker_drain(server->workers[i], server->config->drain_ms);
}

static void *hurry(void *argument)
{
    sigset_t signals;
    int number;

    (void)argument;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (sigwait(&signals, &number) != 0)
        return NULL;
    log_info("stopping now", LOG_STR("because", "a second signal"));
    _exit(0);
}

/* The next signal that ends it. Until then this thread sees to what is nobody's in particular. */
static int await_end(const sigset_t *signals)
{
    const struct timespec interval = {.tv_sec = HOUSEKEEPING_SECONDS};
    struct memory memory = {0};

    for (;;) {
        int number = sigtimedwait(signals, NULL, &interval);

        if (number == SIGHUP)
            log_info("SIGHUP is ignored: settings are read at the start only");
        else if (number > 0)
            return number;
        else if (errno == EAGAIN)
            memory_check(&memory);
    }
}

/* Waits for the first signal, drains, and lets a second one end it at once. */
static void serve(struct server *server, const sigset_t *signals)
{
    pthread_t impatient;
    int number = await_end(signals);

    log_info("stopping", LOG_STR("signal", strsignal(number)),
             LOG_INT("drain_ms", server->config->drain_ms));
    atomic_store(&server->ready, false);
    bool has_thread = pthread_create(&impatient, NULL, hurry, NULL) == 0;
    drain(server);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_join(server->workers[i]);
    if (has_thread) {
        (void)pthread_cancel(impatient);
        (void)pthread_join(impatient, NULL);
    }
    remove_sockets(server);
    log_info("stopped");
}

static size_t count_workers(const struct config *config)
{
    return config->workers > 0 ? config->workers : processors_usable();
}

/* Each client takes a descriptor. The soft limit is low by custom, for programs that use select();
 * what the operator allows is the hard one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("cannot raise the limit of open files", LOG_STR("reason", strerror(errno)));
}

static uint32_t descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    return (uint32_t)limit.rlim_cur;
}

static void make_slots(struct server *server)
{
    const uint32_t most = descriptor_limit();
    const uint32_t setting = server->config->limits.address_sessions;

    server->slots = h2_slots_new(setting > 0 ? setting : most / 4 + 1, most);
}

/* What is open now stays open; a new descriptor gets the lowest number that is free. */
static void leave_spare_descriptors(struct server *server)
{
    const uint32_t most = descriptor_limit();
    const int used = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    uint32_t spare = most / 16;

    spare = spare < SPARE_LEAST ? SPARE_LEAST : spare > SPARE_MOST ? SPARE_MOST : spare;
    if (used < 0) {
        log_warn("no open file is left", LOG_STR("reason", strerror(errno)));
        return;
    }
    close(used);
    spare += (uint32_t)used;
    h2_slots_set_capacity(server->slots, most > spare ? most - spare : 1);
}

int server_run(const struct config *config)
{
    struct server *server = mem_zalloc(sizeof(*server));
    sigset_t signals;
    int result;

    server->config = config;
    server->worker_count = count_workers(config);
    /* Blocked before any thread starts: only sigwait takes them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    test_clock_open();
    raise_descriptor_limit();
    make_slots(server);
    result = outbound_http_prepare();
    if (result == 0)
        result = prepare_api(server);
    if (result == 0)
        result = prepare_token_keys(server);
    if (result == 0)
        result = bind_all(server);
    if (result == 0) {
        struct h2_bound places[CONFIG_MAX_LISTENERS];
        memcpy(places, server->bound[0], sizeof(places)); /* for their text: workers take them */
        server->outbound = config_make_outbound(config);
        start_workers(server);
        leave_spare_descriptors(server);
        server->upload_keeper = upload_keeper_start(server->uploads);
        atomic_store(&server->ready, true);
        announce(config, places, server->worker_count);
        serve(server, &signals);
        upload_keeper_stop(server->upload_keeper);
    }
    release(server);
    free(server);
    return result == 0 ? 0 : 1;
}
