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

#include "base/audit_log.h"
#include "base/budget.h"
#include "base/file.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/test_clock.h"
#include "base/thread_pool.h"
#include "broker/mailboxes.h"
#include "h2/admission.h"
#include "h2/frame_memory.h"
#include "h2/listener.h"
#include "h2/tls.h"
#include "server/config_load.h"
#include "server/config_parts.h"
#include "server/control.h"
#include "server/memory.h"
#include "server/notify.h"
#include "server/preflight.h"
#include "server/processors.h"
#include "server/reload.h"
#include "server/settings.h"
#include "server/stop.h"
#include "server/tls_contexts.h"
#include "server/tls_reloader.h"
#include "server/worker.h"
#include "sse/log.h"
#include "upload/quota.h"
#include "upload/sweeper.h"

#define SERVER_ID_BYTES   8u
#define UPLOAD_FILES_PART 4u /* of the descriptors, so that clients and stores find some */
#define FILE_THREADS      16u
#define FILES_WAITING     64u
#define UPLOADS_WAITING   256u /* for the disk of one service */

/* That a disk has at the end for what nobody waits for any more. */
#define DISKS_MS 2000u

/* Of the descriptors that sessions leave to files and to requests to back ends: at least, at most.
 */
#define SPARE_LEAST 8u
#define SPARE_MOST  1024u

#define HOUSEKEEPING_SECONDS 10

struct server {
    const struct config *config; /* of the settings in use */
    struct settings *settings;   /* of the start; NULL: the reload has them */
    struct settings_shared shared;
    struct reload *reload;
    size_t worker_count;
    struct worker **workers;
    struct mailboxes *mailboxes;
    struct h2_tickets *tickets; /* keys made here */
    struct tls_reloader *tls_reloader;
    struct tls_contexts *tls;                       /* of the start; the reloader's */
    struct h2_bound (*bound)[CONFIG_MAX_LISTENERS]; /* per worker */
    struct h2_slots *slots;                         /* of all sessions */
    struct thread_pool *files;                      /* reads small ones for the workers */
    struct upload_sweeper *upload_sweeper;
    struct watchdog *watchdog; /* NULL: nobody wants to hear */
    char server_id[2 * SERVER_ID_BYTES + 1];
    struct budget inbound;
    atomic_bool ready, draining;
    atomic_size_t busy; /* workers that still have work */
    bool is_hung;       /* a disk is: what it is written from cannot be freed */
};

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
        result = config_set_socket_rights(&server->config->listeners[index], fault, sizeof(fault));
    if (result != 0)
        log_error("listener", LOG_STR("reason", fault));
    return result;
}

static int prepare_tls(struct server *server)
{
    struct config_fault fault;

    server->tickets = h2_tickets_new();
    server->tls = tls_contexts_load(server->config, server->tickets, &fault);
    if (!server->tls) {
        log_error("certificates", LOG_STR("reason", fault.message));
        return -EINVAL;
    }
    server->tls_reloader = tls_reloader_new(server->tls, &server->shared.certificate_reloads);
    tls_contexts_log_warnings(server->tls);
    return 0;
}

static int bind_all(struct server *server)
{
    server->bound = mem_zalloc(server->worker_count * sizeof(*server->bound));
    for (size_t index = 0; index < server->config->listener_count; index++) {
        int result = 0;
        for (size_t worker = 0; result == 0 && worker < server->worker_count; worker++)
            result = bind_for_worker(server, worker, index);
        if (result != 0)
            return result;
    }
    return 0;
}

static int make_directories(const struct config *config)
{
    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *service = &config->services[i];
        const int result = directory_make(service->api.upload_directory);

        if (result != 0) {
            log_error("cannot make the upload directory",
                      LOG_STR("path", service->api.upload_directory),
                      LOG_STR("reason", strerror(-result)));
            return result;
        }
        if (service->settings.show_secrets)
            log_warn("queries show tokens and cookies: showSecrets is for debugging",
                     LOG_STR("service", service->settings.name));
    }
    return 0;
}

static uint32_t descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    return (uint32_t)limit.rlim_cur;
}

static size_t count_workers(const struct config *config)
{
    return config->workers > 0 ? config->workers : processors_usable();
}

/* NULL: it is not wanted, or there can be no thread. */
static struct log_file *open_access_log(const struct config *config)
{
    const struct log_file_options options = {
        .name = "access log",
        .path = config->access_file,
        .standard = STDOUT_FILENO,
        .mode = 0640,
        .most_bytes = config->access_bytes,
    };

    return *config->access_file != '\0' ? log_file_new(&options) : NULL;
}

