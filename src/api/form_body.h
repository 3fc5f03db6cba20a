/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_FORM_BODY_H
#define API_FORM_BODY_H
/*
 * Parameters in the body of a request: as a form (urlencoded, or multipart, whose files are passed
 * over), or as the members of a JSON object: texts, numbers, true and false as they are written,
 * each item of an array as one more of that name.
 */
#include <stdbool.h>
#include <stddef.h>

struct api_exchange;
struct h2_form;
struct h2_request;

#define API_FORM_TYPES "application/x-www-form-urlencoded, multipart/form-data or application/json"

bool api_form_is_type(const struct h2_request *request);

/* An urlencoded text, such as a query, which is what. False: it has answered. */
bool api_form_read_text(struct api_exchange *exchange, struct h2_form *form, const char *what,
                        const char *text, size_t length);

/* The body of the exchange, by its content-type; without one it is urlencoded. False: it has
 * answered. */
bool api_form_read_body(struct api_exchange *exchange);

#endif
