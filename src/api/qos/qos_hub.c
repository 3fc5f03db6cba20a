/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/qos/qos_receipts.h"
#include "api/qos/qos_send.h"
#include "api/qos/qos_shared.h"
#include "api/worker.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/redelivery.h"
#include "qos/aside.h"
#include "qos/copies.h"
#include "qos/end.h"
#include "qos/look.h"
#include "qos/sqlite.h"
#include "sse/history.h"
#include "sse/message.h"
#include "sse/service.h"

#define STORE_BATCH    256u
#define STORE_RETRY_MS 1000u

/* What the desk asks of the store. */

struct reading {
    struct qos_read read;
    struct qos_hub *hub;
    uint64_t question;
};

static void on_read(struct qos_job *job)
{
    struct reading *reading = container_of(job, struct reading, read.job);
    const struct qos_read *read = &reading->read;

    if (!reading->hub->is_stopped && read->aside.count > 0) {
        qos_hub_ended(reading->hub, job, &read->aside);
        qos_hub_publish(reading->hub);
    }
    if (!reading->hub->is_stopped)
        qos_desk_read(reading->hub->desk, reading->question, job->status, read->copies.items,
                      read->copies.count, read->is_all);
    qos_read_release(&reading->read);
    free(reading);
}

static void read_queue(void *context, uint64_t question, const struct qos_recipient *recipient,
                       uint64_t after, size_t limit)
{
    struct reading *reading = mem_zalloc(sizeof(*reading));

    reading->hub = context;
    reading->question = question;
    qos_read_init(&reading->read, recipient);
    reading->read.after = after;
    reading->read.limit = limit;
    reading->read.job.done = on_read;
    qos_store_submit(reading->hub->store, &reading->read.job);
}

struct marking {
    struct qos_mark mark;
    struct qos_hub *hub;
};

static void on_mark(struct qos_job *job)
{
    struct marking *marking = container_of(job, struct marking, mark.job);

    if (!marking->hub->is_stopped) {
        qos_hub_ended(marking->hub, job, &marking->mark.ended);
        qos_hub_publish(marking->hub);
    }
    qos_mark_release(&marking->mark);
    free(marking);
}

static void mark(struct qos_hub *hub, uint64_t number, const struct qos_recipient *recipient,
                 enum qos_state state, uint32_t written)
{
    struct marking *marking = mem_zalloc(sizeof(*marking));

    marking->hub = hub;
    qos_mark_init(&marking->mark, recipient);
    marking->mark.number = number;
    marking->mark.state = state;
    marking->mark.written = written;
    marking->mark.now = loop_wall_ms(hub->service->api->loop);
    marking->mark.job.done = on_mark;
    qos_store_submit(hub->store, &marking->mark.job);
}

static void note(void *context, uint64_t number, const struct qos_recipient *recipient,
                 uint32_t written)
{
    mark(context, number, recipient, QOS_STORED, written);
}

static void acknowledge(void *context, uint64_t number, const struct qos_recipient *recipient,
                        uint32_t written)
{
    mark(context, number, recipient, QOS_ACKNOWLEDGED, written);
}

static uint64_t position_of(void *context, const char *id)
{
    const struct qos_hub *hub = context;

    return sse_history_position(hub->service->core->history, id);
}

/* What the desk asks of shards. */

static void on_counted(void *context, uint64_t question, const struct qos_census *census)
{
    const struct qos_hub *hub = context;

    if (!hub->is_stopped)
        qos_desk_counted(hub->desk, question, census);
}

static void on_written(void *context, uint64_t question, size_t taken, bool is_gone)
{
    const struct qos_hub *hub = context;

    if (!hub->is_stopped)
        qos_desk_wrote_one(hub->desk, question, taken, is_gone);
}

static struct redelivery_asker asker_of(struct qos_hub *hub)
{
    return (struct redelivery_asker){on_counted, on_written, hub};
}

static void count(void *context, uint64_t question, const struct qos_recipient *recipient,
                  uint64_t position, uint64_t instance)
{
    struct qos_hub *hub = context;
    const struct redelivery_asker asker = asker_of(hub);

    redelivery_count(&hub->service->broker, &asker, question,
                     &(struct broker_count){*recipient, position, instance});
}

static struct broker_line line_of(const struct qos_hub *hub, const struct qos_copy *copy)
{
    return (struct broker_line){
        .id = copy->message->id,
        .event = copy->decoded->event,
        .wire = sse_message_resend_wire(copy->decoded),
        .is_new = !qos_hub_was_written(hub, copy),
    };
}

static void write_one(void *context, uint64_t question, const struct qos_client *client,
                      const struct qos_copy *copies, size_t count)
{
    struct qos_hub *hub = context;
    const struct redelivery_asker asker = asker_of(hub);
    struct broker_line *lines = mem_alloc(count * sizeof(lines[0]));

    for (size_t i = 0; i < count; i++)
        lines[i] = line_of(hub, &copies[i]);
    redelivery_write(&hub->service->broker, &asker, question, client, lines, count);
    free(lines);
}