/* What all settings of this process have in common. */
static void prepare_shared(struct server *server, const struct config *config)
{
    struct upload_quota_service services[CONFIG_MAX_SERVICES];

    settings_upload_services(config, services);
    server->shared.uploads =
        upload_quota_new(services, config->service_count, descriptor_limit() / UPLOAD_FILES_PART);
    for (size_t i = 0; i < config->service_count; i++) {
        stored_shared_init(&server->shared.qos[i], config->services[i].settings.name,
                           config->services[i].store == CONFIG_STORE_MEMORY);
        server->shared.logs[i] =
            sse_log_new(count_workers(config), config->services[i].settings.history.events);
        server->shared.upload_pools[i] =
            thread_pool_new("disk", config->services[i].upload_threads, UPLOADS_WAITING);
    }
    server->shared.readers = thread_pool_new("reader", count_workers(config), SIZE_MAX);
    random_hex(server->server_id, SERVER_ID_BYTES);
    if (strcmp(config->audit_file, "none") != 0)
        server->shared.audit = audit_log_new(config->audit_file);
    server->shared.access = open_access_log(config);
    server->shared.server_id = server->server_id;
    server->shared.started_at = clock_wall_ms();
    server->shared.ready = &server->ready;
    server->shared.draining = &server->draining;
}

static int prepare_settings(struct server *server, struct config *config)
{
    struct config_fault fault;

    prepare_shared(server, config);
    server->settings = settings_new(config, &server->shared, 1, &fault);
    free(config);
    if (!server->settings) {
        log_error("cannot use the settings", LOG_STR("reason", fault.message));
        return -EINVAL;
    }
    server->config = &server->settings->config;
    server->worker_count = count_workers(server->config);
    return make_directories(server->config);
}

static bool may_share_frames(void)
{
    const char *otherwise = h2_frame_check();

    if (otherwise)
        log_warn("nghttp2 handles memory otherwise than expected: every HTTP/2 connection has a "
                 "frame buffer of its own",
                 LOG_STR("reason", otherwise), LOG_INT("kib_per_connection", H2_FRAME_BUFFER_KIB));
    return !otherwise;
}

static void start_workers(struct server *server)
{
    const bool shares_frames = may_share_frames();

    server->mailboxes = mailboxes_new(server->worker_count);
    server->files = thread_pool_new("disk", FILE_THREADS, FILES_WAITING);
    atomic_init(&server->busy, server->worker_count);
    budget_init(&server->inbound, reload_inbound_bytes(server->settings));
    server->workers = mem_zalloc(server->worker_count * sizeof(struct worker *));
    for (size_t i = 0; i < server->worker_count; i++) {
        const struct worker_options options = {
            .settings = server->settings,
            .inbound = &server->inbound,
            .mailboxes = server->mailboxes,
            .index = i,
            .bound = server->bound[i],
            .tls = tls_contexts_ref(server->tls),
            .listener_count = server->config->listener_count,
            .files = server->files,
            .slots = server->slots,
            .shares_frames = shares_frames,
            .busy = &server->busy,
        };
        server->workers[i] = worker_start(&options);
        if (!server->workers[i]) {
            log_stop(LAST_WORDS_MS);
            _exit(1); /* the others wait for it in mailboxes_join, and use what release() would free
                       */
        }
    }
    for (size_t i = 0; i < server->worker_count; i++)
        worker_wait_ready(server->workers[i]);
}

static void release(struct server *server)
{
    for (size_t worker = 0; server->bound && worker < server->worker_count; worker++) {
        for (size_t i = 0; i < server->config->listener_count; i++)
            h2_bound_close(&server->bound[worker][i]);
    }
    free(server->bound);
    watchdog_free(server->watchdog);
    tls_reloader_free(server->tls_reloader);
    h2_tickets_unref(server->tickets);
    reload_free(server->reload);
    settings_unref(server->settings);
    mailboxes_free(server->mailboxes);
    upload_quota_free(server->shared.uploads);
    audit_log_free(server->shared.audit);
    log_file_free(server->shared.access);
    for (size_t i = 0; i < CONFIG_MAX_SERVICES; i++) {
        stored_shared_release(&server->shared.qos[i]);
        sse_log_unref(server->shared.logs[i]);
    }
    h2_slots_free(server->slots);
    free(server->workers);
}

static void drain(struct server *server, const struct stop *stop)
{
    struct drain_plan plan;

    drain_plan_make(&plan, server->config);
    for (size_t i = 0; i < server->worker_count; i++)
        worker_drain(server->workers[i], &plan, stop_since_ms(stop));
    log_info("draining", LOG_INT("stop_notice_ms", server->config->stop_notice_ms),
             LOG_INT("drain_spread_ms", server->config->drain_spread_ms),
             LOG_INT("drain_ms", server->config->drain_ms));
}

/* What is read may hang, as at the start. */
static void reload(struct server *server, struct stop *stop)
{
    stop->drain_ms = server->config->drain_ms;
    stop_watch(stop);
    reload_run(server->reload);
    stop_unwatch(stop);
    server->config = &reload_settings(server->reload)->config;
}

