/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_requests.h"

#include <stdlib.h>

#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "base/fault.h"
#include "base/mem.h"
#include "broker/revocations.h"
#include "qos/end.h"
#include "qos/look.h"
#include "qos/revocations.h"

/* Messages that the store looks at in one go: what is sent meanwhile waits no longer than that. */
#define ENDED_MESSAGES  256u
#define LISTED_MESSAGES 500u

/* A question, whose texts are lent to its job until it is answered. */
struct request {
    struct qos_hub *hub;
    struct broker_message *question;
};

static struct request request_of(struct qos_hub *hub, const struct broker_message *question)
{
    return (struct request){hub, broker_message_keep(question)};
}

static struct broker_message *answer_new(const struct request *request, enum broker_kind kind)
{
    return broker_message_new(kind, request->question->service, 0);
}

static void answer_with(const struct request *request, struct broker_message *answer)
{
    const struct broker_asker asker = broker_asker(request->question);

    broker_message_free(request->question);
    broker_answer(request->hub->service->api->broker, &asker, answer);
}

static void answer_done(const struct request *request, enum broker_kind kind,
                        const struct broker_done *done)
{
    struct broker_message *answer = answer_new(request, kind);

    answer->done = *done;
    answer_with(request, answer);
}

static int64_t wall_ms(const struct qos_hub *hub)
{
    return loop_wall_ms(hub->service->api->loop);
}

/* For what has job after job done: the server stops, and waits for it. */
static bool is_stopping(const struct qos_hub *hub)
{
    return api_is_draining(hub->service->api);
}

static void submit(const struct request *request, struct qos_job *job)
{
    job->is_asked = true;
    qos_store_submit(request->hub->store, job);
}

/* ---- acknowledgements ---- */

struct acknowledging {
    struct qos_acknowledge acknowledge;
    struct request request;
};

static void on_acknowledged(struct qos_job *job)
{
    struct acknowledging *acknowledging = container_of(job, struct acknowledging, acknowledge.job);
    const struct request *request = &acknowledging->request;
    struct qos_copies *ended = &acknowledging->acknowledge.ended;

    fault_point("store.acknowledged");
    qos_hub_ended(request->hub, job, ended);
    qos_hub_publish(request->hub);
    answer_done(request, BROKER_ACKNOWLEDGED,
                &(struct broker_done){.status = job->status, .count = ended->count});
    qos_acknowledge_release(&acknowledging->acknowledge);
    free(acknowledging);
}

static void acknowledge(struct request request)
{
    const struct broker_acknowledge *wanted = &request.question->acknowledge;
    struct acknowledging *acknowledging = mem_zalloc(sizeof(*acknowledging));
    struct qos_acknowledge *job = &acknowledging->acknowledge;

    acknowledging->request = request;
    job->identity = wanted->identity;
    job->ids = wanted->ids;
    job->count = wanted->count;
    job->now = wall_ms(request.hub);
    qos_acknowledge_init(job);
    job->job.done = on_acknowledged;
    submit(&request, &job->job);
}

/* ---- deletions ---- */

struct deletion {
    struct qos_delete delete;
    struct request request;
    struct broker_done done;
};

static void on_deleted(struct qos_job *job)
{
    struct deletion *deletion = container_of(job, struct deletion, delete.job);
    struct qos_delete *delete = &deletion->delete;
    const struct request *request = &deletion->request;
    struct broker_done *done = &deletion->done;

    if (job->status == 0) {
        done->count += delete->ended.count;
        if (!request->hub->is_stopped) {
            qos_hub_ended(request->hub, job, &delete->ended);
            qos_hub_publish(request->hub);
        }
        qos_copies_release(&delete->ended);
        done->is_cut_short = !delete->is_all && is_stopping(request->hub);
        if (!delete->is_all && !done->is_cut_short) {
            submit(request, job);
            return;
        }
    }
    done->status = job->status;
    answer_done(request, BROKER_MESSAGES_ENDED, done);
    qos_delete_release(delete);
    free(deletion);
}

static void end_messages(struct request request)
{
    const struct broker_choice *choice = &request.question->choice;
    struct deletion *deletion = mem_zalloc(sizeof(*deletion));
    struct qos_delete *job = &deletion->delete;

    deletion->request = request;
    job->id = choice->id;
    job->filter = &choice->filter;
    job->limit = ENDED_MESSAGES;
    job->now = wall_ms(request.hub);
    qos_delete_init(job);
    job->job.done = on_deleted;
    submit(&request, &job->job);
}

/* ---- revocations ---- */

