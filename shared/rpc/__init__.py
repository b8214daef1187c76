"""gRPC and who may call: servers, channels, interceptors, bearer tokens."""
