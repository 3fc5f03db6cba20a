/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/copies.h"
#include "qos/sqlite_repository.h"
#include "sse/user_key.h"

/* NULL when there is none, and when there is no memory for it: then the call has failed. */
static const char *text_of(struct qos_sqlite_call *call, enum qos_sqlite_column column)
{
    const bool is_null = sqlite3_column_type(call->statement, (int)column) == SQLITE_NULL;
    const unsigned char *text = sqlite3_column_text(call->statement, (int)column);

    if (!text && !is_null)
        qos_sqlite_reject(call, SQLITE_NOMEM);
    return (const char *)text;
}

static void read_message(struct qos_sqlite_call *call, struct qos_message *message)
{
    sqlite3_stmt *row = call->statement;

    *message = (struct qos_message){
        .number = (uint64_t)sqlite3_column_int64(row, QOS_SQLITE_NUMBER),
        .id = text_of(call, QOS_SQLITE_ID),
        .json = text_of(call, QOS_SQLITE_JSON),
        .length = (size_t)sqlite3_column_int64(row, QOS_SQLITE_LENGTH),
        .digest = (uint64_t)sqlite3_column_int64(row, QOS_SQLITE_DIGEST),
        .created = sqlite3_column_int64(row, QOS_SQLITE_CREATED),
        .expires = sqlite3_column_int64(row, QOS_SQLITE_EXPIRES),
        .receipt = text_of(call, QOS_SQLITE_RECEIPT),
    };
}

static enum qos_cause cause_of(sqlite3_stmt *row)
{
    const int cause = sqlite3_column_count(row) > QOS_SQLITE_CAUSE
                          ? sqlite3_column_int(row, QOS_SQLITE_CAUSE)
                          : QOS_READABLE;

    return cause >= 0 && cause < QOS_CAUSES ? (enum qos_cause)cause : QOS_BAD_ROW;
}

static void read_copy(struct qos_sqlite_call *call, struct qos_copy *copy)
{
    sqlite3_stmt *row = call->statement;

    copy->recipient.dimension = (enum sse_dimension)sqlite3_column_int(row, QOS_SQLITE_DIMENSION);
    copy->recipient.value = text_of(call, QOS_SQLITE_VALUE);
    copy->recipient.listening = text_of(call, QOS_SQLITE_LISTENING);
    copy->state = (enum qos_state)sqlite3_column_int(row, QOS_SQLITE_STATE);
    copy->written = (uint32_t)sqlite3_column_int64(row, QOS_SQLITE_WRITTEN);
    copy->ended = sqlite3_column_int64(row, QOS_SQLITE_ENDED);
    copy->cause = cause_of(row);
}

/* Others index arrays with what this has let through, and rely on the length. */
static bool is_sound(sqlite3_stmt *row, const struct qos_copy *copy)
{
    const struct qos_message *message = copy->message;

    return (unsigned)copy->recipient.dimension < SSE_DIMENSIONS &&
           (unsigned)copy->state < QOS_STATES && message->id && message->receipt &&
           copy->recipient.value && copy->recipient.listening &&
           (message->json || copy->state != QOS_STORED) &&
           (!message->json ||
            message->length == (size_t)sqlite3_column_bytes(row, QOS_SQLITE_JSON));
}

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

/* What is left of it is safe to look at; its number and its value are its own. */
static void mend(struct qos_message *message, struct qos_copy *copy)
{
    message->id = text_or_none(message->id);
    message->receipt = text_or_none(message->receipt);
    message->json = NULL;
    copy->recipient.value = text_or_none(copy->recipient.value);
    copy->recipient.listening = text_or_none(copy->recipient.listening);
    if ((unsigned)copy->recipient.dimension >= SSE_DIMENSIONS)
        copy->recipient.dimension = SSE_ALL;
    copy->state = QOS_UNREADABLE;
    if (copy->cause == QOS_READABLE)
        copy->cause = QOS_BAD_ROW;
}

/* Shows the rows of a call and finishes it. */
static int show(struct qos_sqlite_call *call, qos_visit visit, void *context)
{
    struct qos_message message;
    struct qos_copy copy = {.message = &message};

    while (qos_sqlite_step(call)) {
        read_message(call, &message);
        read_copy(call, &copy);
        if (call->code != SQLITE_ROW)
            break;
        if (!is_sound(call->statement, &copy))
            mend(&message, &copy);
        if (!visit(context, &copy))
            break;
    }
    return qos_sqlite_finish(call);
}

static void bind_limit(struct qos_sqlite_call *call, size_t limit)
{
    qos_sqlite_bind_number(call, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
}

static void bind_recipient(struct qos_sqlite_call *call, const struct qos_recipient *recipient)
{
    qos_sqlite_bind_number(call, recipient->dimension);
    qos_sqlite_bind_text(call, recipient->value);
    qos_sqlite_bind_text(call, recipient->listening);
}

int qos_sqlite_find(struct qos_repository *repository, const char *id, struct qos_message *message)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_FIND);
    bool is_known;
    int result;

    qos_sqlite_bind_text(&call, id);
    is_known = qos_sqlite_step(&call);
    if (is_known)
        *message = (struct qos_message){
            .number = (uint64_t)sqlite3_column_int64(call.statement, 0),
            .digest = (uint64_t)sqlite3_column_int64(call.statement, 1),
        };
    result = qos_sqlite_finish(&call);
    return result == 0 && !is_known ? -ENOENT : result;
}

