"""The API's operations, grouped as the API reference groups them."""
