/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SPELLING_H
#define BASE_SPELLING_H
/* How near two names are: whether one may be the other, written wrong. */
#include <stddef.h>

/* The more the nearer. */
enum nearness {
    SPELLING_FAR,
    SPELLING_NEAR, /* up to two letters, no digits, are wrong, missing, added or in each other's
                      place */
    SPELLING_OTHER_CASE, /* and nothing else, or blanks around it */
    SPELLING_SAME
};

/* Names of any length; longer ones than SPELLING_MOST bytes are never merely near. */
#define SPELLING_MOST 128u
enum nearness spelling_nearness(const char *one, const char *other);

/* How many letters one must insert, delete, change or let change places to make one the other, as
 * far as SPELLING_MOST bytes of each; in whichever case. */
size_t spelling_distance(const char *one, const char *other);

#endif
