/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/eviction.h"

#include <sys/socket.h>

#include "base/log.h"
#include "base/networks.h"
#include "h2/listener.h"
#include "h2/session_state.h"
#include "h2/slots.h"

/* An honest client has asked for something by then, unless its network is very slow. */
#define GRACE_MS 1000u
/* Of the sessions that have been idle for longest, so many are compared. */
#define CANDIDATES 64u

void h2_eviction_init(struct h2_eviction *eviction)
{
    list_init(&eviction->idle);
    for (size_t i = 0; i < H2_EVICTION_LANES; i++)
        list_init(&eviction->lanes[i]);
}

static struct list *lane_of(struct h2_endpoint *endpoint, const struct h2_address *address)
{
    return &endpoint->eviction.lanes[address->node.hash % H2_EVICTION_LANES];
}

void h2_eviction_add(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (!session->slot.is_evictable || session->phase >= H2_SESSION_ENDING)
        return;
    session->idle_since = loop_served_ms(endpoint->loop);
    list_append(&endpoint->eviction.idle, &session->idle_node);
    list_append(lane_of(endpoint, session->slot.address), &session->lane_node);
}

void h2_eviction_remove(struct h2_session *session)
{
    list_remove(&session->idle_node);
    list_remove(&session->lane_node);
}

/* What it has sent and we have not read yet is a request, for all we know. Who waits for a place to
 * shake hands is not read from. */
static bool has_unread_input(const struct h2_session *session)
{
    char octet;

    return session->phase != H2_SESSION_QUEUED &&
           recv(session->wire.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool is_ripe(const struct h2_session *session)
{
    return loop_served_ms(session->endpoint->loop) >= session->idle_since + GRACE_MS;
}

/* With a GOAWAY, so that its client knows that nothing of a request has been done. */
static void evict(struct h2_session *session)
{
    session->endpoint->counters.sessions_evicted++;
    h2_eviction_remove(session);
    session->is_evicted = true;
    if (session->phase == H2_SESSION_OPEN && !session->blocked_since)
        h2_session_terminate(session, NGHTTP2_NO_ERROR);
    else
        h2_session_close(session);
}

static bool evict_of(struct h2_endpoint *endpoint, const struct h2_address *address)
{
    list_for_each(node, lane_of(endpoint, address)) {
        struct h2_session *session = container_of(node, struct h2_session, lane_node);

        if (session->slot.address != address)
            continue;
        if (!is_ripe(session))
            return false; /* those behind it even less */
        if (has_unread_input(session))
            continue;
        evict(session);
        return true;
    }
    return false;
}

/* Of the address with the most sessions among those that have been idle for longest, if these are
 * not fewer than count. 0: for nobody in particular. */
static bool evict_for(struct h2_endpoint *endpoint, uint32_t count)
{
    struct h2_session *victim = NULL;
    uint32_t most = 0;
    unsigned looked_at = 0;

    list_for_each(node, &endpoint->eviction.idle) {
        struct h2_session *session = container_of(node, struct h2_session, idle_node);
        const uint32_t sessions = h2_address_sessions(session->slot.address);

        if (looked_at++ == CANDIDATES)
            break;
        if (sessions > most && sessions >= count &&
            ((count > 0 && sessions > count) || is_ripe(session)) && !has_unread_input(session)) {
            victim = session;
            most = sessions;
        }
    }
    if (!victim)
        return false;
    evict(victim);
    return true;
}

void h2_eviction_make_room(struct h2_endpoint *endpoint, size_t count)
{
    while (count > 0 && evict_for(endpoint, 0))
        count--;
}

static bool is_proxy(const struct h2_listener_options *listener, const union h2_peer *peer,
                     bool is_told)
{
    if (peer->any.sa_family != AF_INET && peer->any.sa_family != AF_INET6)
        return true;
    if (listener->trusted && networks_contain(listener->trusted, &peer->any))
        return true;
    return !is_told && listener->proxy_from && networks_contain(listener->proxy_from, &peer->any);
}

static bool refuse(struct h2_slot *slot, const union h2_peer *peer, const char *limit)
{
    char text[INET6_ADDRSTRLEN];

    h2_slot_give(slot);
    log_abuse("too many sessions", LOG_STR("limit", limit),
              LOG_STR("address", h2_peer_text(peer, text, sizeof(text))));
    return false;
}

bool h2_slot_take(struct h2_slot *slot, struct h2_endpoint *endpoint,
                  const struct h2_listener_options *listener, const union h2_peer *peer,
                  bool is_told)
{
    *slot = (struct h2_slot){.slots = endpoint->slots};
    if (!slot->slots)
        return true;
    if (is_proxy(listener, peer, is_told)) {
        h2_slots_take_uncounted(slot->slots);
        if (h2_slots_are_over(slot->slots))
            (void)evict_for(endpoint, 1);
        return true;
    }
    slot->address =
        h2_slots_take(slot->slots, h2_peer_customer(peer) ^ (listener->keeps_sessions ? ~0ull : 0));
    slot->is_evictable = !listener->keeps_sessions;
    if (h2_slots_is_over(slot->slots, slot->address) && !evict_of(endpoint, slot->address)) {
        endpoint->counters.address_sessions_refused++;
        return refuse(slot, peer, "limits.addressSessions");
    }
    if (h2_slots_are_over(slot->slots) &&
        !evict_for(endpoint, listener->keeps_sessions ? 1 : h2_address_sessions(slot->address)) &&
        !listener->keeps_sessions) {
        endpoint->counters.sessions_refused++;
        return refuse(slot, peer, "open files of the process");
    }
    return true;
}

void h2_slot_give(struct h2_slot *slot)
{
    if (slot->address)
        h2_slots_give(slot->slots, slot->address);
    else if (slot->slots)
        h2_slots_give_uncounted(slot->slots);
    *slot = (struct h2_slot){0};
}
