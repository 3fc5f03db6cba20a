/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests in memory, and the budget for all that clients have sent. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "h2/request.h"
#include "h2/state.h"

#define FIRST_CAPACITY ((size_t)64)

static size_t round_to_pages(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page * page;
}

static bool is_mapped(const struct h2_body *body)
{
    return body->capacity > H2_BODY_HEAP;
}

size_t h2_body_capacity(const struct h2_body *body, const struct h2_body_spare *spare, size_t more,
                        size_t most)
{
    size_t needed = body->length + more + 1;
    size_t capacity = body->capacity > 0 ? body->capacity * 2 : FIRST_CAPACITY;

    if (needed <= body->capacity)
        return body->capacity;
    if (capacity > most + 1)
        capacity = most + 1;
    if (capacity < needed)
        capacity = needed;
    if (capacity <= H2_BODY_HEAP)
        return capacity;
    capacity = round_to_pages(capacity);
    return !is_mapped(body) && spare->capacity >= capacity ? spare->capacity : capacity;
}

static void *map(struct h2_body_spare *spare, size_t capacity)
{
    void *data = spare->data;

    if (spare->capacity != capacity)
        return mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *spare = (struct h2_body_spare){0};
    return data;
}

static void free_data(struct h2_body *body)
{
    if (is_mapped(body))
        munmap(body->data, body->capacity);
    else
        free(body->data);
}

static int grow(struct h2_body *body, struct h2_body_spare *spare, size_t capacity)
{
    void *data;

    if (capacity <= H2_BODY_HEAP) {
        data = mem_realloc(body->data, capacity);
    } else {
        data = map(spare, capacity);
        if (data != MAP_FAILED) {
            memcpy(data, h2_body_text(body), body->length);
            free_data(body);
        }
    }
    if (data == MAP_FAILED)
        return -ENOMEM;
    body->data = data;
    body->capacity = capacity;
    return 0;
}

int h2_body_append(struct h2_body *body, struct h2_body_spare *spare, const char *data,
                   size_t length, size_t most)
{
    const size_t capacity = h2_body_capacity(body, spare, length, most);

    if (capacity > body->capacity && grow(body, spare, capacity) != 0)
        return -ENOMEM;
    memcpy(body->data + body->length, data, length);
    body->length += length;
    body->data[body->length] = '\0';
    return 0;
}

void h2_body_release(struct h2_body *body, struct h2_body_spare *spare)
{
    if (is_mapped(body) && spare->capacity < body->capacity && body->capacity <= H2_BODY_SPARE) {
        h2_body_spare_release(spare);
        *spare = (struct h2_body_spare){body->data, body->capacity};
    } else {
        free_data(body);
    }
    *body = (struct h2_body){0};
}

void h2_body_free(struct h2_body *body)
{
    free_data(body);
    *body = (struct h2_body){0};
}

void h2_body_spare_release(struct h2_body_spare *spare)
{
    if (spare->data)
        munmap(spare->data, spare->capacity);
    *spare = (struct h2_body_spare){0};
}

const char *h2_body_text(const struct h2_body *body)
{
    return body->data ? body->data : "";
}

void h2_holding_init(struct h2_holding *holding, struct budget *budget, size_t most)
{
    budget_init(&holding->own, most);
    budget_share_init(&holding->share, budget ? budget : &holding->own);
    for (size_t i = 0; i < H2_HELD_LISTS; i++)
        list_init(&holding->lists[i]);
}

static size_t held_by(const struct h2_stream *stream)
{
    const struct h2_request *request = stream->request;
    size_t held = stream->kept + h2_inbound_held(stream);

    if (request)
        held += sizeof(*request) + request->storage.capacity +
                request->header_count * sizeof(*request->headers);
    return stream->is_leaving ? 0 : held;
}

/* An answer with a source is an event stream: it holds nothing of its request, and stays. */
static enum h2_held_in place_of(const struct h2_stream *stream)
{
    if (!stream->session || stream->held == 0)
        return H2_HELD_NOWHERE;
    if (stream->is_answered)
        return stream->is_unread && !stream->source ? H2_HELD_STRANGERS : H2_HELD_NOWHERE;
    if (!h2_inbound_is_wanted(stream))
        return H2_HELD_NOWHERE;
    return stream->is_stranger ? H2_HELD_STRANGERS : H2_HELD_CALLERS;
}

