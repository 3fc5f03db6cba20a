/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HUB_H
#define API_HUB_H
/*
 * The hub of a service: the worker that owns it: services take turns. What must happen in one
 * order, or be kept in one place, is there: the order of its events (broker/publish.h), its
 * stored messages (api/qos), its presence events (broker/presence_log.h).
 */
#include <stddef.h>

struct api_service;

size_t hub_worker(const struct api_service *service);

#endif
