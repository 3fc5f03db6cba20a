/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/desk_flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/desk.h"

#define FIRST_FLIGHTS 4u

/* The first one that is not before this number. */
static size_t place_of(const struct desk_flights *flights, uint64_t number)
{
    size_t low = 0;
    size_t high = flights->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (flights->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void count_one(struct desk_flights *flights, const struct desk_flight *flight, size_t one)
{
    flights->unconfirmed += flight->is_confirmed ? 0 : one;
    flights->missed += flight->is_missed ? one : 0;
}

void desk_flights_add(struct desk_flights *flights, const struct desk_flight *flight)
{
    const size_t at = place_of(flights, flight->number);

    if (flights->count == flights->capacity) {
        flights->capacity = flights->capacity > 0 ? flights->capacity * 2 : FIRST_FLIGHTS;
        flights->items =
            mem_realloc(flights->items, flights->capacity * sizeof(struct desk_flight));
    }
    memmove(&flights->items[at + 1], &flights->items[at],
            (flights->count - at) * sizeof(struct desk_flight));
    flights->items[at] = *flight;
    flights->count++;
    count_one(flights, flight, 1);
}

struct desk_flight *desk_flights_find(const struct desk_flights *flights, uint64_t number)
{
    const size_t at = place_of(flights, number);

    return at < flights->count && flights->items[at].number == number ? &flights->items[at] : NULL;
}

bool desk_flights_remove(struct desk_flights *flights, uint64_t number)
{
    struct desk_flight *flight = desk_flights_find(flights, number);

    if (!flight)
        return false;
    count_one(flights, flight, (size_t)-1);
    flights->count--;
    memmove(flight, flight + 1,
            (size_t)(&flights->items[flights->count] - flight) * sizeof(struct desk_flight));
    return true;
}

void desk_flights_confirm(struct desk_flights *flights, struct desk_flight *flight, bool is_missed)
{
    count_one(flights, flight, (size_t)-1);
    flight->is_confirmed = true;
    flight->is_missed = is_missed;
    count_one(flights, flight, 1);
}

void desk_flights_set_count(struct desk_flights *flights, size_t count)
{
    flights->count = count;
    flights->unconfirmed = 0;
    flights->missed = 0;
    for (size_t i = 0; i < count; i++)
        count_one(flights, &flights->items[i], 1);
}

void desk_flights_release(struct desk_flights *flights)
{
    free(flights->items);
    *flights = (struct desk_flights){0};
}

uint64_t desk_flights_oldest(const struct desk_flights *flights)
{
    uint64_t oldest = UINT64_MAX;

    for (size_t i = 0; i < flights->count; i++) {
        if (flights->items[i].since < oldest)
            oldest = flights->items[i].since;
    }
    return oldest;
}

uint64_t desk_flights_missing(const struct desk_flights *flights, const struct qos_client *client)
{
    uint64_t lowest = 0;

    for (size_t i = 0; i < flights->count; i++) {
        const uint64_t position = flights->items[i].position;

        if (position == 0 || (client && qos_client_has(client, position)))
            continue;
        if (lowest == 0 || position < lowest)
            lowest = position;
    }
    return lowest;
}

uint64_t desk_flights_last(const struct desk_flights *flights)
{
    uint64_t highest = 0;

    for (size_t i = 0; i < flights->count; i++) {
        if (flights->items[i].position > highest)
            highest = flights->items[i].position;
    }
    return highest;
}

bool qos_client_has(const struct qos_client *client, uint64_t position)
{
    return position > client->joined || (position > client->resumed && position <= client->opened);
}

bool desk_client_is_page_of(const struct qos_client *client, const struct qos_client *other)
{
    return client->instance != 0 && client->instance == other->instance;
}
