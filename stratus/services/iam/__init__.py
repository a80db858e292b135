"""AWS Identity and Access Management: the API over the account's users, roles and policies."""
