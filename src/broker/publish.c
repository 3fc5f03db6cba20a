/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/publish.h"

#include <stdlib.h>

#include "base/mem.h"

void publisher_init(struct publisher *publisher, struct broker *broker, size_t index)
{
    *publisher = (struct publisher){.broker = broker, .index = index};
    list_init(&publisher->waiting);
}

void publisher_pause(struct publisher *publisher)
{
    publisher->is_paused = true;
}

static struct publication *new_of(struct publisher *publisher, struct broker_batch *batch)
{
    struct publication *publication = mem_zalloc(sizeof(*publication));

    publication->publisher = publisher;
    publication->batch = batch;
    publication->answer =
        broker_message_of_results(BROKER_PUBLISHED, publisher->index, batch->count);
    publication->results = publication->answer->results.items;
    return publication;
}

struct publication *publication_new(struct publisher *publisher,
                                    const struct broker_message *message)
{
    const struct broker_publish *publish = &message->publish;
    struct publication *publication = new_of(publisher, broker_batch_ref(publish->batch));

    publication->asker = broker_asker(message);
    publication->is_asked = true;
    publication->session = publish->session;
    return publication;
}

struct publication *publication_new_own(struct publisher *publisher, struct broker_batch *batch)
{
    return new_of(publisher, batch);
}

void publication_finish(struct publication *publication)
{
    if (publication->is_asked)
        broker_answer(publication->publisher->broker, &publication->asker, publication->answer);
    else
        broker_message_free(publication->answer);
    broker_batch_unref(publication->round);
    broker_batch_unref(publication->batch);
    free(publication);
}

void publication_fail(struct publication *publication, int status, size_t at)
{
    publication->answer->results.status = status;
    publication->answer->results.at = at;
    publication_finish(publication);
}

/* ---- a round ---- */

static void end_round(struct publication *publication)
{
    if (!publication->end || publication->end(publication))
        publication_finish(publication);
}

static void on_delivered(struct broker_request *request, const struct broker_message *answer)
{
    struct publication *publication = container_of(request, struct publication, request);
    const struct broker_results *delivered = &answer->results;

    for (size_t i = 0; i < delivered->count; i++)
        broker_result_add(&publication->results[publication->first + i],
                          &publication->round->items[i], &delivered->items[i]);
    if (request->open == 0)
        end_round(publication);
}

static struct broker_message *make_advance(void *context, size_t worker)
{
    const struct publication *publication = context;
    struct broker_message *message =
        broker_message_new(BROKER_ADVANCE, publication->publisher->index, 0);

    (void)worker;
    message->advance.batch = broker_batch_ref(publication->round);
    return message;
}

static void write_round(struct publication *publication)
{
    publication->request.on_answer = on_delivered;
    broker_ask_all(publication->publisher->broker, make_advance, publication,
                   &publication->request);
}

static void set_round(struct publication *publication, struct broker_batch *round, size_t first)
{
    broker_batch_unref(publication->round);
    publication->round = round ? round : broker_batch_ref(publication->batch);
    publication->first = first;
}

void publication_advance(struct publication *publication, struct broker_batch *round, size_t first)
{
    struct publisher *publisher = publication->publisher;

    set_round(publication, round, first);
    if (publisher->is_paused)
        list_append(&publisher->waiting, &publication->waiting);
    else
        write_round(publication);
}

/* One that is written may have it paused for another. */
void publisher_resume(struct publication *publication, struct broker_batch *round, size_t first)
{
    struct publisher *publisher = publication->publisher;
    struct list *node;

    publisher->is_paused = false;
    set_round(publication, round, first);
    write_round(publication);
    while (!publisher->is_paused && (node = list_take_first(&publisher->waiting)))
        write_round(container_of(node, struct publication, waiting));
}
