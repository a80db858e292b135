"""The operations of the S3 API, a module for each group that changes together."""
