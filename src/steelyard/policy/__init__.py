"""Who may be answered by what: routes compiled into plans. Pure; the gateway looks a plan up and obeys it."""
