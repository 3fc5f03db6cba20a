/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/event_name.h"

#include <string.h>

/* THE list. docs/sending.md shows it, and js/sse.d.ts has those that pages listen to: a test
 * compares them (tests/integration/event-names.test.mjs). */
static const struct {
    const char *name;
    const char *fault;
} taken[] = {
#define SERVERS "is the server's own; choose another name"
    {"connect-finish", SERVERS},
    {"connect-close", SERVERS},
    {"sse-gap", SERVERS},
    {"sse-heartbeat", SERVERS},
    {"sse-left-out", SERVERS},
    {"sse-set-duration", SERVERS},
    {"sse-token-expiring", SERVERS},
#undef SERVERS
#define CLIENTS "is what the client tells its page by itself; choose another name"
    {"connect-timeout", CLIENTS},
    {"sse-change-active", CLIENTS},
#undef CLIENTS
#define BROWSERS                                                                                   \
    "is what a browser tells of the stream itself, and no page could tell them apart; choose "     \
    "another name"
    {"error", BROWSERS},
    {"open", BROWSERS},
#undef BROWSERS
#define OBJECTS                                                                                    \
    "is what every JavaScript object inherits, so that a page that keeps listeners by name has "   \
    "one already; choose another name"
    {"__defineGetter__", OBJECTS},
    {"__defineSetter__", OBJECTS},
    {"__lookupGetter__", OBJECTS},
    {"__lookupSetter__", OBJECTS},
    {"__proto__", OBJECTS},
    {"constructor", OBJECTS},
    {"hasOwnProperty", OBJECTS},
    {"isPrototypeOf", OBJECTS},
    {"propertyIsEnumerable", OBJECTS},
    {"toLocaleString", OBJECTS},
    {"toString", OBJECTS},
    {"valueOf", OBJECTS},
#undef OBJECTS
};

const char *sse_event_name_fault(const char *name)
{
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (strcmp(name, taken[i].name) == 0)
            return taken[i].fault;
    }
    if (strchr(name, ',') || name[0] == ' ' || name[strlen(name) - 1] == ' ')
        return "has a comma, or a blank at an end: pages name what they listen to in a list with "
               "commas; leave them out";
    return NULL;
}
