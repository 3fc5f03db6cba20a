/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_contexts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "h2/tls.h"
#include "server/certificate.h"
#include "server/config_parts.h"

/* A file as it was before it was loaded. */
struct seen {
    char *path;
    struct stat facts; /* all zero: it was not there */
};

/* Where a listener's TLS comes from. */
struct source {
    char *address;
    bool is_tls;
    bool is_development;
    enum h2_tls_profile profile;
    size_t count;
    struct h2_tls_files *files; /* owned, as their texts are */
    struct h2_tls_context *context;
};

struct tls_contexts {
    atomic_uint references;
    struct h2_tickets *made_tickets; /* where no file has their keys */
    struct h2_tickets *tickets;      /* that are used */
    char *ticket_key_file;           /* "": none */
    char *state_directory;
    struct seen *seen;
    size_t seen_count;
    size_t count;
    struct source sources[];
};

static struct h2_tls_files copy_files(const struct h2_tls_files *files)
{
    return (struct h2_tls_files){.certificate = mem_strdup(files->certificate),
                                 .key = mem_strdup(files->key),
                                 .ocsp = mem_strdup(files->ocsp ? files->ocsp : "")};
}

static void add_files(struct source *source, const struct h2_tls_files *files)
{
    source->files = mem_realloc(source->files, (source->count + 1) * sizeof(*source->files));
    source->files[source->count++] = copy_files(files);
}

/* But for what is loaded. */
static void copy_source(struct source *source, const struct source *from)
{
    *source = (struct source){.address = mem_strdup(from->address),
                              .is_tls = from->is_tls,
                              .is_development = from->is_development,
                              .profile = from->profile};
    for (size_t i = 0; i < from->count; i++)
        add_files(source, &from->files[i]);
}

static void release_files(struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        free((char *)source->files[i].certificate);
        free((char *)source->files[i].key);
        free((char *)source->files[i].ocsp);
    }
    free(source->files);
    source->files = NULL;
    source->count = 0;
}

static int ensure_development(struct source *source, const char *directory,
                              struct config_fault *fault)
{
    struct certificate_files made = {0};
    int rc = certificate_ensure(&made, directory, fault);

    if (rc != 0)
        return rc;
    release_files(source);
    add_files(source, &(struct h2_tls_files){.certificate = made.certificate, .key = made.key});
    certificate_files_release(&made);
    return 0;
}

static void look_at(const char *path, struct stat *facts)
{
    if (stat(path, facts) != 0)
        memset(facts, 0, sizeof(*facts));
}

static bool is_same_time(struct timespec left, struct timespec right)
{
    return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

static bool is_same(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
           left->st_size == right->st_size && is_same_time(left->st_mtim, right->st_mtim) &&
           is_same_time(left->st_ctim, right->st_ctim);
}

static void see(struct tls_contexts *contexts, const char *path)
{
    struct seen *seen;

    if (*path == '\0')
        return;
    contexts->seen =
        mem_realloc(contexts->seen, (contexts->seen_count + 1) * sizeof(*contexts->seen));
    seen = &contexts->seen[contexts->seen_count++];
    seen->path = mem_strdup(path);
    look_at(path, &seen->facts);
}

static void see_files(struct tls_contexts *contexts, const struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        see(contexts, source->files[i].certificate);
        see(contexts, source->files[i].key);
        see(contexts, source->files[i].ocsp);
    }
}

static int load(struct tls_contexts *contexts, struct source *source, struct config_fault *fault)
{
    struct config_fault reason;

    if (!source->is_tls)
        return 0;
    if (source->is_development &&
        ensure_development(source, contexts->state_directory, &reason) != 0)
        goto failed;
    see_files(contexts, source);
    source->context = h2_tls_context_new(&(struct h2_tls_options){.files = source->files,
                                                                  .count = source->count,
                                                                  .profile = source->profile,
                                                                  .tickets = contexts->tickets},
                                         reason.message, sizeof(reason.message));
    if (source->context)
        return 0;
failed:
    return config_fail(fault, -EINVAL, "TLS of \"%.100s\": %s", source->address, reason.message);
}

static int load_tickets(struct tls_contexts *contexts, struct config_fault *fault)
{
    char reason[300];

    see(contexts, contexts->ticket_key_file);
    if (*contexts->ticket_key_file == '\0') {
        contexts->tickets = h2_tickets_ref(contexts->made_tickets);
        return 0;
    }
    contexts->tickets = h2_tickets_read(contexts->ticket_key_file, reason, sizeof(reason));
    if (contexts->tickets)
        return 0;
    return config_fail(fault, -EINVAL, "tls.ticketKeyFile: %s", reason);
}

static struct tls_contexts *load_all(struct tls_contexts *contexts, struct config_fault *fault)
{
    int rc = load_tickets(contexts, fault);

    for (size_t i = 0; rc == 0 && i < contexts->count; i++)
        rc = load(contexts, &contexts->sources[i], fault);
    if (rc == 0)
        return contexts;
    tls_contexts_unref(contexts);
    return NULL;
}

