"""The IAM policy language: documents read and validated, compiled once, evaluated in AWS's order."""
