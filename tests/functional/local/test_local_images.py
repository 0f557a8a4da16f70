"""
Fake images: what is read from a Dockerfile, and how a child process runs it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from local_lab import Lab

from batchkit._docker.context import read_context
from batchkit.local.runtime.dockerfile import Recipe, read_recipe
from batchkit.local.runtime.images import FakeImages

URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/job"


def recipe(folder: Path, *lines: str) -> Recipe:
    (folder / "Dockerfile").write_text("\n".join(lines))
    return read_recipe(folder)


@pytest.mark.parametrize(
    ("lines", "command", "argv"),
    [
        (['CMD ["python", "main.py"]'], (), ("python", "main.py")),
        (["CMD python main.py"], (), ("/bin/sh", "-c", "python main.py")),
        (['ENTRYPOINT ["python"]', 'CMD ["main.py"]'], (), ("python", "main.py")),
        (['ENTRYPOINT ["python"]', 'CMD ["main.py"]'], ("-V",), ("python", "-V")),
        (['CMD ["first"]', 'ENTRYPOINT ["python"]'], (), ("python", "first")),
        (['ENTRYPOINT ["old"]', "FROM other", 'CMD ["new"]'], (), ("new",)),
        (["CMD [ not json"], (), ("/bin/sh", "-c", "[ not json")),
        (["# CMD no", "CMD echo \\", "  two lines"], (), ("/bin/sh", "-c", "echo    two lines")),
    ],
)
def test_a_command_is_what_docker_would_run(
    tmp_path: Path, lines: list[str], command: tuple[str, ...], argv: tuple[str, ...]
) -> None:
    """
    Exec and shell form, ENTRYPOINT with CMD or with the job's command, the last stage only.
    """
    assert recipe(tmp_path, "FROM python:3", *lines).argv(command) == argv


def test_variables_are_what_docker_would_set(tmp_path: Path) -> None:
    """
    ENV in both forms, with ARG, defaults and variables of earlier lines in it; WORKDIR adds up.
    """
    actual = recipe(
        tmp_path,
        "ARG VERSION=3",
        "FROM python:$VERSION",
        'ENV A=1 B="two words"',
        "ENV A=2 C=${A}x D=${NOPE:-fallback} E=$VERSION",
        "ENV OLD the old form",
        "WORKDIR /srv",
        "WORKDIR $A/app",
    )
    assert actual.environment == {
        "A": "2",
        "B": "two words",
        "C": "1x",
        "D": "fallback",
        "E": "3",
        "OLD": "the old form",
    }
    assert str(actual.workdir) == "/srv/2/app"


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_files_are_where_docker_would_copy_them(tmp_path: Path) -> None:
    """
    Folders by their content, files into folders or to a name; less what .dockerignore names.
    """
    folder, root = tmp_path / "context", tmp_path / "root"
    for name in ("main.py", "lib/a.py", "lib/b.txt", "data/big.csv", "data/small.csv", ".git/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / ".dockerignore").write_text("# comment\ndata/*\n!data/small.csv\nDockerfile\n")
    (folder / "Dockerfile").write_text(
        "FROM a AS builder\nCOPY nothing /\nFROM b\nWORKDIR /app\n"
        "COPY --from=builder /x /y\nCOPY --chown=me main.py .\nCOPY lib/*.py lib/b.txt /opt/lib/\n"
        'COPY ["main.py", "/bin/renamed"]\nADD data /data\nCOPY Docker* /no/\n'
    )
    image = FakeImages().add("job:v1", folder)
    assert image.unpack(root) == root / "app"
    assert files(root) == {
        "app/main.py",
        "opt/lib/a.py",
        "opt/lib/b.txt",
        "bin/renamed",
        "data/small.csv",
    }


def test_a_heredoc_is_a_file(tmp_path: Path) -> None:
    """
    With its variables' values unless its name is quoted; its lines are no instructions.
    """
    folder, root = tmp_path / "context", tmp_path / "root"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        "FROM a\nENV A=1\nWORKDIR /app\nRUN <<EOF\nWORKDIR /no\nEOF\n"
        "COPY <<EOF conf\n'a' = ${A}\nCMD no\nEOF\n"
        "COPY <<-'one' <<two /opt/\n\t$A\n\tone\n\ttabbed\ntwo\nCMD cat conf\n"
    )
    image = FakeImages().add("job:v1", folder)
    assert image.unpack(root) == root / "app"
    assert (root / "app/conf").read_text() == "'a' = 1\nCMD no\n"
    assert (root / "opt/one").read_text() == "$A\n"
    assert (root / "opt/two").read_text() == "\ttabbed\n"
    assert image.recipe.command == ("/bin/sh", "-c", "cat conf")


def test_an_image_is_found_by_tag_and_by_digest(lab: Lab) -> None:
    """
    A tag always has the same digest, ECR returns it, and a job definition may use it.
    """
    (lab.folder / "Dockerfile").write_text("FROM a\nCMD echo here\n")
    lab.ecr.create_repository(repositoryName="team/job")
    digest = lab.session.fake_image(f"{URI}:v1", lab.folder)
    assert digest == lab.session.fake_image(f"{URI}:v1", lab.folder)
    assert digest != lab.session.fake_image(f"{URI}:v2", lab.folder)
    ids = [{"imageTag": "v1"}]
    described = lab.ecr.describe_images(repositoryName="team/job", imageIds=ids)
    (image,) = described["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["v1"])
    got = lab.ecr.batch_get_image(repositoryName="team/job", imageIds=ids)["images"][0]
    assert got["imageId"]["imageDigest"] == digest
    lab.ready
    for reference in (f"{URI}:v1", f"{URI}@{digest}", f"{URI}:v1@{digest}"):
        definition = lab.definition("named", image=reference)
        answer = lab.batch.submit_job(jobName="j", jobQueue="queue", jobDefinition=definition)
        assert lab.lines(lab.ended(answer["jobId"])) == ["here"]


def test_a_job_has_the_images_files_and_none_of_this_process(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A job runs in WORKDIR with this Python and its own environment; the folder is unchanged.
    """
    monkeypatch.setenv("SECRET", "ours")
    (lab.folder / "main.py").write_text(
        "import json, os, pathlib, sys\n"
        "pathlib.Path('made').write_text('x')\n"
        "print(json.dumps([sys.executable, os.getcwd(), dict(os.environ)]))\n"
    )
    (lab.folder / "Dockerfile").write_text(
        "FROM a\nENV MODE=fast PYTHONPATH=/app:/lib\nWORKDIR /app\nCOPY . .\n"
        'CMD ["python3", "/app/main.py"]\n'
    )
    lab.queue()
    lab.session.fake_image("job:v1", lab.folder)
    lab.definition(image="job:v1", environment=[{"name": "MODE", "value": "slow"}])
    answer = lab.batch.submit_job(jobName="j", jobQueue="queue", jobDefinition="definition")
    (line,) = lab.lines(lab.ended(answer["jobId"]))
    python, folder, environment = json.loads(line)
    assert python == sys.executable
    assert folder.endswith("/app") and not Path(folder).exists()
    assert environment["MODE"] == "slow"
    assert environment["PYTHONPATH"].split(":")[0].endswith("/app")
    assert "SECRET" not in environment and "AWS_ACCESS_KEY_ID" not in environment
    assert environment["AWS_REGION"] == "us-east-1"
    assert files(lab.folder) == {"main.py", "Dockerfile"}


