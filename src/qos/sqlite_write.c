/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/recipient.h"
#include "qos/sqlite_repository.h"

/* Numbers that a restart may skip, so that the file does not have to be told about each one. */
#define RESERVE 1000u
/* 1 MiB of free pages stays in the file: what is put next takes them. */
#define FREE_PAGES_KEPT 256

static int take_number(struct qos_sqlite *sqlite, uint64_t *number)
{
    struct qos_sqlite_call call;
    int result = 0;

    *number = ++sqlite->last_number;
    if (sqlite->last_number > sqlite->reserved) {
        sqlite->reserved = sqlite->last_number + RESERVE;
        call = qos_sqlite_call(sqlite, QOS_SQLITE_RESERVE);
        qos_sqlite_bind_number(&call, (int64_t)sqlite->reserved);
        result = qos_sqlite_run(&call);
    }
    return result;
}

static int put_copy(struct qos_sqlite *sqlite, uint64_t number,
                    const struct qos_recipient *recipient, size_t *count)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_PUT_COPY);
    int result;

    qos_sqlite_bind_number(&call, (int64_t)number);
    qos_sqlite_bind_text(&call, recipient->value);
    qos_sqlite_bind_number(&call, recipient->dimension);
    qos_sqlite_bind_text(&call, recipient->listening);
    result = qos_sqlite_run(&call);
    if (result != 0 || sqlite3_changes(sqlite->database) == 0)
        return result;
    (*count)++;
    sqlite->repository.totals.copies++;
    qos_queue_counts_change(&sqlite->counts, recipient, 1);
    return 0;
}

static int put_copies(struct qos_sqlite *sqlite, uint64_t number, const struct sse_target *target,
                      size_t *count)
{
    const size_t most = sse_target_size(target);
    int result = 0;

    *count = 0;
    for (size_t i = 0; i < most && result == 0; i++) {
        const struct qos_recipient recipient = qos_recipient_at(target, i);

        result = put_copy(sqlite, number, &recipient, count);
    }
    return result;
}

static int put_message(struct qos_sqlite *sqlite, const struct qos_message *message, size_t count)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_PUT_MESSAGE);

    qos_sqlite_bind_number(&call, (int64_t)message->number);
    qos_sqlite_bind_text(&call, message->id);
    qos_sqlite_bind_number(&call, (int64_t)message->digest);
    qos_sqlite_bind_number(&call, message->created);
    qos_sqlite_bind_number(&call, message->expires);
    qos_sqlite_bind_text(&call, message->receipt);
    qos_sqlite_bind_number(&call, (int64_t)message->length);
    qos_sqlite_bind_number(&call, (int64_t)count);
    if (count > 0)
        qos_sqlite_bind_null(&call);
    else
        qos_sqlite_bind_number(&call, message->created);
    return qos_sqlite_run(&call);
}

static int put_body(struct qos_sqlite *sqlite, const struct qos_message *message)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_PUT_BODY);

    qos_sqlite_bind_number(&call, (int64_t)message->number);
    qos_sqlite_bind_bytes(&call, message->json, message->length);
    return qos_sqlite_run(&call);
}

int qos_sqlite_put(struct qos_repository *repository, struct qos_message *message,
                   const struct sse_target *target)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    size_t count;
    int result = take_number(sqlite, &message->number);

    if (result == 0)
        result = put_copies(sqlite, message->number, target, &count);
    if (result == 0)
        result = put_message(sqlite, message, count);
    if (result != 0)
        return result;
    if (count == 0) {
        sqlite->repository.totals.ended++;
        return 0;
    }
    repository->totals.messages++;
    repository->totals.bytes += message->length;
    return put_body(sqlite, message);
}

/* How many of its copies are stored, the one that has just ended among them. */
struct open_copies {
    bool is_known, has_aside;
    int64_t stored;
    uint64_t length;
};

static int look_at_message(struct qos_sqlite *sqlite, uint64_t number, struct open_copies *open)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_OPEN_COPIES);

    qos_sqlite_bind_number(&call, (int64_t)number);
    open->is_known = qos_sqlite_step(&call);
    if (open->is_known) {
        open->stored = sqlite3_column_int64(call.statement, 0);
        open->length = (uint64_t)sqlite3_column_int64(call.statement, 1);
        open->has_aside = sqlite3_column_int(call.statement, 2) != 0;
    }
    return qos_sqlite_finish(&call);
}

static int run_for(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, uint64_t number)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    qos_sqlite_bind_number(&call, (int64_t)number);
    return qos_sqlite_run(&call);
}

static int end_message(struct qos_sqlite *sqlite, uint64_t number, int64_t at)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_END_MESSAGE);
    int result;

    qos_sqlite_bind_number(&call, (int64_t)number);
    qos_sqlite_bind_number(&call, at);
    result = qos_sqlite_run(&call);
    return result == 0 ? run_for(sqlite, QOS_SQLITE_DROP_BODY, number) : result;
}

int qos_sqlite_close(struct qos_sqlite *sqlite, uint64_t number, unsigned closed, int64_t at)
{
    struct open_copies open = {.is_known = false};
    int result = look_at_message(sqlite, number, &open);

    if (result == 0 && !open.is_known)
        return 0; /* the file has lost it */
    if (result == 0 && (open.stored > closed || open.has_aside))
        return closed > 0 ? run_for(sqlite, QOS_SQLITE_CLOSE_ONE, number) : 0;
    if (result == 0)
        result = end_message(sqlite, number, at);
    if (result != 0)
        return result;
    sqlite->repository.totals.ended++;
    sqlite->repository.totals.messages--;
    sqlite->repository.totals.bytes -= open.length;
    return 0;
}

