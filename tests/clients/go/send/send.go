// SPDX-License-Identifier: Apache-2.0

// net/http POSTs a message: SSE_URL, SSE_API_KEY and SSE_CA_FILE say where, as whom, and whose certificate
// is to be trusted. Prints the status and the answer. Its argument "HTTP/1.1" keeps it from HTTP/2.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	certificate, err := os.ReadFile(os.Getenv("SSE_CA_FILE"))
	fail(err)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(certificate)
	// Go speaks no HTTP/2 over a transport with settings for TLS unless it is told to.
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: trusted},
		ForceAttemptHTTP2: len(os.Args) < 2 || os.Args[1] != "HTTP/1.1",
	}
	request, err := http.NewRequest("POST", os.Getenv("SSE_URL")+"/send", strings.NewReader(os.Getenv("SSE_MESSAGE")))
	fail(err)
	request.Header.Set("authorization", "Bearer "+os.Getenv("SSE_API_KEY"))
	request.Header.Set("content-type", "application/json")
	answer, err := (&http.Client{Transport: transport}).Do(request)
	fail(err)
	text, err := io.ReadAll(answer.Body)
	fail(err)
	fmt.Println(answer.StatusCode, string(text))
}
