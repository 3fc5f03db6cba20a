/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/json_number.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* The fewest digits from which a reader gets the same number back. */
static unsigned digits_of(double number)
{
    char text[32];

    for (unsigned digits = 15; digits < 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", (int)digits, number);
        if (strtod(text, NULL) == number)
            return digits;
    }
    return 17;
}

/* The depth is bounded by base/json. */
static unsigned digits_needed(const json_t *value) // NOLINT(misc-no-recursion)
{
    unsigned most = 15;

    if (json_is_real(value))
        return digits_of(json_real_value(value));
    for (size_t i = 0; i < json_array_size(value) && most < 17; i++) {
        const unsigned digits = digits_needed(json_array_get(value, i));

        most = digits > most ? digits : most;
    }
    if (json_is_object(value)) {
        const char *key;
        json_t *member;

        json_object_foreach((json_t *)(uintptr_t)value, key, member) {
            const unsigned digits = digits_needed(member);

            most = digits > most ? digits : most;
        }
    }
    return most;
}

char *json_number_dumps(const json_t *value, size_t flags)
{
    return json_write(value, flags | JSON_REAL_PRECISION(digits_needed(value)));
}
