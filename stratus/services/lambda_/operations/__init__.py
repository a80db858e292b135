"""Lambda's operations, a module for each kind."""
