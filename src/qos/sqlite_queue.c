/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "qos/sqlite_repository.h"

#define MOVED_AT_ONCE 2048u /* what came since is passed over each time */
/* Messages that are looked at when the file is opened. */
#define RECENT_NUMBERS 65536u

static void add_row(struct qos_sqlite_recent *recent, sqlite3_stmt *row, int *code)
{
    const struct qos_recipient recipient = {
        .dimension = (enum sse_dimension)sqlite3_column_int(row, 0),
        .value = (const char *)sqlite3_column_text(row, 1),
        .listening = (const char *)sqlite3_column_text(row, 2),
    };

    if (recipient.value && recipient.listening)
        qos_sqlite_recent_add(recent, &recipient, (uint64_t)sqlite3_column_int64(row, 3));
    else
        *code = SQLITE_NOMEM;
}

int qos_sqlite_queue_fill(struct qos_sqlite *sqlite)
{
    struct qos_sqlite_call call =
        qos_sqlite_call_for(sqlite, QOS_SQLITE_RECENT, sqlite->queue.queued);

    qos_sqlite_recent_clear(&sqlite->recent);
    while (qos_sqlite_step(&call))
        add_row(&sqlite->recent, call.statement, &call.code);
    return qos_sqlite_finish(&call);
}

static int run_for_copy(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, uint64_t number,
                        const struct qos_recipient *recipient)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    qos_sqlite_bind_recipient(&call, recipient);
    qos_sqlite_bind_number(&call, (int64_t)number);
    return qos_sqlite_run(&call);
}

int qos_sqlite_queue_add_old(struct qos_sqlite *sqlite, uint64_t number,
                             const struct qos_recipient *recipient)
{
    return run_for_copy(sqlite, QOS_SQLITE_ENQUEUE, number, recipient);
}

int qos_sqlite_queue_remove(struct qos_sqlite *sqlite, uint64_t number,
                            const struct qos_recipient *recipient)
{
    return qos_sqlite_recent_remove(&sqlite->recent, recipient, number)
               ? 0
               : run_for_copy(sqlite, QOS_SQLITE_DEQUEUE, number, recipient);
}

int qos_sqlite_queue_remove_value(struct qos_sqlite *sqlite, uint64_t number, const char *value,
                                  int *removed)
{
    struct qos_sqlite_call call = qos_sqlite_call_for(sqlite, QOS_SQLITE_DEQUEUE_VALUE, number);
    int result;

    *removed = qos_sqlite_recent_remove_value(&sqlite->recent, value, number);
    qos_sqlite_bind_text(&call, value);
    result = qos_sqlite_run(&call);
    if (result == 0)
        *removed += sqlite3_changes(sqlite->database);
    return result;
}

int qos_sqlite_queue_advance(struct qos_sqlite *sqlite)
{
    struct qos_sqlite_queue *queue = &sqlite->queue;
    struct qos_sqlite_call call;
    int result;

    if (queue->moving == 0 && (sqlite->recent.count >= queue->most ||
                               sqlite->last_number - queue->queued >= RECENT_NUMBERS))
        queue->moving = sqlite->last_number;
    if (queue->moving == 0)
        return 0;
    qos_sqlite_recent_choose(&sqlite->recent, queue->moving, MOVED_AT_ONCE);
    call = qos_sqlite_call(sqlite, QOS_SQLITE_QUEUE_CHOSEN);
    result = qos_sqlite_run(&call);
    if (result != 0)
        return result;
    if (qos_sqlite_recent_drop_chosen(&sqlite->recent) < MOVED_AT_ONCE) {
        queue->queued = queue->moving;
        queue->moving = 0;
    }
    return 0;
}

struct queue_count {
    struct lru_item item;
    uint64_t count;
    char key[]; /* the texts one behind the other, and before them where the first one ends */
};

void qos_queue_counts_init(struct qos_queue_counts *counts, size_t most)
{
    *counts = (struct qos_queue_counts){.key = BUF_INIT};
    lru_init(&counts->lru, NULL, LRU_BY_TEXT(struct queue_count, item, key), most);
}

static const char *key_of(struct qos_queue_counts *counts, const struct qos_recipient *recipient)
{
    buf_clear(&counts->key);
    buf_append_char(&counts->key, (char)('0' + recipient->dimension));
    for (size_t rest = strlen(recipient->value); rest > 0;
         rest /= 64) /* where the first one ends */
        buf_append_char(&counts->key, (char)('0' + rest % 64));
    buf_append_char(&counts->key, ' ');
    buf_append_str(&counts->key, recipient->value);
    buf_append_str(&counts->key, recipient->listening);
    return buf_str(&counts->key);
}

