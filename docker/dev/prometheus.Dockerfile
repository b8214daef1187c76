# Prometheus for the tests on a cluster where none of its own images can be pulled; see README.md in docker/.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

# hadolint ignore=DL3006  # the argument holds a digest
FROM ${BASE}
# hadolint ignore=DL3008  # a tool for trying things out follows its release of Debian
RUN apt-get update -q && apt-get install -y -q --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/*
USER 10001:10001
WORKDIR /tmp
