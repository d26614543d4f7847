"""The errors that the library raises on purpose."""

from __future__ import annotations

_LONGEST_DETAIL = 200


class ClassicSelfieError(Exception):
    """Base of every error raised on purpose; its text is one line that says what to do."""


class PhotoError(ClassicSelfieError):
    """A picture that cannot be judged: unreadable, unsupported, too large or too small.

    `SelfieDetector.check` turns it into the verdict "unknown" and never raises it.

    Parameters
    ----------
    sentence : str
        Why, for a person; the text of the error.
    detail : str or None
        What a library said about it, for whoever looks into the file.
    """

    def __init__(self, sentence: str, detail: str | None = None) -> None:
        super().__init__(sentence)
        self.detail = detail


class NoFaceError(ClassicSelfieError):
    """A photo without a face in sight, where one is needed."""


class ModelError(ClassicSelfieError):
    """A weights file that is missing, damaged, or made for another version of the features."""


class MissingExtraError(ClassicSelfieError):
    """A command needs packages of an extra that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        from classicselfie.extras import install_command

        super().__init__(f"{package} is not installed; run: {install_command(extra)}")

    @classmethod
    def unless_installed(cls, extra: str) -> None:
        """Raise it where a package of an extra is missing."""
        from classicselfie.extras import missing

        if packages := missing(extra):
            raise cls(packages[0], extra)


class WorkersError(ClassicSelfieError):
    """Worker processes that do not start."""


class ManifestError(ClassicSelfieError):
    """A training manifest with a row that cannot be used."""


class BenchmarkError(ClassicSelfieError):
    """A benchmark that this device cannot run, or a file of figures that cannot be compared."""


class ServeError(ClassicSelfieError):
    """A service that cannot start: a port that is taken, limits that make no sense."""


class ConfigError(ClassicSelfieError):
    """A config file that cannot be read, or an option in it that does not exist or fit."""


class ScanError(ClassicSelfieError):
    """A scan that cannot begin or go on: its paths, its output, its folder or its cluster."""


class GalleryError(ClassicSelfieError):
    """Photos that cannot be shown, or a folder that a gallery must not be written to."""


class CropError(ClassicSelfieError):
    """A crop that cannot be made as asked."""


class TargetError(ClassicSelfieError):
    """A file that must not be written: it exists already, or its folder does not."""


class OutputError(ClassicSelfieError):
    """What was found out cannot be written: a full disk, a closed stream."""


class LostScanError(ScanError, OutputError):
    """A scan that had begun and cannot go on: a full disk, a cluster or a folder that has gone."""


class ClosedPipeError(OutputError):
    """The reader of the standard output has gone before the end."""


def describe(error: BaseException) -> str:
    """Tell an error of whatever library in one printable line: its type and what it says."""
    said = " ".join(str(error).split())
    line = f"{type(error).__name__}: {said}" if said else type(error).__name__
    shown = "".join(
        letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line[:_LONGEST_DETAIL]
    )
    return shown[:_LONGEST_DETAIL]
