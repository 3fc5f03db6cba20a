/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_OCSP_H
#define H2_OCSP_H
/*
 * An OCSP response from a file, in DER, that is stapled to a certificate (RFC 6066 8). Nobody
 * fetches it here: what renews it writes the file. Immutable; any thread.
 */
#include <openssl/x509.h>
#include <stddef.h>

struct h2_ocsp;

/* NULL when it cannot be stapled to that certificate: a sentence in fault names the file. issuer
 * may be NULL. */
struct h2_ocsp *h2_ocsp_read(const char *file, const X509 *certificate, const X509 *issuer,
                             char *fault, size_t fault_size);
void h2_ocsp_free(struct h2_ocsp *ocsp);

/* The response, or NULL when it is over. */
const unsigned char *h2_ocsp_get(const struct h2_ocsp *ocsp, size_t *length);

#endif
