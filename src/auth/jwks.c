/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt_key.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "outbound/answer.h"
#include "outbound/http.h"

#define TIME_LIMIT_MS 10000u
#define HTTP_OK       200

bool auth_jwks_is_url(const char *place)
{
    return strncmp(place, "https://", 8) == 0 || strncmp(place, "http://", 7) == 0;
}

static bool is_reading(const struct auth_jwks *jwks)
{
    return jwks->call != NULL || jwks->reading != NULL || list_is_linked(&jwks->file_task.node);
}

static void run_requests(struct auth_jwks *jwks)
{
    struct list waiting;
    struct list *node;

    list_take_all(&waiting, &jwks->requests);
    while ((node = list_take_first(&waiting))) {
        struct auth_jwks_request *request = container_of(node, struct auth_jwks_request, node);

        request->run(request);
    }
}

static void take(struct auth_jwks *jwks, struct auth_jwt_keys *keys)
{
    if (!jwks->keys || jwks->failed)
        log_info("read a JWK set", LOG_STR("from", jwks->settings.place),
                 LOG_INT("keys", keys->count));
    auth_jwt_keys_free(jwks->keys);
    jwks->keys = keys;
    jwks->good_ms = jwks->begun_ms;
    jwks->failed = false;
}

/* answer: NULL when it is a file that was read. */
static void note_failure(struct auth_jwks *jwks, const char *reason,
                         const struct outbound_answer *answer)
{
    jwks->failures++;
    if (!jwks->failed && answer)
        outbound_complain(&(struct outbound_asker){OUTBOUND_KEYS, NULL, NULL}, jwks->settings.place,
                          answer, reason);
    else if (!jwks->failed)
        log_warn("cannot read a JWK set", LOG_STR("from", jwks->settings.place),
                 LOG_STR("reason", reason),
                 LOG_INT("old_keys_kept", jwks->keys ? jwks->keys->count : 0));
    jwks->failed = true;
}

static void read_in(struct auth_jwks *jwks, uint64_t delay_ms)
{
    jwks->due_ms = loop_now_ms(jwks->loop) + delay_ms;
    loop_timer_start(jwks->loop, &jwks->timer, delay_ms);
}

/* text: NULL when there is none, because of reason. */
static void finish(struct auth_jwks *jwks, const char *text, size_t length, const char *reason,
                   const struct outbound_answer *answer)
{
    struct auth_jwt_keys *keys = NULL;
    unsigned pause = jwks->settings.refresh_ms;
    char fault[400];

    if (text)
        keys = auth_jwk_set_read(text, length, fault, sizeof(fault));
    if (keys)
        take(jwks, keys);
    else
        note_failure(jwks, text ? fault : reason, answer);
    if (jwks->failed && (pause == 0 || pause > AUTH_JWKS_PAUSE_MS))
        pause = AUTH_JWKS_PAUSE_MS;
    if (pause > 0)
        read_in(jwks, pause);
    run_requests(jwks);
}

static void on_answer(void *context, const struct outbound_answer *answer)
{
    struct auth_jwks *jwks = context;

    jwks->call = NULL;
    if (answer->error == 0 && answer->status == HTTP_OK && !answer->is_encoded)
        finish(jwks, answer->body, answer->length, NULL, answer);
    else
        finish(jwks, NULL, 0, NULL, answer);
}

static void on_file(void *context, const char *text, size_t length, int error)
{
    struct auth_jwks *jwks = context;

    jwks->reading = NULL;
    loop_timer_stop(&jwks->timer);
    finish(jwks, text, length, text ? NULL : strerror(error), NULL);
}

static void on_file_task(struct loop_task *task)
{
    struct auth_jwks *jwks = container_of(task, struct auth_jwks, file_task);
    size_t length = 0;
    char *text;

    if (jwks->settings.files.pool) {
        finish(jwks, NULL, 0, "too much waits for disks", NULL);
        return;
    }
    text = file_read(jwks->settings.place, AUTH_JWK_SET_MAX_BYTES, &length);

    finish(jwks, text, length, text ? NULL : strerror(errno), NULL);
    free(text);
}

