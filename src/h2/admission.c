/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/admission.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/networks.h"
#include "base/table.h"
#include "h2/listener.h"
#include "h2/state.h"

/* An honest client has asked for something by then, unless its network is very slow. */
#define GRACE_MS 1000u
/* Of the sessions that have been idle for longest, so many are compared. */
#define CANDIDATES 64u
/* An honest client has answered by then, unless its network has lost a packet more than once. */
#define STALL_MS 1000u
#define RETRY_MS 100u

/* An address that has sessions. It stays while a slot of it is held. */
struct h2_address {
    struct table_node node; /* its hash is keyed: nobody can choose whom he meets */
    uint64_t key;
    atomic_uint_fast32_t sessions;
};

struct h2_slots {
    atomic_uint_fast32_t address_sessions; /* that one address may have */
    atomic_uint_fast32_t capacity;         /* in all */
    atomic_uint_fast32_t sessions;
    pthread_mutex_t lock; /* of the table */
    struct table addresses;
};

struct h2_slots *h2_slots_new(uint32_t address_sessions, uint32_t sessions)
{
    struct h2_slots *slots = mem_zalloc(sizeof(*slots));

    table_init(&slots->addresses, TABLE_BY_VALUE(struct h2_address, node, key));
    atomic_init(&slots->address_sessions, address_sessions);
    atomic_init(&slots->capacity, sessions);
    (void)pthread_mutex_init(&slots->lock, NULL); /* cannot fail on Linux */
    return slots;
}

void h2_slots_free(struct h2_slots *slots)
{
    if (!slots)
        return;
    table_release(&slots->addresses);
    (void)pthread_mutex_destroy(&slots->lock);
    free(slots);
}

uint32_t h2_endpoint_most_sessions(const struct h2_endpoint *endpoint)
{
    return endpoint->slots ? (uint32_t)atomic_load(&endpoint->slots->capacity) : 0;
}

void h2_slots_set_capacity(struct h2_slots *slots, uint32_t sessions)
{
    atomic_store(&slots->capacity, sessions);
}

void h2_slots_set_address_sessions(struct h2_slots *slots, uint32_t sessions)
{
    atomic_store(&slots->address_sessions, sessions);
}

static struct h2_address *count_address(struct h2_slots *slots, uint64_t key)
{
    struct h2_address *address;

    (void)pthread_mutex_lock(&slots->lock);
    address = table_find(&slots->addresses, &key);
    if (!address)
        address = table_new_item(&slots->addresses, &key);
    atomic_fetch_add_explicit(&address->sessions, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&slots->lock);
    return address;
}

static void uncount_address(struct h2_slots *slots, struct h2_address *address)
{
    (void)pthread_mutex_lock(&slots->lock);
    if (atomic_fetch_sub_explicit(&address->sessions, 1, memory_order_relaxed) == 1) {
        table_remove(&slots->addresses, &address->node);
        free(address);
    }
    (void)pthread_mutex_unlock(&slots->lock);
}

static uint32_t sessions_of(const struct h2_address *address)
{
    return (uint32_t)atomic_load_explicit(&address->sessions, memory_order_relaxed);
}

static bool is_full(const struct h2_slots *slots)
{
    return atomic_load(&slots->sessions) > atomic_load(&slots->capacity);
}

void h2_eviction_init(struct h2_eviction *eviction)
{
    list_init(&eviction->idle);
}

/* Pages of the tables of lists are touched when one of their addresses comes. */
static void begin_list(struct list *head)
{
    if (!head->next)
        list_init(head);
}

static struct list *list_of(struct h2_endpoint *endpoint, const struct h2_address *address)
{
    struct list *list = &endpoint->eviction.by_address[address->node.hash % H2_EVICTION_LISTS];

    begin_list(list);
    return list;
}

void h2_eviction_add(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (!session->slot.is_evictable || session->phase >= H2_SESSION_ENDING)
        return;
    session->idle_since = loop_served_ms(endpoint->loop);
    list_append(&endpoint->eviction.idle, &session->idle_node);
    list_append(list_of(endpoint, session->slot.address), &session->address_node);
}

