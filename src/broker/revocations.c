/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/revocations.h"

#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "qos/revocations.h"

/* Two times, then the name with its NUL. */

struct bytes *broker_revocations_pack(const struct qos_revocations *list)
{
    struct buf packed = BUF_INIT;

    for (size_t i = 0; i < list->count; i++) {
        const struct qos_revocation *item = &list->items[i];

        buf_append(&packed, &item->issued_until, sizeof(item->issued_until));
        buf_append(&packed, &item->until, sizeof(item->until));
        buf_append(&packed, item->name, strlen(item->name) + 1);
    }
    return buf_freeze(&packed);
}

bool broker_revocations_next(const struct bytes *packed, size_t *at,
                             struct qos_revocation *revocation)
{
    const char *from = packed->data + *at;

    if (*at == packed->length)
        return false;
    memcpy(&revocation->issued_until, from, sizeof(revocation->issued_until));
    from += sizeof(revocation->issued_until);
    memcpy(&revocation->until, from, sizeof(revocation->until));
    revocation->name = from + sizeof(revocation->until);
    *at = (size_t)(revocation->name + strlen(revocation->name) + 1 - packed->data);
    return true;
}
