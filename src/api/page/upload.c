/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload/{path}.do: multipart/form-data, on its way to the disk as it comes; or to the back end
 * that handles it (api/page/handler_call.h), where the service says so. Who asks, and for which
 * connection, may be known later than the first bytes come: those wait, and the client's window
 * with them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/limit/places.h"
#include "api/limit/upload_quota.h"
#include "api/page/handler_call.h"
#include "api/page/handler_subject.h"
#include "api/page/on_connection.h"
#include "api/page/repeats.h"
#include "api/page/upload_file.h"
#include "api/page/upload_parts.h"
#include "api/reply.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"
#include "h2/stream.h"
#include "sse/service.h"
#include "sse/user.h"

#define FIELD_BYTES 65536u

/* Plain fields of one upload, all together, that a handler is given the text of. */
#define KEPT_BYTES 262144u

/* Without a declared length room on the disk is taken in such steps. */
#define RESERVE_STEP UINT64_C(1048576)

/* Files that the uploads of one worker may have open, so that descriptors are left for clients. */
#define OPEN_FILES 512u

enum upload_state {
    UPLOAD_ASKING,   /* nobody knows yet whether it is allowed; what comes is held */
    UPLOAD_TAKING,   /* allowed; what comes goes to the disk, */
    UPLOAD_PASSING,  /* or to the back end */
    UPLOAD_REPEATED, /* it came before, and gets the answer of then; what comes is dropped */
    UPLOAD_ANSWERED, /* with an error, or by the back end; what comes is dropped */
};

struct upload {
    struct on_connection act;
    struct repeat_claim claim;
    struct handler_call call;
    struct handler_subject subject;
    const char *id;            /* of the connection; NULL: it names none */
    char *tenant_id, *user_id; /* whose connection that is, once it is known */
    struct places places;
    bool has_key;
    struct api_exchange *exchange; /* a reference */
    struct upload_claim claimed;   /* of the disk; with parts */
    uint64_t received;
    struct upload_parts *parts; /* NULL: the body goes to the back end */
    enum upload_state state;
    bool has_ended;   /* the body: nothing more comes */
    bool is_complete; /* and it has come whole */
    bool is_asking;   /* the question is still open */
    bool is_handled;  /* the back end has it, and has not answered yet */
    struct buf held;
};

static const struct api_handler_settings *handlers_of(const struct api_exchange *exchange)
{
    return &exchange->service->settings->handlers;
}

static bool has_handler(const struct api_exchange *exchange)
{
    return handlers_of(exchange)->upload_url[0] != '\0';
}

static bool is_passed_on(const struct api_exchange *exchange)
{
    return has_handler(exchange) && handlers_of(exchange)->upload_streams;
}

/* The body, the question and the back end's answer end in any order; then it is over. */
static void free_if_over(struct upload *upload)
{
    if (!upload->has_ended || upload->is_asking || upload->is_handled)
        return;
    if (upload->claim.key && !upload->claim.answer.body)
        repeats_settle(&upload->claim, upload->exchange->service, NULL);
    repeat_claim_release(&upload->claim);
    handler_subject_release(&upload->subject);
    upload_claim_release(&upload->claimed);
    places_give(&upload->places, upload->exchange->service);
    places_release(&upload->places);
    free(upload->tenant_id);
    free(upload->user_id);
    upload_parts_free(upload->parts);
    buf_release(&upload->held);
    api_exchange_unref(upload->exchange);
    free(upload);
}

static void refuse_by_disk(const struct upload *upload, int rc)
{
    struct api_exchange *exchange = upload->exchange;

    if (rc == -EDQUOT && upload->claimed.limit != LIMITS) {
        limits_refuse(exchange, upload->claimed.limit);
        return;
    }
    log_error("an upload could not be written",
              LOG_STR("service", exchange->service->settings->core->name),
              LOG_STR("reason", strerror(-rc)));
    if (rc == -ENOSPC || rc == -EDQUOT)
        api_reply_error(exchange, 503, "the server's disk has no room for this upload");
    else if (rc == -EMFILE || rc == -ENFILE)
        api_reply_error(exchange, 503,
                        "the server has no room for another open file; come again later");
    else
        api_reply_error(exchange, 500, "the upload could not be written to the server's disk");
}

