/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/decide.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "qos/desk.h"
#include "qos/recipient.h"

bool qos_decision_go_on(struct qos_decision *decision, struct slice *slice)
{
    const size_t values = sse_target_size(decision->target);

    if (!decision->is_live)
        decision->is_live = mem_zalloc(values * sizeof(bool));
    while (decision->next < values && !slice_is_over(slice)) {
        const size_t i = decision->next++;
        const struct qos_recipient recipient = qos_recipient_at(decision->target, i);

        decision->is_live[i] = qos_desk_stored(decision->desk, decision->number, &recipient,
                                               decision->was_empty[i], decision->position);
        decision->live += decision->is_live[i] ? 1 : 0;
        (void)slice_spend(slice);
    }
    return decision->next == values;
}

void qos_decision_release(struct qos_decision *decision)
{
    free(decision->is_live);
    *decision = (struct qos_decision){0};
}
