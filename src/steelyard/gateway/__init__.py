"""The data plane: HTTP in, HTTP out, and the journal between. Nothing here touches a database."""