static void refuse(struct upload *upload, int rc)
{
    struct api_exchange *exchange = upload->exchange;

    upload->state = UPLOAD_ANSWERED;
    switch (rc) {
    case -EPROTO:
        api_reply_error(exchange, 400, "%s", upload_parts_fault(upload->parts));
        break;
    case -E2BIG:
        api_reply_error(exchange, 413, "%s", upload_parts_fault(upload->parts));
        break;
    case -EBUSY:
        api_reply_error(exchange, 503, "%s", upload_parts_fault(upload->parts));
        break;
    case -ENOBUFS:
        api_reply_error(exchange, 503,
                        "what clients have sent and nobody has taken yet fills "
                        "limits.inboundBytes; come again later");
        break;
    default:
        refuse_by_disk(upload, rc);
    }
}

static int take_file(void *context)
{
    struct upload *upload = context;

    return upload_claim_file(&upload->claimed);
}

/* Room for what comes, before it is written; where there is none for a step, for this alone. */
static int reserve(struct upload *upload, size_t length)
{
    const struct api_service *service = upload->exchange->service;
    uint64_t wanted = upload->claimed.reserved + RESERVE_STEP;
    int rc;

    upload->received += length;
    if (upload->received <= upload->claimed.reserved)
        return 0;
    if (wanted > service->settings->upload_bytes)
        wanted = service->settings->upload_bytes;
    if (wanted < upload->received)
        wanted = upload->received;
    rc = upload_claim_bytes(&upload->claimed, service->upload_directory, wanted);
    if (rc < 0 && wanted > upload->received)
        rc = upload_claim_bytes(&upload->claimed, service->upload_directory, upload->received);
    return rc;
}

/* Whose it is, and all of its room where its length is declared. */
static int claim_disk(struct upload *upload)
{
    const struct api_exchange *exchange = upload->exchange;
    const struct api_service *service = exchange->service;
    const int64_t length = exchange->request->content_length;
    char owner[UPLOAD_OWNER_SIZE];
    int rc;

    if (exchange->user)
        upload_quota_owner(exchange->user->tenant_id, exchange->user->id, owner);
    else
        upload_quota_owner(upload->tenant_id, upload->user_id, owner);
    rc = upload_claim_begin(&upload->claimed, service->settings->upload_quota, service->index,
                            owner, service->upload_directory);
    if (rc == 0 && !has_handler(exchange))
        upload_parts_own(upload->parts, owner);
    if (rc == 0 && length > 0)
        rc = upload_claim_bytes(&upload->claimed, service->upload_directory, (uint64_t)length);
    return rc;
}

/* Bytes go back to the client's window when they are on the disk. */
static void take(struct upload *upload, const char *data, size_t length)
{
    int rc = reserve(upload, length);

    if (rc == 0)
        rc = upload_parts_feed(upload->parts, data, length);
    upload_claim_wrote(&upload->claimed, length);
    h2_stream_consume(upload->exchange->stream, length);
    if (rc == 0 && !h2_stream_keep(upload->exchange->stream, upload_parts_kept(upload->parts)))
        rc = -ENOBUFS;
    if (rc < 0)
        refuse(upload, rc);
}

static void answer(struct upload *upload, const struct api_answer *given)
{
    if (upload->claim.key)
        repeats_settle(&upload->claim, upload->exchange->service, given);
    api_reply_answer(upload->exchange, given);
}

/* ---- the back end that handles it ---- */

static void open_question(const struct upload *upload, struct buf *text)
{
    json_t *query = handler_subject_query(upload->exchange);
    char *written = json_dumps(query, JSON_COMPACT);

    handler_subject_open(text, upload->exchange, "upload", &upload->subject);
    buf_printf(text, ",\"query\":%s", written ? written : "{}");
    free(written);
    json_decref(query);
}