static void settle(struct h2_stream *stream, size_t held)
{
    struct h2_holding *holding = &stream->endpoint->holding;
    enum h2_held_in place;

    stream->held = held;
    place = place_of(stream);
    if (place == stream->held_in)
        return;
    list_remove(&stream->held_node);
    stream->held_in = place;
    if (place != H2_HELD_NOWHERE)
        list_append(&holding->lists[place], &stream->held_node);
}

static struct h2_stream *oldest(const struct h2_holding *holding, enum h2_held_in place,
                                const struct h2_stream *except)
{
    const struct list *head = &holding->lists[place];
    struct list *node = head->next;

    if (node == &except->held_node)
        node = node->next;
    return node == head ? NULL : container_of(node, struct h2_stream, held_node);
}

/* False when nobody has to give way to this one. What a victim holds counts as free at once: it
 * ends with this turn. */
static bool make_room_for(const struct h2_stream *stream)
{
    struct h2_endpoint *endpoint = stream->endpoint;
    struct h2_stream *victim = oldest(&endpoint->holding, H2_HELD_STRANGERS, stream);

    if (!victim && !stream->is_stranger)
        victim = oldest(&endpoint->holding, H2_HELD_CALLERS, stream);
    if (!victim)
        return false;
    endpoint->counters.inbound_displaced++;
    victim->is_leaving = true;
    h2_holding_release(victim);
    if (victim->session->blocked_since)
        h2_session_close(victim->session); /* neither an answer nor a reset would leave */
    else if (victim->is_answered)
        h2_stream_reset(victim, NGHTTP2_CANCEL);
    else
        h2_inbound_evict(victim);
    return true;
}

static void note_unread(struct h2_stream *stream)
{
    if (!stream->is_answered || stream->is_unread || stream->source)
        return;
    stream->is_unread = true;
    if (stream->is_leaving)
        h2_stream_reset(stream, NGHTTP2_CANCEL);
    else
        settle(stream, stream->held);
}

void h2_holding_flushed(struct h2_session *session)
{
    if (session->blocked_since) {
        list_for_each(node, &session->streams)
            note_unread(container_of(node, struct h2_stream, node));
        return;
    }
    list_for_each(node, &session->sending)
        note_unread(container_of(node, struct h2_stream, sending_node));
}

bool h2_holding_update(struct h2_stream *stream, size_t more)
{
    struct h2_endpoint *endpoint = stream->endpoint;
    struct budget_share *share = &endpoint->holding.share;
    size_t now = held_by(stream) + more;

    if (now <= stream->held)
        budget_share_give(share, stream->held - now);
    while (now > stream->held && !budget_share_take(share, now - stream->held)) {
        if (!make_room_for(stream)) {
            if (endpoint->handler.on_full)
                endpoint->handler.on_full(endpoint->handler.context, stream->is_stranger);
            return false;
        }
    }
    settle(stream, now);
    return true;
}

void h2_holding_force(struct h2_stream *stream)
{
    size_t now = held_by(stream);

    if (now > stream->held)
        budget_share_force(&stream->endpoint->holding.share, now - stream->held);
    else
        budget_share_give(&stream->endpoint->holding.share, stream->held - now);
    settle(stream, now);
}

void h2_holding_release(struct h2_stream *stream)
{
    budget_share_give(&stream->endpoint->holding.share, stream->held);
    settle(stream, 0);
}

size_t h2_endpoint_inbound_bytes(const struct h2_endpoint *endpoint)
{
    return endpoint->holding.share.held;
}

void h2_endpoint_make_room(struct h2_endpoint *endpoint, size_t bytes, bool for_stranger)
{
    const struct h2_stream nobody = {.endpoint = endpoint, .is_stranger = for_stranger};
    const struct budget_share *share = &endpoint->holding.share;
    size_t goal = share->held > bytes ? share->held - bytes : 0;

    while (share->held > goal && make_room_for(&nobody)) {
    }
}
