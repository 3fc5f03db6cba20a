/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "qos/sqlite_repository.h"
#include "sse/user.h"

/* Numbers that a restart may skip, so that the file does not have to be told about each one. */
#define RESERVE 1000u
/* JSON that is longer than this is not in its message's row, which a change writes anew. */
#define LONG_JSON 2000u
/* Free pages that stay in the file: so many, and one for so many in all. */
#define FREE_PAGES_KEPT      128
#define PAGES_FOR_A_FREE_ONE 32
/* For whom a transaction waits. */
#define GIVING_NS      UINT64_C(10000000)
#define PAGES_PER_LOOK 16

static uint64_t take_number(struct qos_sqlite *sqlite)
{
    const uint64_t number = ++sqlite->last_number;

    if (number > sqlite->reserved)
        sqlite->reserved = number + RESERVE;
    return number;
}

static struct qos_sqlite_call call_for_copy(struct qos_sqlite *sqlite,
                                            enum qos_sqlite_statement which, uint64_t number,
                                            const struct qos_recipient *recipient)
{
    struct qos_sqlite_call call = qos_sqlite_call_for(sqlite, which, number);

    qos_sqlite_bind_text(&call, recipient->value);
    qos_sqlite_bind_number(&call, recipient->dimension);
    qos_sqlite_bind_text(&call, recipient->listening);
    return call;
}

static int put_copy(struct qos_sqlite *sqlite, uint64_t number,
                    const struct qos_recipient *recipient, size_t *count)
{
    struct qos_sqlite_call call = call_for_copy(sqlite, QOS_SQLITE_PUT_COPY, number, recipient);
    const int result = qos_sqlite_run(&call);

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

/* recipient: NULL where it has another number of them than one. */
static int put_message(struct qos_sqlite *sqlite, const struct qos_message *message, size_t open,
                       const struct qos_recipient *recipient, bool has_json)
{
    struct qos_sqlite_call call =
        qos_sqlite_call_for(sqlite, QOS_SQLITE_PUT_MESSAGE, message->number);

    qos_sqlite_bind_text(&call, message->id);
    qos_sqlite_bind_number(&call, (int64_t)message->digest);
    qos_sqlite_bind_number(&call, message->created);
    qos_sqlite_bind_number(&call, message->expires);
    qos_sqlite_bind_text(&call, message->receipt);
    qos_sqlite_bind_number(&call, (int64_t)message->length);
    qos_sqlite_bind_number(&call, (int64_t)open);
    if (open > 0 || recipient)
        qos_sqlite_bind_null(&call);
    else
        qos_sqlite_bind_number(&call, message->created);
    if (recipient) {
        qos_sqlite_bind_recipient(&call, recipient);
    } else {
        for (unsigned i = 0; i < 3; i++)
            qos_sqlite_bind_null(&call);
    }
    if (!has_json)
        qos_sqlite_bind_null(&call);
    else if (qos_sqlite_row_cut(&sqlite->text, message, recipient))
        qos_sqlite_bind_blob(&call, buf_str(&sqlite->text), sqlite->text.length);
    else
        qos_sqlite_bind_bytes(&call, message->json, message->length);
    return qos_sqlite_run(&call);
}

static int put_body(struct qos_sqlite *sqlite, const struct qos_message *message)
{
    struct qos_sqlite_call call = qos_sqlite_call_for(sqlite, QOS_SQLITE_PUT_BODY, message->number);

    qos_sqlite_bind_bytes(&call, message->json, message->length);
    return qos_sqlite_run(&call);
}

/* Nobody, or several. */
static int put_for_many(struct qos_sqlite *sqlite, const struct qos_message *message,
                        const struct sse_target *target, size_t *count)
{
    int result = put_copies(sqlite, message->number, target, count);

    if (result == 0)
        result = put_message(sqlite, message, *count, NULL, false);
    return result == 0 && *count > 0 ? put_body(sqlite, message) : result;
}

static int put_for_one(struct qos_sqlite *sqlite, const struct qos_message *message,
                       const struct qos_recipient *recipient)
{
    const bool is_long = message->length > LONG_JSON;
    int result = put_message(sqlite, message, 0, recipient, !is_long);

    if (result == 0 && is_long)
        result = put_body(sqlite, message);
    if (result == 0)
        result = qos_sqlite_expiry_note(sqlite, message->number, message->expires);
    if (result != 0)
        return result;
    qos_sqlite_recent_add(&sqlite->recent, recipient, message->number);
    sqlite->repository.totals.copies++;
    qos_queue_counts_change(&sqlite->counts, recipient, 1);
    return 0;
}

int qos_sqlite_put(struct qos_repository *repository, struct qos_message *message,
                   const struct sse_target *target)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    size_t count = sse_target_size(target);
    int result;

    message->number = take_number(sqlite);
    if (target->dimension == SSE_BY_USER && count > 0 && sse_user_key_has_tenant(target->values[0]))
        repository->has_tenants = true; /* all its users have one then */
    if (count == 1) {
        const struct qos_recipient recipient = qos_recipient_at(target, 0);

        result = put_for_one(sqlite, message, &recipient);
    } else {
        result = put_for_many(sqlite, message, target, &count);
    }
    if (result != 0)
        return result;
    if (count == 0) {
        repository->totals.ended++;
        return 0;
    }
    repository->totals.messages++;
    repository->totals.bytes += message->length;
    return 0;
}

