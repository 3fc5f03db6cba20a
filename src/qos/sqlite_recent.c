/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/sqlite_recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

/* All of one value, in the order in which they came. */
struct recent_value {
    struct table_node node;
    struct list entries;
    enum sse_dimension dimension;
    char key[]; /* a character for the dimension, then the value */
};

struct recent_entry {
    struct list node;
    struct recent_value *of;
    uint64_t number;
    char listening[];
};

static struct recent_entry *entry_of(struct list *node)
{
    return container_of(node, struct recent_entry, node);
}

static const char *value_of(const struct recent_value *value)
{
    return value->key + 1;
}

/* ---- what there is ---- */

void qos_sqlite_recent_init(struct qos_sqlite_recent *recent)
{
    *recent = (struct qos_sqlite_recent){.key = BUF_INIT};
    table_init(&recent->by_value, TABLE_BY_TEXT(struct recent_value, node, key));
}

static const char *key_of(struct qos_sqlite_recent *recent, enum sse_dimension dimension,
                          const char *value)
{
    buf_clear(&recent->key);
    buf_append_char(&recent->key, (char)('a' + (int)dimension));
    buf_append_str(&recent->key, value);
    return buf_str(&recent->key);
}

static struct recent_value *find_value(struct qos_sqlite_recent *recent,
                                       enum sse_dimension dimension, const char *value)
{
    return table_find(&recent->by_value, key_of(recent, dimension, value));
}

void qos_sqlite_recent_add(struct qos_sqlite_recent *recent, const struct qos_recipient *recipient,
                           uint64_t number)
{
    const size_t size = strlen(recipient->listening) + 1;
    struct recent_value *value = find_value(recent, recipient->dimension, recipient->value);
    struct recent_entry *entry = mem_zalloc(sizeof(*entry) + size);

    if (!value) {
        value = table_new_item(&recent->by_value, buf_str(&recent->key));
        value->dimension = recipient->dimension;
        list_init(&value->entries);
    }
    entry->of = value;
    entry->number = number;
    memcpy(entry->listening, recipient->listening, size);
    list_append(&value->entries, &entry->node);
    recent->count++;
}

static void remove_entry(struct qos_sqlite_recent *recent, struct recent_entry *entry)
{
    struct recent_value *value = entry->of;

    list_remove(&entry->node);
    free(entry);
    recent->count--;
    if (!list_is_empty(&value->entries))
        return;
    table_remove(&recent->by_value, &value->node);
    free(value);
}

/* listening NULL: any. */
static bool remove_of(struct qos_sqlite_recent *recent, enum sse_dimension dimension,
                      const char *text, const char *listening, uint64_t number)
{
    struct recent_value *value = find_value(recent, dimension, text);

    if (!value)
        return false;
    list_for_each_safe(node, after, &value->entries) {
        struct recent_entry *entry = entry_of(node);

        if (entry->number != number || (listening && strcmp(entry->listening, listening) != 0))
            continue;
        remove_entry(recent, entry);
        return true;
    }
    return false;
}

bool qos_sqlite_recent_remove(struct qos_sqlite_recent *recent,
                              const struct qos_recipient *recipient, uint64_t number)
{
    return remove_of(recent, recipient->dimension, recipient->value, recipient->listening, number);
}

int qos_sqlite_recent_remove_value(struct qos_sqlite_recent *recent, const char *value,
                                   uint64_t number)
{
    int removed = 0;

    for (int dimension = 0; dimension < SSE_DIMENSIONS; dimension++)
        removed += remove_of(recent, (enum sse_dimension)dimension, value, NULL, number);
    return removed;
}

void qos_sqlite_recent_clear(struct qos_sqlite_recent *recent)
{
    struct recent_value *value;

    while ((value = table_first(&recent->by_value))) {
        list_for_each_safe(node, after, &value->entries)
            free(entry_of(node));
        table_remove(&recent->by_value, &value->node);
        free(value);
    }
    recent->count = 0;
    recent->chosen_count = 0;
}

void qos_sqlite_recent_release(struct qos_sqlite_recent *recent)
{
    qos_sqlite_recent_clear(recent);
    table_release(&recent->by_value);
    buf_release(&recent->key);
    free(recent->chosen);
}

/* ---- those that come into the file ---- */

