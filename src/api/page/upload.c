/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload/{path}.do: multipart/form-data, on its way to the disk as it comes; or to the back end
 * that handles it (api/page/handler.h), where the service says so. Who asks, and for which
 * connection, may be known later than the first bytes come: those wait, and the client's window
 * with them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/limit.h"
#include "api/page/connection.h"
#include "api/page/handler.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "h2/stream.h"
#include "sse/service.h"
#include "sse/user.h"
#include "upload/quota.h"
#include "upload/writer.h"

#define FIELD_BYTES 65536u

/* Plain fields of one upload, all together, that a handler is given the text of. */
#define KEPT_BYTES 262144u

enum upload_state {
    UPLOAD_ASKING,   /* nobody knows yet whether it is allowed; what comes is held */
    UPLOAD_TAKING,   /* allowed; what comes goes to the disk (upload/writer.h), */
    UPLOAD_PASSING,  /* or to the back end */
    UPLOAD_REPEATED, /* it came before, and gets the answer of then; what comes is dropped */
    UPLOAD_ANSWERED, /* with an error, or by the back end; what comes is dropped */
};

struct upload {
    struct key_claim claim;
    struct handler_call call;
    struct handler_subject subject;
    const char *id;            /* of the connection; NULL: it names none */
    char *tenant_id, *user_id; /* whose connection that is, once it is known */
    struct attach attach;
    bool has_key;
    /* Of the settings when it came: */
    char *handler_url;             /* NULL: nobody handles it */
    bool is_passed_on;             /* its body goes there as it comes */
    struct api_exchange *exchange; /* a reference */
    struct upload_writer *writer;  /* NULL: the body goes to the back end */
    struct api_answer given;       /* by the back end, for files that have to go first */
    enum upload_state state;
    bool has_ended;   /* the body: nothing more comes */
    bool is_complete; /* and it has come whole */
    bool is_asking;   /* the question is still open */
    bool is_handled;  /* the back end has it, and has not answered yet */
    bool is_writing;  /* the disk has to finish before there is an answer */
    bool is_undoing;
    struct buf held;
};

/* The body, the question, the disk and the back end's answer end in any order; then it is over. */
static void free_if_over(struct upload *upload)
{
    if (!upload->has_ended || upload->is_asking || upload->is_handled || upload->is_writing)
        return;
    if (!upload->claim.answer.body)
        idempotency_key_settle(&upload->claim, upload->exchange->service, NULL);
    key_claim_release(&upload->claim);
    handler_subject_release(&upload->subject);
    upload_writer_close(upload->writer);
    bytes_unref(upload->given.body);
    attach_give(&upload->attach);
    broker_attaching_release(&upload->attach.base);
    free(upload->handler_url);
    free(upload->tenant_id);
    free(upload->user_id);
    buf_release(&upload->held);
    api_exchange_unref(upload->exchange);
    free(upload);
}

static void refuse_by_disk(const struct upload *upload, int rc)
{
    struct api_exchange *exchange = upload->exchange;

    log_error("an upload could not be written",
              LOG_STR("service", exchange->service->settings->core->name),
              LOG_STR("reason", strerror(-rc)));
    if (rc == -ENOSPC || rc == -EDQUOT)
        api_reply_error(exchange, 503, "the server's disk has no room for this upload");
    else if (rc == -EMFILE || rc == -ENFILE)
        api_reply_error(exchange, 503,
                        "the server has no room for another open file; come again later");
    else if (rc == -EAGAIN)
        api_reply_error(exchange, 503, "too many uploads wait for the server's disk; come later");
    else if (rc == -ETIMEDOUT)
        api_reply_error(exchange, 503,
                        "the server's disk has not taken a piece of this upload within "
                        "services[].uploadTimeout; come again later");
    else
        api_reply_error(exchange, 500, "the upload could not be written to the server's disk");
}