/* How many of its copies are stored, the one that has just ended among them. */
struct open_copies {
    bool is_known, has_aside;
    int64_t stored;
    uint64_t length;
};

static int look_at_message(struct qos_sqlite *sqlite, uint64_t number, struct open_copies *open)
{
    struct qos_sqlite_call call = qos_sqlite_call_for(sqlite, QOS_SQLITE_OPEN_COPIES, number);

    open->is_known = qos_sqlite_step(&call);
    if (open->is_known) {
        open->stored = sqlite3_column_int64(call.statement, 0);
        open->length = (uint64_t)sqlite3_column_int64(call.statement, 1);
        open->has_aside = sqlite3_column_int(call.statement, 2) != 0;
    }
    return qos_sqlite_finish(&call);
}

static int end_message(struct qos_sqlite *sqlite, uint64_t number, int64_t at)
{
    struct qos_sqlite_call call = qos_sqlite_call_for(sqlite, QOS_SQLITE_END_MESSAGE, number);
    int result;

    qos_sqlite_bind_number(&call, at);
    result = qos_sqlite_run(&call);
    return result == 0 ? qos_sqlite_run_for(sqlite, QOS_SQLITE_DROP_BODY, number) : result;
}

int qos_sqlite_close(struct qos_sqlite *sqlite, uint64_t number, unsigned closed, int64_t at)
{
    struct open_copies open = {.is_known = false};
    int result = look_at_message(sqlite, number, &open);

    if (result == 0 && !open.is_known)
        return 0; /* the file has lost it */
    if (result == 0 && (open.stored > closed || open.has_aside))
        return closed > 0 ? qos_sqlite_run_for(sqlite, QOS_SQLITE_CLOSE_ONE, number) : 0;
    if (result == 0)
        result = end_message(sqlite, number, at);
    if (result != 0)
        return result;
    sqlite->repository.totals.ended++;
    sqlite->repository.totals.messages--;
    sqlite->repository.totals.bytes -= open.length;
    return 0;
}

static int run_for_copy(struct qos_sqlite_call *call)
{
    const int result = qos_sqlite_run(call);

    return result == 0 && sqlite3_changes(call->sqlite->database) == 0 ? -ENOENT : result;
}

int qos_sqlite_note_end(struct qos_sqlite *sqlite, uint64_t number, uint64_t length)
{
    sqlite->repository.totals.ended++;
    sqlite->repository.totals.messages--;
    sqlite->repository.totals.bytes -= length;
    return length > LONG_JSON ? qos_sqlite_run_for(sqlite, QOS_SQLITE_DROP_BODY, number) : 0;
}

struct copy_end {
    enum qos_state state;
    int64_t at;
    uint32_t written;
};

/* row: what is kept of the message. */
static int add_ended(struct qos_sqlite *sqlite, uint64_t number,
                     const struct qos_recipient *recipient, const struct copy_end *end,
                     sqlite3_stmt *row)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_ADD_ENDED);
    const char *id = (const char *)sqlite3_column_text(row, 0);
    const char *receipt = (const char *)sqlite3_column_text(row, 4);

    if (!id || !receipt)
        call.code = SQLITE_NOMEM;
    qos_sqlite_bind_number(&call, (int64_t)number);
    qos_sqlite_bind_text(&call, id ? id : "");
    for (int i = 1; i < 4; i++)
        qos_sqlite_bind_number(&call, sqlite3_column_int64(row, i));
    qos_sqlite_bind_text(&call, receipt ? receipt : "");
    qos_sqlite_bind_number(&call, sqlite3_column_int64(row, 5));
    qos_sqlite_bind_number(&call, end->at);
    qos_sqlite_bind_recipient(&call, recipient);
    qos_sqlite_bind_number(&call, (int64_t)end->state);
    qos_sqlite_bind_number(&call, end->written);
    return qos_sqlite_run(&call);
}

/* -ENOENT when there is no such message with one recipient. */
static int end_message_of_one(struct qos_sqlite *sqlite, uint64_t number,
                              const struct qos_recipient *recipient, const struct copy_end *end)
{
    struct qos_sqlite_call call =
        call_for_copy(sqlite, QOS_SQLITE_END_MESSAGE_OF_ONE, number, recipient);
    const bool is_there = qos_sqlite_step(&call);
    const uint64_t length = is_there ? (uint64_t)sqlite3_column_int64(call.statement, 6) : 0;
    const int added = is_there ? add_ended(sqlite, number, recipient, end, call.statement) : 0;
    int result = qos_sqlite_run(&call);

    if (result == 0 && !is_there)
        return -ENOENT;
    if (result == 0)
        result = added;
    if (result == 0)
        result = qos_sqlite_queue_remove(sqlite, number, recipient);
    return result == 0 ? qos_sqlite_note_end(sqlite, number, length) : result;
}

