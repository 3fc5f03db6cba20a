/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/ended.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/slices.h"
#include "base/table.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/target.h"

struct sse_ended {
    const struct sse_service *service;
    struct table by_handle;
    struct list entries; /* the oldest first */
    struct age_timer age;
    uint64_t displaced;
};

struct entry {
    struct list node;
    struct sse_connection *connection;
};

static struct entry *oldest(const struct sse_ended *ended)
{
    return container_of(ended->entries.next, struct entry, node);
}

static void forget_oldest(struct sse_ended *ended)
{
    struct entry *entry = oldest(ended);
    struct sse_connection *connection = entry->connection;

    list_remove(&entry->node);
    free(entry);
    table_remove(&ended->by_handle, &connection->node);
    sse_connection_forgotten(connection);
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct sse_ended *ended = container_of(age, struct sse_ended, age);
    uint64_t due;

    if (list_is_empty(&ended->entries))
        return AGE_TIMER_NEVER;
    due = oldest(ended)->connection->ended_at + ended->service->settings->last_words_ms;
    if (due > now_ms)
        return due;
    forget_oldest(ended);
    return 0;
}

struct sse_ended *sse_ended_new(struct sse_service *service)
{
    struct sse_ended *ended = mem_zalloc(sizeof(*ended));

    ended->service = service;
    table_init(&ended->by_handle, TABLE_BY_TEXT(struct sse_connection, node, handle));
    list_init(&ended->entries);
    age_timer_init(&ended->age, service->loop, end_first);
    return ended;
}

void sse_ended_free(struct sse_ended *ended)
{
    if (!ended)
        return;
    while (!list_is_empty(&ended->entries))
        forget_oldest(ended);
    age_timer_release(&ended->age);
    table_release(&ended->by_handle);
    free(ended);
}

void sse_ended_add(struct sse_ended *ended, struct sse_connection *connection)
{
    const struct sse_service_settings *settings = ended->service->settings;
    struct entry *entry;

    if (settings->last_words_ms == 0)
        return;
    while (ended->by_handle.count >= settings->last_words_connections) {
        forget_oldest(ended);
        ended->displaced++;
    }
    entry = mem_alloc(sizeof(*entry));
    entry->connection = connection;
    list_append(&ended->entries, &entry->node);
    table_add(&ended->by_handle, &connection->node);
    connection->is_remembered = true;
    age_timer_add(&ended->age, connection->ended_at + settings->last_words_ms);
}

struct sse_connection *sse_ended_find_own(const struct sse_ended *ended, const char *id)
{
    return sse_connection_id_find(&ended->by_handle, id);
}

/* Those whose stream has left are the most: they are passed over by a look. */
size_t sse_ended_send_away(const struct sse_ended *ended, const struct sse_target *target,
                           const char *text)
{
    size_t count = 0;

    list_for_each(node, &ended->entries) {
        struct sse_connection *connection = container_of(node, struct entry, node)->connection;
        const struct sse_subject subject = {.user = connection->user,
                                            .connection_id = connection->handle};

        if (connection->queue.count > 0 && sse_subject_is_selected(&subject, target) &&
            sse_connection_send_away(connection, text))
            count++;
    }
    return count;
}

uint64_t sse_ended_count(const struct sse_ended *ended)
{
    return ended->by_handle.count;
}

uint64_t sse_ended_displaced(const struct sse_ended *ended)
{
    return ended->displaced;
}
