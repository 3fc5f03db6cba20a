/* SPDX-License-Identifier: Apache-2.0 */
#include "api/body_reading.h"

#include <stdlib.h>

#include "api/backend/messages.h"
#include "api/body_lines.h"
#include "api/exchange.h"
#include "api/json_body.h"
#include "api/tenancy.h"
#include "base/mem.h"
#include "h2/stream.h"
#include "sse/service.h"

struct body_turn {
    struct body_reading reading; /* of a large body */
    struct h2_body body;         /* which lies here until it was read */
    struct body_place place;
    struct pool_job end;
    struct api_exchange *exchange; /* a reference, until its turn */
    void (*handle)(struct api_exchange *exchange);
};

static struct body_rules rules_for(const struct api_exchange *exchange)
{
    const struct sse_service_settings *settings = exchange->service->settings->core;

    return (struct body_rules){
        .bounds = {settings->event_data_bytes, settings->line_bytes,
                   settings->users_unique == SSE_UNIQUE_IN_TENANT},
        .is_wide = exchange->endpoint->guard != API_PAGE, /* back ends may name many */
        .tenants = exchange->tenants,
        .name_token = exchange->service->auth->ops->name_token,
    };
}

/* ---- in a thread ---- */

static void work(struct body_place *place)
{
    struct body_turn *turn = container_of(place, struct body_turn, place);

    turn->reading.kind->read(&turn->reading);
    h2_body_free(&turn->body);
}

static void run_end(struct pool_job *job)
{
    struct body_turn *turn = container_of(job, struct body_turn, end);

    turn->reading.kind->release(&turn->reading);
}

/* ---- in the loop ---- */

static void on_end(struct pool_job *job)
{
    free(container_of(job, struct body_turn, end));
}

/* To free what was read takes long, too. */
void body_turn_free(struct body_turn *turn, struct body_lines *lines)
{
    if (turn && turn->reading.kind && (turn->reading.value || turn->reading.made))
        body_lines_do(lines, &turn->end, run_end, on_end);
    else
        free(turn);
}

static void on_turn(struct body_place *place)
{
    struct body_turn *turn = container_of(place, struct body_turn, place);
    struct api_exchange *exchange = turn->exchange;

    turn->handle(exchange);
    api_exchange_unref(exchange);
}

const struct body_kind *body_kind_of(enum api_body body)
{
    switch (body) {
    case API_JSON:
    case API_CREDENTIAL:
        return &api_json_members;
    case API_JSON_TOKENS:
        return &api_json_raw;
    case API_JSON_MESSAGES:
        return &messages_kind;
    default:
        return NULL;
    }
}

/* What changes something; queries pass by. */
static bool has_order(const struct api_endpoint *endpoint)
{
    return body_kind_of(endpoint->body) ||
           (endpoint->guard == API_BACK_END &&
            (endpoint->permission & (AUTH_MAY_SEND | AUTH_MAY_DISCONNECT)));
}

static struct body_reading reading_of(const struct api_exchange *exchange)
{
    return (struct body_reading){
        .kind = body_kind_of(exchange->endpoint->body),
        .rules = rules_for(exchange),
        .text = exchange->body,
        .length = exchange->body_length,
    };
}

/* Its handler finds what was read, and no text. */
static void read_by_thread(struct body_turn *turn, struct api_exchange *exchange)
{
    turn->reading = reading_of(exchange);
    turn->body = exchange->kept;
    turn->place.work = work;
    exchange->kept = (struct h2_body){0};
    exchange->body = "";
}

bool body_reading_begin(struct api_exchange *exchange,
                        void (*handle)(struct api_exchange *exchange))
{
    struct body_lines *lines = &exchange->api->bodies;
    const bool is_large =
        body_kind_of(exchange->endpoint->body) && exchange->body_length > BODY_READ_AT_ONCE;
    struct body_turn *turn;

    if (exchange->turn || !has_order(exchange->endpoint))
        return false; /* it has had its turn, or needs none */
    if (!is_large && !body_lines_wait(lines, exchange->session_number))
        return false;
    turn = mem_zalloc(sizeof(*turn));
    turn->exchange = api_exchange_ref(exchange);
    turn->handle = handle;
    turn->place.turn = on_turn;
    exchange->turn = turn;
    api_exchange_keep_body(exchange);
    if (is_large)
        read_by_thread(turn, exchange);
    body_lines_enter(lines, exchange->session_number, &turn->place);
    return true;
}

struct body_reading *body_reading_get(struct api_exchange *exchange, struct body_reading *here)
{
    if (exchange->turn && exchange->turn->reading.kind)
        return &exchange->turn->reading;
    *here = reading_of(exchange);
    here->kind->read(here);
    return here;
}

void body_reading_end(struct body_reading *reading, const struct body_reading *here)
{
    if (reading == here)
        reading->kind->release(reading);
}
