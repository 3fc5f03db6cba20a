/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/origin.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "h2/listener.h"
#include "h2/proxy_header.h"
#include "h2/session_state.h"
#include "h2/tls.h"

/* The texts lie behind each other in one block: few sessions have any. */
struct h2_told {
    bool is_tls;
    const char *tls_version, *tls_cipher, *client_name, *authority;
    char texts[];
};

static const char *put_text(char **at, const struct h2_proxy_text *text)
{
    char *to = *at;

    if (text->length > 0)
        memcpy(to, text->text, text->length);
    to[text->length] = '\0';
    *at = to + text->length + 1;
    return to;
}

static struct h2_told *keep_told(const struct h2_proxy_header *header)
{
    size_t length = header->tls_version.length + header->tls_cipher.length +
                    header->client_name.length + header->authority.length;

    if (!header->is_tls && length == 0)
        return NULL;
    struct h2_told *told = mem_alloc(sizeof(*told) + length + 4);
    char *at = told->texts;
    told->is_tls = header->is_tls;
    told->tls_version = put_text(&at, &header->tls_version);
    told->tls_cipher = put_text(&at, &header->tls_cipher);
    told->client_name = put_text(&at, &header->client_name);
    told->authority = put_text(&at, &header->authority);
    return told;
}

void h2_origin_release(struct h2_origin *origin)
{
    buf_release(&origin->header);
    free(origin->told);
    origin->told = NULL;
}

int h2_origin_read_header(struct h2_origin *origin, struct h2_wire *wire)
{
    const size_t before = origin->header.length;
    struct h2_proxy_header header;
    const uint8_t *data;
    ssize_t count = h2_wire_peek(wire, &data, H2_PROXY_HEADER_MOST - before);

    if (count <= 0)
        return count == 0 ? -EPIPE : (int)count;
    if (before > 0) { /* rarely: proxies send it in one piece */
        buf_append(&origin->header, data, (size_t)count);
        data = (const uint8_t *)origin->header.data;
    }
    ssize_t length = h2_proxy_header_parse(data, before + (size_t)count, &header);
    if (length < 0)
        return -EPROTO;
    if (length == 0) {
        if (before == 0)
            buf_append(&origin->header, data, (size_t)count);
        int result = h2_wire_skip(wire, (size_t)count);
        return result == 0 ? -EAGAIN : result;
    }
    origin->is_told = header.peer.any.sa_family != AF_UNSPEC;
    if (origin->is_told)
        origin->peer = header.peer;
    origin->told = keep_told(&header);
    buf_release(&origin->header);
    return h2_wire_skip(wire, (size_t)length - before);
}

const char *h2_session_peer(const struct h2_session *session, char *buffer, size_t size)
{
    return h2_peer_text(&session->origin.peer, buffer, size);
}

unsigned h2_session_role(const struct h2_session *session)
{
    return session->origin.listener->role;
}

const char *h2_session_transport_security(const struct h2_session *session)
{
    return session->origin.listener->transport_security;
}

bool h2_session_is_misdirected(const struct h2_session *session, const char *authority)
{
    return session->wire.ssl && h2_tls_is_misdirected(session->wire.ssl, authority);
}

/* A proxy that ends the client's TLS says so; one that passes it through has nothing to say, or
 * says that it speaks none itself. */
void h2_session_tls(const struct h2_session *session, struct h2_tls_facts *facts)
{
    const struct h2_told *told = session->origin.told;
    const SSL *ssl = session->wire.ssl;

    *facts = (struct h2_tls_facts){"", "", "", ""};
    if (told && told->is_tls) {
        facts->version = told->tls_version;
        facts->cipher = told->tls_cipher;
        facts->client_name = told->client_name;
    } else if (ssl) {
        facts->version = SSL_get_version(ssl);
        facts->cipher = SSL_get_cipher_name(ssl);
    }
    if (told && told->authority[0] != '\0')
        facts->server_name = told->authority;
    else if (ssl && SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
        facts->server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
}
