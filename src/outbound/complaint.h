/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_COMPLAINT_H
#define OUTBOUND_COMPLAINT_H
/* What a back end that we ask did wrong: found and told alike, whatever it was asked for. */

struct outbound_answer;

enum outbound_purpose {
    OUTBOUND_HANDLER,
    OUTBOUND_AUTH,
    OUTBOUND_NOTIFICATION,
    OUTBOUND_RECEIPT,
    OUTBOUND_KEYS, /* a JWK set */
};

/* What is wrong with an answer that is no error and should have been one of the statuses that its
 * asker knows, with JSON: of its status, where that is not 2xx; else of its body. Static. */
const char *outbound_answer_fault(const struct outbound_answer *answer);

/* One line of the log, so many of each purpose as base/log.h allows: of the URL only the host.
 * service: NULL, or whose it is; reason: NULL for the error's, or for what the above finds. */
void outbound_complain(enum outbound_purpose purpose, const char *service, const char *url,
                       const struct outbound_answer *answer, const char *reason);

#endif