static struct queue_count *find_count(struct qos_queue_counts *counts,
                                      const struct qos_recipient *recipient)
{
    return lru_find(&counts->lru, key_of(counts, recipient), 0);
}

bool qos_queue_counts_find(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                           uint64_t *count)
{
    struct queue_count *entry = find_count(counts, recipient);

    if (!entry)
        return false;
    lru_use(&counts->lru, &entry->item, LRU_NEVER);
    *count = entry->count;
    return true;
}

void qos_queue_counts_add(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                          uint64_t count)
{
    struct queue_count *entry = lru_add(&counts->lru, key_of(counts, recipient), 0, LRU_NEVER);

    entry->count = count;
}

void qos_queue_counts_change(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                             int by)
{
    struct queue_count *entry = find_count(counts, recipient);

    if (entry)
        entry->count += (uint64_t)by;
}

void qos_queue_counts_forget(struct qos_queue_counts *counts)
{
    lru_clear(&counts->lru);
}

void qos_queue_counts_release(struct qos_queue_counts *counts)
{
    lru_release(&counts->lru);
    buf_release(&counts->key);
}

#define NUMBERS_OF_BLOCK 256u /* as the statements have it */

int qos_sqlite_expiry_note(struct qos_sqlite *sqlite, uint64_t number, int64_t expires)
{
    struct qos_sqlite_expiry *expiry = &sqlite->expiry;
    const uint64_t block = number / NUMBERS_OF_BLOCK;
    struct qos_sqlite_call call;

    if (expiry->earliest != 0 && block == expiry->block && expires >= expiry->earliest)
        return 0;
    *expiry = (struct qos_sqlite_expiry){block, expires};
    call = qos_sqlite_call_for(sqlite, QOS_SQLITE_EXPIRY, block);
    qos_sqlite_bind_number(&call, expires);
    return qos_sqlite_run(&call);
}

struct due {
    int64_t now;
    int64_t earliest, block;
};

/* The next block behind that one. 0, -ENOENT, or the repository's fault. */
static int find_due(struct qos_sqlite *sqlite, struct due *due, bool *is_there)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_DUE_BLOCK);

    qos_sqlite_bind_number(&call, due->now);
    qos_sqlite_bind_number(&call, due->earliest);
    qos_sqlite_bind_number(&call, due->block);
    *is_there = qos_sqlite_step(&call);
    if (*is_there) {
        due->earliest = sqlite3_column_int64(call.statement, 0);
        due->block = sqlite3_column_int64(call.statement, 1);
    }
    return qos_sqlite_finish(&call);
}

/* Its first ones have ended: it is due later, or never. */
static int put_off(struct qos_sqlite *sqlite, uint64_t block)
{
    const int result = qos_sqlite_run_for(sqlite, QOS_SQLITE_DROP_BLOCK, block);

    sqlite->expiry.earliest = 0;
    return result == 0 ? qos_sqlite_run_for(sqlite, QOS_SQLITE_ADD_BLOCK, block) : result;
}

static int show_block(struct qos_sqlite *sqlite, const struct due *due,
                      struct qos_sqlite_view *view)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_EXPIRED_OF_ONE);
    const size_t before = view->shown;
    int result;

    qos_sqlite_bind_number(&call, due->block);
    qos_sqlite_bind_number(&call, due->now);
    qos_sqlite_bind_limit(&call, view->limit - before);
    result = qos_sqlite_show(&call, view);
    return result == 0 && view->shown == before ? put_off(sqlite, (uint64_t)due->block) : result;
}

int qos_sqlite_expired(struct qos_repository *repository, int64_t now, size_t limit,
                       qos_visit visit, void *context)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_view view = {.visit = visit, .context = context, .limit = limit};
    struct due due = {.now = now, .earliest = INT64_MIN, .block = -1};
    struct qos_sqlite_call others;
    bool is_due = true;
    int result = 0;

    while (result == 0 && is_due && !view.is_enough && view.shown < limit) {
        result = find_due(sqlite, &due, &is_due);
        if (result == 0 && is_due)
            result = show_block(sqlite, &due, &view);
    }
    if (result != 0 || view.is_enough)
        return result;
    others = qos_sqlite_call(sqlite, QOS_SQLITE_EXPIRED);
    qos_sqlite_bind_number(&others, now);
    qos_sqlite_bind_limit(&others, limit - view.shown);
    return qos_sqlite_show(&others, &view);
}