static const struct qos_desk_ops desk_ops = {
    .read = read_queue,
    .census = count,
    .write_one = write_one,
    .write_all = qos_send_one,
    .position = position_of,
    .note = note,
    .acknowledge = acknowledge,
};

/* The store hears of it now and then; the desk forgets it with the copy. */
static uint32_t written_of(const struct qos_hub *hub, const struct qos_copy *copy)
{
    const uint32_t written = qos_desk_written(hub->desk, copy->message->number, &copy->recipient);

    return written > copy->written ? written : copy->written;
}

/* All workers share the message: pages that come back get from the history what has ended. */
static void tell_history(const struct sse_history *history, const struct qos_copy *copy)
{
    struct sse_message *message =
        sse_history_at(history, sse_history_position(history, copy->message->id));

    if (message)
        sse_message_end(message, copy->recipient.value);
}

void qos_hub_end(struct qos_hub *hub, const struct qos_copy *ended)
{
    struct qos_copy copy = *ended;

    copy.written = written_of(hub, &copy);
    hub->counters.ended[copy.state]++;
    if (copy.state != QOS_UNREADABLE) /* that in memory can be read */
        tell_history(hub->service->core->history, &copy);
    qos_receipts_tell(hub->receipts, &copy);
    qos_desk_end(hub->desk, copy.message->number, &copy.recipient);
}

void qos_hub_ended(struct qos_hub *hub, const struct qos_job *job, const struct qos_copies *copies)
{
    for (size_t i = 0; job->status == 0 && i < copies->count; i++)
        qos_hub_end(hub, &copies->items[i]);
}

void qos_hub_count_written(const struct qos_hub *hub, struct qos_copies *copies)
{
    for (size_t i = 0; i < copies->count; i++)
        copies->items[i].written = written_of(hub, &copies->items[i]);
}

bool qos_hub_was_written(const struct qos_hub *hub, const struct qos_copy *copy)
{
    return copy->written > 0 || hub->first_number == 0 || copy->message->number < hub->first_number;
}

void qos_hub_publish(struct qos_hub *hub)
{
    struct qos_shared *shared = hub->service->settings->qos_shared;
    struct qos_store_report report;

    qos_store_report(hub->store, &report);
    qos_sweeper_look(&hub->sweeper, &report);
    atomic_store_explicit(&shared->copies, report.is_open ? report.totals.copies : 1,
                          memory_order_release);
}

/* What was stored while users were unique within the service. */

struct counting {
    struct qos_count_plain count;
    struct qos_hub *hub;
};

static void on_plain_counted(struct qos_job *job)
{
    struct counting *counting = container_of(job, struct counting, count.job);

    if (job->status == 0 && counting->count.count > 0)
        log_warn(
            "messages are stored for users without a tenant, and users.unique is tenant: nobody "
            "gets them; delete them, or let their ttl end",
            LOG_STR("service", counting->hub->service->settings->core->name),
            LOG_INT("copies", counting->count.count));
    free(counting);
}

static void tell_of_plain(struct qos_hub *hub)
{
    struct counting *counting = mem_zalloc(sizeof(*counting));

    counting->hub = hub;
    qos_count_plain_init(&counting->count);
    counting->count.job.done = on_plain_counted;
    qos_store_submit(hub->store, &counting->count.job);
}

/* What was set aside before this start. */

struct taking_back {
    struct qos_take_back take_back;
    struct qos_hub *hub;
};

static void on_taken_back(struct qos_job *job)
{
    struct taking_back *taking_back = container_of(job, struct taking_back, take_back.job);
    struct qos_hub *hub = taking_back->hub;

    /* While the store does not work nobody has read any queue: it may come later. */
    hub->has_taken_back = job->status == 0;
    if (!hub->is_stopped && job->status == 0) {
        qos_hub_publish(hub);
        if (hub->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT)
            tell_of_plain(hub);
    }
    free(taking_back);
}

static void take_back(struct qos_hub *hub)
{
    struct taking_back *taking_back = mem_zalloc(sizeof(*taking_back));

    taking_back->hub = hub;
    qos_take_back_init(&taking_back->take_back);
    taking_back->take_back.job.done = on_taken_back;
    qos_store_submit(hub->store, &taking_back->take_back.job);
}

/* What time ends. */

struct sweeping {
    struct qos_sweep sweep;
    struct qos_hub *hub;
};

