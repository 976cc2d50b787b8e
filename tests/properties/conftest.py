"""Where Hypothesis may write: nowhere in the repository."""

from __future__ import annotations

import atexit
import tempfile

from hypothesis.configuration import set_hypothesis_home_dir

# When this file is read and not in a fixture: the first strategy that is looked at writes something down.
_home = tempfile.TemporaryDirectory()
atexit.register(_home.cleanup)
set_hypothesis_home_dir(_home.name)