static struct tls_contexts *allocate(size_t count, struct h2_tickets *tickets,
                                     const char *ticket_key_file, const char *state_directory)
{
    struct tls_contexts *contexts = mem_zalloc(sizeof(*contexts) + count * sizeof(struct source));

    atomic_init(&contexts->references, 1);
    contexts->made_tickets = h2_tickets_ref(tickets);
    contexts->ticket_key_file = mem_strdup(ticket_key_file);
    contexts->state_directory = mem_strdup(state_directory);
    contexts->count = count;
    return contexts;
}

struct tls_contexts *tls_contexts_load(const struct config *config, struct h2_tickets *tickets,
                                       struct config_fault *fault)
{
    struct tls_contexts *contexts =
        allocate(config->listener_count, tickets, config->ticket_key_file, config->state_directory);

    for (size_t i = 0; i < contexts->count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        struct h2_tls_files files[CONFIG_MAX_TLS_FILES];
        const size_t count = config_tls_files(listener, files);

        copy_source(&contexts->sources[i], &(struct source){.address = listener->address,
                                                            .is_tls = listener->tls,
                                                            .is_development = count == 0,
                                                            .profile = listener->tls_profile,
                                                            .count = count,
                                                            .files = files});
    }
    return load_all(contexts, fault);
}

struct tls_contexts *tls_contexts_load_again(const struct tls_contexts *contexts,
                                             struct config_fault *fault)
{
    struct tls_contexts *again = allocate(contexts->count, contexts->made_tickets,
                                          contexts->ticket_key_file, contexts->state_directory);

    for (size_t i = 0; i < contexts->count; i++)
        copy_source(&again->sources[i], &contexts->sources[i]);
    return load_all(again, fault);
}

struct tls_contexts *tls_contexts_ref(struct tls_contexts *contexts)
{
    (void)atomic_fetch_add_explicit(&contexts->references, 1, memory_order_relaxed);
    return contexts;
}

void tls_contexts_unref(struct tls_contexts *contexts)
{
    if (!contexts || atomic_fetch_sub_explicit(&contexts->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < contexts->count; i++) {
        struct source *source = &contexts->sources[i];

        h2_tls_context_free(source->context);
        release_files(source);
        free(source->address);
    }
    for (size_t i = 0; i < contexts->seen_count; i++)
        free(contexts->seen[i].path);
    free(contexts->seen);
    h2_tickets_unref(contexts->tickets);
    h2_tickets_unref(contexts->made_tickets);
    free(contexts->ticket_key_file);
    free(contexts->state_directory);
    free(contexts);
}

struct h2_tls_context *tls_contexts_at(const struct tls_contexts *contexts, size_t listener)
{
    return contexts->sources[listener].context;
}

time_t tls_contexts_renew_at(const struct tls_contexts *contexts)
{
    for (size_t i = 0; i < contexts->count; i++) {
        const struct source *source = &contexts->sources[i];

        if (source->context && source->is_development)
            return h2_tls_context_end(source->context, 0) - CERTIFICATE_RENEW_SECONDS;
    }
    return 0;
}

bool tls_contexts_is_stale(const struct tls_contexts *contexts)
{
    const time_t renew_at = tls_contexts_renew_at(contexts);

    if (renew_at != 0 && renew_at <= clock_wall_seconds())
        return true;
    for (size_t i = 0; i < contexts->seen_count; i++) {
        const struct seen *seen = &contexts->seen[i];
        struct stat facts;

        look_at(seen->path, &facts);
        if (!is_same(&facts, &seen->facts))
            return true;
    }
    return false;
}

const char **tls_contexts_paths(const struct tls_contexts *contexts, size_t *count)
{
    const char **paths = mem_alloc((contexts->seen_count + 1) * sizeof(*paths));

    for (size_t i = 0; i < contexts->seen_count; i++)
        paths[i] = contexts->seen[i].path;
    *count = contexts->seen_count;
    return paths;
}

void tls_contexts_show(const struct tls_contexts *contexts,
                       void (*show)(void *context, const struct tls_shown *shown), void *context)
{
    for (size_t i = 0; i < contexts->count; i++) {
        const struct source *source = &contexts->sources[i];

        for (size_t at = 0; source->context && at < source->count; at++)
            show(context, &(struct tls_shown){.listener = source->address,
                                              .file = source->files[at].certificate,
                                              .context = source->context,
                                              .index = at,
                                              .is_development = source->is_development});
    }
}

bool tls_contexts_have(const struct tls_contexts *contexts, const struct h2_tls_context *context,
                       size_t index)
{
    for (size_t i = 0; i < contexts->count; i++) {
        if (contexts->sources[i].context &&
            h2_tls_context_has(contexts->sources[i].context, context, index))
            return true;
    }
    return false;
}

static void log_warnings(void *context, const struct tls_shown *shown)
{
    char fault[400];

    (void)context;
    if (h2_tls_context_warning(shown->context, shown->index, fault, sizeof(fault)) != 0)
        log_error("browsers will refuse the certificate", LOG_STR("listener", shown->listener),
                  LOG_STR("certificate", shown->file), LOG_STR("reason", fault));
    if (h2_tls_context_hint(shown->context, shown->index, fault, sizeof(fault)) != 0)
        log_warn("the certificate is not used as is meant", LOG_STR("listener", shown->listener),
                 LOG_STR("certificate", shown->file), LOG_STR("reason", fault));
}

void tls_contexts_log_warnings(const struct tls_contexts *contexts)
{
    tls_contexts_show(contexts, log_warnings, NULL);
}
