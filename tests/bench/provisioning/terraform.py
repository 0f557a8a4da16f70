"""
The stack by Terraform: `ensure [vcpus]` or `destroy`, in the folder that BENCH_TERRAFORM names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
FOLDER = "BENCH_TERRAFORM"
OPTIONS = ("-auto-approve", "-input=false", "-no-color")
MIRRORS = (
    os.environ.get("TF_PLUGIN_CACHE_DIR", ""),
    "~/.terraform.d/plugin-cache",
    "~/.terraform.d/plugins",
    "/usr/local/share/terraform/plugins",
)


@contextmanager
def prepared() -> Iterator[dict[str, tuple[str, ...]]]:
    """
    Terraform's command, if it and its AWS provider are installed; nothing is downloaded.
    """
    with TemporaryDirectory() as folder:
        shutil.copy(HERE / "main.tf", folder)
        os.environ[FOLDER] = folder
        if reason := _lacks(folder):
            print(f"\nTerraform is left out: {reason}", flush=True)
            yield {}
        else:
            yield {"Terraform": (sys.executable, "-m", "tests.bench.provisioning.terraform")}


def _lacks(folder: str) -> str:
    """
    What keeps Terraform from running, or an empty text.
    """
    if shutil.which("terraform") is None:
        return "it is not installed"
    plugins = (Path(mirror).expanduser() for mirror in MIRRORS if mirror)
    found = [one for one in plugins if any(one.glob("registry.terraform.io/hashicorp/aws/*"))]
    if not found:
        return "its provider hashicorp/aws is in none of the plugin folders"
    command = ("terraform", "init", "-input=false", f"-plugin-dir={found[0].resolve()}")
    init = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if init.returncode == 0 else f"init failed: {init.stderr.strip()[-200:]}"


def main() -> None:
    """
    Becomes Terraform.
    """
    os.chdir(os.environ[FOLDER])
    command = "destroy" if sys.argv[1] == "destroy" else "apply"
    os.environ["TF_VAR_max_vcpus"] = sys.argv[2] if len(sys.argv) > 2 else "4"
    os.execvp("terraform", ("terraform", command, *OPTIONS))


if __name__ == "__main__":
    main()