def test_a_job_has_the_credentials_of_its_role(lab: Lab) -> None:
    """
    With a job role boto3 in the job works on the embedded AWS; without one it has no credentials.
    """
    lab.ready
    lab.s3.create_bucket(Bucket="bucket")
    code = "import boto3; boto3.client('s3').put_object(Bucket='bucket', Key='key', Body=b'1')"
    job = lab.ran(code)
    assert any("NoCredentialsError" in line for line in lab.lines(job))
    job = lab.ran(code, definition=lab.definition("with-role", jobRoleArn=lab.role))
    assert job["status"] == "SUCCEEDED", lab.lines(job)
    assert lab.s3.get_object(Bucket="bucket", Key="key")["Body"].read() == b"1"


def test_a_missing_command_does_not_start(lab: Lab, job_folders: Path) -> None:
    """
    The reason is that of ECS, and no files are left.
    """
    job = lab.ran(containerOverrides={"command": ["no-such-program"]})
    assert job["statusReason"].startswith("CannotStartContainerError: ")
    assert "no-such-program" in job["container"]["reason"]
    assert list(job_folders.iterdir()) == []


def test_an_image_without_a_command_does_not_start(lab: Lab) -> None:
    """
    The reason is Docker's: 'no command specified'.
    """
    lab.ready
    (lab.folder / "Dockerfile").write_text("FROM a\n")
    lab.session.fake_image("job:empty", lab.folder)
    definition = lab.definition("empty", image="job:empty")
    answer = lab.batch.submit_job(jobName="j", jobQueue="queue", jobDefinition=definition)
    assert "no command specified" in lab.ended(answer["jobId"])["statusReason"]


def test_parameters_are_put_into_the_command(lab: Lab) -> None:
    """
    Ref::name in a command is replaced by the parameter's value.
    """
    lab.ready
    parameters = {"colour": "red"}
    definition = lab.definition("with", command=["echo", "Ref::colour"], parameters=parameters)
    for given, line in (({}, "red"), ({"parameters": {"colour": "blue"}}, "blue")):
        answer = lab.batch.submit_job(
            jobName="j", jobQueue="queue", jobDefinition=definition, **given
        )
        assert lab.lines(lab.ended(answer["jobId"])) == [line]


def test_what_a_job_leaves_running_ends_with_it(lab: Lab) -> None:
    """
    A process that the job starts ends with the job, and does not delay its end.
    """
    code = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True)"
    job = lab.ran(code)
    (pid,) = lab.lines(job)
    lab.until(lambda: not Path(f"/proc/{pid}").exists())
    assert job["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "ignored",
    ["*.txt", "data\n!data/keep.txt", "**/words.txt", "# nothing", "data/deep", "*\n!Dockerfile"],
)
def test_a_job_sees_the_files_that_docker_would_have(ignored: str, tmp_path: Path) -> None:
    """
    `COPY .` copies the build context, as .dockerignore leaves it.
    """
    folder = tmp_path / "job"
    for name in ("a.txt", "data/keep.txt", "data/b.csv", "data/deep/words.txt", "Dockerfile"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("FROM scratch\nCOPY . /app\n")
    (folder / ".dockerignore").write_text(ignored)
    image = FakeImages().add("job:v1", folder)
    image.unpack(tmp_path / "root")
    root = tmp_path / "root" / "app"
    copied = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    entries = read_context(folder).entries
    sent = {entry.path for entry in entries if (folder / entry.path).is_file()}
    # Both are always sent to Docker for the build, and copied only if they are not ignored.
    assert copied - {"Dockerfile", ".dockerignore"} == sent - {"Dockerfile", ".dockerignore"}
