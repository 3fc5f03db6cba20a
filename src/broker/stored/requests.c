/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/engine.h"
#include "broker/revoking.h"
#include "broker/service.h"
#include "broker/stored/state.h"
#include "qos/end.h"
#include "qos/look.h"
#include "qos/revocations.h"
#include "sse/service.h"

/* Messages that the store looks at in one go: what is sent meanwhile waits no longer than that. */
#define ENDED_MESSAGES  256u
#define LISTED_MESSAGES 500u
#define RESTORE_MS      1000u

/* A question, whose texts are lent to its job until it is answered. */
struct request {
    union {
        struct qos_job job; /* the others begin with it */
        struct qos_acknowledge acknowledge;
        struct qos_delete delete;
        struct qos_keep_revocations keep;
        struct qos_read_revocations restore;
        struct qos_inspect inspect;
        struct qos_list list;
    };
    struct stored_messages *stored;
    struct broker_message *question; /* NULL: the store's own */
    struct broker_done done;         /* of deletions, so far */
    uint64_t began_at;               /* loop ms; of lists */
};

static struct request *request_of(struct qos_job *job)
{
    return container_of(job, struct request, job);
}

static void answer_with(struct request *request, struct broker_message *answer)
{
    const struct broker_asker asker = broker_asker(request->question);

    broker_message_free(request->question);
    broker_answer(request->stored->service->broker, &asker, answer);
    free(request);
}

static void answer_done(struct request *request, enum broker_kind kind)
{
    struct broker_message *answer = broker_message_new(kind, request->question->service, 0);

    answer->done = request->done;
    answer->done.status = request->job.status;
    answer_with(request, answer);
}

static void answer_found(struct request *request, enum broker_kind kind,
                         const struct broker_found *found)
{
    struct broker_message *answer = broker_message_new(kind, request->question->service, 0);

    answer->found = *found;
    stored_count_written(request->stored, &answer->found.copies);
    answer_with(request, answer);
}

static int64_t wall_ms(const struct request *request)
{
    return loop_wall_ms(request->stored->service->core->loop);
}

/* For what has job after job done: the server stops, and waits for it. */
static bool is_stopping(const struct request *request)
{
    return atomic_load_explicit(request->stored->draining, memory_order_relaxed);
}

/* ---- acknowledgements ---- */

static void on_acknowledged(struct qos_job *job)
{
    struct request *request = request_of(job);
    struct qos_copies *ended = &request->acknowledge.ended;

    fault_point("store.acknowledged");
    stored_ended(request->stored, job->status, ended);
    request->done.count = ended->count;
    qos_copies_release(&request->acknowledge.ended);
    answer_done(request, BROKER_ACKNOWLEDGED);
}

static void acknowledge(struct request *request, struct engine *engine)
{
    const struct broker_acknowledge *wanted = &request->question->acknowledge;
    struct qos_acknowledge *job = &request->acknowledge;

    job->identity = wanted->identity;
    job->ids = wanted->ids;
    job->count = wanted->count;
    job->now = wall_ms(request);
    job->job.done = on_acknowledged;
    qos_acknowledge_init(job);
    engine->ops->acknowledge(engine, job);
}

/* ---- deletions ---- */

static void on_deleted(struct qos_job *job)
{
    struct request *request = request_of(job);
    struct qos_delete *delete = &request->delete;
    struct stored_messages *stored = request->stored;

    if (job->status == 0) {
        request->done.count += delete->ended.count;
        if (!stored->is_stopped)
            stored_ended(stored, job->status, &delete->ended);
        qos_copies_release(&delete->ended);
        request->done.is_cut_short = !delete->is_all && is_stopping(request);
        if (!delete->is_all && !request->done.is_cut_short) {
            stored->engine->ops->delete (stored->engine, delete);
            return;
        }
    }
    qos_copies_release(&delete->ended);
    answer_done(request, BROKER_MESSAGES_ENDED);
}

static void end_messages(struct request *request, struct engine *engine)
{
    const struct broker_choice *choice = &request->question->choice;
    struct qos_delete *job = &request->delete;

    job->id = choice->id;
    job->filter = &choice->filter;
    job->limit = ENDED_MESSAGES;
    job->now = wall_ms(request);
    job->job.done = on_deleted;
    qos_delete_init(job);
    engine->ops->delete (engine, job);
}

/* ---- queries ---- */

static void on_inspected(struct qos_job *job)
{
    answer_found(
        request_of(job), BROKER_MESSAGE_FOUND,
        &(struct broker_found){.status = job->status, .copies = request_of(job)->inspect.copies});
}

static void find_message(struct request *request, struct engine *engine)
{
    const struct broker_choice *choice = &request->question->choice;
    struct qos_inspect *job = &request->inspect;

    job->id = choice->id;
    job->tenants = choice->filter.tenants;
    job->job.done = on_inspected;
    qos_inspect_init(job);
    engine->ops->find(engine, job);
}

