"""`classicselfie bench`: how long a check takes on this device, beside its yardsticks."""
