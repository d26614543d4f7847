"""Processes that judge photos and may crash, hang or be taken over without harm to who asked.

`pool` hands requests to `worker`s; each is a process whose body is `process`, and `messages` is
all that the two say to each other. Knows nothing of photos; nothing here imports the rest.
"""
