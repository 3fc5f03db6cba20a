/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_NAMES_H
#define SSE_NAMES_H
/* The names of channels, who may have them, and lists of names as pages say them. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct sse_user;

#define SSE_CHANNEL_MAX_NAME 128u

/* Whether a channel may be called so: 1 to SSE_CHANNEL_MAX_NAME bytes of UTF-8 without control
 * characters. */
bool sse_channel_is_name(const char *name);

/* A pattern is a name as it is, or has '*' for any text, "" too. user: NULL, or whose own id and
 * tenant its {userId} and {tenantId} stand for, byte by byte; a user without a tenant matches no
 * pattern that asks for one. Takes no more steps than the name has bytes times the pattern. */
bool sse_channel_pattern_matches(const char *pattern, size_t length, const char *name,
                                 const struct sse_user *user);

/* Which channels of a service a user may have: those that its credential allows (sse/user.h), and
 * of the service: */
struct channel_rights {
    bool is_open;         /* every user may have every channel */
    const char *patterns; /* else those that one of these matches (base/text.h); borrowed */
};

bool channel_rights_allow(const struct channel_rights *rights, const struct sse_user *user,
                          const char *channel);
/* The first of the channels that the user may not have; NULL: it may have them all. */
const char *channel_rights_refused(const struct channel_rights *rights, const struct sse_user *user,
                                   const char *const *channels, size_t count);

/* Names that a page says, checked. Zero-filled is empty and valid. */
enum name_kind { NAME_OF_EVENT, NAME_OF_CHANNEL };

struct name_list {
    const char **names;
    size_t count;
    char *storage; /* where the names lie, when they are not lent */
    /* Takes what is no name, instead of a fault. NULL: the first such is a fault. */
    void (*refuse)(void *context, enum name_kind kind, const char *name);
    void *context; /* of refuse */
};

/* Each adds names of the kind and returns NULL, or stops at the first that is none and returns a
 * sentence that says so. What they read must live as long, a text excepted. */

/* A string, or an array of strings. */
const char *name_list_add_json(struct name_list *list, enum name_kind kind, const json_t *value);
/* One; NULL: there should be one. */
const char *name_list_add(struct name_list *list, enum name_kind kind, const char *name);
/* "a,b": spaces around a name and empty names are dropped. Once per list. */
const char *name_list_add_text(struct name_list *list, enum name_kind kind, const char *text);

/* Drops those that is_kept() does not want; the order stays. */
void name_list_keep(struct name_list *list, bool (*is_kept)(void *context, const char *name),
                    void *context);

void name_list_release(struct name_list *list);

#endif