static void on_handled(struct handler_call *call, enum handler_outcome outcome,
                       const struct api_answer *given)
{
    struct upload *upload = container_of(call, struct upload, call);

    upload->is_handled = false;
    upload->state = UPLOAD_ANSWERED;
    /* Whoever may have run may be at work on the files. */
    if (upload->parts && (outcome == HANDLER_REFUSED || outcome == HANDLER_FAILED))
        upload_parts_remove(upload->parts);
    if (upload->parts && outcome == HANDLER_UNCLEAR)
        upload_claim_leave(&upload->claimed);
    upload_claim_release(&upload->claimed);
    if (given)
        answer(upload, given);
    else
        handler_call_refuse(call);
    free_if_over(upload);
}

/* The files are on the disk: the back end hears where. */
static void ask_handler(struct upload *upload)
{
    struct buf text = BUF_INIT;

    open_question(upload, &text);
    buf_append_str(&text, ",\"parts\":");
    upload_parts_describe(upload->parts, upload->exchange->service->settings->upload_directory,
                          &text);
    buf_append_char(&text, '}');
    upload->is_handled = true;
    handler_call_post(&upload->call, upload->exchange, handlers_of(upload->exchange)->upload_url,
                      &text);
}

static void on_taken(void *context, size_t length)
{
    const struct upload *upload = container_of(context, struct upload, call);

    h2_stream_consume(upload->exchange->stream, length);
}

static void pass_on(struct upload *upload)
{
    int64_t length = upload->exchange->request->content_length;
    struct buf text = BUF_INIT;
    const struct handler_stream stream = {
        .url = handlers_of(upload->exchange)->upload_url,
        .context = &text,
        .length = length == H2_NO_CONTENT_LENGTH ? -1 : length,
        .on_taken = on_taken,
    };

    open_question(upload, &text);
    buf_append_char(&text, '}');
    upload->is_handled = true;
    handler_call_stream(&upload->call, upload->exchange, &stream);
}

/* The window that the client was given fits into what may wait. */
static void feed(struct upload *upload, const char *data, size_t length)
{
    if (outbound_call_feed(upload->call.call, data, length) == 0)
        return;
    handler_call_cancel(&upload->call);
    upload->is_handled = false;
    upload->state = UPLOAD_ANSWERED;
    api_reply_error(upload->exchange, 502, "the upload could not be passed on");
}

/* ---- the body ---- */

static void answer_parts(struct upload *upload)
{
    struct api_exchange *exchange = upload->exchange;
    struct buf text = BUF_INIT;
    struct api_answer given;

    api_reply_begin(exchange, &text);
    buf_append_str(&text, "{\"path\":");
    json_text_string(&text, exchange->variable);
    buf_append_str(&text, ",\"parts\":");
    upload_parts_describe(upload->parts, NULL, &text);
    buf_append_char(&text, '}');
    given = api_reply_make(exchange, &text);
    answer(upload, &given);
}

static void keep_parts(struct upload *upload)
{
    int rc = upload_parts_finish(upload->parts);
    uint64_t bytes;
    uint32_t files;

    if (rc < 0) {
        refuse(upload, rc);
        return;
    }
    upload_parts_measure(upload->parts, &bytes, &files);
    upload_claim_keep(&upload->claimed, bytes, files);
    if (has_handler(upload->exchange)) {
        ask_handler(upload);
        return;
    }
    upload_claim_leave(&upload->claimed);
    answer_parts(upload);
}

/* Nothing more comes, and what came was whole. */
static void conclude(struct upload *upload)
{
    const struct api_answer *first = &upload->claim.answer;

    if (upload->state == UPLOAD_TAKING)
        keep_parts(upload);
    else if (upload->state == UPLOAD_PASSING)
        outbound_call_end(upload->call.call);
    else if (upload->state == UPLOAD_REPEATED)
        api_reply_answer(upload->exchange,
                         &(struct api_answer){first->status, bytes_ref(first->body)});
}

