"""The control plane of API Gateway, by kind of resource."""
