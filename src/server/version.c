/* SPDX-License-Identifier: Apache-2.0 */
#include "server/version.h"

const char server_version[] = SSE_SERVER_VERSION;
const char server_agent[] = "sse-server/" SSE_SERVER_VERSION;
