/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/row.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/texts.h"
#include "sse/connection.h"
#include "sse/user.h"

/* Before whatever another text goes on with. */
#define END '\1'

/* A number in octets of seven bits, none of which is NUL, or END. */
#define NUMBER_SIZE 10u
#define NUMBER_MARK 0x80u

static void append_number(struct buf *row, uint64_t number)
{
    char digits[NUMBER_SIZE];

    for (size_t i = NUMBER_SIZE; i-- > 0; number >>= 7)
        digits[i] = (char)(number | NUMBER_MARK);
    buf_append(row, digits, NUMBER_SIZE);
}

static uint64_t read_number(const char *digits)
{
    uint64_t number = 0;

    for (size_t i = 0; i < NUMBER_SIZE; i++)
        number = number << 7 | ((unsigned char)digits[i] & ~NUMBER_MARK);
    return number;
}

void row_write_connection(struct buf *row, const struct sse_connection *connection,
                          enum broker_sort sort)
{
    buf_clear(row);
    if (sort == BROKER_SORT_NAME) {
        buf_append_str(row, connection->user->name);
        buf_append_char(row, END);
    } else if (sort == BROKER_SORT_MESSAGES) {
        append_number(row, connection->message_count);
    } else if (sort == BROKER_SORT_QUEUED) {
        append_number(row, connection->queue.bytes);
    }
    append_number(row, (uint64_t)connection->create_time);
    buf_append(row, connection->handle, SSE_HANDLE_SIZE - 1);
}

const char *row_handle(const char *row)
{
    return row + strlen(row) - (SSE_HANDLE_SIZE - 1);
}

void row_write_user(struct buf *row, const struct text *user, enum broker_sort sort)
{
    buf_clear(row);
    if (sort == BROKER_SORT_NAME)
        buf_append_str(row, text_name(user));
    else if (sort == BROKER_SORT_CONNECTIONS)
        append_number(row, user->count);
    if (sort != BROKER_SORT_KEY)
        buf_append_char(row, END);
    buf_append_str(row, user->text);
    buf_append_char(row, END);
    append_number(row, user->count);
}

/* A key has no control characters but its separator (sse/user.h). */
char *row_user(const char *row, uint64_t *connections)
{
    const char *end = row + strlen(row) - NUMBER_SIZE;
    const char *key = --end;

    while (key > row && key[-1] != END)
        key--;
    *connections = read_number(end + 1);
    return mem_strndup(key, (size_t)(end - key));
}