static int compare(const void *left, const void *right)
{
    const struct recent_entry *one = *(struct recent_entry *const *)left;
    const struct recent_entry *other = *(struct recent_entry *const *)right;
    int order = one->of == other->of ? 0 : strcmp(one->of->key, other->of->key);

    if (order == 0)
        order = strcmp(one->listening, other->listening);
    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

void qos_sqlite_recent_choose(struct qos_sqlite_recent *recent, uint64_t until, size_t most)
{
    size_t count = 0;

    recent->chosen =
        mem_realloc(recent->chosen, (recent->count + 1) * sizeof(struct recent_entry *));
    for (struct recent_value *value = table_next(&recent->by_value, NULL); value;
         value = table_next(&recent->by_value, value)) {
        list_for_each(node, &value->entries) {
            if (entry_of(node)->number <= until)
                recent->chosen[count++] = entry_of(node);
        }
    }
    qsort(recent->chosen, count, sizeof(struct recent_entry *), compare);
    recent->chosen_count = count < most ? count : most;
}

size_t qos_sqlite_recent_drop_chosen(struct qos_sqlite_recent *recent)
{
    const size_t count = recent->chosen_count;

    for (size_t i = 0; i < count; i++)
        remove_entry(recent, recent->chosen[i]);
    recent->chosen_count = 0;
    return count;
}

/* ---- the table ---- */

enum column { DIMENSION, VALUE, LISTENING, NUMBER, MOVING };

/* What is asked for: a value, or the chosen ones. Else all. */
enum { OF_VALUE = 1, OF_CHOSEN = 2 };

struct recent_table {
    sqlite3_vtab table;
    struct qos_sqlite_recent *recent;
};

struct recent_cursor {
    sqlite3_vtab_cursor cursor;
    int asked;
    struct recent_value *value;
    struct recent_entry *entry; /* NULL: there are no more */
    size_t next;                /* of the chosen ones */
};

static int connect_table(sqlite3 *database, void *recent, int count, const char *const *arguments,
                         sqlite3_vtab **table, char **error)
{
    struct recent_table *made = sqlite3_malloc(sizeof(*made));

    (void)count;
    (void)arguments;
    (void)error;
    if (!made)
        return SQLITE_NOMEM;
    *made = (struct recent_table){.recent = recent};
    *table = &made->table;
    return sqlite3_declare_vtab(database, "CREATE TABLE recent (dimension INTEGER, value TEXT,"
                                          " listening TEXT, number INTEGER, moving HIDDEN)");
}

static int disconnect_table(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* SQLite compares the rest itself. */
static int choose_way(sqlite3_vtab *table, sqlite3_index_info *info)
{
    int asked[MOVING + 1] = {0}; /* the constraints, and 1 */

    (void)table;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].usable && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ &&
            info->aConstraint[i].iColumn >= 0)
            asked[info->aConstraint[i].iColumn] = i + 1;
    }
    info->estimatedCost = 100000;
    if (asked[MOVING] > 0) {
        info->idxNum = OF_CHOSEN;
        info->aConstraintUsage[asked[MOVING] - 1].argvIndex = 1;
        info->aConstraintUsage[asked[MOVING] - 1].omit = 1;
    } else if (asked[DIMENSION] > 0 && asked[VALUE] > 0) {
        info->idxNum = OF_VALUE;
        info->idxStr = (char *)"value";
        info->aConstraintUsage[asked[DIMENSION] - 1].argvIndex = 1;
        info->aConstraintUsage[asked[VALUE] - 1].argvIndex = 2;
        info->estimatedCost = 10;
        info->estimatedRows = 10;
    }
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct recent_cursor *made = sqlite3_malloc(sizeof(*made));

    (void)table;
    if (!made)
        return SQLITE_NOMEM;
    *made = (struct recent_cursor){.asked = 0};
    *cursor = &made->cursor;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static struct recent_cursor *cursor_of(sqlite3_vtab_cursor *cursor)
{
    return container_of(cursor, struct recent_cursor, cursor);
}

static struct qos_sqlite_recent *recent_of(const struct recent_cursor *cursor)
{
    return container_of(cursor->cursor.pVtab, struct recent_table, table)->recent;
}

/* No value is without an entry. */
static void go_to_value(struct recent_cursor *cursor, struct recent_value *value)
{
    cursor->value = value;
    cursor->entry = value ? entry_of(value->entries.next) : NULL;
}

static void go_to_chosen(struct recent_cursor *cursor)
{
    const struct qos_sqlite_recent *recent = recent_of(cursor);

    cursor->entry = cursor->next < recent->chosen_count ? recent->chosen[cursor->next++] : NULL;
}

static int begin_rows(sqlite3_vtab_cursor *base, int asked, const char *text, int count,
                      sqlite3_value **values)
{
    struct recent_cursor *cursor = cursor_of(base);
    struct qos_sqlite_recent *recent = recent_of(cursor);

    (void)text;
    (void)count;
    cursor->asked = asked;
    cursor->next = 0;
    if (asked == OF_CHOSEN) {
        go_to_chosen(cursor);
    } else if (asked == OF_VALUE) {
        const sqlite3_int64 dimension = sqlite3_value_int64(values[0]);
        const char *value = (const char *)sqlite3_value_text(values[1]);
        const bool is_one = value && dimension >= 0 && dimension < SSE_DIMENSIONS;

        go_to_value(cursor,
                    is_one ? find_value(recent, (enum sse_dimension)dimension, value) : NULL);
    } else {
        go_to_value(cursor, table_next(&recent->by_value, NULL));
    }
    return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base)
{
    struct recent_cursor *cursor = cursor_of(base);

    if (cursor->asked == OF_CHOSEN)
        go_to_chosen(cursor);
    else if (cursor->entry->node.next != &cursor->value->entries)
        cursor->entry = entry_of(cursor->entry->node.next);
    else
        go_to_value(cursor, cursor->asked == OF_VALUE
                                ? NULL
                                : table_next(&recent_of(cursor)->by_value, cursor->value));
    return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *cursor)
{
    return cursor_of(cursor)->entry == NULL;
}

static int show_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct recent_entry *entry = cursor_of(base)->entry;

    if (column == DIMENSION)
        sqlite3_result_int(context, (int)entry->of->dimension);
    else if (column == VALUE)
        sqlite3_result_text(context, value_of(entry->of), -1, SQLITE_STATIC);
    else if (column == LISTENING)
        sqlite3_result_text(context, entry->listening, -1, SQLITE_STATIC);
    else if (column == NUMBER)
        sqlite3_result_int64(context, (sqlite3_int64)entry->number);
    return SQLITE_OK;
}

static int show_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)cursor_of(cursor)->entry->number;
    return SQLITE_OK;
}

int qos_sqlite_recent_show(struct qos_sqlite_recent *recent, sqlite3 *database)
{
    static const sqlite3_module module = {
        .xConnect = connect_table,
        .xDisconnect = disconnect_table,
        .xBestIndex = choose_way,
        .xOpen = open_cursor,
        .xClose = close_cursor,
        .xFilter = begin_rows,
        .xNext = next_row,
        .xEof = is_at_end,
        .xColumn = show_column,
        .xRowid = show_rowid,
    };

    return sqlite3_create_module(database, "recent", &module, recent);
}
