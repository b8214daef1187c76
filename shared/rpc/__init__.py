"""gRPC servers, channels and interceptors, and authorization by bearer token."""
