"""`classicselfie scan`: judge whole collections, on this machine or on a Dask cluster."""

from classicselfie.scan.command import Summary, scan

__all__ = ["Summary", "scan"]
