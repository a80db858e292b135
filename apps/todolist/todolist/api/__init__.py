"""The routes: what API Gateway hands to Lambda, and what it gets back."""
