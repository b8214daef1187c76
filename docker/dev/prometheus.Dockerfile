# Prometheus for the tests on a cluster where none of its own images can be pulled; see README.md in docker/.
ARG BASE=python:3.11-slim-bookworm

# hadolint ignore=DL3006  # the argument holds a tag or digest
FROM ${BASE}
# hadolint ignore=DL3008  # a tool for trying things out follows its release of Debian
RUN apt-get update -q && apt-get install -y -q --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/*
USER 10001:10001
WORKDIR /tmp
