# Prometheus for the tests on a cluster where none of its own images can be pulled; see README.md in docker/.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

# hadolint ignore=DL3006  # the argument holds a digest
FROM ${BASE}
# Debian's packages are those of one day, from its snapshots; where APT_SNAPSHOT is empty, the newest of the release.
ARG APT_ARCHIVE=https://snapshot.debian.org/archive
ARG APT_SNAPSHOT=20261101T000000Z
RUN [ -z "$APT_SNAPSHOT" ] || { rm -rf /etc/apt/sources.list.d/* \
    && for suite in "debian bookworm" "debian bookworm-updates" "debian-security bookworm-security"; do \
         echo "deb [check-valid-until=no signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $APT_ARCHIVE/${suite% *}/$APT_SNAPSHOT ${suite#* } main"; \
       done > /etc/apt/sources.list; }
# hadolint ignore=DL3008  # by snapshot
RUN apt-get update -q && apt-get install -y -q --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/*
USER 10001:10001
WORKDIR /tmp
