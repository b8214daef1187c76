# A newer version of an image for the tests of upgrades: the same program that gives another version number of itself.
ARG IMAGE
# hadolint ignore=DL3006  # the argument holds a tag
FROM ${IMAGE}
ARG VERSION
USER 0:0
RUN find /opt -path '*/medulla_risk-*.dist-info/METADATA' -exec sed -i "s/^Version: .*/Version: ${VERSION}/" {} +
USER 10001:10001
