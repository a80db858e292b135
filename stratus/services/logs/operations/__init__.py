"""CloudWatch Logs' operations, a module for each kind."""
