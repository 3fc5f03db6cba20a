/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PARAMETERS_H
#define API_PARAMETERS_H
/* Numbers out of query strings and forms. */
#include <stdint.h>

/* What a page says of itself, such as a time in ms: pages send fractions, "NaN" and "" too, and are
 * served all the same. otherwise is the result for what is no number or does not fit. */
int64_t api_lenient_number(const char *text, int64_t otherwise);

/* The same for how long somebody was there: a page's clock that was set makes it less than nothing,
 * or more than a life. */
#define API_MOST_SECONDS (INT64_C(100) * 365 * 24 * 3600)
int64_t api_lenient_seconds(const char *text, int64_t otherwise);

/* A whole number >= 0 in digits alone; more than most is most. -EINVAL for anything else. */
int api_whole_number(const char *text, uint64_t most, uint64_t *number);

#endif
