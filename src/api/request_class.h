/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQUEST_CLASS_H
#define API_REQUEST_CLASS_H
/* What requests are told apart by when they are counted: a handful of classes, whatever routes
 * there are, and what their answers' statuses mean. */

enum request_class {
    REQUEST_CONNECT,
    REQUEST_MESSAGE, /* to a handler */
    REQUEST_UPLOAD,
    REQUEST_CALL,  /* what else pages ask: listeners, channels, acknowledgements, … */
    REQUEST_SEND,  /* back ends' commands */
    REQUEST_QUERY, /* what they ask */
    REQUEST_PROBE, /* health, metrics, settings */
    REQUEST_FILE,  /* scripts, the demo page */
    REQUEST_OTHER, /* no route */
    REQUEST_CLASSES
};

extern const char *const request_class_words[REQUEST_CLASSES];

/* Those by which somebody has to do something, and the rest by their first digit. */
enum request_result {
    RESULT_2XX,
    RESULT_3XX,
    RESULT_401,
    RESULT_403,
    RESULT_429,
    RESULT_4XX, /* the others */
    RESULT_503,
    RESULT_5XX, /* the others */
    REQUEST_RESULTS
};

extern const char *const request_result_words[REQUEST_RESULTS];

enum request_result request_result_of(int status);

#endif
