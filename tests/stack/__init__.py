"""The real parts on this machine: installing, starting and ending Kafka, MinIO, PostgreSQL, Triton and ElasticMQ."""