struct keeping {
    struct qos_keep_revocations keep;
    struct request request;
};

static void on_kept(struct qos_job *job)
{
    struct keeping *keeping = container_of(job, struct keeping, keep.job);

    answer_done(&keeping->request, BROKER_KEPT, &(struct broker_done){.status = job->status});
    qos_revocations_release(&keeping->keep.list);
    free(keeping);
}

static void keep(struct request request)
{
    struct keeping *keeping = mem_zalloc(sizeof(*keeping));
    struct qos_keep_revocations *job = &keeping->keep;
    struct qos_revocation revocation;
    size_t at = 0;

    keeping->request = request;
    while (broker_revocations_next(request.question->revocations.list, &at, &revocation))
        qos_revocations_add(&job->list, &revocation);
    job->now = wall_ms(request.hub);
    job->most = request.hub->service->settings->qos.revocations;
    qos_keep_revocations_init(job);
    job->job.done = on_kept;
    submit(&request, &job->job);
}

/* ---- queries ---- */

static void answer_found(const struct request *request, enum broker_kind kind,
                         const struct broker_found *found)
{
    struct broker_message *answer = answer_new(request, kind);

    answer->found = *found;
    qos_hub_count_written(request->hub, &answer->found.copies);
    answer_with(request, answer);
}

struct inquiry {
    struct qos_inspect inspect;
    struct request request;
};

static void on_inspected(struct qos_job *job)
{
    struct inquiry *inquiry = container_of(job, struct inquiry, inspect.job);

    answer_found(&inquiry->request, BROKER_MESSAGE_FOUND,
                 &(struct broker_found){.status = job->status, .copies = inquiry->inspect.copies});
    inquiry->inspect.copies = (struct qos_copies){.count = 0};
    qos_inspect_release(&inquiry->inspect);
    free(inquiry);
}

static void find_message(struct request request)
{
    const struct broker_choice *choice = &request.question->choice;
    struct inquiry *inquiry = mem_zalloc(sizeof(*inquiry));

    inquiry->request = request;
    inquiry->inspect.id = choice->id;
    inquiry->inspect.tenants = choice->filter.tenants;
    qos_inspect_init(&inquiry->inspect);
    inquiry->inspect.job.done = on_inspected;
    submit(&request, &inquiry->inspect.job);
}

struct listing {
    struct qos_list list;
    struct request request;
    uint64_t began_at; /* loop ms */
};

static uint64_t now_ms(const struct listing *listing)
{
    return loop_now_ms(listing->request.hub->service->api->loop);
}

static bool is_too_late(const struct listing *listing)
{
    const uint64_t limit_ms = listing->request.question->choice.timeout_ms;

    return (limit_ms > 0 && now_ms(listing) - listing->began_at >= limit_ms) ||
           is_stopping(listing->request.hub);
}

static void on_listed(struct qos_job *job)
{
    struct listing *listing = container_of(job, struct listing, list.job);
    struct qos_list *list = &listing->list;
    struct broker_found found = {.status = job->status};

    if (job->status == 0 && !list->is_all) {
        found.is_timeout = is_too_late(listing);
        if (!found.is_timeout) {
            submit(&listing->request, job);
            return;
        }
    }
    found.passed = list->passed;
    found.copies = list->copies;
    answer_found(&listing->request, BROKER_MESSAGES_LISTED, &found);
    list->copies = (struct qos_copies){.count = 0};
    qos_list_release(list);
    free(listing);
}

static void list_messages(struct request request)
{
    const struct broker_choice *choice = &request.question->choice;
    struct listing *listing = mem_zalloc(sizeof(*listing));
    struct qos_list *job = &listing->list;

    listing->request = request;
    listing->began_at = now_ms(listing);
    job->is_by_message = choice->is_by_message;
    job->filter = &choice->filter;
    job->limit = LISTED_MESSAGES;
    job->skip = choice->skip;
    job->most = choice->most;
    qos_list_init(job);
    job->job.done = on_listed;
    submit(&listing->request, &job->job);
}

/* ---- */

void qos_requests_receive(struct qos_hub *hub, const struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_ACKNOWLEDGE:
        acknowledge(request_of(hub, message));
        break;
    case BROKER_END_MESSAGES:
        end_messages(request_of(hub, message));
        break;
    case BROKER_KEEP:
        keep(request_of(hub, message));
        break;
    case BROKER_FIND_MESSAGE:
        find_message(request_of(hub, message));
        break;
    case BROKER_LIST_MESSAGES:
        list_messages(request_of(hub, message));
        break;
    default:
        break;
    }
}
