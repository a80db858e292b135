"""The workers of jobs. Each is invoked asynchronously: Lambda tries a failed one again, and each step may be repeated."""
