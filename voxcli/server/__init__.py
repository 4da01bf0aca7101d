"""The server: any number of clients, each a session whose audio goes through the recognizers of the command line.

    gate -> transcribe | listen | prerecorded -> session -> intake -> feed -> recognizer -> outbox -> client

Needs the extra ``server``; nothing outside this folder imports FastAPI or uvicorn.
"""
