/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/redelivery/ask_shards.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/redeliver.h"
#include "broker/service.h"

struct asking {
    struct broker_request request;
    struct shards_asker asker;
    uint64_t question;
    struct broker_counted counted; /* so far */
};

static struct asking *asking_new(const struct shards_asker *asker, uint64_t question)
{
    struct asking *asking = mem_zalloc(sizeof(*asking));

    asking->asker = *asker;
    asking->question = question;
    return asking;
}

/* ---- the liveness check ---- */

struct counting {
    const struct broker_service *service;
    const struct broker_count *count;
};

static struct broker_message *make_count(void *context, size_t worker)
{
    const struct counting *counting = context;
    const struct qos_recipient *recipient = &counting->count->recipient;
    struct broker_message *message = broker_message_new(BROKER_COUNT, counting->service->index,
                                                        broker_text_size(recipient->value) +
                                                            broker_text_size(recipient->listening));

    (void)worker;
    message->count = *counting->count;
    message->count.recipient.value = broker_message_text(message, recipient->value);
    message->count.recipient.listening = broker_message_text(message, recipient->listening);
    return message;
}

static void on_counted(struct broker_request *request, const struct broker_message *answer)
{
    struct asking *asking = container_of(request, struct asking, request);

    liveness_add(&asking->counted, &answer->counted);
    if (request->open > 0)
        return;
    asking->asker.counted(asking->asker.context, asking->question, &asking->counted.living);
    free(asking);
}

void shards_count_living(struct broker_service *service, const struct shards_asker *asker,
                         uint64_t question, const struct broker_count *count)
{
    struct counting counting = {service, count};
    struct asking *asking = asking_new(asker, question);
    size_t shard;

    asking->request.on_answer = on_counted;
    if (count->recipient.dimension != SSE_BY_CONNECTION) {
        broker_ask_all(service->broker, make_count, &counting, &asking->request);
        return;
    }
    shard = broker_shard_of(service->broker, count->recipient.value);
    if (shard == SIZE_MAX) /* then none has it */
        shard = broker_worker(service->broker);
    broker_ask(service->broker, shard, make_count(&counting, shard), &asking->request);
}

/* ---- batches ---- */

static size_t lines_size(const struct broker_line *lines, size_t count)
{
    size_t size = broker_block_size(count * sizeof(lines[0]));

    for (size_t i = 0; i < count; i++)
        size += broker_text_size(lines[i].id) + broker_text_size(lines[i].event);
    return size;
}

static struct broker_message *redeliver_new(const struct broker_service *service,
                                            const char *handle, const struct broker_line *lines,
                                            size_t count)
{
    struct broker_message *message =
        broker_message_new(BROKER_REDELIVER, service->index, lines_size(lines, count));
    struct broker_redeliver *redeliver = &message->redeliver;

    memcpy(redeliver->handle, handle, sizeof(redeliver->handle));
    redeliver->count = count;
    redeliver->lines = broker_message_block(message, count * sizeof(lines[0]));
    for (size_t i = 0; i < count; i++) {
        redeliver->lines[i] = lines[i];
        redeliver->lines[i].id = broker_message_text(message, lines[i].id);
        redeliver->lines[i].event = broker_message_text(message, lines[i].event);
    }
    return message;
}

static void on_taken(struct broker_request *request, const struct broker_message *answer)
{
    struct asking *asking = container_of(request, struct asking, request);

    asking->asker.written(asking->asker.context, asking->question, answer->taken.count,
                          answer->taken.is_gone);
    free(asking);
}

void shards_write(struct broker_service *service, const struct shards_asker *asker,
                  uint64_t question, const struct consumer *consumer,
                  const struct broker_line *lines, size_t count)
{
    struct asking *asking = asking_new(asker, question);

    asking->request.on_answer = on_taken;
    broker_ask(service->broker, consumer->worker,
               redeliver_new(service, consumer->id, lines, count), &asking->request);
}
