/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reload.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/audit_log.h"
#include "base/budget.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/mem.h"
#include "base/text.h"
#include "h2/admission.h"
#include "server/config_load.h"
#include "server/config_parts.h"
#include "server/notify.h"
#include "server/preflight.h"
#include "server/settings.h"
#include "server/tls_contexts.h"
#include "server/tls_reloader.h"
#include "server/worker.h"
#include "upload/quota.h"

#define PREFIX       "sse-server: " /* of what preflight() writes */
#define ADDRESS_PART 4u             /* of the open files, for the sessions of one address */

struct reload {
    struct reload_parts parts;
    struct settings *settings;
    pthread_mutex_t lock;
    pthread_cond_t over;
    uint64_t asked, served; /* reloads that were asked for, and those that one has begun behind */
    uid_t asked_by;         /* the latest of those; by a signal when asked is served */
    bool has_failed;        /* the latest, */
    char *outcome;          /* and what it has said */
    bool has_ended;
};

struct reload *reload_new(const struct reload_parts *parts, struct settings *settings)
{
    struct reload *reload = mem_zalloc(sizeof(*reload));

    reload->parts = *parts;
    reload->settings = settings;
    (void)pthread_mutex_init(&reload->lock, NULL);
    (void)pthread_cond_init(&reload->over, NULL);
    return reload;
}

void reload_free(struct reload *reload)
{
    if (!reload)
        return;
    settings_unref(reload->settings);
    (void)pthread_cond_destroy(&reload->over);
    (void)pthread_mutex_destroy(&reload->lock);
    free(reload->outcome);
    free(reload);
}

const struct settings *reload_settings(const struct reload *reload)
{
    return reload->settings;
}

unsigned reload_address_sessions(const struct settings *settings)
{
    const uint32_t setting = settings->config.limits.address_sessions;
    struct rlimit limit;

    if (setting > 0)
        return setting;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX / ADDRESS_PART + 1;
    return (unsigned)limit.rlim_cur / ADDRESS_PART + 1;
}

/* A part is for what comes along uncounted: records that are not complete, answers, and the tables
 * of their fields. */
size_t reload_inbound_bytes(const struct settings *settings)
{
    return settings->config.limits.inbound_bytes / 32 * 31;
}

/* Settings and certificates that are to be in use together. */
struct next {
    struct settings *settings;
    struct tls_contexts *tls;
};

/* What all workers share changes at once, then they do. */
static void publish(const struct reload *reload, const struct next *both)
{
    struct settings *next = both->settings;
    const struct reload_parts *parts = &reload->parts;
    struct upload_quota_service services[CONFIG_MAX_SERVICES];
    sem_t done;

    settings_upload_services(&next->config, services);
    upload_quota_change(parts->shared->uploads, services);
    h2_slots_set_address_sessions(parts->slots, reload_address_sessions(next));
    budget_change(parts->inbound, reload_inbound_bytes(next));
    log_change(next->config.log_level, next->config.log_format);
    log_file_reopen(parts->shared->access);
    tls_contexts_log_warnings(both->tls);
    tls_reloader_adopt(parts->tls_reloader,
                       both->tls); /* before the messages that are waited for */
    (void)sem_init(&done, 0, 0);
    for (size_t i = 0; i < parts->worker_count; i++)
        worker_change(parts->workers[i], next, &done);
    for (size_t i = 0; i < parts->worker_count; i++) {
        while (sem_wait(&done) != 0) {
        } /* EINTR */
    }
    (void)sem_destroy(&done);
}

/* What only check-config looks at otherwise. False with *fault. What is wrong with what is in use
 * goes to warnings. */
static bool is_fit(const struct reload *reload, const struct config *config, struct buf *warnings,
                   struct config_fault *fault)
{
    struct buf faults = BUF_INIT;
    const char *first;

    preflight(config, reload->parts.tls_reloader, &faults, warnings);
    if (faults.length == 0)
        return true;
    first = faults.data + strlen(PREFIX);
    (void)config_fail(fault, -EINVAL, "%s: %.*s", config->file ? config->file : "the settings",
                      (int)strcspn(first, "\n"), first);
    buf_release(&faults);
    return false;
}

/* All of it off to the side. False with *fault. */
static bool load(const struct reload *reload, struct next *next, struct config_changes *changes,
                 struct buf *warnings, struct config_fault *fault)
{
    const struct reload_parts *parts = &reload->parts;
    struct config config;

    if (config_load_from(&config, parts->sources, fault) != 0)
        return false;
    config_merge(&config, &reload->settings->config, changes);
    next->tls = NULL;
    if (config_check(&config, fault) == 0 && is_fit(reload, &config, warnings, fault))
        next->tls = tls_contexts_load(&config, parts->tickets, fault);
    if (!next->tls) {
        config_release(&config);
        return false;
    }
    next->settings = settings_new(&config, parts->shared, reload->settings->number + 1, fault);
    if (!next->settings)
        tls_contexts_unref(next->tls);
    return next->settings != NULL;
}

