"""Why a photo was judged as it was: the exact sum, and pictures of it."""
