"""Stratus, a cloud close to the ground: the AWS services of the two applications, on one machine."""
