/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/sqlite_repository.h"
#include "sse/user.h"

enum ending { ID_ONLY = 1, ID_AND_TARGET, ENDINGS };

static void append_ending(struct buf *text, enum ending ending, const char *id,
                          const struct qos_recipient *recipient)
{
    if (ending == ID_AND_TARGET) {
        buf_append_str(text, ",\"");
        buf_append_str(text, sse_dimension_keys[recipient->dimension]);
        buf_append_str(text, "\":[\"");
        buf_append_str(text, recipient->value);
        buf_append_str(text, "\"],\"qos\":1");
    }
    buf_append_str(text, ",\"id\":\"");
    buf_append_str(text, id);
    buf_append_str(text, "\"}");
}

static bool ends_with(const struct qos_message *message, const struct buf *ending)
{
    const size_t length = ending->length;

    return message->length >= length &&
           memcmp(message->json + message->length - length, buf_str(ending), length) == 0;
}

bool qos_sqlite_row_cut(struct buf *row, const struct qos_message *message,
                        const struct qos_recipient *recipient)
{
    for (int ending = ENDINGS - 1; ending > 0; ending--) {
        size_t kept;

        buf_clear(row);
        append_ending(row, (enum ending)ending, message->id, recipient);
        if (!ends_with(message, row))
            continue;
        kept = message->length - row->length;
        buf_clear(row);
        buf_append(row, message->json, kept);
        buf_append_char(row, (char)ending);
        return true;
    }
    return false;
}

bool qos_sqlite_row_restore(struct buf *text, const void *row, size_t size, const char *id,
                            const struct qos_recipient *recipient)
{
    const char *bytes = row;
    const int ending = size > 0 ? bytes[size - 1] : 0;

    if (ending <= 0 || ending >= ENDINGS || !recipient->value ||
        (unsigned)recipient->dimension >= SSE_DIMENSIONS)
        return false;
    buf_clear(text);
    buf_append(text, bytes, size - 1);
    append_ending(text, (enum ending)ending, id, recipient);
    return true;
}

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

/* NULL when there is none, and when there is no memory for it: then the call has failed. */
static const char *text_of(struct qos_sqlite_call *call, enum qos_sqlite_column column)
{
    const bool is_null = sqlite3_column_type(call->statement, (int)column) == SQLITE_NULL;
    const unsigned char *text = sqlite3_column_text(call->statement, (int)column);

    if (!text && !is_null)
        call->code = SQLITE_NOMEM;
    return (const char *)text;
}

static void read_message(struct qos_sqlite_call *call, struct qos_message *message)
{
    sqlite3_stmt *row = call->statement;

    *message = (struct qos_message){
        .number = (uint64_t)sqlite3_column_int64(row, QOS_SQLITE_NUMBER),
        .id = text_of(call, QOS_SQLITE_ID),
        .length = (size_t)sqlite3_column_int64(row, QOS_SQLITE_LENGTH),
        .digest = (uint64_t)sqlite3_column_int64(row, QOS_SQLITE_DIGEST),
        .created = sqlite3_column_int64(row, QOS_SQLITE_CREATED),
        .expires = sqlite3_column_int64(row, QOS_SQLITE_EXPIRES),
        .receipt = text_of(call, QOS_SQLITE_RECEIPT),
    };
}

/* NULL when there is none, or none that is as long as its message says. */
static const char *json_of(struct qos_sqlite_call *call, const struct qos_copy *copy)
{
    const bool is_cut = sqlite3_column_type(call->statement, QOS_SQLITE_JSON) == SQLITE_BLOB;
    const char *json = is_cut ? sqlite3_column_blob(call->statement, QOS_SQLITE_JSON)
                              : text_of(call, QOS_SQLITE_JSON);
    size_t length = (size_t)sqlite3_column_bytes(call->statement, QOS_SQLITE_JSON);
    struct buf *text = &call->sqlite->text;

    if (is_cut && !json && length > 0)
        call->code = SQLITE_NOMEM;
    if (json && is_cut) {
        if (!qos_sqlite_row_restore(text, json, length, text_or_none(copy->message->id),
                                    &copy->recipient))
            return NULL;
        json = buf_str(text);
        length = text->length;
    }
    return json && copy->message->length == length ? json : NULL;
}

static enum qos_cause cause_of(sqlite3_stmt *row)
{
    const int cause = sqlite3_column_count(row) > QOS_SQLITE_CAUSE
                          ? sqlite3_column_int(row, QOS_SQLITE_CAUSE)
                          : QOS_READABLE;

    return cause >= 0 && cause < QOS_CAUSES ? (enum qos_cause)cause : QOS_BAD_ROW;
}

/* otherwise: where there is none. */
static unsigned number_of(sqlite3_stmt *row, enum qos_sqlite_column column, unsigned otherwise)
{
    return sqlite3_column_type(row, (int)column) == SQLITE_NULL
               ? otherwise
               : (unsigned)sqlite3_column_int(row, (int)column);
}

