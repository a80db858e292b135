"""AWS Lambda: functions run under `awslambdaric` in confined worker processes. The service is `service.LambdaService`."""