static void take_swept(struct sweeping *sweeping)
{
    const struct qos_sweep *sweep = &sweeping->sweep;
    const bool is_done = sweep->job.status == 0;
    struct qos_hub *hub = sweeping->hub;
    struct qos_store_report report;

    qos_hub_ended(hub, &sweep->job, &sweep->ended);
    qos_hub_publish(hub);
    if (is_done)
        qos_joins_retry(hub);
    else
        qos_sweeper_soon(&hub->sweeper);
    qos_store_report(hub->store, &report);
    qos_sweeper_done(&hub->sweeper, &report, !is_done || sweep->is_all,
                     is_done && sweep->has_surplus);
}

static void on_swept(struct qos_job *job)
{
    struct sweeping *sweeping = container_of(job, struct sweeping, sweep.job);

    if (!sweeping->hub->is_stopped)
        take_swept(sweeping);
    qos_sweep_release(&sweeping->sweep);
    free(sweeping);
}

static void sweep(struct qos_sweeper *sweeper)
{
    struct qos_hub *hub = container_of(sweeper, struct qos_hub, sweeper);
    const struct api_qos_settings *settings = &hub->service->settings->qos;
    struct sweeping *sweeping = mem_zalloc(sizeof(*sweeping));

    if (!hub->has_taken_back)
        take_back(hub);
    sweeping->hub = hub;
    sweeping->sweep.now = loop_wall_ms(hub->service->api->loop);
    sweeping->sweep.remember_ms = settings->remember_ms;
    sweeping->sweep.remembered_most = settings->remembered;
    sweeping->sweep.limit = sweeper->limit;
    qos_sweep_init(&sweeping->sweep);
    sweeping->sweep.job.done = on_swept;
    if (sweeper->is_urgent)
        qos_store_submit_next(hub->store, &sweeping->sweep.job);
    else
        qos_store_submit(hub->store, &sweeping->sweep.job);
}

static struct qos_repository *open_repository(void *context, int *error, char *fault,
                                              size_t fault_size)
{
    const struct qos_hub *hub = context;

    return qos_sqlite_new(hub->is_in_memory ? NULL : hub->file, error, fault, fault_size);
}

struct qos_hub *qos_hub_new(struct api_service *service)
{
    const struct api_service_settings *settings = service->settings;
    struct qos_store_settings store = {
        .open = open_repository,
        .batch = STORE_BATCH,
        .retry_ms = STORE_RETRY_MS,
        .patience_ms = settings->qos.waiting_ms,
    };
    struct qos_hub *hub;

    if (hub_worker(service) != service->api->worker)
        return NULL;
    hub = mem_zalloc(sizeof(*hub));
    hub->service = service;
    hub->is_in_memory = settings->qos.is_in_memory;
    hub->file = mem_strdup(settings->qos.file);
    hub->name = mem_strdup(settings->core->name);
    hub->desk_settings = settings->qos.desk;
    store.service = hub->name;
    store.context = hub;
    chores_init(&hub->chores, service->api->loop);
    qos_joins_init(&hub->joins);
    qos_line_init(&hub->line);
    hub->store = qos_store_new(service->api->loop, &store);
    if (!hub->store) {
        log_error("cannot start the thread of the store", LOG_STR("service", settings->core->name),
                  LOG_STR("reason", strerror(errno)));
        log_stop(LAST_WORDS_MS);
        abort(); /* as with a worker: there is no serving without it */
    }
    qos_shared_set_store(settings->qos_shared, hub->store);
    take_back(hub); /* before anybody reads a queue */
    qos_restorer_init(&hub->restorer, hub);
    hub->desk = qos_desk_new(service->api->loop, &hub->desk_settings, &desk_ops, hub);
    hub->receipts = qos_receipts_new(service);
    qos_sweeper_init(&hub->sweeper, service->api->loop, sweep);
    return hub;
}

void qos_hub_change(struct qos_hub *hub)
{
    hub->desk_settings = hub->service->settings->qos.desk;
    qos_receipts_change(hub->receipts);
}

void qos_hub_hurry(struct qos_hub *hub)
{
    qos_receipts_hurry(hub->receipts);
}

void qos_hub_abandon(struct qos_hub *hub)
{
    hub->is_stopped = true;
    qos_store_abandon(hub->store);
}

bool qos_hub_is_settled(const struct qos_hub *hub)
{
    return hub->is_stopped || qos_posts_count(qos_receipts_posts(hub->receipts)) == 0;
}

void qos_hub_free(struct qos_hub *hub)
{
    if (!hub)
        return;
    hub->is_stopped = true;
    chores_release(&hub->chores);
    qos_restorer_release(&hub->restorer);
    qos_shared_set_store(hub->service->settings->qos_shared, NULL);
    qos_store_free(hub->store);
    qos_sweeper_release(&hub->sweeper); /* what was done last may have started it */
    qos_joins_release(&hub->joins);
    qos_desk_free(hub->desk);
    qos_receipts_free(hub->receipts);
    free(hub->file);
    free(hub->name);
    free(hub);
}
