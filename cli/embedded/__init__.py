"""The engines of `durabill up`: PostgreSQL from a wheel and Temporal's development server, on loopback."""
