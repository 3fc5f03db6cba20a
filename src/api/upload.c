/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload/{path}.do: multipart/form-data, on its way to the disk as it comes. Who asks, and for
 * which connection, may be known later than the first bytes come: those wait, and the client's
 * window with them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/on_connection.h"
#include "api/repeats.h"
#include "api/reply.h"
#include "api/upload_parts.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"
#include "h2/stream.h"
#include "sse/service.h"
#include "sse/user.h"

#define FIELD_BYTES 65536u

/* Files that the uploads of one worker may have open, so that descriptors are left for clients. */
#define OPEN_FILES 512u

/* Room that uploads leave on the disk, for whatever else needs it. */
#define RESERVE_BYTES 67108864u

enum upload_state {
    UPLOAD_ASKING,   /* nobody knows yet whether it is allowed; what comes is held */
    UPLOAD_TAKING,   /* allowed */
    UPLOAD_REPEATED, /* it came before, and gets the answer of then; what comes is dropped */
    UPLOAD_REFUSED,  /* answered with an error; what comes is dropped */
};

struct upload {
    struct on_connection act;
    struct repeat_claim claim;
    const char *id;            /* of the connection; NULL: it names none */
    char *tenant_id, *user_id; /* with an idempotency-key: whose connection it is */
    bool has_key;
    struct api_exchange *exchange; /* a reference */
    struct upload_parts *parts;
    enum upload_state state;
    bool has_ended;   /* the body: nothing more comes */
    bool is_complete; /* and it has come whole */
    bool is_asking;   /* the question is still open */
    struct buf held;
};

/* The body and the question end in any order; then it is over. */
static void free_if_over(struct upload *upload)
{
    if (!upload->has_ended || upload->is_asking)
        return;
    if (upload->claim.key && !upload->claim.answer)
        repeats_settle(&upload->claim, upload->exchange->service, NULL);
    repeat_claim_release(&upload->claim);
    free(upload->tenant_id);
    free(upload->user_id);
    upload_parts_free(upload->parts);
    buf_release(&upload->held);
    api_exchange_unref(upload->exchange);
    free(upload);
}

static void refuse(struct upload *upload, int rc)
{
    struct api_exchange *exchange = upload->exchange;

    upload->state = UPLOAD_REFUSED;
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
    default:
        log_error("an upload could not be written",
                  LOG_STR("service", exchange->service->settings->core->name),
                  LOG_STR("reason", strerror(-rc)));
        api_reply_error(exchange, rc == -ENOSPC || rc == -EDQUOT ? 503 : 500,
                        "the upload could not be written to the server's disk");
    }
}

/* Bytes go back to the client's window when they are on the disk. */
static void take(struct upload *upload, const char *data, size_t length)
{
    int rc = upload_parts_feed(upload->parts, data, length);

    h2_stream_consume(upload->exchange->stream, length);
    if (rc < 0)
        refuse(upload, rc);
}

static void answer(struct upload *upload)
{
    struct api_exchange *exchange = upload->exchange;
    struct buf text = BUF_INIT;
    struct bytes *body;
    int rc = upload_parts_finish(upload->parts);

    if (rc < 0) {
        refuse(upload, rc);
        return;
    }
    api_reply_begin(exchange, &text);
    buf_append_str(&text, "{\"path\":");
    json_text_string(&text, exchange->variable);
    buf_append_str(&text, ",\"parts\":");
    upload_parts_describe(upload->parts, &text);
    buf_append_char(&text, '}');
    body = api_reply_finish(exchange, &text);
    if (upload->claim.key)
        repeats_settle(&upload->claim, exchange->service, body);
    api_reply_bytes(exchange, body);
}

/* Nothing more comes, and what came was whole. */
static void conclude(struct upload *upload)
{
    if (upload->state == UPLOAD_TAKING)
        answer(upload);
    else if (upload->state == UPLOAD_REPEATED)
        api_reply_bytes(upload->exchange, bytes_ref(upload->claim.answer));
}

static int on_data(void *reader, const char *data, size_t length)
{
    struct upload *upload = reader;

    if (upload->state == UPLOAD_ASKING)
        buf_append(&upload->held, data, length);
    else if (upload->state == UPLOAD_TAKING)
        take(upload, data, length);
    else if (upload->state == UPLOAD_REPEATED)
        h2_stream_consume(upload->exchange->stream, length);
    /* An answered error ends the reading. */
    return upload->state == UPLOAD_REFUSED ? -ECANCELED : 0;
}

