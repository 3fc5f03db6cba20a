/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_line.h"

#include <stdint.h>
#include <stdlib.h>

#include "api/qos/qos_hub.h"
#include "base/mem.h"
#include "broker/publish.h"

struct sender {
    struct list node;
    uint64_t session;
    size_t publications;
};

/* The store's jobs come back in their order: one that does nothing comes back behind the others. */
struct following {
    struct qos_job job;
    struct publication *publication;
    struct qos_hub *hub;
};

void qos_line_init(struct qos_line *line)
{
    list_init(&line->senders);
}

bool qos_line_has_room(const struct qos_line *line, size_t bytes, size_t most)
{
    return line->bytes == 0 || line->bytes + bytes <= most;
}

static struct sender *find_sender(const struct qos_line *line,
                                  const struct publication *publication)
{
    list_for_each(node, &line->senders) {
        struct sender *sender = container_of(node, struct sender, node);

        if (sender->session == publication->session)
            return sender;
    }
    return NULL;
}

static struct sender *add_sender(struct qos_line *line, const struct publication *publication)
{
    struct sender *sender = mem_zalloc(sizeof(*sender));

    sender->session = publication->session;
    list_append(&line->senders, &sender->node);
    return sender;
}

void qos_line_enter(struct qos_line *line, const struct publication *publication, size_t bytes)
{
    struct sender *sender = find_sender(line, publication);

    if (!sender)
        sender = add_sender(line, publication);
    sender->publications++;
    line->bytes += bytes;
}

void qos_line_leave(struct qos_line *line, const struct publication *publication, size_t bytes)
{
    struct sender *sender = find_sender(line, publication);

    line->bytes -= bytes;
    if (--sender->publications > 0)
        return;
    list_remove(&sender->node);
    free(sender);
}

/* Whether or not the store works. */
static void on_turn(struct qos_job *job)
{
    struct following *following = container_of(job, struct following, job);

    qos_line_leave(&following->hub->line, following->publication, 0);
    publication_advance(following->publication, NULL, 0);
    free(following);
}

static int run_nothing(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    (void)repository;
    return 0;
}

void qos_line_follow(struct qos_hub *hub, struct publication *publication)
{
    struct following *following;

    if (!find_sender(&hub->line, publication)) {
        publication_advance(publication, NULL, 0);
        return;
    }
    qos_line_enter(&hub->line, publication, 0);
    following = mem_zalloc(sizeof(*following));
    following->publication = publication;
    following->hub = hub;
    following->job.run = run_nothing;
    following->job.done = on_turn;
    following->job.is_asked = true;
    qos_store_submit(hub->store, &following->job);
}
