"""The one table: its keys, its items, its reads and writes."""
