"""An upload in Django that shows a hint: a whole site in one file, for a look.

    python django_upload.py runserver

In a project of yours, take `upload` and its form; the settings are your own.
"""

from __future__ import annotations

import sys

from django import forms
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from classicselfie import SelfieDetector

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1", "testserver"], SECRET_KEY="an example"
    )

detector = SelfieDetector()  # once per process


class PhotoForm(forms.Form):
    """One file; its content is the detector's business."""

    photo = forms.FileField()


@csrf_exempt  # so that curl may try it; keep the protection in a real form
@require_POST
def upload(request: HttpRequest) -> JsonResponse:
    """Take a photo, and say so politely where it looks like a selfie."""
    form = PhotoForm(request.POST, request.FILES)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    photo = form.cleaned_data["photo"]
    verdict = detector.check(photo.read())
    # ... store the photo here: the verdict is a hint and no gate.
    note = verdict.summary if verdict.is_selfie else None
    return JsonResponse({"name": photo.name, "note": note})


urlpatterns = [path("photos", upload)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
