/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/early_answer.h"

#include "base/bytes.h"

/* Of every other reason for this error there is a text. */
enum outbound_early outbound_early_answer_of(const struct outbound_call *call, CURLcode code)
{
    long status = 0;

    if (code != CURLE_HTTP2_STREAM || call->explanation[0] != '\0')
        return OUTBOUND_EARLY_NOT;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return status != 0 ? OUTBOUND_EARLY_READ : OUTBOUND_EARLY_LOST;
}

/* Of a streamed body nobody knows: the producer may go on, or have paused for good. */
static bool is_early(const struct outbound_call *call)
{
    const struct bytes *body = call->request.body;
    curl_off_t sent = 0;

    if (call->request.is_streamed)
        return call->is_paused;
    (void)curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return body && (size_t)sent < body->length;
}

size_t outbound_early_answer_on_head(char *data, size_t size, size_t count, void *context)
{
    struct outbound_call *call = context;

    (void)data;
    if (!loop_timer_is_active(&call->look) && is_early(call))
        loop_timer_start(call->loop, &call->look, 0);
    return size * count;
}

/* To go on after a pause is what makes libcurl try both to read and to send. */
void outbound_early_answer_look(struct loop_timer *timer)
{
    struct outbound_call *call = container_of(timer, struct outbound_call, look);

    (void)curl_easy_pause(call->easy, CURLPAUSE_SEND);
    (void)curl_easy_pause(call->easy, CURLPAUSE_CONT);
    loop_timer_start(call->loop, timer, LOOP_TIMER_NOTCH_MS);
}
