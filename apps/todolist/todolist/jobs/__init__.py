"""The workers of jobs, invoked asynchronously: Lambda tries a failed one again, and each step may be repeated."""
