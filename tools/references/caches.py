"""Where files are kept that are made once."""
import os
import pathlib

cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "adjoint"