static void refuse(struct upload *upload, int rc)
{
    struct api_exchange *exchange = upload->exchange;
    const char *fault = upload_writer_fault(upload->writer);

    upload->state = UPLOAD_ANSWERED;
    if (rc == -EPROTO)
        api_reply_error(exchange, 400, "%s", fault);
    else if (rc == -E2BIG)
        api_reply_error(exchange, 413, "%s", fault);
    else if (rc == -EBUSY)
        api_reply_error(exchange, 503, "%s", fault);
    else if (rc == -ENOBUFS)
        api_reply_error(exchange, 503,
                        "what clients have sent and nobody has taken yet fills "
                        "limits.inboundBytes; come again later");
    else if (rc == -EDQUOT && upload_writer_limit(upload->writer) != UPLOAD_LIMITS)
        limit_refuse(exchange, LIMIT_UPLOADS + upload_writer_limit(upload->writer));
    else
        refuse_by_disk(upload, rc);
}

static void stop_writing(struct upload *upload, int rc)
{
    refuse(upload, rc);
    upload_writer_close(upload->writer);
    upload->writer = NULL;
}

static void begin_writing(struct upload *upload)
{
    const struct sse_user *user = upload->exchange->user;
    char owner[UPLOAD_OWNER_SIZE];

    if (user)
        upload_quota_owner(user->tenant_id, user->id, owner);
    else
        upload_quota_owner(upload->tenant_id, upload->user_id, owner);
    upload_writer_begin(upload->writer, owner);
}

