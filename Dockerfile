# SPDX-License-Identifier: Apache-2.0
# The server, its libraries, and nothing else. docs/operating.md says how to run it.
FROM debian:bookworm-slim AS build
RUN apt-get update && \
    apt-get install -y --no-install-recommends brotli build-essential ca-certificates cmake esbuild \
        libcurl4-openssl-dev libev-dev libjansson-dev libnghttp2-dev libsqlite3-dev libssl-dev libyaml-dev ninja-build node-llhttp pkg-config
COPY . /source
RUN cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DSSE_SERVER_TESTS=OFF \
        -DCMAKE_INSTALL_PREFIX=/usr && \
    cmake --build /build --target sse-server && \
    install -D -s /build/sse-server /image/usr/bin/sse-server && \
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt && \
    install -D -m 644 /source/packaging/sse-server.yaml /image/etc/sse-server/sse-server.yaml && \
    install -d -m 700 -o 65532 -g 65532 /image/var/lib/sse-server

FROM debian:bookworm-slim
RUN apt-get update && \
    apt-get install -y --no-install-recommends libcurl4 libev4 libjansson4 libnghttp2-14 libsqlite3-0 libssl3 \
        libyaml-0-2 && \
    rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/*
COPY --from=build /image /
USER 65532:65532
VOLUME /var/lib/sse-server
EXPOSE 8443 8444
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s \
    CMD ["sse-server", "--config", "/etc/sse-server/sse-server.yaml", "health"]
ENTRYPOINT ["sse-server"]
CMD ["--config", "/etc/sse-server/sse-server.yaml"]