static void on_end(void *reader, bool complete)
{
    struct upload *upload = reader;

    upload->has_ended = true;
    upload->is_complete = complete;
    if (complete)
        conclude(upload);
    free_if_over(upload);
}

static const struct h2_body_reader reader = {.on_data = on_data, .on_end = on_end};

static void allow(struct upload *upload)
{
    struct buf held = upload->held;

    upload->is_asking = false;
    upload->state = UPLOAD_TAKING;
    upload->held = (struct buf)BUF_INIT;
    if (held.length > 0 && (!upload->has_ended || upload->is_complete))
        take(upload, held.data, held.length);
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
    h2_stream_consume(upload->exchange->stream, length);
}

static void count_request(struct on_connection *act, struct sse_connection *connection)
{
    (void)act;
    connection->request_upload_count++;
    connection->last_request_time = loop_wall_ms(connection->home->loop);
}

static void on_found(struct on_connection *act)
{
    struct upload *upload = container_of(act, struct upload, act);

    if (act->found) {
        allow(upload);
    } else {
        drop(upload, UPLOAD_REFUSED);
        api_reply_error(act->exchange, 404,
                        "there is no such connection; connectionId is the one that connect-finish "
                        "told this page");
    }
    free_if_over(upload);
}

/* ---- with an idempotency-key ---- */

static void on_claimed(struct repeat_claim *claim)
{
    struct upload *upload = container_of(claim, struct upload, claim);

    if (claim->answer) {
        drop(upload, UPLOAD_REPEATED);
        if (upload->is_complete)
            conclude(upload);
    } else if (upload->id) {
        upload->act = (struct on_connection){.act = count_request, .done = on_found};
        on_connection_start(&upload->act, upload->exchange, upload->id);
        return;
    } else {
        allow(upload);
    }
    free_if_over(upload);
}

static void note_owner(struct on_connection *act, struct sse_connection *connection)
{
    struct upload *upload = container_of(act, struct upload, act);

    upload->tenant_id = mem_strdup(connection->user->tenant_id);
    upload->user_id = mem_strdup(connection->user->id);
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
    if (allowed && upload->has_key) {
        repeats_claim(&upload->claim, exchange, exchange->user->tenant_id, exchange->user->id);
        return;
    }
    if (allowed)
        allow(upload);
    else
        drop(upload, UPLOAD_REFUSED);
    free_if_over(upload);
}

/* Uploads that would fill the disk are turned away before they begin. */
static bool has_room(struct api_exchange *exchange)
{
    const struct api_service *service = exchange->service;
    struct statvfs disk;

    if (service->upload_directory < 0 || fstatvfs(service->upload_directory, &disk) < 0) {
        api_reply_error(exchange, 503, "the server's upload directory cannot be used");
        return false;
    }
    if ((uint64_t)disk.f_bavail * disk.f_frsize >= service->settings->upload_bytes + RESERVE_BYTES)
        return true;
    api_reply_error(exchange, 503, "the server's disk has no room for uploads");
    return false;
}

void api_handle_upload(struct api_exchange *exchange)
{
    const struct api_service *service = exchange->service;
    const char *content_type = h2_request_header(exchange->request, "content-type");
    const struct upload_parts_limits limits = {
        .parts = service->settings->upload_parts,
        .field_bytes = FIELD_BYTES,
        .open_files = OPEN_FILES,
        .open_count = &exchange->api->upload_files,
    };
    const char *id = h2_form_get(&exchange->query, "connectionId");
    struct upload_parts *parts;
    struct upload *upload;
    const char *fault = "";
    bool is_refused_key, has_key = repeats_key(exchange, &is_refused_key) != NULL;

    if (is_refused_key)
        return;

    if (!h2_request_is_type(exchange->request, "multipart/form-data")) {
        api_reply_error(exchange, 415, "the body of this request must be multipart/form-data");
        return;
    }
    if (!has_room(exchange))
        return;
    parts = upload_parts_new(content_type, &limits, service->upload_directory, &fault);
    if (!parts) {
        api_reply_error(exchange, 400, "%s", fault);
        return;
    }
    upload = mem_zalloc(sizeof(*upload));
    upload->exchange = api_exchange_ref(exchange);
    upload->parts = parts;
    upload->is_asking = true;
    upload->id = id && id[0] != '\0' ? id : NULL;
    upload->has_key = has_key;
    upload->claim.done = on_claimed;
    upload->act.act = has_key ? note_owner : count_request;
    upload->act.done = has_key ? on_owner : on_found;
    exchange->context = upload;
    h2_stream_stream_body(exchange->stream, service->settings->upload_bytes, &reader, upload);
    api_exchange_identify(exchange, on_identity);
}