static void tell_kept(const char *names, struct buf *outcome)
{
    struct word word;

    while (words_next(&names, &word)) {
        char name[160];

        snprintf(name, sizeof(name), "%.*s", (int)word.length, word.text);
        log_warn("this setting changes at the next start only", LOG_STR("setting", name));
        buf_printf(outcome, "%s changes at the next start only\n", name);
    }
}

static void tell_changed(const struct settings *settings, const struct config_changes *changes,
                         struct buf *outcome)
{
    const char *changed =
        changes->changed.length > 0 ? buf_str(&changes->changed) : "no setting, files read anew";

    log_info("reloaded", LOG_INT("version", (int64_t)settings->number),
             LOG_STR("changed", changed));
    buf_printf(outcome, "reloaded, version %llu: %s\n", (unsigned long long)settings->number,
               changed);
    tell_kept(buf_str(&changes->kept), outcome);
}

static void tell_warnings(const struct buf *warnings, struct buf *outcome)
{
    const char *line = warnings->length > 0 ? warnings->data : "";

    buf_append(outcome, line, warnings->length);
    for (size_t length; *line != '\0'; line += length + 1) {
        char text[600];

        length = strcspn(line, "\n");
        snprintf(text, sizeof(text), "%.*s", (int)length, line);
        log_warn("reloaded, although what is in use is not as it should be",
                 LOG_STR("what", text + strlen("warning: ")));
    }
}

/* by: who has asked, as far as it is known; a signal does not say. */
static void audit(const struct reload *reload, const char *by, bool is_done, const char *detail)
{
    const struct log_field fields[] = {
        LOG_STR("action", "reload"),
        LOG_STR("result", is_done ? "ok" : "failed"),
        LOG_STR("by", by),
        LOG_INT("version", (int64_t)reload->settings->number),
        LOG_STR(is_done ? "changed" : "reason", detail),
    };

    audit_log_write(reload->parts.shared->audit, false, fields, COUNT(fields));
}

void reload_run(struct reload *reload)
{
    struct config_changes changes = {.changed = BUF_INIT};
    struct reloads *reloads = &reload->parts.shared->reloads;
    struct config_fault fault = {""};
    struct buf outcome = BUF_INIT, warnings = BUF_INIT;
    char by[32] = "SIGHUP";
    struct next next;
    uint64_t asked;
    bool is_done;

    (void)pthread_mutex_lock(&reload->lock);
    asked = reload->asked;
    if (asked > reload->served)
        snprintf(by, sizeof(by), "uid %u", (unsigned)reload->asked_by);
    (void)pthread_mutex_unlock(&reload->lock);
    notify_reloading();
    is_done = load(reload, &next, &changes, &warnings, &fault);
    if (is_done) {
        publish(reload, &next);
        atomic_fetch_add(&reloads->done, 1);
        tell_changed(next.settings, &changes, &outcome);
        tell_warnings(&warnings, &outcome);
        settings_unref(reload->settings);
        reload->settings = next.settings;
    } else {
        atomic_fetch_add(&reloads->failed, 1);
        log_error("the settings are not reloaded, and stay as they were",
                  LOG_STR("reason", fault.message));
        buf_append_str(&outcome, fault.message);
    }
    audit(reload, by, is_done, is_done ? buf_str(&changes.changed) : fault.message);
    notify_ready();
    (void)pthread_mutex_lock(&reload->lock);
    free(reload->outcome);
    reload->outcome = buf_detach(&outcome);
    reload->has_failed = !is_done;
    reload->served = asked;
    (void)pthread_cond_broadcast(&reload->over);
    (void)pthread_mutex_unlock(&reload->lock);
    config_changes_release(&changes);
    buf_release(&warnings);
}

bool reload_await(struct reload *reload, uid_t uid, char **outcome)
{
    uint64_t mine;
    bool is_done;

    (void)pthread_mutex_lock(&reload->lock);
    mine = ++reload->asked;
    reload->asked_by = uid;
    (void)kill(getpid(), SIGHUP); /* the main thread waits for it */
    while (reload->served < mine && !reload->has_ended)
        (void)pthread_cond_wait(&reload->over, &reload->lock);
    is_done = reload->served >= mine;
    *outcome = mem_strdup(is_done ? reload->outcome : "the server stops");
    is_done = is_done && !reload->has_failed;
    (void)pthread_mutex_unlock(&reload->lock);
    return is_done;
}

void reload_end(struct reload *reload)
{
    (void)pthread_mutex_lock(&reload->lock);
    reload->has_ended = true;
    (void)pthread_cond_broadcast(&reload->over);
    (void)pthread_mutex_unlock(&reload->lock);
}