static void answer(struct upload *upload, const struct api_answer *given)
{
    idempotency_key_settle(&upload->claim, upload->exchange->service, given);
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

static void answer_handled(struct upload *upload)
{
    const struct api_answer given = upload->given;

    upload->given.body = NULL;
    if (given.body)
        answer(upload, &given);
    else
        handler_call_refuse(&upload->call);
}

static void on_handled(struct handler_call *call, enum handler_outcome outcome,
                       const struct api_answer *given)
{
    struct upload *upload = container_of(call, struct upload, call);

    upload->is_handled = false;
    upload->state = UPLOAD_ANSWERED;
    if (given)
        upload->given = *given;
    /* Whoever may have run may be at work on the files. */
    if (upload->writer && (outcome == HANDLER_REFUSED || outcome == HANDLER_FAILED)) {
        upload->is_writing = upload->is_undoing = true;
        upload_writer_undo(upload->writer);
        return;
    }
    if (upload->writer)
        upload_writer_leave(upload->writer, outcome == HANDLER_UNCLEAR);
    answer_handled(upload);
    free_if_over(upload);
}

/* The files are on the disk: the back end hears where. */
static void ask_handler(struct upload *upload)
{
    struct buf text = BUF_INIT;

    open_question(upload, &text);
    buf_append_str(&text, ",\"parts\":");
    upload_parts_describe(upload_writer_parts(upload->writer),
                          upload->exchange->service->settings->upload_directory, &text);
    buf_append_char(&text, '}');
    upload->is_handled = true;
    handler_call_post(&upload->call, upload->exchange, upload->handler_url, &text);
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
    struct outbound_streaming streaming = {
        .about = &text,
        .length = length == H2_NO_CONTENT_LENGTH ? -1 : length,
        .on_taken = on_taken,
    };

    open_question(upload, &text);
    buf_append_char(&text, '}');
    upload->is_handled = true;
    handler_call_stream(&upload->call, upload->exchange, upload->handler_url, &streaming);
    buf_release(&text);
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

    buf_append_char(&text, '{');
    json_text_member(&text, "path", api_exchange_path(exchange));
    buf_append_str(&text, ",\"parts\":");
    upload_parts_describe(upload_writer_parts(upload->writer), NULL, &text);
    buf_append_char(&text, '}');
    given = api_reply_make_data(exchange, 200, &text);
    answer(upload, &given);
}

/* The files have their names. */
static void on_kept(struct upload *upload)
{
    if (upload->handler_url) {
        ask_handler(upload);
        return;
    }
    upload_writer_leave(upload->writer, true);
    answer_parts(upload);
}

/* Bytes go back to the client's window when they are on the disk. */
static void on_progress(void *context, const struct upload_progress *progress)
{
    struct upload *upload = context;
    struct h2_stream *stream = upload->exchange->stream;
    int status = progress->status;

    h2_stream_consume(stream, progress->written);
    if (status == 0 && !upload->is_undoing && !h2_stream_keep(stream, progress->kept))
        status = -ENOBUFS;
    if (status == 0 && !progress->is_over)
        return;
    upload->is_writing = false;
    if (upload->is_undoing)
        answer_handled(upload); /* what is left of the files then goes with the writer */
    else if (status < 0)
        stop_writing(upload, status);
    else
        on_kept(upload);
    free_if_over(upload);
}

/* Nothing more comes, and what came was whole. */
static void conclude(struct upload *upload)
{
    const struct api_answer *first = &upload->claim.answer;

    if (upload->state == UPLOAD_TAKING) {
        upload->is_writing = true;
        upload_writer_end(upload->writer);
    } else if (upload->state == UPLOAD_PASSING) {
        outbound_call_end(upload->call.call);
    } else if (upload->state == UPLOAD_REPEATED) {
        api_reply_answer(upload->exchange,
                         &(struct api_answer){first->status, bytes_ref(first->body)});
    }
}

static int on_data(void *reader, const char *data, size_t length)
{
    struct upload *upload = reader;

    if (upload->state == UPLOAD_ASKING)
        buf_append(&upload->held, data, length);
    else if (upload->state == UPLOAD_TAKING)
        upload_writer_take(upload->writer, data, length);
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
        upload->exchange->complete_at = loop_now_ms(upload->exchange->api->loop);
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
    if (!upload->writer && (!upload->has_ended || upload->is_complete))
        pass_on(upload);
    upload->state = upload->writer ? UPLOAD_TAKING : UPLOAD_PASSING;
    if (held.length > 0 && (!upload->has_ended || upload->is_complete)) {
        if (upload->writer)
            upload_writer_take(upload->writer, held.data, held.length);
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

static void on_attached(struct attach *attach, bool granted)
{
    struct upload *upload = container_of(attach, struct upload, attach);

    if (granted && upload->writer)
        begin_writing(upload);
    if (granted)
        allow(upload);
    else
        drop(upload, UPLOAD_ANSWERED);
    free_if_over(upload);
}

/* The last question: is there a slot for one more upload? */
static void ask_slot(struct upload *upload)
{
    const struct sse_user *user = upload->exchange->user;

    upload->attach.done = on_attached;
    attach_ask_upload(&upload->attach, upload->exchange, user ? user->tenant_id : upload->tenant_id,
                      user ? user->id : upload->user_id);
}

/* ---- whose it is ---- */

/* Its key is its user's: who that is has to be known before it is counted. */
static bool is_to_claim(const struct upload *upload)
{
    return upload->has_key && !upload->claim.key;
}

/* Without a connection. Its key may have been claimed while it had one. */
static void start_for_user(struct upload *upload)
{
    const struct sse_user *user = upload->exchange->user;

    upload->id = NULL;
    if (upload->handler_url)
        handler_subject_note_user(&upload->subject, user);
    if (is_to_claim(upload))
        idempotency_key_claim(&upload->claim, upload->exchange, user->tenant_id, user->id);
    else
        ask_slot(upload);
}

static void on_called(struct api_exchange *exchange, const struct broker_message *answer)
{
    struct upload *upload = exchange->context;

    if (!on_connection_is_found(answer)) {
        if (on_connection_is_dispensable(exchange)) {
            start_for_user(upload);
            return;
        }
        drop(upload, UPLOAD_ANSWERED);
        free_if_over(upload);
        return;
    }
    if (!upload->user_id) {
        upload->tenant_id = mem_strdup(answer->called.tenant_id);
        upload->user_id = mem_strdup(answer->called.user_id);
    }
    handler_subject_note(&upload->subject, answer);
    if (is_to_claim(upload))
        idempotency_key_claim(&upload->claim, exchange, upload->tenant_id, upload->user_id);
    else
        ask_slot(upload);
}

static void call_connection(struct upload *upload)
{
    struct broker_call call = {.operation = BROKER_ENTER, .is_counted = upload->user_id != NULL};

    if (!is_to_claim(upload)) {
        call.operation = BROKER_COUNT_UPLOAD;
        call.telling = upload->subject.telling;
    }
    on_connection_start(upload->exchange, upload->id, &call, on_called);
}

/* ---- with an idempotency-key ---- */

static void on_claimed(struct key_claim *claim)
{
    struct upload *upload = container_of(claim, struct upload, claim);

    if (claim->is_refused) {
        drop(upload, UPLOAD_ANSWERED);
        free_if_over(upload);
    } else if (claim->answer.body) {
        drop(upload, UPLOAD_REPEATED);
        if (upload->is_complete)
            conclude(upload);
        free_if_over(upload);
    } else if (upload->id) {
        call_connection(upload);
    } else {
        ask_slot(upload);
    }
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
        call_connection(upload);
        return;
    }
    if (allowed && api_exchange_require_user(exchange)) {
        start_for_user(upload);
    } else {
        drop(upload, UPLOAD_ANSWERED);
        free_if_over(upload);
    }
}

/* NULL: it has answered. */
static struct upload_writer *make_writer(struct upload *upload)
{
    struct api_exchange *exchange = upload->exchange;
    const struct api_service *service = exchange->service;
    const int64_t length = exchange->request->content_length;
    const struct upload_writer_settings settings = {
        .all = &exchange->api->uploads,
        .pool = service->settings->upload_pool,
        .directory = service->upload_directory,
        .quota = service->settings->upload_quota,
        .service = service->index,
        .most_bytes = service->settings->upload_bytes,
        .length = length == H2_NO_CONTENT_LENGTH ? -1 : length,
        .timeout_ms = service->settings->upload_timeout_ms,
        .parts = service->settings->upload_parts,
        .field_bytes = FIELD_BYTES,
        .kept_bytes = upload->handler_url ? KEPT_BYTES : 0,
        .is_owned = !upload->handler_url,
        .progress = on_progress,
        .context = upload,
    };
    struct upload_writer *writer;
    const char *fault = "";

    if (service->upload_directory < 0) {
        api_reply_error(exchange, 503, "the server's upload directory cannot be used");
        return NULL;
    }
    writer =
        upload_writer_new(h2_request_header(exchange->request, "content-type"), &settings, &fault);
    if (!writer)
        api_reply_error(exchange, 400, "%s", fault);
    return writer;
}

static void note_handler(struct upload *upload, const struct api_handler_settings *handlers)
{
    if (handlers->upload_url[0] == '\0')
        return;
    upload->handler_url = mem_strdup(handlers->upload_url);
    upload->is_passed_on = handlers->upload_streams;
    upload->subject.telling =
        (struct broker_telling){true, handlers->upload_has_token, handlers->upload_streams};
}

void api_handle_upload(struct api_exchange *exchange)
{
    const struct api_service *service = exchange->service;
    const char *id = h2_form_get(&exchange->query, "connectionId");
    struct upload *upload;
    bool is_refused_key, has_key = idempotency_key_of(exchange, &is_refused_key) != NULL;

    if (is_refused_key)
        return;
    if (!h2_request_is_type(exchange->request, "multipart/form-data")) {
        api_reply_error(exchange, 415, "the body of this request must be multipart/form-data");
        return;
    }
    upload = mem_zalloc(sizeof(*upload));
    upload->exchange = exchange;
    note_handler(upload, &service->settings->handlers);
    if (!upload->is_passed_on && !(upload->writer = make_writer(upload))) {
        free(upload->handler_url);
        free(upload);
        return;
    }
    api_exchange_ref(exchange);
    upload->is_asking = true;
    upload->id = id && id[0] != '\0' ? id : NULL;
    upload->has_key = has_key;
    upload->claim.done = on_claimed;
    upload->call.done = on_handled;
    exchange->context = upload;
    h2_stream_hold_body(exchange->stream, NULL, NULL);
    h2_stream_stream_body(exchange->stream, service->settings->upload_bytes, &reader, upload);
    api_exchange_identify(exchange, on_identity);
}
