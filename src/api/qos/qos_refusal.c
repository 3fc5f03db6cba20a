/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_refusal.h"

#include <errno.h>

#include "api/qos/qos_text.h"
#include "api/reply.h"

void qos_refuse(struct api_exchange *exchange, int status)
{
    if (status == -ENOENT)
        api_reply_error(exchange, 404,
                        "there is no stored message with this id; or it has ended so long ago that "
                        "it is not known any more");
    else
        api_reply_error(exchange, 503, "%s; ask again later", qos_text_fault(status));
}