static int end_copy(struct qos_sqlite *sqlite, uint64_t number,
                    const struct qos_recipient *recipient, const struct copy_end *end)
{
    struct qos_sqlite_call call = call_for_copy(sqlite, QOS_SQLITE_END_COPY, number, recipient);
    int result;

    qos_sqlite_bind_number(&call, (int64_t)end->state);
    qos_sqlite_bind_number(&call, end->at);
    qos_sqlite_bind_number(&call, end->written);
    result = run_for_copy(&call);
    return result == 0 ? qos_sqlite_close(sqlite, number, 1, end->at) : result;
}

int qos_sqlite_end(struct qos_repository *repository, uint64_t number,
                   const struct qos_recipient *recipient, enum qos_state state, int64_t at,
                   uint32_t written)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    const struct copy_end end = {state, at, written};
    int result = end_message_of_one(sqlite, number, recipient, &end);

    if (result == -ENOENT)
        result = end_copy(sqlite, number, recipient, &end);
    if (result != 0)
        return result;
    repository->totals.copies--;
    qos_queue_counts_change(&sqlite->counts, recipient, -1);
    return 0;
}

int qos_sqlite_note(struct qos_repository *repository, uint64_t number,
                    const struct qos_recipient *recipient, uint32_t written)
{
    static const enum qos_sqlite_statement which[] = {QOS_SQLITE_NOTE_MESSAGE, QOS_SQLITE_NOTE};
    int result = -ENOENT;

    for (size_t i = 0; i < 2 && result == -ENOENT; i++) {
        struct qos_sqlite_call call =
            call_for_copy(qos_sqlite_of(repository), which[i], number, recipient);

        qos_sqlite_bind_number(&call, written);
        result = run_for_copy(&call);
    }
    return result;
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
    int result = qos_sqlite_run_for(sqlite, QOS_SQLITE_FORGET_COPIES, number);

    if (result == 0)
        result = qos_sqlite_run_for(sqlite, QOS_SQLITE_FORGET_MESSAGE, number);
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

/* Some are worth keeping: what comes next would only ask for them again. */
static int count_surplus(struct qos_sqlite *sqlite, int64_t *surplus)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_FREE_PAGES);
    uint64_t pages = 0, free_pages = 0;
    int result = qos_sqlite_take_number(&call, &free_pages);

    if (result == 0 && free_pages > FREE_PAGES_KEPT) {
        call = qos_sqlite_call(sqlite, QOS_SQLITE_PAGES);
        result = qos_sqlite_take_number(&call, &pages);
    }
    *surplus = (int64_t)free_pages - FREE_PAGES_KEPT - (int64_t)(pages / PAGES_FOR_A_FREE_ONE);
    return result;
}

/* Each step gives one page back. */
static int give_back(struct qos_sqlite *sqlite, int64_t most)
{
    const uint64_t until = clock_monotonic_ns() + GIVING_NS;
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_VACUUM);

    for (int64_t given = 0; given < most && qos_sqlite_step(&call); given++)
        if (given % PAGES_PER_LOOK == 0 && clock_monotonic_ns() >= until)
            break;
    return qos_sqlite_finish(&call);
}

/* In a file that others have made (by .recover) pages are not given back at all. */
int qos_sqlite_shrink(struct qos_repository *repository, bool *is_more)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    int64_t before, after = 0;
    int result = count_surplus(sqlite, &before);

    *is_more = false;
    if (result != 0 || before <= 0)
        return result;
    result = give_back(sqlite, before);
    if (result == 0)
        result = count_surplus(sqlite, &after);
    *is_more = after > 0 && after < before;
    sqlite->has_shrunk = after < before && !*is_more;
    return result;
}

int qos_sqlite_revoke(struct qos_repository *repository, const struct qos_revocation *revocation)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_REVOKE);

    qos_sqlite_bind_text(&call, revocation->name);
    qos_sqlite_bind_number(&call, revocation->issued_until);
    qos_sqlite_bind_number(&call, revocation->until);
    return qos_sqlite_run(&call);
}

int qos_sqlite_forget_revocations(struct qos_repository *repository, int64_t now, size_t most)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    const int result = qos_sqlite_run_for(sqlite, QOS_SQLITE_END_REVOCATIONS, (uint64_t)now);

    return result == 0 ? qos_sqlite_run_for(sqlite, QOS_SQLITE_EVICT_REVOCATIONS, most) : result;
}

int qos_sqlite_revocations(struct qos_repository *repository, int64_t now,
                           qos_visit_revocation visit, void *context)
{
    struct qos_sqlite_call call =
        qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_REVOCATIONS);

    qos_sqlite_bind_number(&call, now);
    while (qos_sqlite_step(&call)) {
        const struct qos_revocation revocation = {
            .name = (const char *)sqlite3_column_text(call.statement, 0),
            .issued_until = sqlite3_column_int64(call.statement, 1),
            .until = sqlite3_column_int64(call.statement, 2),
        };

        if (revocation.name)
            visit(context, &revocation);
        else
            call.code = SQLITE_NOMEM;
    }
    return qos_sqlite_finish(&call);
}
