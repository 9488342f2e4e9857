"""The face of optimal design: one place to import from, and no scipy or matplotlib until something is optimised."""

from __future__ import annotations

import subprocess
import sys

from leadterms.inference import design


def test_every_name_is_there():
    assert all(hasattr(design, name) for name in design.__all__)


def test_importing_it_does_not_import_scipy_or_matplotlib():
    code = (
        "import sys, leadterms.inference.design, leadterms.publication.power_plots; "
        "print([name for name in ('scipy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
