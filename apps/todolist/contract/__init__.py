"""Makes the API's contract from the code: openapi.yaml for clients, and the body of the REST API in template.yaml.

`python -m contract` writes both, `python -m contract --check` says whether they are as the code is.
"""
