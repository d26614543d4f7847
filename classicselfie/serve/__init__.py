"""The service: photos in over HTTP, verdicts out, and a page to try it.

Needs the extra "serve"; nothing outside this package imports it. Bytes → `body` → `pool`
→ `worker` processes → verdicts; `app` holds it together, `command` runs it.
"""