int qos_sqlite_count(struct qos_repository *repository, const struct qos_recipient *recipient,
                     uint64_t *count)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    struct qos_sqlite_call call;
    int result;

    if (qos_queue_counts_find(&sqlite->counts, recipient, count))
        return repository->fault;
    call = qos_sqlite_call(sqlite, QOS_SQLITE_COUNT);
    bind_recipient(&call, recipient);
    if (qos_sqlite_step(&call))
        *count = (uint64_t)sqlite3_column_int64(call.statement, 0);
    result = qos_sqlite_finish(&call);
    if (result == 0)
        qos_queue_counts_add(&sqlite->counts, recipient, *count);
    return result;
}

int qos_sqlite_count_plain(struct qos_repository *repository, uint64_t *count)
{
    struct qos_sqlite_call call =
        qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_COUNT_PLAIN);

    qos_sqlite_bind_number(&call, SSE_BY_USER);
    qos_sqlite_bind_text(&call, SSE_USER_KEY_SEPARATOR);
    if (qos_sqlite_step(&call))
        *count = (uint64_t)sqlite3_column_int64(call.statement, 0);
    return qos_sqlite_finish(&call);
}

int qos_sqlite_read(struct qos_repository *repository, const struct qos_recipient *recipient,
                    uint64_t after, size_t limit, qos_visit visit, void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_READ);

    bind_recipient(&call, recipient);
    bind_limit(&call, after);
    bind_limit(&call, limit);
    return show(&call, visit, context);
}

/* Passes a first copy on, and remembers whose it was. */
struct next_queue {
    qos_visit visit;
    void *context;
    char *listening; /* NULL: nothing was shown */
    bool is_enough;
};

static bool visit_first(void *context, const struct qos_copy *copy)
{
    struct next_queue *next = context;

    next->listening = mem_strdup(copy->recipient.listening);
    next->is_enough = !next->visit(next->context, copy);
    return true;
}

static int show_queue_behind(struct qos_sqlite *sqlite, const struct qos_recipient *recipient,
                             struct next_queue *next)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_NEXT_QUEUE);

    next->listening = NULL;
    bind_recipient(&call, recipient);
    return show(&call, visit_first, next);
}

/* From queue to queue, each found by the index, however long the one before it is. */
int qos_sqlite_queues(struct qos_repository *repository, enum sse_dimension dimension,
                      const char *value, qos_visit visit, void *context)
{
    struct next_queue next = {.visit = visit, .context = context};
    char *listening = mem_strdup("");
    struct qos_recipient recipient = {dimension, value, listening};
    int result = qos_sqlite_read(repository, &recipient, 0, 1, visit_first, &next);

    free(next.listening);
    next.listening = listening;
    while (result == 0 && next.listening && !next.is_enough) {
        listening = next.listening;
        recipient.listening = listening;
        result = show_queue_behind(qos_sqlite_of(repository), &recipient, &next);
        free(listening);
    }
    free(next.listening);
    return result;
}

int qos_sqlite_scan(struct qos_repository *repository, uint64_t after, size_t limit,
                    qos_visit visit, void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_SCAN);

    bind_limit(&call, after);
    bind_limit(&call, limit);
    return show(&call, visit, context);
}

int qos_sqlite_aside(struct qos_repository *repository, uint64_t after, size_t limit,
                     qos_visit visit, void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_ASIDE);

    bind_limit(&call, after);
    bind_limit(&call, limit);
    return show(&call, visit, context);
}

int qos_sqlite_expired(struct qos_repository *repository, int64_t now, size_t limit,
                       qos_visit visit, void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_EXPIRED);

    qos_sqlite_bind_number(&call, now);
    bind_limit(&call, limit);
    return show(&call, visit, context);
}

static int is_known(struct qos_sqlite *sqlite, uint64_t number)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_IS_KNOWN);
    bool is_there;
    int result;

    bind_limit(&call, number);
    is_there = qos_sqlite_step(&call);
    result = qos_sqlite_finish(&call);
    return result == 0 && !is_there ? -ENOENT : result;
}

int qos_sqlite_states(struct qos_repository *repository, uint64_t number, qos_visit visit,
                      void *context)
{
    struct qos_sqlite *sqlite = qos_sqlite_of(repository);
    const int result = is_known(sqlite, number);
    struct qos_sqlite_call call;

    if (result != 0)
        return result;
    call = qos_sqlite_call(sqlite, QOS_SQLITE_STATES);
    bind_limit(&call, number);
    return show(&call, visit, context);
}
