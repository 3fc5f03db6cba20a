// SPDX-License-Identifier: Apache-2.0
// A stand-in for the client of the Java system, with the rules that matter here. It never closes its
// EventSource by itself, but when "connect-close" comes, which it takes as "stay away" whatever that says.
// After an error it opens another one, in reconnectTime. A tab that is hidden, or closed, says so to the
// server and waits for "connect-close".

// Runs in the page.
export function installJavaClient() {
  window.JavaClient = class {
    source;
    connectionId;
    heard = []; // [event, data], its own as well
    #options;
    #timer;

    constructor(options) {
      this.#options = { url: '/sse/demo', query: {}, listeners: [], reconnectTime: 1000, ...options };
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'hidden') {
          this.#leave('visibilitychange');
        } else if (!this.source) {
          this.connect();
        }
      });
      this.connect();
    }

    connect() {
      const { url, query, listeners } = this.#options;
      const search = new URLSearchParams({ listeners, keepaliveTime: 900_000, sessionDuration: 0, ...query });
      clearTimeout(this.#timer);
      this.source?.close();
      this.source = new EventSource(`${url}/connect?${search}`, { withCredentials: true });
      for (const name of ['connect-finish', 'connect-close', ...listeners]) {
        this.source.addEventListener(name, (event) => this.#take(name, event.data));
      }
      this.source.addEventListener('error', () => {
        this.connectionId = undefined;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.connect(), this.#options.reconnectTime);
      });
    }

    close(reason) {
      this.#leave(reason);
    }

    isActive() {
      return this.connectionId !== undefined;
    }

    hasHeard(name) {
      return this.heard.some(([event]) => event === name);
    }

    #take(name, data) {
      if (name === 'connect-finish') {
        this.connectionId = JSON.parse(data).connectionId;
      } else if (name === 'connect-close') {
        this.source.close();
        this.source = undefined;
        this.connectionId = undefined;
        clearTimeout(this.#timer);
      }
      this.heard.push([name, data]);
    }

    #leave(reason) {
      const { connectionId } = this;
      if (connectionId !== undefined) {
        const words = { clientId: this.#options.query.clientId, connectionId, reason, duration: 1, sessionDuration: 0 };
        navigator.sendBeacon(`${this.#options.url}/connect/disconnect.do`, new URLSearchParams(words));
      }
    }
  };
}
