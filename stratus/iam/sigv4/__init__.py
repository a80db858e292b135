"""Verification of AWS Signature Version 4: in the Authorization header, in presigned URLs, in `aws-chunked` bodies."""
