/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H
/*
 * What is wrong, or soon will be, with a set-up: each finding names what it is about and says what
 * to do. Nothing is made or changed, and a server may run with the same settings.
 */
#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/line.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_ERROR };

struct doctor {
    const struct config *config;
    json_t *findings; /* an array */
    size_t counts[DOCTOR_ERROR + 1];
    int64_t clock_ms;     /* how far ahead of an other machine this one's clock is, */
    const char *clock_of; /* and of whose; NULL: nobody has told */
};

/* check: what kind it is of, a word. subject: which listener, file, URL. advice: what to do; NULL:
 * nothing. */
struct doctor_subject {
    struct doctor *doctor;
    const char *check;
    const char *name;
};
void doctor_find(const struct doctor_subject *subject, enum doctor_level level, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

void doctor_check_certificates(struct doctor *doctor); /* doctor_certificates.c */
void doctor_check_addresses(struct doctor *doctor);    /* doctor_addresses.c */
void doctor_check_state(struct doctor *doctor);        /* doctor_state.c */
void doctor_check_stores(struct doctor *doctor);
void doctor_check_logs(struct doctor *doctor);    /* doctor_logs.c */
void doctor_check_secrets(struct doctor *doctor); /* doctor_secrets.c */
void doctor_check_peers(struct doctor *doctor);   /* doctor_peers.c */
void doctor_check_clock(struct doctor *doctor);   /* doctor_machine.c, after the peers */
void doctor_check_descriptors(struct doctor *doctor);

#endif
