"""MyTodoList: the Python that runs in its Lambda functions. Thin routes (api) -> pure rules -> the table (store)."""