static void read_copy(struct qos_sqlite_call *call, struct qos_copy *copy)
{
    sqlite3_stmt *row = call->statement;

    copy->recipient.dimension =
        (enum sse_dimension)number_of(row, QOS_SQLITE_DIMENSION, SSE_DIMENSIONS);
    copy->recipient.value = text_of(call, QOS_SQLITE_VALUE);
    copy->recipient.listening = text_of(call, QOS_SQLITE_LISTENING);
    copy->state = (enum qos_state)number_of(row, QOS_SQLITE_STATE, QOS_STATES);
    copy->written = (uint32_t)sqlite3_column_int64(row, QOS_SQLITE_WRITTEN);
    copy->ended = sqlite3_column_int64(row, QOS_SQLITE_ENDED);
    copy->cause = cause_of(row);
}

/* Others index arrays with what this has let through, and rely on the length. */
static bool is_sound(const struct qos_copy *copy)
{
    const struct qos_message *message = copy->message;

    return (unsigned)copy->recipient.dimension < SSE_DIMENSIONS &&
           (unsigned)copy->state < QOS_STATES && message->id && message->receipt &&
           copy->recipient.value && copy->recipient.listening &&
           (message->json || copy->state != QOS_STORED);
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

int qos_sqlite_show(struct qos_sqlite_call *call, struct qos_sqlite_view *view)
{
    struct qos_message message;
    struct qos_copy copy = {.message = &message};

    while (!view->is_enough && qos_sqlite_step(call)) {
        read_message(call, &message);
        read_copy(call, &copy);
        message.json = json_of(call, &copy);
        if (call->code != SQLITE_ROW)
            break;
        if (!is_sound(&copy))
            mend(&message, &copy);
        view->shown++;
        view->is_enough = !view->visit(view->context, &copy);
    }
    return qos_sqlite_finish(call);
}

static int show(struct qos_sqlite_call *call, qos_visit visit, void *context)
{
    struct qos_sqlite_view view = {.visit = visit, .context = context};

    return qos_sqlite_show(call, &view);
}

void qos_sqlite_bind_limit(struct qos_sqlite_call *call, size_t limit)
{
    qos_sqlite_bind_number(call, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
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

int qos_sqlite_single(struct qos_repository *repository, const char *id, qos_visit visit,
                      void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_SINGLE);

    qos_sqlite_bind_text(&call, id);
    return show(&call, visit, context);
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
    qos_sqlite_bind_recipient(&call, recipient);
    result = qos_sqlite_take_number(&call, count);
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
    return qos_sqlite_take_number(&call, count);
}

int qos_sqlite_read(struct qos_repository *repository, const struct qos_recipient *recipient,
                    uint64_t after, size_t limit, qos_visit visit, void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_READ);

    qos_sqlite_bind_recipient(&call, recipient);
    qos_sqlite_bind_limit(&call, after);
    qos_sqlite_bind_limit(&call, limit);
    return show(&call, visit, context);
}

int qos_sqlite_read_value(struct qos_repository *repository, const struct qos_recipient *recipient,
                          uint64_t after, size_t limit, qos_visit visit, void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), QOS_SQLITE_READ_VALUE);

    qos_sqlite_bind_number(&call, recipient->dimension);
    qos_sqlite_bind_text(&call, recipient->value);
    qos_sqlite_bind_limit(&call, after);
    qos_sqlite_bind_limit(&call, limit);
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
    qos_sqlite_bind_recipient(&call, recipient);
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

static int show_behind(struct qos_repository *repository, enum qos_sqlite_statement which,
                       uint64_t after, size_t limit, qos_visit visit, void *context)
{
    struct qos_sqlite_call call = qos_sqlite_call(qos_sqlite_of(repository), which);

    qos_sqlite_bind_limit(&call, after);
    qos_sqlite_bind_limit(&call, limit);
    return show(&call, visit, context);
}

int qos_sqlite_scan(struct qos_repository *repository, uint64_t after, size_t limit,
                    qos_visit visit, void *context)
{
    return show_behind(repository, QOS_SQLITE_SCAN, after, limit, visit, context);
}

int qos_sqlite_aside(struct qos_repository *repository, uint64_t after, size_t limit,
                     qos_visit visit, void *context)
{
    return show_behind(repository, QOS_SQLITE_ASIDE, after, limit, visit, context);
}

static int is_known(struct qos_sqlite *sqlite, uint64_t number)
{
    struct qos_sqlite_call call = qos_sqlite_call(sqlite, QOS_SQLITE_IS_KNOWN);
    bool is_there;
    int result;

    qos_sqlite_bind_limit(&call, number);
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
    qos_sqlite_bind_limit(&call, number);
    return show(&call, visit, context);
}
