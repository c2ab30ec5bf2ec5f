"""`POST /events` and `/events/batch`: raw ASGI in front of FastAPI, because most requests are these."""
