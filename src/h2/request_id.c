/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/request_id.h"

#include <string.h>

#include "base/hash.h"
#include "base/networks.h"
#include "base/secrets.h"
#include "base/traceparent.h"
#include "h2/peer.h"
#include "h2/request.h"
#include "h2/session.h"

#define OWN_DIGITS 16u

static bool is_visible(const char *text)
{
    size_t length = 0;

    for (; *text > ' ' && *text <= '~'; text++)
        length++;
    return *text == '\0' && length > 0 && length <= REQUEST_ID_MOST;
}

/* A proxy's; NULL: there is none, it comes from somebody else, or it is a credential, which nobody
 * should find in logs. */
static const char *given_id(const struct client_address_rule *rule, const struct h2_stream *stream)
{
    const struct h2_request *request = h2_stream_request(stream);
    const char *id = request ? h2_request_header(request, "x-request-id") : NULL;
    char buffer[64];

    if (!id || !is_visible(id) || secrets_mask_name(id) != id ||
        !networks_contain_text(rule->trusted,
                               h2_session_peer(h2_stream_session(stream), buffer, sizeof(buffer))))
        return NULL;
    return id;
}

void request_id_write(const struct client_address_rule *rule, const struct hash_key *key,
                      const struct h2_stream *stream, char id[REQUEST_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    const uint64_t place[2] = {h2_session_number(h2_stream_session(stream)),
                               h2_stream_number(stream)};
    const char *given = given_id(rule, stream);
    uint64_t hash;

    if (given) {
        memcpy(id, given, strlen(given) + 1);
        return;
    }
    hash = hash_bytes(key, place, sizeof(place));
    for (size_t i = 0; i < OWN_DIGITS; i++, hash >>= 4)
        id[i] = digits[hash & 0xF];
    id[OWN_DIGITS] = '\0';
}

const char *request_traceparent(const struct h2_request *request)
{
    const char *found = NULL;

    for (size_t i = 0; request && i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, "traceparent") != 0)
            continue;
        if (found)
            return NULL; /* which of them it would be nobody can know */
        found = request->headers[i].value;
    }
    return traceparent_is_valid(found) ? found : NULL;
}
