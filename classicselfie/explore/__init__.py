"""The gallery of `classicselfie explore`: photos in order, on a map and in clusters."""
