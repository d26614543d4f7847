"""How requests and answers look, for the OpenAPI description alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from classicselfie.serve.limits import Limits


class ReasonSchema(BaseModel):
    """One reason for a verdict: what can be seen or read first, the general look last."""

    signal: str = Field(description="What was seen or read, or `look`: what only statistics know.")
    sentence: str = Field(description="The same for a person.")
    contribution: float = Field(description="Above 0 speaks for a selfie, below 0 against.")


class FaceSchema(BaseModel):
    """A face that was found, in pixels of the upright photo."""

    bbox: tuple[float, float, float, float] = Field(description="x, y, width, height.")
    landmarks: list[tuple[float, float]] = Field(
        description="Right eye, left eye, nose tip, right and left corner of the mouth; or none."
    )
    score: float = Field(ge=0, le=1, description="The face detector's confidence.")


class VerdictSchema(BaseModel):
    """Whether a photo looks like a selfie, and why; nothing of who is on it."""

    path: str | None = Field(description="The file's name as it was sent; null for raw bytes.")
    label: Literal["selfie", "not_selfie", "unknown"] = Field(
        description="unknown where the photo could not be judged; its reason says why."
    )
    confidence: Literal["clear", "maybe"] | None = Field(
        description="maybe: between the weights' thresholds, with a face; null when unknown."
    )
    probability: float | None = Field(ge=0, le=1, description="null when unknown.")
    threshold: float | None = Field(
        ge=0, le=1, description="From here a photo is called a selfie; null when unknown."
    )
    summary: str = Field(description="The whole answer for a person, in a sentence or two.")
    front_camera: bool | None = Field(
        description="Whether the metadata say that the front camera took it; null: they do not."
    )
    reasons: list[ReasonSchema]
    faces: list[FaceSchema] = Field(description="Largest first.")
    size: tuple[int, int] | None = Field(description="Width and height of the upright photo.")
    stage: Literal["header", "thumbnail", "pixels"] = Field(description="What answered.")
    timings_ms: dict[str, float] = Field(description="Milliseconds per stage.")
    model: str = Field(description="Name and version of the weights.")
    detail: str | None = Field(
        description="What a library said about a photo that could not be read, or null."
    )


class ErrorSchema(BaseModel):
    """Why a request was not answered with a verdict."""

    detail: str = Field(description="One sentence for a person.")


class HealthSchema(BaseModel):
    """The service judges photos."""

    status: Literal["ok"]


class UnhealthySchema(BaseModel):
    """The service answers, but cannot judge as many photos as it should, or none."""

    status: Literal["unavailable"]
    detail: str = Field(description="One sentence for a person.")


class FiguresSchema(BaseModel):
    """How good the weights are on sources that were left out of training, on average."""

    mean_auc: float
    mean_recall_at_1_percent_false_alarms: float


class LimitsSchema(BaseModel):
    """What one request may ask for."""

    max_bytes: int
    max_pixels: int
    max_parts: int
    queue: int
    timeout: float = Field(description="Seconds.")


class ModelSchema(BaseModel):
    """What judges here, from which probability it warns, and how good it is."""

    name: str
    detector: str = Field(description="The face detector.")
    threshold: float = Field(description="From here a photo is called a selfie.")
    thresholds: dict[str, float] = Field(description="The published ones.")
    figures: FiguresSchema | None = Field(description="null where the weights' card has none.")
    on_device: bool = Field(description="Whether the page can judge in the browser instead.")
    limits: LimitsSchema


_EXAMPLES = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
EXAMPLE: dict[str, Any] = _EXAMPLES["verdict"]
UNKNOWN: dict[str, Any] = EXAMPLE | _EXAMPLES["unknown"]
MODEL_EXAMPLE: dict[str, Any] = _EXAMPLES["model"]


def check_request(limits: Limits) -> dict[str, Any]:
    """Describe the body of a check; FastAPI does not parse it and so cannot know."""
    file = {"type": "string", "format": "binary"}  # an empty one among others is "unknown"
    photo = file | {"minLength": 1}
    photos = {"type": "array", "items": file, "minItems": 1, "maxItems": limits.max_parts}
    form = {"type": "object", "properties": {"photo": photos}, "required": ["photo"]}
    return {
        "parameters": [
            {
                "name": "list",
                "in": "query",
                "description": "Whether a single photo is answered with a list too.",
                "schema": {"type": "boolean", "default": False},
            }
        ],
        "requestBody": {
            "required": True,
            "description": "One photo's bytes, or a form with one or several files (under any "
            "name). Photos are never fetched from addresses.",
            "content": {
                "multipart/form-data": {"schema": form},
                "application/octet-stream": {"schema": photo},
                "image/*": {"schema": photo},
            },
        },
    }


CHECK_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": VerdictSchema | list[VerdictSchema],
        "description": "A verdict; a list of them, in order, where several photos were sent or "
        "a list was asked for.",
    },
    **{
        status: {"model": ErrorSchema, "description": text}
        for status, text in {
            400: "The form is damaged, or has too many parts.",
            408: "The request took too long to arrive.",
            413: "The body is too large.",
            415: "Neither a form nor a photo, or a compressed one.",
            422: "There is no photo in it.",
        }.items()
    },
    503: {
        "model": ErrorSchema,
        "description": "There is no room for more photos now, or nothing that judges them.",
        "headers": {
            "Retry-After": {
                "description": "Seconds after which to try again.",
                "schema": {"type": "integer"},
            }
        },
    },
}


def add_examples(description: dict[str, Any]) -> None:
    """Add the examples to an OpenAPI description; FastAPI would drop their nulls."""

    def answer(method: str, path: str) -> dict[str, Any]:
        content = description["paths"][path][method]["responses"]["200"]["content"]
        found: dict[str, Any] = content["application/json"]
        return found

    answer("get", "/v1/model")["example"] = MODEL_EXAMPLE
    answer("post", "/v1/check")["examples"] = {
        "one photo": {"value": EXAMPLE},
        "several photos": {"value": [EXAMPLE, UNKNOWN]},
    }
