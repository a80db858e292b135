"""CloudWatch Logs. The service is `service.LogsService`."""
