"""
Makes a base image of the Python that runs this: a tar for `docker import`.

    base_image.py names DOCKERFILE    prints the images in its FROM lines, without its own stages
    base_image.py key [WHEEL ...]     prints a short hash of everything that the image depends on
    base_image.py tar FILE [WHEELS]   writes the image, with that folder of wheels as /opt/wheels
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

VERSION = "%d.%d" % sys.version_info[:2]
LIBRARY = f"usr/local/lib/python{VERSION}"
FOLDERS = (
    "usr usr/bin usr/sbin usr/lib usr/lib64 usr/local usr/local/bin usr/local/lib etc etc/ssl"
    " etc/ssl/certs root home var var/tmp var/lib proc sys dev run opt"
).split()
TOOLS = (
    "sh bash env cat ls cp mv rm ln mkdir rmdir chmod chown touch echo id sleep true false test"
    " date head tail grep sed useradd groupadd"
).split()
SKIPPED = {
    *("test", "tests", "idlelib", "turtledemo", "lib2to3", "tkinter", "ensurepip"),
    *("__pycache__", "site-packages", "dist-packages", "EXTERNALLY-MANAGED"),
}
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
}
COPIED = ("/etc/login.defs", "/etc/os-release", "/etc/ssl/certs/ca-certificates.crt")
PIP = f"""#!/usr/local/bin/python{VERSION}
import sys
from pip._internal.cli.main import main
sys.exit(main())
"""


def names(dockerfile: str) -> Iterator[str]:
    """
    The images in a Dockerfile's FROM lines, with the defaults of its arguments.
    """
    arguments: dict[str, str] = {}
    stages = {"scratch"}
    for line in re.sub(r"\\\n", " ", dockerfile).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "ARG" and "=" in rest:
            name, _, value = rest.strip().partition("=")
            arguments.setdefault(name, value.strip("\"'"))
        elif word.upper() == "FROM":
            image, *alias = [part for part in rest.split() if not part.startswith("--")]
            image = re.sub(r"\$\{?(\w+)(?::-[^}]*)?\}?", lambda m: arguments[m[1]], image)
            if image not in stages:
                yield image
            stages.update(alias[1:])


def key(wheels: list[str]) -> str:
    """
    A hash of this Python, this file, the required wheels and the text of requirement files.
    """
    texts = [sys.version, Path(__file__).read_text(), *wheels]
    texts += [Path(file).read_text() for flag, file in zip(wheels, wheels[1:]) if flag == "-r"]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


class ImageTar:
    """
    The tar that is being written, and the shared libraries that its programs need.
    """

    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar
        self.libraries: dict[str, str] = {}

    def folder(self, path: str, mode: int = 0o755) -> None:
        """
        Adds an empty folder.
        """
        info = tarfile.TarInfo(path)
        info.type, info.mode = tarfile.DIRTYPE, mode
        self.tar.addfile(info)

    def link(self, path: str, target: str) -> None:
        """
        Adds a symbolic link.
        """
        info = tarfile.TarInfo(path)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self.tar.addfile(info)

    def text(self, path: str, text: str, mode: int = 0o644) -> None:
        """
        Adds a file with that text.
        """
        info = tarfile.TarInfo(path)
        info.mode, info.size = mode, len(text.encode())
        self.tar.addfile(info, io.BytesIO(text.encode()))

    def copy(self, source: str | Path, path: str) -> None:
        """
        Adds a file or a tree of this machine, owned by root, without what an image doesn't need.
        """
        self.tar.add(os.path.realpath(source), path, filter=_plain)

    def program(self, source: str, path: str) -> None:
        """
        Adds a program, and collects the libraries that it is linked with.
        """
        self.copy(source, path)
        self.needs(source)

    def needs(self, binary: str | Path) -> None:
        """
        Collects the libraries of a binary, and the loader by its whole path.
        """
        env = {**os.environ, "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR") or ""}
        output = subprocess.run(["ldd", binary], capture_output=True, text=True, env=env).stdout
        for line in output.splitlines():
            found = re.search(r"(?:=>\s*)?(/\S+)\s+\(0x", line)
            if found:
                loader = os.path.basename(found[1]).startswith("ld-")
                name = found[1] if loader else os.path.basename(line.split()[0])
                self.libraries[name] = found[1]


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    inside = set(info.name.removeprefix(LIBRARY).split("/"))
    standard = info.name.startswith(LIBRARY) and "/site-packages/" not in info.name
    if "__pycache__" in inside or standard and (SKIPPED & inside or "/config-" in info.name):
        return None
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = "root"
    return info


def _python(image: ImageTar) -> None:
    """
    Adds the interpreter, its standard library and its pip, as in the official images.
    """
    image.program(os.path.realpath(sys.executable), f"usr/local/bin/python{VERSION}")
    image.link("usr/local/bin/python3", f"python{VERSION}")
    image.link("usr/local/bin/python", "python3")
    standard = Path(sysconfig.get_path("stdlib"))
    image.copy(standard, LIBRARY)
    for extension in (standard / "lib-dynload").iterdir():
        image.needs(extension)
    image.folder(f"{LIBRARY}/site-packages")
    if os.path.exists("/etc/debian_version"):  # Debian's own Python looks for packages there
        image.link(f"{LIBRARY}/dist-packages", "site-packages")
        image.link("usr/local/local", ".")
    spec = importlib.util.find_spec("pip")
    assert spec and spec.origin, "this Python has no pip"
    site = Path(spec.origin).parent.parent
    for found in [site / "pip", *site.glob("pip-*.dist-info")]:
        image.copy(found, f"{LIBRARY}/site-packages/{found.name}")
    image.text("usr/local/bin/pip", PIP, 0o755)
    image.link("usr/local/bin/pip3", "pip")


def _tools(image: ImageTar) -> None:
    """
    Adds a shell and the few programs that Dockerfiles use.
    """
    for name in TOOLS:
        path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
        if path:
            image.program(path, f"usr/{'sbin' if 'sbin' in path else 'bin'}/{name}")


def _libraries(image: ImageTar) -> None:
    """
    Adds the collected libraries, and those that the C library loads by itself.
    """
    near = Path(image.libraries["libc.so.6"]).parent
    for name in ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1"):
        if (near / name).exists():
            image.libraries.setdefault(name, str(near / name))
    for name, path in image.libraries.items():
        if name.startswith("/"):
            image.copy(path, name.lstrip("/") if name.startswith("/usr") else f"usr{name}")
        else:
            image.copy(path, f"usr/lib/{name}")


def write(file: str, wheels: str) -> None:
    """
    Writes the whole image as a tar.
    """
    with tarfile.open(file, "w") as tar:
        image = ImageTar(tar)
        for path in FOLDERS:
            image.folder(path)
        image.folder("tmp", 0o1777)
        for path in ("bin", "sbin", "lib", "lib64"):
            image.link(path, f"usr/{path}")
        _python(image)
        _tools(image)
        _libraries(image)
        for path, text in TEXTS.items():
            image.text(path, text)
        for path in filter(os.path.exists, COPIED):
            image.copy(path, path.lstrip("/"))
        if wheels and os.path.isdir(wheels):
            image.copy(wheels, "opt/wheels")


def main(command: str, *rest: str) -> None:
    """
    Runs *command*.
    """
    if command == "names":
        print("\n".join(names(Path(rest[0]).read_text())))
    elif command == "key":
        print(key(list(rest)))
    else:
        write(rest[0], rest[1] if len(rest) > 1 else "")


if __name__ == "__main__":
    main(*sys.argv[1:])
