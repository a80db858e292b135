"""What a to-do is and what may be done with it. Pure: no AWS, no HTTP, no clock, no randomness."""
