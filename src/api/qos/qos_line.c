/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_line.h"

#include <stdint.h>
#include <stdlib.h>

#include "api/backend/delivery.h"
#include "api/exchange.h"
#include "api/qos/qos_hub.h"
#include "base/mem.h"

struct sender {
    struct list node;
    uint64_t session;
    size_t deliveries;
};

/* 0: the server itself. */
static uint64_t session_of(const struct delivery *delivery)
{
    return delivery->exchange ? delivery->exchange->session_number : 0;
}

/* The store's jobs come back in their order: one that does nothing comes back behind the others. */
struct following {
    struct qos_job job;
    struct delivery *delivery;
    struct api_service *service; /* the hub's */
};

void qos_line_init(struct qos_line *line)
{
    list_init(&line->senders);
}

bool qos_line_has_room(const struct qos_line *line, size_t bytes, size_t most)
{
    return line->bytes == 0 || line->bytes + bytes <= most;
}

static struct sender *find_sender(const struct qos_line *line, const struct delivery *delivery)
{
    list_for_each(node, &line->senders) {
        struct sender *sender = container_of(node, struct sender, node);

        if (sender->session == session_of(delivery))
            return sender;
    }
    return NULL;
}

static struct sender *add_sender(struct qos_line *line, const struct delivery *delivery)
{
    struct sender *sender = mem_zalloc(sizeof(*sender));

    sender->session = session_of(delivery);
    list_append(&line->senders, &sender->node);
    return sender;
}

void qos_line_enter(struct qos_line *line, const struct delivery *delivery, size_t bytes)
{
    struct sender *sender = find_sender(line, delivery);

    if (!sender)
        sender = add_sender(line, delivery);
    sender->deliveries++;
    line->bytes += bytes;
}

void qos_line_leave(struct qos_line *line, const struct delivery *delivery, size_t bytes)
{
    struct sender *sender = find_sender(line, delivery);

    line->bytes -= bytes;
    if (--sender->deliveries > 0)
        return;
    list_remove(&sender->node);
    free(sender);
}

/* Whether or not the store works. */
static void on_turn(struct qos_job *job)
{
    struct following *following = container_of(job, struct following, job);

    qos_line_leave(&following->service->qos->line, following->delivery, 0);
    delivery_broadcast(following->delivery, following->service);
    free(following);
}

static int run_nothing(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    (void)repository;
    return 0;
}

static void begin(struct delivery *delivery, struct api_service *service)
{
    struct qos_hub *hub = service->qos;
    struct following *following;

    if (!find_sender(&hub->line, delivery)) {
        delivery_broadcast(delivery, service);
        return;
    }
    qos_line_enter(&hub->line, delivery, 0);
    following = mem_zalloc(sizeof(*following));
    following->delivery = delivery;
    following->service = service;
    following->job.run = run_nothing;
    following->job.done = on_turn;
    following->job.is_asked = true;
    qos_store_submit(hub->store, &following->job);
}

void qos_line_follow(struct delivery *delivery)
{
    delivery->begin = begin;
}