static int on_data(void *reader, const char *data, size_t length)
{
    struct upload *upload = reader;

    if (upload->state == UPLOAD_ASKING)
        buf_append(&upload->held, data, length);
    else if (upload->state == UPLOAD_TAKING)
        take(upload, data, length);
    else if (upload->state == UPLOAD_PASSING)
        feed(upload, data, length);
    else if (upload->state == UPLOAD_REPEATED)
        h2_stream_consume(upload->exchange->stream, length);
    /* An answer before the end ends the reading. */
    return upload->state == UPLOAD_ANSWERED ? -ECANCELED : 0;
}

static void on_end(void *reader, bool complete)
{
    struct upload *upload = reader;

    upload->has_ended = true;
    upload->is_complete = complete;
    if (complete) {
        conclude(upload);
    } else if (upload->state == UPLOAD_PASSING && upload->is_handled) {
        handler_call_cancel(&upload->call);
        upload->is_handled = false;
    }
    free_if_over(upload);
}

static const struct h2_body_reader reader = {.on_data = on_data, .on_end = on_end};

static void allow(struct upload *upload)
{
    struct buf held = upload->held;

    upload->is_asking = false;
    upload->held = (struct buf)BUF_INIT;
    h2_stream_admit_body(upload->exchange->stream);
    if (!upload->parts && (!upload->has_ended || upload->is_complete))
        pass_on(upload);
    upload->state = upload->parts ? UPLOAD_TAKING : UPLOAD_PASSING;
    if (held.length > 0 && (!upload->has_ended || upload->is_complete)) {
        if (upload->parts)
            take(upload, held.data, held.length);
        else
            feed(upload, held.data, held.length);
    }
    buf_release(&held);
    if (upload->is_complete)
        conclude(upload);
}

static void drop(struct upload *upload, enum upload_state state)
{
    size_t length = upload->held.length;

    upload->is_asking = false;
    upload->state = state;
    buf_release(&upload->held);
    if (state == UPLOAD_REPEATED)
        h2_stream_admit_body(upload->exchange->stream);
    h2_stream_consume(upload->exchange->stream, length);
}

static void on_places(struct places *places, bool granted)
{
    struct upload *upload = container_of(places, struct upload, places);
    int rc = granted && upload->parts ? claim_disk(upload) : 0;

    if (rc < 0)
        refuse(upload, rc);
    if (granted && rc == 0)
        allow(upload);
    else
        drop(upload, UPLOAD_ANSWERED);
    free_if_over(upload);
}

/* The last question: is there a place for one more upload? */
static void ask_places(struct upload *upload)
{
    const struct sse_user *user = upload->exchange->user;

    upload->places.done = on_places;
    places_ask(&upload->places, PLACES_OF_UPLOAD, upload->exchange,
               user ? user->tenant_id : upload->tenant_id, user ? user->id : upload->user_id);
}

static void note_owner(struct on_connection *act, struct sse_connection *connection)
{
    struct upload *upload = container_of(act, struct upload, act);

    if (upload->user_id)
        return;
    upload->tenant_id = mem_strdup(connection->user->tenant_id);
    upload->user_id = mem_strdup(connection->user->id);
}

static void count_request(struct on_connection *act, struct sse_connection *connection)
{
    struct upload *upload = container_of(act, struct upload, act);

    note_owner(act, connection);
    connection->request_upload_count++;
    connection->last_request_time = loop_wall_ms(connection->home->loop);
    if (has_handler(upload->exchange))
        handler_subject_note(&upload->subject, upload->exchange, connection,
                             is_passed_on(upload->exchange));
}

static void on_found(struct on_connection *act)
{
    struct upload *upload = container_of(act, struct upload, act);

    if (act->found) {
        ask_places(upload);
        return;
    }
    drop(upload, UPLOAD_ANSWERED);
    on_connection_answer_unknown(act->exchange);
    free_if_over(upload);
}

/* ---- with an idempotency-key ---- */

