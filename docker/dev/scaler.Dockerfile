# KEDA or metrics-server for the tests on a cluster that has none and can pull none; see README.md in docker/.
# Its context holds `programs`, which need no library.
FROM scratch
COPY programs/ /
USER 10001:10001
