/* SPDX-License-Identifier: Apache-2.0 */
#include "api/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/client_address.h"
#include "api/exchange.h"
#include "auth/auth.h"
#include "base/mem.h"
#include "h2/request.h"

#define MAX_COOKIE 4096u
#define CONNECT    "/connect/"
#define API_SIZE   (H2_ROUTE_MAX_VARIABLE + 32)

struct api_facts {
    struct auth_facts view;
    const struct api_exchange *exchange;
    char *cookies[AUTH_MAX_COOKIES]; /* those that were asked for: name, NUL, value */
    size_t cookie_count;
    char peer[CLIENT_ADDRESS_SIZE];
    char customer[CLIENT_ADDRESS_SIZE];
    char api[API_SIZE];
};

/* "/connect/addListener.do" to "addListener", and "/connect/message/{path}.do" with its path: what
 * is matched is what is run, however the request has written it. */
static void write_api(char api[API_SIZE], const struct api_exchange *exchange)
{
    const char *name = exchange->route;
    const char *variable;
    size_t length;

    if (strncmp(name, CONNECT, strlen(CONNECT)) == 0)
        name += strlen(CONNECT);
    name += *name == '/';
    variable = strchr(name, '{');
    length = variable ? (size_t)(variable - name) : strcspn(name, ".");
    snprintf(api, API_SIZE, "%.*s%s", (int)length, name, variable ? exchange->variable : "");
}

static const char *find_header(const void *request, const char *name)
{
    const struct api_exchange *exchange = request;

    return h2_request_header(exchange->request, name);
}

static const char *find_parameter(const void *request, const char *name)
{
    return api_exchange_parameter(request, name);
}

static char *keep_cookie(struct api_facts *facts, const char *name)
{
    char value[MAX_COOKIE];
    size_t name_size = strlen(name) + 1;
    char *kept;

    if (facts->cookie_count == AUTH_MAX_COOKIES)
        return NULL;
    if (!h2_request_cookie(facts->exchange->request, name, value, sizeof(value)))
        return NULL;
    kept = mem_alloc(name_size + strlen(value) + 1);
    memcpy(kept, name, name_size);
    memcpy(kept + name_size, value, strlen(value) + 1);
    facts->cookies[facts->cookie_count++] = kept;
    return kept + name_size;
}

/* The values lie in the field among others, so that each is copied out when it is asked for. */
static const char *find_cookie(const void *request, const char *name)
{
    const struct api_exchange *exchange = request;
    struct api_facts *facts = exchange->facts;

    for (size_t i = 0; i < facts->cookie_count; i++) {
        if (strcmp(facts->cookies[i], name) == 0)
            return facts->cookies[i] + strlen(name) + 1;
    }
    return keep_cookie(facts, name);
}

struct api_facts *api_facts_new(const struct api_exchange *exchange)
{
    struct api_facts *facts = mem_zalloc(sizeof(*facts));

    facts->exchange = exchange;
    client_address_of(exchange, facts->peer);
    client_address_customer(facts->peer, facts->customer);
    if (exchange->route)
        write_api(facts->api, exchange);
    facts->view = (struct auth_facts){
        .method = exchange->request->method,
        .path = exchange->request->path,
        .api = exchange->route ? facts->api : NULL,
        .peer = facts->peer,
        .customer = facts->customer,
        .credential = exchange->credential,
        .header = find_header,
        .cookie = find_cookie,
        .parameter = find_parameter,
        .request = exchange,
    };
    return facts;
}

void api_facts_free(struct api_facts *facts)
{
    if (!facts)
        return;
    for (size_t i = 0; i < facts->cookie_count; i++)
        free(facts->cookies[i]);
    free(facts);
}

const struct auth_facts *api_facts_view(const struct api_facts *facts)
{
    return &facts->view;
}
