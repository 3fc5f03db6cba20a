/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQUEST_CLASS_H
#define API_REQUEST_CLASS_H
/* The classes of requests whose durations are told apart: a handful, whatever routes there are. */

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

#endif
