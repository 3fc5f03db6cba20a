/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/text.h"
#include "h1/connection.h"
#include "h2/stream.h"

/* Of RFC 9110 15; clients show them, and nothing depends on them. */
static const struct {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "";
}

bool h1_status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* Whatever a value holds, it cannot end its line. */
static void put(struct buf *to, const char *name, const char *value)
{
    buf_append_str(to, name);
    buf_append(to, ": ", 2);
    const size_t at = to->length;
    buf_append_str(to, value);
    for (size_t i = at; i < to->length; i++)
        if (to->data[i] == '\r' || to->data[i] == '\n')
            to->data[i] = ' ';
    buf_append(to, "\r\n", 2);
}

void h1_answer_begin(struct buf *to, const struct h1_answer *answer)
{
    buf_printf(to, "HTTP/1.1 %d %s\r\n", answer->status, reason_of(answer->status));
    for (size_t i = 0; i < answer->count; i++)
        put(to, answer->fields[i].name, answer->fields[i].value);
    if (answer->framing == H1_LENGTH && answer->is_empty)
        put(to, "content-length", "0");
    else if (answer->framing == H1_CHUNKED)
        put(to, "transfer-encoding", "chunked");
}

void h1_answer_end(struct buf *to, bool is_last, bool is_1_0)
{
    if (is_last)
        put(to, "connection", "close");
    else if (is_1_0)
        put(to, "connection", "keep-alive");
    buf_append(to, "\r\n", 2);
}

size_t h1_chunk_line(char *to, size_t length)
{
    const size_t digits = digits_write(to, length, 16);

    to[digits] = '\r';
    to[digits + 1] = '\n';
    return digits + 2;
}
