# syntax=docker/dockerfile:1
# The server only, for use with external PostgreSQL and Redis. `docker compose up` starts all three.

FROM node:20-bookworm-slim AS dashboard
WORKDIR /build
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

# Pinned by version and hash, as everywhere else.
FROM debian:bookworm-slim AS onnxruntime
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY scripts/fetch-onnxruntime.sh scripts/
COPY scripts/lib/ scripts/lib/
RUN bash scripts/fetch-onnxruntime.sh

FROM rust:1.95-bookworm AS server
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs ./
COPY src/ src/
COPY tests/ tests/
COPY migrations/ migrations/
COPY weights/ weights/
COPY --from=dashboard /build/dist/ frontend/dist/
# Cache mounts are not part of the image, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
  --mount=type=cache,target=/build/target \
  cargo build --release --locked && cp target/release/groundswell /build/groundswell

# Without Chromium, which is large, so reports are sent as HTML only. An image based on this one can install it; its
# sandbox needs user namespaces, which containers are commonly denied.
FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates curl \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --home-dir /opt/groundswell --shell /usr/sbin/nologin groundswell
# The server looks for the library and the weights beside the executable.
COPY --from=server /build/groundswell /opt/groundswell/groundswell
COPY --from=onnxruntime /build/.groundswell/lib/libonnxruntime.so /opt/groundswell/lib/libonnxruntime.so
COPY weights/ /opt/groundswell/weights/
COPY data/ /opt/groundswell/data/
ENV PATH=/opt/groundswell:$PATH
# Listening on any address other than loopback requires GROUNDSWELL_AUTH_TOKEN; without it the server refuses to start.
ENV GROUNDSWELL_LISTEN=0.0.0.0:8080
# A groundswell.toml here is read; variables, such as the one above, override it.
WORKDIR /opt/groundswell
USER groundswell
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
  CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
# On SIGTERM the server finishes its work in flight and exits.
CMD ["groundswell", "serve"]
