// SPDX-License-Identifier: Apache-2.0

// r3labs/sse: shows the last id, and comes back when a stream breaks; when one ends in order the
// subscription is over, and another one goes on with the id of that.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"
)

const pause = 200 * time.Millisecond // between two attempts

type event struct {
	ID    string `json:"id"`
	Event string `json:"event"`
	Data  string `json:"data"`
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "r3labs:", err)
	os.Exit(1)
}

func transport(authority string) *http.Transport {
	certificate, err := os.ReadFile(authority)
	if err != nil {
		fail(err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(certificate) {
		fail(fmt.Errorf("%s holds no certificate", authority))
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}
}

func main() {
	address, authority := os.Args[1], os.Args[2]
	out := json.NewEncoder(os.Stdout)
	client := sse.NewClient(address)
	client.Connection.Transport = transport(authority)
	client.ReconnectStrategy = backoff.NewConstantBackOff(pause)
	client.ReconnectNotify = func(err error, _ time.Duration) { fmt.Fprintln(os.Stderr, "r3labs:", err) }
	for {
		err := client.SubscribeRaw(func(message *sse.Event) {
			if err := out.Encode(event{string(message.ID), string(message.Event), string(message.Data)}); err != nil {
				fail(err)
			}
		})
		if err != nil {
			fail(err)
		}
		time.Sleep(pause)
	}
}
