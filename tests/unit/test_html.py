"""
Pages for notebooks: what they hold, and that nothing hostile gets through.
"""

from __future__ import annotations

import datetime
import io
import threading
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, strategies as st
from rich.console import Console

from batchkit import Diagnosis, Finding, LogGroup, Plan, Progress, Severity, Stack, progress
from batchkit._display import html as _html, html_run as _html_run, picture as _picture
from batchkit._display.diff import differences
from batchkit._display.progress import Notebook
from batchkit._display.text import seconds
from batchkit._engine.compare import Change
from batchkit._engine.plan import Item
from batchkit._jobs import links as _links
from batchkit._jobs.jobs import parse
from batchkit._jobs.logs import LogLine
from batchkit._model.values import Ref
from batchkit._printable import printable
from batchkit.events import Action, Event, Phase
from batchkit.resources.queues import JobQueue
from batchkit.resources.vpc import Subnet, Vpc

HOSTILE = (
    "</pre></td><script>alert(1)</script><img src=x onerror=alert(1)>\"' \x1b[31m\u202e\x07&amp;"
)
ELEMENTS = set(
    "a b br circle code details div g h4 path pre rect span style summary svg table".split()
)
ELEMENTS |= set("td text th title tr".split())


class PageReader(HTMLParser):
    """
    What a browser would find in a page.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def harmless(self) -> bool:
        names = {name for name, _ in self.attributes}
        links = [value or "" for name, value in self.attributes if name in ("href", "src")]
        return (
            self.elements <= ELEMENTS
            and not any(name.startswith("on") for name in names)
            and all(link.startswith("https://") for link in links)
        )


def event(phase: Phase = Phase.DONE, action: Action = Action.CREATE, name: str = HOSTILE) -> Event:
    return Event("Role", name, action, phase, HOSTILE, 1.0)


def job(**more: Any) -> Any:
    attempts = [
        {"startedAt": 1000, "stoppedAt": 3000, "container": {"exitCode": 1, "reason": HOSTILE}},
        {"startedAt": 4000, "stoppedAt": 5000, "container": {"exitCode": 0}},
    ]
    told = {"jobId": "1", "jobName": HOSTILE, "status": "SUCCEEDED", "attempts": attempts}
    return parse({**told, **more})


class FakeRun:
    """
    A run as its page asks it.
    """

    name = status = reason = HOSTILE
    links = {"job": "https://example.org/"}

    def __init__(self, *jobs: Any) -> None:
        self.jobs = jobs

    def tail(self) -> list[LogLine]:
        time = datetime.datetime.now(datetime.timezone.utc)
        return [LogLine(text, time, "1") for text in (HOSTILE, "second")]


class FakeRegion:
    """
    Where a stack stands.
    """

    region, partition = "us-east-1", "aws"


def stack() -> Stack:
    vpc = Vpc(name="films", owner="films", id="vpc-1", state="available", tags={"x": HOSTILE})
    subnet = Subnet(
        name=HOSTILE, owner="films", vpc="vpc-1", cidr="10.1.0.0/24", zone=0, id="subnet-1"
    )
    queue = JobQueue(
        name="films", owner="films", compute_environments=["x"], arn=HOSTILE, state="INVALID"
    )
    aws: Any = FakeRegion()
    return Stack(HOSTILE, (queue, subnet, vpc), aws, Plan("films", ()))


def pages() -> dict[str, str]:
    item = Item(Action.UPDATE, "Role", HOSTILE, (Change("tags", {"a": HOSTILE}, {"b": HOSTILE}),))
    finding = Finding(Severity.ERROR, HOSTILE, HOSTILE, HOSTILE, "x")
    run: Any = FakeRun(job(), job(jobId="2"))
    return {
        "plan": _html.plan(Plan(HOSTILE, (item, Item(Action.KEEP, "Vpc", HOSTILE)))),
        "diagnosis": _html.diagnosis(Diagnosis([finding])),
        "events": _html.events([event(), event(Phase.FAILED)], [event(Phase.WAITING)]),
        "run": _html_run.page(run),
        "stack": stack()._repr_html_(),
    }


@pytest.mark.parametrize("page", pages())
def test_hostile_texts_are_shown_and_do_nothing(page: str) -> None:
    """
    No element, handler or link but the page's own; the text is there to be read.
    """
    read = PageReader(pages()[page])
    assert read.harmless, (read.elements, read.attributes)
    assert any("<script>alert(1)</script>" in text for text in read.texts)


@given(st.text())
def test_any_text_is_one_harmless_line(text: str) -> None:
    """
    Of any characters: no control, no turning around, no element.
    """
    shown = printable(text)
    assert all(one == "\t" or (one.isprintable() or not one.isascii()) for one in shown)
    assert not set(shown) & set("\n\r\x1b\x07\u202e\u2066\u2028")
    assert PageReader(_html.frame(text)).elements == {"style", "div"}


def test_pages_need_no_network_and_no_script() -> None:
    """
    Nothing is loaded; both colour schemes have their colours.
    """
    for page in pages().values():
        assert "<script" not in page and "url(" not in page and "@import" not in page
        assert "prefers-color-scheme:dark" in page


def test_a_plan_shows_only_what_differs() -> None:
    """
    Of a document the place, of a reference that it is not known yet.
    """
    actual = {"a": {"b": 1, "same": 2}, "gone": 3}
    wanted = {"a": {"b": Ref("Role", "x", "arn"), "same": 2}, "new": 4}
    assert list(differences(Change("definition", actual, wanted))) == [
        ("definition.a.b", "1", "known after it is made"),
        ("definition.gone", "3", "nothing"),
        ("definition.new", "nothing", "4"),
    ]


def test_the_picture_joins_what_refers_to_each_other() -> None:
    """
    A line for each reference, and no box on another.
    """
    actual = stack().resources
    assert _picture.references(actual) == {0: [], 1: [2], 2: []}
    places = _picture.layout(3, {0: [], 1: [2], 2: []})
    assert len(set(places.values())) == 3
    assert places[1][0] < places[2][0]
    assert stack()._repr_html_().count("<path") == 1


def test_a_circle_of_references_ends() -> None:
    """
    There should be none; the picture is drawn all the same.
    """
    assert len(_picture.layout(2, {0: [1], 1: [0]})) == 2


def test_a_timeline_has_a_bar_for_each_attempt() -> None:
    """
    One that runs reaches to the end; without times there is no timeline.
    """
    running = parse({"jobId": "3", "jobName": "x", "status": "RUNNING", "startedAt": 2000})
    drawn = _html_run.timeline([job(), running])
    assert drawn.count("<rect") == 3 and "var(--busy)" in drawn
    assert _html_run.timeline([parse({"jobId": "3", "jobName": "x", "status": "RUNNABLE"})]) == ""


@pytest.mark.parametrize(
    ("partition", "region", "start"),
    [
        ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://console.amazonaws-us-gov.com/"),
    ],
)
def test_links_lead_to_the_partitions_console(partition: str, region: str, start: str) -> None:
    """
    Names are quoted, in CloudWatch twice.
    """
    assert _links.job('a"b', region, partition) == (
        f"{start}batch/home?region={region}#jobs/detail/a%22b"
    )
    assert _links.execution(f"arn:{partition}:states:x", region).startswith(start)
    assert "$252Fa" in _links.log_stream("/a", "s", region, partition)
    assert _links.resource("Vpc", "vpc-1", region, partition).startswith(start)
    assert _links.resource("Nothing", "x", region) == ""


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.04, "0.0 s"), (9.5, "9.5 s"), (61, "61 s"), (200, "3 min 20 s"), (7260, "2 h 1 min")],
)
def test_times_are_told_in_few_words(number: float, text: str) -> None:
    """
    Seconds, minutes, hours.
    """
    assert seconds(number) == text


def test_progress_tells_each_resource_once_from_many_threads() -> None:
    """
    Where there is no terminal: a line for each that is done, none that is torn.
    """
    out = io.StringIO()
    with progress(Console(file=out, width=500)) as tell:
        threads = [
            threading.Thread(target=tell, args=(event(phase, name=f"role-{number}"),))
            for number in range(50)
            for phase in (Phase.STARTED, Phase.DONE)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tell(event(action=Action.KEEP))
    lines = sorted(out.getvalue().splitlines())
    assert lines == sorted(f"+ create Role role-{number}  1.0 s" for number in range(50))


def test_progress_on_a_terminal_shows_what_is_under_way() -> None:
    """
    And leaves only what is done when it ends.
    """
    out = io.StringIO()
    with progress(Console(file=out, width=80, force_terminal=True, force_interactive=True)) as tell:
        for number in range(12):
            tell(event(Phase.STARTED, name=f"role-{number}"))
        shown = Console(file=io.StringIO(), width=80, record=True)
        shown.print(tell)
        tell(event(Phase.FAILED, name="role-0"))
    assert "and 4 more" in shown.export_text()
    assert "✗ " in out.getvalue()


def test_progress_tells_all_if_it_is_to() -> None:
    """
    What is left alone, and each state on the way.
    """
    out = io.StringIO()
    tell = Progress(Console(file=out, width=500), verbose=True)
    tell(event(Phase.WAITING, name="x"))
    tell(event(action=Action.KEEP, name="y"))
    assert len(out.getvalue().splitlines()) == 2


def test_progress_in_a_notebook_rewrites_one_table() -> None:
    """
    The first event makes the output, the others change it.
    """
    shown: list[str] = []

    class Handle:
        def update(self, page: dict[str, str], raw: bool) -> None:
            shown.append(page["text/html"])

    def display(page: dict[str, str], raw: bool, display_id: bool) -> Handle:
        shown.append(page["text/html"])
        return Handle()

    notebook = Notebook(display)
    notebook.show([], [event(Phase.STARTED, name="films")])
    notebook.show([event(name="films")], [])
    assert [page.count("films") for page in shown] == [1, 1]
    assert "…</span>create" in shown[0] and "1.0 s" in shown[1]


def test_a_log_groups_name_is_a_reference() -> None:
    """
    Since job definitions name it, and not its ARN.
    """
    group = LogGroup(name="/batchkit/films", owner="films", arn="arn:x")
    assert "/batchkit/films" in list(_picture._keys(group))