static void begin_file(struct auth_jwks *jwks)
{
    const struct file_readers *files = &jwks->settings.files;

    if (files->pool)
        jwks->reading =
            file_reading_start(files, jwks->settings.place, AUTH_JWK_SET_MAX_BYTES, on_file, jwks);
    if (jwks->reading)
        loop_timer_start(jwks->loop, &jwks->timer, TIME_LIMIT_MS);
    else
        loop_defer(jwks->loop, &jwks->file_task);
}

static void begin(struct auth_jwks *jwks)
{
    static const struct outbound_field accept = {"accept",
                                                 "application/jwk-set+json, application/json"};
    const struct outbound_request request = {
        .purpose = OUTBOUND_KEYS,
        .url = jwks->settings.place,
        .fields = &accept,
        .field_count = 1,
        .time_limit_ms = TIME_LIMIT_MS,
        .answer_bytes = AUTH_JWK_SET_MAX_BYTES,
        .done = on_answer,
        .context = jwks,
    };

    jwks->begun_ms = loop_now_ms(jwks->loop);
    jwks->reads++;
    loop_timer_stop(&jwks->timer);
    if (auth_jwks_is_url(jwks->settings.place))
        jwks->call = outbound_http_start(jwks->http, &request);
    else
        begin_file(jwks);
}

static void on_timer(struct loop_timer *timer)
{
    struct auth_jwks *jwks = container_of(timer, struct auth_jwks, timer);

    if (jwks->reading) {
        file_reading_cancel(jwks->reading);
        on_file(jwks, NULL, 0, ETIMEDOUT);
    } else if (!is_reading(jwks)) {
        begin(jwks);
    }
}

struct auth_jwks *auth_jwks_new(const struct auth_jwks_settings *settings, struct loop *loop,
                                struct outbound_http *http)
{
    struct auth_jwks *jwks = mem_zalloc(sizeof(*jwks));

    jwks->settings = *settings;
    jwks->loop = loop;
    jwks->http = http;
    jwks->timer.on_fire = on_timer;
    jwks->file_task.run = on_file_task;
    list_init(&jwks->requests);
    begin(jwks);
    return jwks;
}

void auth_jwks_change(struct auth_jwks *jwks, const struct auth_jwks_settings *settings)
{
    jwks->settings = *settings;
    if (!is_reading(jwks))
        begin(jwks);
}

void auth_jwks_retire(struct auth_jwks *jwks)
{
    run_requests(jwks);
    auth_jwks_free(jwks);
}

void auth_jwks_free(struct auth_jwks *jwks)
{
    if (!jwks)
        return;
    outbound_call_cancel(jwks->call);
    file_reading_cancel(jwks->reading);
    loop_cancel(&jwks->file_task);
    loop_timer_stop(&jwks->timer);
    while (list_take_first(&jwks->requests)) {
    }
    auth_jwt_keys_free(jwks->keys);
    free(jwks);
}

uint64_t auth_jwks_pause(const struct auth_jwks *jwks, bool is_new)
{
    const uint64_t now = loop_now_ms(jwks->loop);
    const uint64_t pause =
        auth_jwks_is_url(jwks->settings.place) ? AUTH_JWKS_PAUSE_MS : AUTH_JWKS_FILE_PAUSE_MS;
    uint64_t at = 0;

    if (jwks->failed || !is_new)
        at = jwks->begun_ms + pause;
    else if (jwks->was_asked)
        at = jwks->asked_ms + pause;
    if (loop_timer_is_active(&jwks->timer) && jwks->due_ms < at)
        at = jwks->due_ms;
    return at > now ? at - now : 0;
}

bool auth_jwks_look(struct auth_jwks *jwks, bool is_new)
{
    if (is_reading(jwks))
        return true;
    if (auth_jwks_pause(jwks, is_new) > 0)
        return false;
    begin(jwks);
    jwks->was_asked = true;
    jwks->asked_ms = jwks->begun_ms;
    return true;
}

bool auth_jwks_wait(struct auth_jwks *jwks, struct auth_jwks_request *request, bool is_new)
{
    if (!auth_jwks_look(jwks, is_new)) {
        const uint64_t pause = auth_jwks_pause(jwks, true);

        if (!is_new || pause > AUTH_JWKS_NEAR_MS)
            return false;
        read_in(jwks, pause);
    }
    list_append(&jwks->requests, &request->node);
    return true;
}
