/* SPDX-License-Identifier: Apache-2.0 */
#include "load_http1.h"

#include "load_connection.h"

#define STATUS_AT 9u /* behind "HTTP/1.1 " */

static void put(struct buf *to, const nghttp2_nv *field)
{
    buf_append(to, field->name, field->namelen);
    buf_append_str(to, ": ");
    buf_append(to, field->value, field->valuelen);
    buf_append_str(to, "\r\n");
}

/* The first four fields are :method, :scheme, :authority and :path. */
void load_http1_submit(struct load_connection *connection, struct load_call *call,
                       const nghttp2_nv *fields, size_t count)
{
    struct buf *output = &connection->output;
    nghttp2_nv host = fields[2];

    host.name = (uint8_t *)(uintptr_t) "host";
    host.namelen = 4;
    buf_append(output, fields[0].value, fields[0].valuelen);
    buf_append_char(output, ' ');
    buf_append(output, fields[3].value, fields[3].valuelen);
    buf_append_str(output, " HTTP/1.1\r\n");
    put(output, &host);
    for (size_t i = 4; i < count; i++)
        put(output, &fields[i]);
    buf_append_str(output, "\r\n");
    call->status = 0;
    list_append(&connection->calls, &call->node);
}

static void take_head(struct load_http1 *http, struct load_call *call, char c)
{
    static const char end[] = "\r\n\r\n";
    const unsigned at = http->octets < STATUS_AT + 3 ? http->octets++ : STATUS_AT + 3;

    if (at >= STATUS_AT && at < STATUS_AT + 3)
        http->status = http->status * 10 + (c - '0');
    http->ends = c == end[http->ends] ? http->ends + 1 : c == '\r' ? 1 : 0;
    if (http->ends < 4)
        return;
    http->phase = LOAD_SIZE;
    call->status = http->status;
    if (call->on_answer)
        call->on_answer(call);
}

static const char *take_size(struct load_http1 *http, char c)
{
    if (c >= '0' && c <= '9')
        http->left = http->left * 16 + (size_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        http->left = http->left * 16 + (size_t)(c - 'a') + 10;
    else if (c == '\n' && http->left == 0)
        return "the server ended the stream";
    else if (c == '\n')
        http->phase = LOAD_CHUNK;
    else if (c != '\r')
        return "the answer is not chunked";
    return NULL;
}

static size_t take_data(struct load_http1 *http, struct load_call *call, const char *data,
                        size_t length)
{
    const size_t step = length < http->left ? length : http->left;

    if (http->phase == LOAD_CHUNK && call->on_data)
        call->on_data(call, data, step);
    http->left -= step;
    if (http->left > 0)
        return step;
    http->left = http->phase == LOAD_CHUNK ? 2 : 0;
    http->phase = http->phase == LOAD_CHUNK ? LOAD_CHUNK_END : LOAD_SIZE;
    return step;
}

const char *load_http1_receive(struct load_connection *connection, const char *data, size_t length)
{
    struct load_http1 *http = &connection->http1;
    struct load_call *call = container_of(connection->calls.next, struct load_call, node);
    const char *fault = NULL;
    size_t at = 0;

    if (list_is_empty(&connection->calls))
        return "an answer came without a request";
    while (at < length && !fault) {
        if (http->phase >= LOAD_CHUNK)
            at += take_data(http, call, data + at, length - at);
        else if (http->phase == LOAD_SIZE)
            fault = take_size(http, data[at++]);
        else
            take_head(http, call, data[at++]);
    }
    return fault;
}