void h2_eviction_remove(struct h2_session *session)
{
    list_remove(&session->idle_node);
    list_remove(&session->address_node);
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
static void evict_idle(struct h2_session *session)
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
    list_for_each(node, list_of(endpoint, address)) {
        struct h2_session *session = container_of(node, struct h2_session, address_node);

        if (session->slot.address != address)
            continue;
        if (!is_ripe(session))
            return false; /* those behind it even less */
        if (has_unread_input(session))
            continue;
        evict_idle(session);
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
        const uint32_t sessions = sessions_of(session->slot.address);

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
    evict_idle(victim);
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
    atomic_fetch_add(&slot->slots->sessions, 1);
    if (is_proxy(listener, peer, is_told)) {
        if (is_full(slot->slots))
            (void)evict_for(endpoint, 1);
        return true;
    }
    slot->address =
        count_address(slot->slots, h2_peer_customer(peer) ^ (listener->keeps_sessions ? ~0ull : 0));
    slot->is_evictable = !listener->keeps_sessions;
    if (sessions_of(slot->address) > atomic_load(&slot->slots->address_sessions) &&
        !evict_of(endpoint, slot->address)) {
        endpoint->counters.address_sessions_refused++;
        return refuse(slot, peer, "limits.addressSessions");
    }
    if (is_full(slot->slots) &&
        !evict_for(endpoint, listener->keeps_sessions ? 1 : sessions_of(slot->address)) &&
        !listener->keeps_sessions) {
        endpoint->counters.sessions_refused++;
        return refuse(slot, peer, "open files of the process");
    }
    return true;
}

void h2_slot_give(struct h2_slot *slot)
{
    if (slot->slots)
        atomic_fetch_sub(&slot->slots->sessions, 1);
    if (slot->address)
        uncount_address(slot->slots, slot->address);
    *slot = (struct h2_slot){0};
}

static void on_timer(struct loop_timer *timer);

void h2_admission_init(struct h2_admission *admission)
{
    admission->key = hash_key_new();
    list_init(&admission->silent);
    list_init(&admission->working);
    list_init(&admission->ready);
    admission->timer.on_fire = on_timer;
}

static struct h2_admission_queue *queue_of(const struct h2_session *session)
{
    struct h2_admission *admission = &session->endpoint->admission;
    struct h2_admission_queue *queue =
        &admission
             ->queues[h2_peer_hash(&session->origin.peer, &admission->key) % H2_ADMISSION_QUEUES];

    begin_list(&queue->waiting);
    return queue;
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
    queue_of(session)->working++;
    list_append(&endpoint->handshaking, &session->flush_node);
    loop_wake(endpoint->loop, LOOP_FLUSH);
    h2_session_arm(session);
}

/* Puts the queue behind the others that are ready, or takes it out. */
static void enqueue(struct h2_endpoint *endpoint, struct h2_admission_queue *queue)
{
    bool is_ready = !list_is_empty(&queue->waiting) && queue->working < share(endpoint);

    if (!is_ready)
        list_remove(&queue->node);
    else if (!list_is_linked(&queue->node))
        list_append(&endpoint->admission.ready, &queue->node);
}

static void admit_waiting(struct h2_endpoint *endpoint)
{
    struct h2_admission *admission = &endpoint->admission;
    struct list *node;

    while (admission->count < endpoint->limits.handshakes &&
           (node = list_take_first(&admission->ready))) {
        struct h2_admission_queue *queue = container_of(node, struct h2_admission_queue, node);

        admit(container_of(queue->waiting.next, struct h2_session, place_node));
        enqueue(endpoint, queue);
    }
}

void h2_admission_enter(struct h2_session *session)
{
    list_append(&session->endpoint->admission.silent, &session->place_node);
    queue_of(session)->unfinished++;
}

void h2_admission_ask(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    struct h2_admission *admission = &endpoint->admission;
    struct h2_admission_queue *queue = queue_of(session);

    session->phase = H2_SESSION_QUEUED;
    session->handshake_ns = clock_real_ns();
    /* Else what it has sent would wake us. */
    (void)poller_watch(endpoint->poller, &session->watch, 0);
    list_remove(&session->place_node);
    list_append(&queue->waiting, &session->place_node);
    enqueue(endpoint, queue);
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
    struct h2_admission_queue *queue = queue_of(session);

    list_remove(&session->place_node);
    queue->unfinished--;
    if (session->phase == H2_SESSION_HANDSHAKE) {
        queue->working--;
        endpoint->admission.count--;
    }
    enqueue(endpoint, queue);
    admit_waiting(endpoint);
}

/* True when it was closed. What it has sent and we have not read yet is not its fault. */
static bool evict_stalled(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    uint64_t since =
        session->phase == H2_SESSION_HANDSHAKE ? session->read_at : session->phase_since;

    if (list_is_linked(&session->flush_node) || loop_served_ms(endpoint->loop) < since + STALL_MS ||
        queue_of(session)->unfinished <= share(endpoint))
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
        was_made = evict_stalled(container_of(node, struct h2_session, place_node)) || was_made;
    return was_made;
}

/* Ready queues that are no crowd themselves: only they may cost others their place. */
static size_t count_modest(const struct h2_endpoint *endpoint)
{
    size_t count = 0;

    list_for_each(node, &endpoint->admission.ready)
        count += container_of(node, struct h2_admission_queue, node)->unfinished <= share(endpoint);
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
        wanted -= evict_stalled(container_of(node, struct h2_session, place_node));
    }
    if (!list_is_empty(&admission->ready))
        loop_timer_start(endpoint->loop, timer, RETRY_MS);
}