static struct qos_sqlite_call call_for_copy(struct qos_sqlite *sqlite,
                                            enum qos_sqlite_statement which, uint64_t number,
                                            const struct qos_recipient *recipient)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    qos_sqlite_bind_number(&call, (int64_t)number);
    qos_sqlite_bind_text(&call, recipient->value);
    qos_sqlite_bind_number(&call, recipient->dimension);
    qos_sqlite_bind_text(&call, recipient->listening);
    return call;
}

static int run_for_copy(struct qos_sqlite_call *call)
{
    const int result = qos_sqlite_run(call);

    return result == 0 && sqlite3_changes(call->sqlite->database) == 0 ? -ENOENT : result;
}

int qos_sqlite_end(struct qos_repository *repository, uint64_t number,
                   const struct qos_recipient *recipient, enum qos_state state, int64_t at,
                   uint32_t written)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call = call_for_copy(sqlite, QOS_SQLITE_END_COPY, number, recipient);
    int result;

    qos_sqlite_bind_number(&call, (int64_t)state);
    qos_sqlite_bind_number(&call, at);
    qos_sqlite_bind_number(&call, written);
    result = run_for_copy(&call);
    if (result != 0)
        return result;
    repository->totals.copies--;
    qos_queue_counts_change(&sqlite->counts, recipient, -1);
    return qos_sqlite_close(sqlite, number, 1, at);
}

int qos_sqlite_note(struct qos_repository *repository, uint64_t number,
                    const struct qos_recipient *recipient, uint32_t written)
{
    struct qos_sqlite_call call =
        call_for_copy(qos_sqlite_of(repository), QOS_SQLITE_NOTE, number, recipient);

    qos_sqlite_bind_number(&call, written);
    return run_for_copy(&call);
}

struct numbers {
    uint64_t *items;
    size_t count;
};

/* Those that are to be forgotten, the oldest first, until there are limit of them, or one that has
 * to be remembered still. */
static int find_to_forget(struct qos_sqlite *sqlite, int64_t before, size_t most, size_t limit,
                          struct numbers *found)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_FIRST_ENDED);
    const uint64_t ended = sqlite->repository.totals.ended;

    qos_sqlite_bind_number(&call, (int64_t)limit);
    while (qos_sqlite_step(&call) &&
           (ended - found->count > most || sqlite3_column_int64(call.statement, 1) < before))
        found->items[found->count++] = (uint64_t)sqlite3_column_int64(call.statement, 0);
    return qos_sqlite_finish(&call);
}

static int forget_message(struct qos_sqlite *sqlite, uint64_t number)
{
    int result = run_for(sqlite, QOS_SQLITE_FORGET_COPIES, number);

    if (result == 0)
        result = run_for(sqlite, QOS_SQLITE_FORGET_MESSAGE, number);
    if (result == 0)
        sqlite->repository.totals.ended--;
    return result;
}

int qos_sqlite_forget(struct qos_repository *repository, int64_t before, size_t most, size_t limit,
                      size_t *forgotten)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct numbers found = {0};
    int result;

    *forgotten = 0;
    if (limit > repository->totals.ended)
        limit = repository->totals.ended;
    found.items = mem_alloc((limit + 1) * sizeof(found.items[0]));
    result = find_to_forget(sqlite, before, most, limit, &found);
    for (size_t i = 0; result == 0 && i < found.count; i++) {
        result = forget_message(sqlite, found.items[i]);
        *forgotten += result == 0;
    }
    free(found.items);
    return result;
}

static int read_number(struct qos_sqlite *sqlite, enum qos_sqlite_statement which, int64_t *number)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, which);

    if (qos_sqlite_step(&call))
        *number = sqlite3_column_int64(call.statement, 0);
    return qos_sqlite_finish(&call);
}

/* Free pages that are worth keeping are those that traffic would only ask for again: a third as
 * many as there are others. */
static int count_surplus(struct qos_sqlite *sqlite, int64_t *surplus)
{
    int64_t pages = 0, free_pages = 0;
    int result = read_number(sqlite, QOS_SQLITE_FREE_PAGES, &free_pages);

    if (result == 0 && free_pages > FREE_PAGES_KEPT)
        result = read_number(sqlite, QOS_SQLITE_PAGES, &pages);
    *surplus = free_pages - FREE_PAGES_KEPT - pages / 4;
    return result;
}

/* In a file that others have made (by .recover) pages are not given back at all. */
int qos_sqlite_shrink(struct qos_repository *repository, bool *is_more)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call;
    int64_t before, after = 0;
    int result = count_surplus(sqlite, &before);

    *is_more = false;
    if (result != 0 || before <= 0)
        return result;
    call = qos_sqlite_call(sqlite, QOS_SQLITE_VACUUM);
    result = qos_sqlite_run(&call);
    if (result == 0)
        result = count_surplus(sqlite, &after);
    *is_more = after > 0 && after < before;
    sqlite->has_shrunk = after < before && !*is_more;
    return result;
}