/* Until the signal that ends it this thread sees to what is nobody's in particular. */
static void await_end(struct server *server, struct stop *stop, const sigset_t *signals)
{
    const struct timespec interval = {.tv_sec = HOUSEKEEPING_SECONDS};
    struct memory memory = {0};
    bool rests = memory_rest(&memory);

    while (stop->number == 0) {
        int number = sigtimedwait(signals, NULL, rests ? NULL : &interval);

        if (number == SIGHUP) {
            reload(server, stop);
        } else if (number == MEMORY_SIGNAL) {
            memory_wake(&memory);
            rests = false;
        } else if (number > 0) {
            stop_note(stop, number);
        } else if (errno == EAGAIN) {
            memory_check(&memory);
            rests = memory_rest(&memory);
        }
    }
    memory_release(&memory);
}

/* Waits for the first signal, drains, and lets a second one end it at once. */
static void serve(struct server *server, struct stop *stop, const sigset_t *signals)
{
    await_end(server, stop, signals);
    log_info("stopping", LOG_STR("signal", strsignal(stop->number)));
    atomic_store(&server->ready, false);
    stop->drain_ms = server->config->drain_ms;
    stop_watch(stop);
    notify_stopping();
    watchdog_rest(server->watchdog);
    reload_end(server->reload);
    server->config = &reload_settings(server->reload)->config;
    tls_reloader_stop(server->tls_reloader);
    drain(server, stop);
    for (size_t i = 0; i < server->worker_count; i++)
        server->is_hung = !worker_join(server->workers[i]) || server->is_hung;
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

/* Whoever still waits for a disk ends with the process; what was answered is on the disk. */
static void leave_disks(struct server *server)
{
    bool is_hung = server->is_hung || !upload_sweeper_stop(server->upload_sweeper, DISKS_MS);

    for (size_t i = 0; i < CONFIG_MAX_SERVICES && !is_hung; i++)
        is_hung = !thread_pool_free(server->shared.upload_pools[i], DISKS_MS);
    if (!is_hung && thread_pool_free(server->files, DISKS_MS) &&
        thread_pool_free(server->shared.readers, DISKS_MS))
        return;
    stop_give_up();
}

static void make_reload(struct server *server, const struct config_sources *sources)
{
    const struct reload_parts parts = {
        .sources = sources,
        .shared = &server->shared,
        .workers = server->workers,
        .worker_count = server->worker_count,
        .slots = server->slots,
        .inbound = &server->inbound,
        .tickets = server->tickets,
        .tls_reloader = server->tls_reloader,
    };

    server->reload = reload_new(&parts, server->settings);
    server->settings = NULL;
}

static void fill_ends(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
}

static void fill_signals(sigset_t *signals)
{
    fill_ends(signals);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, MEMORY_SIGNAL);
}

void server_hold_signals(void)
{
    sigset_t signals;

    fill_signals(&signals);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int server_run(struct config *config, const struct config_sources *sources)
{
    struct server *server = mem_zalloc(sizeof(*server));
    struct control *control = NULL;
    sigset_t signals, ends;
    struct stop stop;
    int result;

    memory_begin();
    fill_signals(&signals);
    fill_ends(&ends);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file as large as may be is an error like a full disk */
    test_clock_open();
    log_start();
    stop_init(&stop, &ends, config->drain_ms);
    stop_watch(&stop); /* what is read at a start may hang as well */
    raise_descriptor_limit();
    result = prepare_settings(server, config);
    if (result == 0)
        result = prepare_tls(server);
    if (result == 0)
        result = bind_all(server);
    if (result == 0) {
        struct h2_bound places[CONFIG_MAX_LISTENERS];
        memcpy(places, server->bound[0], sizeof(places)); /* for their text: workers take them */
        server->slots = h2_slots_new(reload_address_sessions(server->settings), descriptor_limit());
        start_workers(server);
        tls_reloader_start(server->tls_reloader, server->workers, server->worker_count);
        make_reload(server, sources);
        leave_spare_descriptors(server);
        server->upload_sweeper = upload_sweeper_start(server->shared.uploads);
        control = control_start(server->config->state_directory, server->reload, server->shared.qos,
                                server->config->service_count);
        stop_unwatch(&stop);
        atomic_store(&server->ready, stop.number == 0);
        announce(server->config, places, server->worker_count);
        notify_ready();
        memory_settle();
        server->watchdog = watchdog_start(server->workers, server->worker_count);
        serve(server, &stop, &signals);
        control_stop(control);
    }
    leave_disks(server);
    release(server);
    free(server);
    if (stop.number > 0)
        log_info("stopped");
    stop_unwatch(&stop);
    log_stop(LAST_WORDS_MS);
    return result == 0 ? 0 : 1;
}