static void on_claimed(struct repeat_claim *claim)
{
    struct upload *upload = container_of(claim, struct upload, claim);

    if (claim->answer.body) {
        drop(upload, UPLOAD_REPEATED);
        if (upload->is_complete)
            conclude(upload);
        free_if_over(upload);
    } else if (upload->id) {
        upload->act =
            (struct on_connection){.act = count_request, .done = on_found, .is_counted = true};
        on_connection_start(&upload->act, upload->exchange, upload->id);
    } else {
        ask_places(upload);
    }
}

static void on_owner(struct on_connection *act)
{
    struct upload *upload = container_of(act, struct upload, act);

    if (act->found)
        repeats_claim(&upload->claim, act->exchange, upload->tenant_id, upload->user_id);
    else
        on_found(act);
}

/* ---- the request ---- */

/* By the transport, or for wrong credentials; then it has been answered. */
static bool is_refused(const struct upload *upload)
{
    if (upload->has_ended && !upload->is_complete)
        return true;
    return api_exchange_refuse_wrong(upload->exchange);
}

static void on_identity(struct api_exchange *exchange)
{
    struct upload *upload = exchange->context;
    bool allowed = !is_refused(upload);

    if (allowed && upload->id) {
        on_connection_start(&upload->act, exchange, upload->id);
        return;
    }
    allowed = allowed && api_exchange_require_user(exchange);
    if (allowed && has_handler(exchange))
        handler_subject_note_user(&upload->subject, exchange->user);
    if (allowed && upload->has_key) {
        repeats_claim(&upload->claim, exchange, exchange->user->tenant_id, exchange->user->id);
    } else if (allowed) {
        ask_places(upload);
    } else {
        drop(upload, UPLOAD_ANSWERED);
        free_if_over(upload);
    }
}

/* NULL: it has answered. */
static struct upload_parts *make_parts(struct upload *upload)
{
    struct api_exchange *exchange = upload->exchange;
    const struct api_service *service = exchange->service;
    const struct upload_parts_limits limits = {
        .parts = service->settings->upload_parts,
        .field_bytes = FIELD_BYTES,
        .kept_bytes = has_handler(exchange) ? KEPT_BYTES : 0,
        .open_files = OPEN_FILES,
        .open_count = &exchange->api->upload_files,
        .take_file = take_file,
        .context = upload,
    };
    struct upload_parts *parts;
    const char *fault = "";

    if (service->upload_directory < 0) {
        api_reply_error(exchange, 503, "the server's upload directory cannot be used");
        return NULL;
    }
    parts = upload_parts_new(h2_request_header(exchange->request, "content-type"), &limits,
                             service->upload_directory, &fault);
    if (!parts)
        api_reply_error(exchange, 400, "%s", fault);
    return parts;
}

void api_handle_upload(struct api_exchange *exchange)
{
    const struct api_service *service = exchange->service;
    const char *id = h2_form_get(&exchange->query, "connectionId");
    struct upload *upload;
    bool is_refused_key, has_key = repeats_key(exchange, &is_refused_key) != NULL;

    if (is_refused_key)
        return;
    if (!h2_request_is_type(exchange->request, "multipart/form-data")) {
        api_reply_error(exchange, 415, "the body of this request must be multipart/form-data");
        return;
    }
    upload = mem_zalloc(sizeof(*upload));
    upload->exchange = exchange;
    if (!is_passed_on(exchange) && !(upload->parts = make_parts(upload))) {
        free(upload);
        return;
    }
    api_exchange_ref(exchange);
    upload->is_asking = true;
    upload->id = id && id[0] != '\0' ? id : NULL;
    upload->has_key = has_key;
    upload->claim.done = on_claimed;
    upload->call.done = on_handled;
    upload->act.act = has_key ? note_owner : count_request;
    upload->act.done = has_key ? on_owner : on_found;
    exchange->context = upload;
    h2_stream_hold_body(exchange->stream, NULL, NULL);
    h2_stream_stream_body(exchange->stream, service->settings->upload_bytes, &reader, upload);
    api_exchange_identify(exchange, on_identity);
}