static uint64_t now_ms(const struct request *request)
{
    return loop_now_ms(request->stored->service->core->loop);
}

static bool is_too_late(const struct request *request)
{
    const uint64_t limit_ms = request->question->choice.timeout_ms;

    return (limit_ms > 0 && now_ms(request) - request->began_at >= limit_ms) ||
           is_stopping(request);
}

static void on_listed(struct qos_job *job)
{
    struct request *request = request_of(job);
    struct engine *engine = request->stored->engine;
    struct qos_list *list = &request->list;
    const bool has_more = job->status == 0 && !list->is_all;
    const bool is_timeout = has_more && is_too_late(request);

    if (has_more && !is_timeout)
        engine->ops->list(engine, list);
    else
        answer_found(request, BROKER_MESSAGES_LISTED,
                     &(struct broker_found){.status = job->status,
                                            .passed = list->passed,
                                            .is_timeout = is_timeout,
                                            .copies = list->copies});
}

static void list_messages(struct request *request, struct engine *engine)
{
    const struct broker_choice *choice = &request->question->choice;
    struct qos_list *job = &request->list;

    request->began_at = now_ms(request);
    job->is_by_message = choice->is_by_message;
    job->filter = &choice->filter;
    job->limit = LISTED_MESSAGES;
    job->skip = choice->skip;
    job->most = choice->most;
    job->job.done = on_listed;
    qos_list_init(job);
    engine->ops->list(engine, job);
}

/* ---- revocations ---- */

static void on_kept(struct qos_job *job)
{
    struct request *request = request_of(job);

    qos_revocations_release(&request->keep.list);
    answer_done(request, BROKER_KEPT);
}

static void keep(struct request *request, struct engine *engine)
{
    struct qos_keep_revocations *job = &request->keep;
    struct qos_revocation revocation;
    size_t at = 0;

    while (broker_revocations_next(request->question->revocations.list, &at, &revocation))
        qos_revocations_add(&job->list, &revocation);
    job->now = wall_ms(request);
    job->most = request->stored->settings->revocations;
    job->job.done = on_kept;
    qos_keep_revocations_init(job);
    engine->ops->keep(engine, job);
}

/* A store that fails for hours is one line in the log. */
static void tell_log(struct stored_messages *stored, int status, size_t count)
{
    if (status != 0 && !stored->has_failed)
        log_error("the revocations cannot be read: no access token is let in until they can",
                  LOG_STR("service", stored->name), LOG_STR("reason", strerrordesc_np(-status)));
    else if (status == 0 && (stored->has_failed || count > 0))
        log_info("restored revocations", LOG_STR("service", stored->name), LOG_INT("count", count));
    stored->has_failed = status != 0;
}

struct restored {
    size_t service;
    int status;
    struct bytes *list;
};

static struct broker_message *make_restore(void *context, size_t worker)
{
    const struct restored *restored = context;
    struct broker_message *message = broker_message_new(BROKER_RESTORE, restored->service, 0);

    (void)worker;
    message->revocations.status = restored->status;
    message->revocations.list = bytes_ref(restored->list);
    return message;
}

static void on_restored(struct qos_job *job)
{
    struct request *request = request_of(job);
    struct stored_messages *stored = request->stored;
    struct qos_revocations *list = &request->restore.list;
    struct restored restored = {stored->service->index, job->status, NULL};

    if (!stored->is_stopped) {
        tell_log(stored, job->status, list->count);
        if (job->status != 0)
            loop_timer_start(stored->service->core->loop, &stored->restoration, RESTORE_MS);
        restored.list = broker_revocations_pack(list);
        broker_send_all(stored->service->broker, make_restore, &restored);
        bytes_unref(restored.list);
    }
    qos_revocations_release(list);
    free(request);
}

static void restore(struct loop_timer *timer)
{
    struct stored_messages *stored = container_of(timer, struct stored_messages, restoration);
    struct request *request = mem_zalloc(sizeof(*request));

    request->stored = stored;
    request->restore.now = wall_ms(request);
    request->job.done = on_restored;
    qos_read_revocations_init(&request->restore);
    stored->engine->ops->restore(stored->engine, &request->restore);
}

void requests_restore(struct stored_messages *stored)
{
    stored->restoration.on_fire = restore;
    restore(&stored->restoration);
}

/* ---- */

void requests_receive(struct stored_messages *stored, const struct broker_message *message)
{
    static void (*const begin[BROKER_KINDS])(struct request * request, struct engine * engine) = {
        [BROKER_ACKNOWLEDGE] = acknowledge,
        [BROKER_END_MESSAGES] = end_messages,
        [BROKER_KEEP] = keep,
        [BROKER_FIND_MESSAGE] = find_message,
        [BROKER_LIST_MESSAGES] = list_messages,
    };
    struct request *request;

    if (!begin[message->kind])
        return;
    request = mem_zalloc(sizeof(*request));
    request->stored = stored;
    request->question = broker_message_keep(message);
    request->job.is_asked = true;
    begin[message->kind](request, stored->engine);
}
