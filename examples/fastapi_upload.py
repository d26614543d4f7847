"""An upload in FastAPI that answers with a hint.

    uvicorn fastapi_upload:app

One detector serves all requests; a check takes CPU, so that it runs in a thread and the event
loop stays free.
"""

from __future__ import annotations

from fastapi import FastAPI, UploadFile
from fastapi.concurrency import run_in_threadpool

from classicselfie import SelfieDetector

app = FastAPI()
detector = SelfieDetector()


@app.post("/photos")
async def upload(photo: UploadFile) -> dict[str, str | None]:
    """Take a photo, and say so politely where it looks like a selfie."""
    content = await photo.read()
    verdict = await run_in_threadpool(detector.check, content)
    # ... store the photo here: the verdict is a hint and no gate.
    return {"name": photo.filename, "note": verdict.summary if verdict.is_selfie else None}
