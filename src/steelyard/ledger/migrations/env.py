"""What Alembic runs: the steps, on the connection that it was given. The caller commits."""

from alembic import context

from steelyard.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
