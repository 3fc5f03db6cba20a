/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ENVELOPE_H
#define BASE_ENVELOPE_H
/*
 * What a service wraps its answers in: JSON in which $data, $code, $message and $errorMessage each
 * stand for one whole value, such as {"status": 0, "result": $data}. Immutable.
 */
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct envelope;

struct envelope_values {
    int status;          /* $code */
    const char *data;    /* $data: JSON, which is appended as it is */
    size_t length;       /* of the data */
    const char *message; /* $message: a sentence for people; NULL: null */
    const char *error;   /* $errorMessage: the detail; NULL: null */
};

/* NULL: text is none, and fault says where it is wrong and what would be right. */
struct envelope *envelope_new(const char *text, char *fault, size_t fault_size);
void envelope_free(struct envelope *envelope); /* accepts NULL */

bool envelope_has_data(const struct envelope *envelope); /* it shows $data */

void envelope_append(const struct envelope *envelope, struct buf *to,
                     const struct envelope_values *values);

#endif
