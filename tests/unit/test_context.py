"""
The build context: the files that are sent, their hash, their tar, and errors.
"""

from __future__ import annotations

import os
import shutil
import socket
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st

from batchkit._docker.context import MTIME, Context, read_context
from batchkit.errors import ContextError

NOBODY = 65534


def make(root: Path, files: dict[str, str]) -> Path:
    """
    A folder with *files*, and a Dockerfile if they have none.
    """
    for name, text in {"Dockerfile": "FROM scratch\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def files_of(context: Context) -> set[str]:
    """
    The paths in the tar, folders with a slash at the end.
    """
    with context.packed() as packed, tarfile.open(fileobj=packed.file) as tar:
        return {member.name + "/" * member.isdir() for member in tar}


@contextmanager
def as_nobody() -> Iterator[None]:
    """
    The block runs without root's right to read everything.
    """
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


TREE = {
    name: name
    for name in (
        "main.py",
        "main.pyc",
        "notes.md",
        "README.md",
        "a b.txt",
        "src/app.py",
        "src/app.pyc",
        "src/deep/x.py",
        "src/deep/x.log",
        "src/deep/keep.log",
        "node_modules/p/index.js",
        "src/node_modules/q/index.js",
        "src/node_modules/q/keep.txt",
    )
}
ALL = set(TREE)

RULES = [
    ("", set()),
    ("# main.py\n\n   \n", set()),
    ("main.py", {"main.py"}),
    ("/main.py", {"main.py"}),
    ("./main.py", {"main.py"}),
    ("  main.py  ", {"main.py"}),
    ("\ufeffmain.py\r\nnotes.md\r\n", {"main.py", "notes.md"}),
    ("src/../main.py", {"main.py"}),
    ("../main.py", set()),
    (".", set()),
    ("/", set()),
    ("a b.txt", {"a b.txt"}),
    ("*.pyc", {"main.pyc"}),
    ("*/*.pyc", {"src/app.pyc"}),
    ("**/*.pyc", {"main.pyc", "src/app.pyc"}),
    ("src/**/*.log", {"src/deep/x.log", "src/deep/keep.log"}),
    ("src", {n for n in ALL if n.startswith("src/")}),
    ("src/", {n for n in ALL if n.startswith("src/")}),
    ("src/**", {n for n in ALL if n.startswith("src/")}),
    ("s?c", {n for n in ALL if n.startswith("src/")}),
    ("[mn]*", {"main.py", "main.pyc", "notes.md", "node_modules/p/index.js"}),
    ("[^mns]*.*", {"README.md", "a b.txt"}),
    ("[l-m]ain.p\\y", {"main.py"}),
    ("node_modules", {"node_modules/p/index.js"}),
    ("**/node_modules", {n for n in ALL if "node_modules" in n}),
    ("**", ALL),
    ("*.md\n!README.md", {"notes.md"}),
    ("!README.md\n*.md", {"notes.md", "README.md"}),
    ("*.md\n!README.md\nREAD*", {"notes.md", "README.md"}),
    ("*.md\n! README.md", {"notes.md"}),
    ("*\n!src", {n for n in ALL if not n.startswith("src/")}),
    ("*\n!src/deep/x.py", ALL - {"src/deep/x.py"}),
    ("src\n!src/deep", {n for n in ALL if n.startswith("src/") and "deep" not in n}),
    ("src/deep\n!src/deep/keep.log", {"src/deep/x.py", "src/deep/x.log"}),
    ("*\n!**/*.py", {n for n in ALL if not n.endswith(".py")}),
    ("**/node_modules\n!**/keep.txt", {"node_modules/p/index.js", "src/node_modules/q/index.js"}),
    ("**/node_modules\n!src/*/q", {"node_modules/p/index.js"}),
]


@pytest.mark.parametrize(("rules", "left_out"), RULES)
def test_a_dockerignore_leaves_out_what_docker_leaves_out(
    tmp_path: Path, rules: str, left_out: set[str]
) -> None:
    """
    All files are sent except those that the last matching line leaves out.
    """
    context = read_context(make(tmp_path, {**TREE, ".dockerignore": rules}))
    sent = {name for name in files_of(context) if not name.endswith("/")}
    assert sent & ALL == ALL - left_out


@pytest.mark.parametrize("rule", ["!", "a[b", "[]", "[z-a]"])
def test_a_line_that_is_no_pattern_is_named(tmp_path: Path, rule: str) -> None:
    """
    Docker refuses these lines, and so does the context; the error has the file and the line.
    """
    make(tmp_path, {".dockerignore": rule})
    with pytest.raises(ContextError, match=r"\.dockerignore") as caught:
        read_context(tmp_path)
    assert repr(rule) in str(caught.value)


def test_a_dockerignore_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    """
    A folder called .dockerignore is an error that names it.
    """
    (make(tmp_path, {}) / ".dockerignore").mkdir()
    with pytest.raises(ContextError, match="dockerignore"):
        read_context(tmp_path)


def test_a_dockerfile_may_have_rules_of_its_own(tmp_path: Path) -> None:
    """
    `<Dockerfile>.dockerignore` replaces .dockerignore for that Dockerfile.
    """
    make(tmp_path, {"a": "", "b": "", "x/My": "FROM a\n", ".dockerignore": "a\nx"})
    (tmp_path / "x/My.dockerignore").write_text("b\n")
    context = read_context(tmp_path, "x/My")
    assert "a" in files_of(context)
    assert "b" not in files_of(context)
    assert context.dockerfile == "x/My"


def test_a_folder_left_out_is_there_only_for_what_is_kept_in_it(tmp_path: Path) -> None:
    """
    The tar has empty folders, and of the ignored folders only those above a kept file.
    """
    files = {"out/a/keep": "", "out/b/x": "", ".dockerignore": "out\n!out/a/keep"}
    make(tmp_path, files)
    (tmp_path / "empty").mkdir()
    sent = files_of(read_context(tmp_path))
    assert sent == {"Dockerfile", ".dockerignore", "empty/", "out/", "out/a/", "out/a/keep"}


@pytest.mark.parametrize(
    ("rules", "ignore"),
    [
        ("Dockerfile\n", "Dockerfile\n\n.batchkit.Dockerfile\n"),
        ("*\n!a\n", ".batchkit.Dockerfile\n.dockerignore\n"),
    ],
)
def test_an_ignored_dockerfile_is_sent_apart(tmp_path: Path, rules: str, ignore: str) -> None:
    """
    The daemon gets the Dockerfile, and a rule to remove it before the first COPY.
    """
    make(tmp_path, {"a": "1", "Dockerfile": "FROM me\n", ".dockerignore": rules})
    context = read_context(tmp_path)
    with context.packed() as packed, tarfile.open(fileobj=packed.file) as tar:
        files = {m.name: tar.extractfile(m) for m in tar}
        read = {name: file.read().decode() for name, file in files.items() if file}
    assert read == {"a": "1", packed.dockerfile: "FROM me\n", ".dockerignore": ignore}


def test_a_dockerfile_may_lie_outside_the_folder(tmp_path: Path) -> None:
    """
    As with `docker build -f`, the Dockerfile need not be in the context.
    """
    make(tmp_path / "ctx", {"a": "1"})
    make(tmp_path / "other", {"Dockerfile": "FROM far\n"})
    context = read_context(tmp_path / "ctx", "../other/Dockerfile")
    assert context.dockerfile in files_of(context)
    assert context.dockerfile not in ("Dockerfile", "../other/Dockerfile")
    assert context.tag() != read_context(tmp_path / "ctx").tag()


def test_a_dockerfile_may_be_a_link(tmp_path: Path) -> None:
    """
    A link to a Dockerfile in the folder is followed.
    """
    make(tmp_path, {"docker/Batch": "FROM b\n"})
    (tmp_path / "Dockerfile").unlink()
    (tmp_path / "Dockerfile").symlink_to("docker/Batch")
    assert read_context(tmp_path).dockerfile == "docker/Batch"


MODES = {"key": 0o600, "run.sh": 0o4711, "shared": 0o664, "d": 0o700, "drop": 0o1777, "set": 0o2775}


def test_the_tar_tells_nothing_of_the_machine(tmp_path: Path) -> None:
    """
    Owners and dates are constant; modes are those of the files and folders; links stay links.
    """
    make(tmp_path, {"run.sh": "x", "key": "y", "shared": "", "d/z": "", "drop/z": "", "set/z": ""})
    for name, mode in MODES.items():
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("no/where")
    with read_context(tmp_path).packed() as packed, tarfile.open(fileobj=packed.file) as tar:
        members = {m.name: m for m in tar}
    assert {m.uid + m.gid for m in members.values()} == {0}
    assert {m.mtime for m in members.values()} == {MTIME}
    assert {name: oct(members[name].mode) for name in MODES} == {
        name: oct(mode) for name, mode in MODES.items()
    }
    assert (members["link"].issym(), members["link"].linkname) == (True, "no/where")
    assert list(members) == sorted(members)


def test_names_of_any_bytes_and_any_length_are_sent(tmp_path: Path) -> None:
    """
    A path is bytes to Docker: long, not ASCII, or not even text.
    """
    deep = "/".join(["n" * 60] * 4)
    names = [deep, "ünï.txt", os.fsdecode(b"bad\xff")]
    context = read_context(make(tmp_path, dict.fromkeys(names, "1")))
    with context.packed() as packed:
        with tarfile.open(fileobj=packed.file, errors="surrogateescape") as tar:
            assert set(names) <= set(tar.getnames())
    assert context.tag() == read_context(tmp_path).tag()


def test_sockets_and_pipes_are_passed_over(tmp_path: Path) -> None:
    """
    A path that is no file, folder or link is listed in *skipped* and not sent.
    """
    make(tmp_path, {})
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as sock, TemporaryDirectory(dir="/tmp") as short:
        sock.bind(f"{short}/s")
        os.rename(f"{short}/s", tmp_path / "sock")
        context = read_context(tmp_path)
    assert context.skipped == ("pipe", "sock")
    assert files_of(context) == {"Dockerfile"}


# --- the hash -------------------------------------------------------------------------------

names = st.text("ab.-_é", min_size=1, max_size=3).filter(lambda n: n.strip(".") != "")
few = settings(max_examples=40)
trees = st.dictionaries(names, st.text(max_size=20), min_size=1, max_size=5)


def planted(tree: dict[str, str], *, mode: int = 0o644, when: int = 0, back: bool = False) -> str:
    """
    The tag of *tree* in a new folder, with its files written in this order, mode and time.
    """
    with TemporaryDirectory() as folder:
        files = {"Dockerfile": "FROM scratch\n", **{f"d/{name}": t for name, t in tree.items()}}
        for name in sorted(files, reverse=back):
            make(Path(folder), {name: files[name]})
            (Path(folder) / name).chmod(mode)
            os.utime(Path(folder) / name, (when, when))
        return read_context(folder).tag()


@few
@given(tree=trees, when=st.integers(0, 2**31))
def test_the_tag_is_the_same_wherever_the_files_are(tree: dict[str, str], when: int) -> None:
    """
    The tag doesn't depend on the folder, the order or dates.
    """
    assert planted(tree) == planted(tree, when=when, back=True)


@few
@given(tree=trees, modes=st.lists(st.integers(0o400, 0o777), min_size=2, max_size=2, unique=True))
def test_another_mode_is_another_image(tree: dict[str, str], modes: list[int]) -> None:
    """
    Each bit of a file's mode counts, since the image has it.
    """
    one, other = (planted(tree, mode=mode) for mode in modes)
    assert one != other


def test_a_folders_mode_counts(tmp_path: Path) -> None:
    """
    A folder into which everyone may write is in another image than one for its owner alone.
    """
    make(tmp_path, {"d/z": ""})
    tags = set()
    for mode in (0o700, 0o755, 0o777, 0o1777):
        (tmp_path / "d").chmod(mode)
        tags.add(read_context(tmp_path).tag())
    assert len(tags) == 4


@few
@given(tree=trees, data=st.data())
def test_the_tag_changes_with_any_change(tree: dict[str, str], data: st.DataObject) -> None:
    """
    A change of one file's content, name or mode changes the tag.
    """
    name = data.draw(st.sampled_from(sorted(tree)))
    rest = {n: t for n, t in tree.items() if n != name}
    tags = [
        planted(tree),
        planted(tree, mode=0o755),
        planted(rest),
        planted({**tree, name: tree[name] + "x"}),
        planted({**rest, name + "new": tree[name]}),
        planted({**tree, name + "new": ""}),
    ]
    assert len(set(tags)) == len(tags)


@few
@given(tree=trees, ignored=trees)
def test_ignored_files_do_not_count(tree: dict[str, str], ignored: dict[str, str]) -> None:
    """
    Files in an ignored folder don't change the tag.
    """
    with TemporaryDirectory() as folder:
        make(Path(folder), {**tree, ".dockerignore": "out\n"})
        before = read_context(folder).tag()
        make(Path(folder), {f"out/{name}": text for name, text in ignored.items()})
        assert read_context(folder).tag() == before


def test_contents_and_names_are_not_run_together(tmp_path: Path) -> None:
    """
    Text that moves from one file to the next, or from a name into a file, changes the tag.
    """
    folders = [
        {"a": "12", "b": ""},
        {"a": "1", "b": "2"},
        {"a": "", "b": "12"},
        {"ab": "12"},
        {"a": "b12"},
    ]
    tags = {read_context(make(tmp_path / str(i), f)).tag() for i, f in enumerate(folders)}
    assert len(tags) == len(folders)


def test_a_link_counts_by_its_target(tmp_path: Path) -> None:
    """
    A link differs from its target's content and from a file with the target's name.
    """
    make(tmp_path, {"a": "1", "b": "1"})
    tags = []
    for target in ("a", "b"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(target)
        tags.append(read_context(tmp_path).tag())
    (tmp_path / "link").unlink()
    (tmp_path / "link").write_text("b")
    assert len({*tags, read_context(tmp_path).tag()}) == 3


def test_the_way_of_building_counts(tmp_path: Path) -> None:
    """
    Build arguments, target, platform and the Dockerfile's name change the tag.
    """
    make(tmp_path, {"Other": "FROM scratch\n"})
    context = read_context(tmp_path)
    tags = [
        context.tag(),
        context.tag({"a": "1"}),
        context.tag({"a": "2"}),
        context.tag({"a1": ""}),
        context.tag(target="a"),
        context.tag(platform="linux/arm64"),
        read_context(tmp_path, "Other").tag(),
    ]
    assert len(set(tags)) == len(tags)
    assert context.tag({"a": "1", "b": "2"}) == context.tag({"b": "2", "a": "1"})


def test_the_tag_is_this_one(tmp_path: Path) -> None:
    """
    Registries accept the tag. A release that changes it would rebuild every image.
    """
    make(tmp_path, {"a/b": "text\n"})
    for name, mode in {"Dockerfile": 0o644, "a": 0o755, "a/b": 0o644}.items():
        (tmp_path / name).chmod(mode)
    context = read_context(tmp_path)
    assert context.tag({"K": "v"}, "t") == "ctx-fac6a984151204d5774412579bd3c76cde1d53bb"


def test_the_tar_bears_the_tag_of_what_is_in_it(tmp_path: Path) -> None:
    """
    If a file changes after the first hash, the tar has the tag of what was sent.
    """
    context = read_context(make(tmp_path, {"a": "1"}))
    before = context.tag()
    with context.packed() as packed:
        assert packed.tag() == before
    (tmp_path / "a").write_text("2")
    with context.packed() as packed:
        assert packed.tag() != before
        assert packed.tag() == read_context(tmp_path).tag()


def test_a_file_that_grows_is_sent_as_long_as_it_was(tmp_path: Path) -> None:
    """
    A file that grows while it is read does not spoil the tar.
    """
    context = read_context(make(tmp_path, {"a": "123"}))
    before = context.tag()
    (tmp_path / "a").write_text("12345")
    assert context.tag() == before


def test_a_file_that_shrinks_or_goes_is_an_error_that_names_it(tmp_path: Path) -> None:
    """
    A file that becomes shorter is an error.
    """
    context = read_context(make(tmp_path, {"sub/log": "123"}))
    (tmp_path / "sub/log").write_text("1")
    with pytest.raises(ContextError, match="sub/log became shorter"):
        context.tag()
    shutil.rmtree(tmp_path / "sub")
    with pytest.raises(ContextError, match="sub/log can't be read: No such file"):
        context.tag()


# --- what is refused ------------------------------------------------------------------------


def test_a_missing_folder_and_a_file_are_no_context(tmp_path: Path) -> None:
    """
    The message has the whole path.
    """
    (tmp_path / "file").write_text("")
    with pytest.raises(ContextError, match=f"{tmp_path}/nowhere does not exist"):
        read_context(tmp_path / "nowhere")
    with pytest.raises(ContextError, match=f"{tmp_path}/file is not a folder"):
        read_context(tmp_path / "file")


def test_a_missing_dockerfile_is_told_with_what_is_there(tmp_path: Path) -> None:
    """
    The message has the path, and names similar files.
    """
    with pytest.raises(ContextError, match=f"no Dockerfile at {tmp_path}/Dockerfile.*Write one"):
        read_context(tmp_path)
    (tmp_path / "Dockerfile.prod").write_text("")
    with pytest.raises(ContextError, match=r"has Dockerfile\.prod: name it with dockerfile="):
        read_context(tmp_path)


def test_a_context_over_the_limit_names_its_five_largest_files(tmp_path: Path) -> None:
    """
    The message has the size, the limit, the largest files and the advice; None is no limit.
    """
    make(tmp_path, {f"f{n}": "x" * n * 1000 for n in range(1, 8)})
    with pytest.raises(ContextError) as caught:
        read_context(tmp_path, limit=10_000)
    first, *rows = str(caught.value).splitlines()
    assert "27.36 KiB, more than the limit of 9.766 KiB" in first
    assert ".dockerignore" in first
    assert [row.split() for row in rows] == [
        ["6.836", "KiB", "f7"],
        ["5.859", "KiB", "f6"],
        ["4.883", "KiB", "f5"],
        ["3.906", "KiB", "f4"],
        ["2.93", "KiB", "f3"],
    ]
    assert read_context(tmp_path, limit=None).size == 28_013


def test_a_huge_context_is_refused_without_reading_it(tmp_path: Path) -> None:
    """
    The size of a sparse file of two gibibytes is measured without reading it.
    """
    with (make(tmp_path, {}) / "big").open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(ContextError, match="2 GiB, more than the limit of 1 GiB"):
        read_context(tmp_path)


def test_what_may_not_be_read_is_named() -> None:
    """
    An unreadable file or folder is an error; it is not left out of the image.
    """
    with TemporaryDirectory(dir="/tmp") as folder:
        root = make(Path(folder), {"sub/secret": "x"})
        root.chmod(0o755)
        (root / "sub/secret").chmod(0)
        context = read_context(root)
        with as_nobody(), pytest.raises(ContextError, match="sub/secret can't be read: Permission"):
            context.tag()
        (root / "sub").chmod(0)
        with as_nobody(), pytest.raises(ContextError, match="sub can't be read: Permission"):
            read_context(root)
        (root / "sub").chmod(0o755)


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    """
    If the tar can't be written, the error names the folder for temporary files.
    """
    context = read_context(make(tmp_path, {}))
    with open("/dev/full", "wb", buffering=0) as full:
        with pytest.raises(ContextError, match="can't be written to .*No space left"):
            context._packed(full)
