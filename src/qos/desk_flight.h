/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_DESK_FLIGHT_H
#define QOS_DESK_FLIGHT_H
/* The copies of one queue that were written and have not ended, in the order of their numbers. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qos_client;

struct desk_flight {
    uint64_t number;
    uint64_t position; /* of the write to everybody; 0: it was written to one connection */
    uint64_t since;    /* loop ms */
    uint32_t written;  /* in all */
    uint32_t serial;   /* of the receiver that it was written to; 0: it was to everybody */
    bool is_confirmed; /* it is known how many got it, */
    bool is_missed;    /* and that nobody did */
};

/* Zero-filled is empty and valid. */
struct desk_flights {
    struct desk_flight *items;
    size_t count, capacity;
    size_t unconfirmed, missed;
};

void desk_flights_add(struct desk_flights *flights, const struct desk_flight *flight);
/* NULL when it is not in flight. Until the next change. */
struct desk_flight *desk_flights_find(const struct desk_flights *flights, uint64_t number);
bool desk_flights_remove(struct desk_flights *flights, uint64_t number);
void desk_flights_confirm(struct desk_flights *flights, struct desk_flight *flight, bool is_missed);
/* The items were changed from outside: this many are left. */
void desk_flights_set_count(struct desk_flights *flights, size_t count);
void desk_flights_release(struct desk_flights *flights);

/* Since when the oldest has been in flight; UINT64_MAX: none is. */
uint64_t desk_flights_oldest(const struct desk_flights *flights);
/* The first position that the client (NULL: nobody) does not have; 0: none. */
uint64_t desk_flights_missing(const struct desk_flights *flights, const struct qos_client *client);
uint64_t desk_flights_last(const struct desk_flights *flights); /* the last position; 0: none */

bool desk_client_is_page_of(const struct qos_client *client, const struct qos_client *other);

#endif
