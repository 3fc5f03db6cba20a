/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/call.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"

void outbound_feed_add(struct outbound_feed *feed, const void *data, size_t length)
{
    if (feed->begin > 0 && feed->held.length + length >= feed->held.capacity) {
        buf_consume(&feed->held, feed->begin);
        feed->begin = 0;
    }
    buf_append(&feed->held, data, length);
    feed->fed += length;
}

size_t outbound_feed_take(struct outbound_feed *feed, char *to, size_t size)
{
    size_t length = outbound_feed_waiting(feed);

    if (length > size)
        length = size;
    if (length == 0)
        return 0;
    memcpy(to, feed->held.data + feed->begin, length);
    feed->begin += length;
    feed->taken += length;
    /* Moved only when the half of it has gone: so each byte is moved once on average. */
    if (feed->begin == feed->held.length) {
        buf_clear(&feed->held);
        feed->begin = 0;
    } else if (feed->begin > feed->held.length / 2) {
        buf_consume(&feed->held, feed->begin);
        feed->begin = 0;
    }
    return length;
}

void outbound_feed_release(struct outbound_feed *feed)
{
    buf_release(&feed->held);
    feed->begin = 0;
}

static bool is_one_line(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    }
    return true;
}

/* libcurl would guess a scheme. */
static bool is_url(const char *text)
{
    return is_one_line(text) &&
           (strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0);
}

bool outbound_request_is_valid(const struct outbound_request *request)
{
    bool ok = is_url(request->url) && (!request->method || is_one_line(request->method));

    for (size_t i = 0; ok && i < request->field_count; i++) {
        const struct outbound_field *field = &request->fields[i];

        ok = field->name[0] != '\0' && !strpbrk(field->name, ":; \t") && is_one_line(field->name) &&
             is_one_line(field->value);
    }
    return ok;
}

/* Returns where the next one goes. */
static struct curl_slist **add_line(struct curl_slist **end, const char *line)
{
    *end = mem_zalloc(sizeof(**end));
    (*end)->data = mem_strdup(line);
    return &(*end)->next;
}

static void free_lines(struct curl_slist *lines)
{
    while (lines) {
        struct curl_slist *next = lines->next;

        free(lines->data);
        free(lines);
        lines = next;
    }
}

/* libcurl's notation: a name with a semicolon is sent without a value, one with only a colon is
 * not sent at all. */
static struct curl_slist *lines_of(const struct outbound_request *request)
{
    struct curl_slist *lines = NULL;
    struct curl_slist **end = &lines;
    struct buf line = BUF_INIT;
    bool has_type = false;

    for (size_t i = 0; i < request->field_count; i++) {
        const struct outbound_field *field = &request->fields[i];

        has_type |= strcasecmp(field->name, "content-type") == 0;
        buf_clear(&line);
        buf_append_str(&line, field->name);
        buf_append_str(&line, field->value[0] != '\0' ? ": " : ";");
        buf_append_str(&line, field->value);
        end = add_line(end, buf_str(&line));
    }
    buf_release(&line);
    if (!has_type)
        end = add_line(end, "content-type:");
    (void)add_line(end, "expect:"); /* would cost a round trip, or a second where it is not known */
    return lines;
}

struct outbound_call *outbound_call_new(const struct outbound_request *request)
{
    struct outbound_call *call = mem_zalloc(sizeof(*call));

    call->request = *request;
    call->request.method = mem_strdup(request->method ? request->method : "GET");
    call->request.url = mem_strdup(request->url);
    call->request.body = request->body ? bytes_ref(request->body) : NULL;
    call->request.fields = NULL;
    call->fields = lines_of(request);
    return call;
}

void outbound_call_free(struct outbound_call *call)
{
    loop_timer_stop(&call->limit);
    loop_timer_stop(&call->look);
    loop_cancel(&call->report);
    list_remove(&call->node);
    free_lines(call->fields);
    outbound_feed_release(&call->feed);
    buf_release(&call->answer);
    bytes_unref(call->request.body);
    free((char *)call->request.method);
    free((char *)call->request.url);
    free(call);
}

void outbound_call_allow_time(struct outbound_call *call)
{
    call->limit_at = loop_served_ms(call->loop) + call->request.time_limit_ms;
    loop_timer_start(call->loop, &call->limit, call->request.time_limit_ms);
}

/* Whether the answer has the field, with the word in it. NULL: any but "identity". */
static bool has_field(CURL *easy, const char *name, const char *word)
{
    struct curl_header *field;
    size_t at = 0;

    while (curl_easy_header(easy, name, at++, CURLH_HEADER, -1, &field) == CURLHE_OK) {
        if (word ? strcasestr(field->value, word) != NULL
                 : strcasecmp(field->value, "identity") != 0)
            return true;
    }
    return false;
}

void outbound_call_read_answer(const struct outbound_call *call, struct outbound_answer *answer)
{
    char *content_type = NULL;
    curl_off_t retry_after = 0;
    long status = 0;

    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &content_type);
    (void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
    answer->status = (int)status;
    answer->content_type = content_type;
    answer->retry_after_s = retry_after;
    answer->is_encoded = has_field(call->easy, "content-encoding", NULL);
    answer->denies_signature =
        status == 401 && has_field(call->easy, "www-authenticate", OUTBOUND_SIGNATURE_FIELD);
    answer->body = buf_str(&call->answer);
    answer->length = call->answer.length;
}

static void resume(struct outbound_call *call)
{
    if (!call->is_paused || call->state != OUTBOUND_CALL_UNDER_WAY)
        return;
    call->is_paused = false;
    outbound_call_allow_time(call);
    /* Should it fail, the limit of time ends the call. */
    (void)curl_easy_pause(call->easy, CURLPAUSE_CONT);
}

int outbound_call_feed(struct outbound_call *call, const void *data, size_t length)
{
    const struct outbound_request *request = &call->request;

    assert(request->is_streamed && !call->feed.has_ended);
    if (call->state == OUTBOUND_CALL_ENDED)
        return 0;
    if (request->stream_length >= 0 && length > (uint64_t)request->stream_length - call->feed.fed)
        return -EINVAL;
    if (length > call->feed_bytes - outbound_feed_waiting(&call->feed))
        return -ENOBUFS;
    outbound_feed_add(&call->feed, data, length);
    resume(call);
    return 0;
}

void outbound_call_end(struct outbound_call *call)
{
    assert(call->request.is_streamed && !call->feed.has_ended);
    call->feed.has_ended = true;
    resume(call);
}
