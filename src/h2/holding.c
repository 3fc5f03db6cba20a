/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/holding.h"

#include "h2/endpoint.h"
#include "h2/request.h"
#include "h2/session_state.h"
#include "h2/stream_state.h"

void h2_holding_init(struct h2_holding *holding, size_t most)
{
    budget_init(&holding->own, most);
    budget_share_init(&holding->share, &holding->own);
    for (size_t i = 0; i < H2_HELD_LISTS; i++)
        list_init(&holding->lists[i]);
}

static size_t request_bytes(const struct h2_request *request)
{
    if (!request)
        return 0;
    return sizeof(*request) + request->storage.capacity +
           request->header_count * sizeof(*request->headers);
}

static size_t held_by(const struct h2_stream *stream)
{
    if (stream->is_leaving)
        return 0;
    return request_bytes(stream->request) + stream->kept + h2_inbound_held(stream);
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
        h2_inbound_displace(victim);
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

void h2_endpoint_share_budget(struct h2_endpoint *endpoint, struct budget *budget)
{
    budget_share_init(&endpoint->holding.share, budget);
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
