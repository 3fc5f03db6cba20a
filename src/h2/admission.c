/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/admission.h"

#include "h2/session_state.h"

/* An honest client has answered by then, unless its network has lost a packet more than once. */
#define STALL_MS 1000u
#define RETRY_MS 100u

static void on_timer(struct loop_timer *timer);

void h2_admission_init(struct h2_admission *admission)
{
    admission->key = hash_key_new();
    list_init(&admission->silent);
    list_init(&admission->working);
    list_init(&admission->ready);
    for (size_t i = 0; i < H2_LANES; i++)
        list_init(&admission->lanes[i].waiting);
    admission->timer.on_fire = on_timer;
}

void h2_admission_release(struct h2_admission *admission)
{
    loop_timer_stop(&admission->timer);
}

static struct h2_lane *lane_of(const struct h2_session *session)
{
    struct h2_admission *admission = &session->endpoint->admission;

    return &admission->lanes[h2_peer_hash(&session->origin.peer, &admission->key) % H2_LANES];
}

static uint32_t share(const struct h2_endpoint *endpoint)
{
    return endpoint->limits.handshakes_per_address;
}

static void admit(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    struct h2_admission *admission = &endpoint->admission;

    session->phase = H2_SESSION_HANDSHAKE;
    session->phase_since = loop_served_ms(endpoint->loop);
    session->read_at = session->phase_since;
    list_remove(&session->place_node);
    list_append(&admission->working, &session->place_node);
    admission->count++;
    lane_of(session)->working++;
    list_append(&endpoint->handshaking, &session->flush_node);
    loop_wake(endpoint->loop);
    h2_session_arm(session);
}

/* Puts the lane into the line of those whose turn it will be, or takes it out. */
static void line_up(struct h2_endpoint *endpoint, struct h2_lane *lane)
{
    bool is_ready = !list_is_empty(&lane->waiting) && lane->working < share(endpoint);

    if (!is_ready)
        list_remove(&lane->node);
    else if (!list_is_linked(&lane->node))
        list_append(&endpoint->admission.ready, &lane->node);
}

static void admit_waiting(struct h2_endpoint *endpoint)
{
    struct h2_admission *admission = &endpoint->admission;
    struct list *node;

    while (admission->count < endpoint->limits.handshakes &&
           (node = list_take_first(&admission->ready))) {
        struct h2_lane *lane = container_of(node, struct h2_lane, node);

        admit(container_of(lane->waiting.next, struct h2_session, place_node));
        line_up(endpoint, lane);
    }
}

void h2_admission_enter(struct h2_session *session)
{
    list_append(&session->endpoint->admission.silent, &session->place_node);
    lane_of(session)->unfinished++;
}

void h2_admission_ask(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    struct h2_admission *admission = &endpoint->admission;
    struct h2_lane *lane = lane_of(session);

    session->phase = H2_SESSION_QUEUED;
    /* Else what it has sent would wake us. */
    (void)poller_watch(endpoint->poller, &session->watch, 0);
    list_remove(&session->place_node);
    list_append(&lane->waiting, &session->place_node);
    line_up(endpoint, lane);
    admit_waiting(endpoint);
    if (session->phase != H2_SESSION_QUEUED)
        return;
    endpoint->counters.handshake_waits++;
    if (!list_is_empty(&admission->ready) && !loop_timer_is_active(&admission->timer))
        loop_timer_start(endpoint->loop, &admission->timer, RETRY_MS);
}

void h2_admission_leave(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    struct h2_lane *lane = lane_of(session);

    list_remove(&session->place_node);
    lane->unfinished--;
    if (session->phase == H2_SESSION_HANDSHAKE) {
        lane->working--;
        endpoint->admission.count--;
    }
    line_up(endpoint, lane);
    admit_waiting(endpoint);
}

/* True when it was closed. What it has sent and we have not read yet is not its fault. */
static bool displace(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    uint64_t since =
        session->phase == H2_SESSION_HANDSHAKE ? session->read_at : session->phase_since;

    if (list_is_linked(&session->flush_node) || loop_served_ms(endpoint->loop) < since + STALL_MS ||
        lane_of(session)->unfinished <= share(endpoint))
        return false;
    endpoint->counters.handshakes_displaced++;
    h2_peer_refused(&session->origin.peer, LOG_OF_HANDSHAKES,
                    "its handshake has stalled, and others wait for the place");
    h2_session_close(session);
    return true;
}

bool h2_admission_make_room(struct h2_endpoint *endpoint)
{
    struct h2_admission *admission = &endpoint->admission;
    uint64_t now = loop_served_ms(endpoint->loop);
    bool was_made = false;

    if (now < admission->room_made_at + RETRY_MS)
        return false; /* newcomers ask for it in floods, and the list may be long */
    admission->room_made_at = now;
    list_for_each_safe(node, after, &admission->silent)
        was_made = displace(container_of(node, struct h2_session, place_node)) || was_made;
    return was_made;
}

/* Lanes in line that are no crowd themselves: only they may cost others their place. */
static size_t count_modest(const struct h2_endpoint *endpoint)
{
    size_t count = 0;

    list_for_each(node, &endpoint->admission.ready)
        count += container_of(node, struct h2_lane, node)->unfinished <= share(endpoint);
    return count;
}

static void on_timer(struct loop_timer *timer)
{
    struct h2_admission *admission = container_of(timer, struct h2_admission, timer);
    struct h2_endpoint *endpoint = container_of(admission, struct h2_endpoint, admission);
    size_t wanted = count_modest(endpoint);

    list_for_each_safe(node, after, &admission->working) {
        if (wanted == 0)
            break;
        wanted -= displace(container_of(node, struct h2_session, place_node));
    }
    if (!list_is_empty(&admission->ready))
        loop_timer_start(endpoint->loop, timer, RETRY_MS);
}
