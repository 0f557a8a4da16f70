"""
Pages for notebooks: HTML that needs no script and no network, in light and dark.

Whatever comes from AWS or a user goes through `text`: names, tags and log lines may hold anything.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Final

from batchkit._diagnosis.finding import Diagnosis, Severity
from batchkit._display.diff import differences
from batchkit._display.text import printable, seconds
from batchkit._engine import plan as _plan
from batchkit._engine.plan import Plan
from batchkit._model.display import as_html
from batchkit.events import Action, Event, Phase

GOOD, BUSY, BAD, CALM = "good", "busy", "bad", "calm"
STYLE: Final = """
<style>
.batchkit{--good:#1a7f37;--busy:#9a6700;--bad:#cf222e;--calm:#6e7781;--tint:rgba(127,127,127,.12);
 color:inherit;font:13px/1.45 system-ui,sans-serif;max-width:1100px;margin:.3em 0}
@media (prefers-color-scheme:dark){.batchkit{--good:#3fb950;--busy:#d29922;--bad:#ff7b72;
 --calm:#9198a1}}
.batchkit h4{font-size:15px;margin:.2em 0 .5em;font-weight:600}
.batchkit table{border-collapse:collapse;margin:.3em 0!important;color:inherit;font-size:13px}
.batchkit th,.batchkit td{text-align:left!important;padding:.2em 1em .2em 0;vertical-align:top;
 border:0;white-space:normal;overflow-wrap:anywhere}
.batchkit tr,.batchkit td,.batchkit th{background:none!important}
.batchkit td:first-child{white-space:nowrap}
.batchkit th{font-weight:600;color:var(--calm)}
.batchkit a{color:inherit!important;text-decoration:underline;text-decoration-color:var(--calm)}
.batchkit pre{background:var(--tint);color:inherit;padding:.6em .8em;border-radius:6px;
 margin:.4em 0;overflow:auto;max-height:24em;font:12px/1.5 ui-monospace,monospace}
.batchkit code{background:none!important;color:inherit;font:12px ui-monospace,monospace}
.batchkit .dim{color:var(--calm)}
.batchkit .good{color:var(--good)}.batchkit .busy{color:var(--busy)}
.batchkit .bad{color:var(--bad)}.batchkit .calm{color:var(--calm)}
.batchkit .sign{font-family:ui-monospace,monospace;font-weight:700;padding-right:.5em}
.batchkit details summary{cursor:pointer}
.batchkit svg text{fill:currentColor}
</style>
"""
_ACTIONS: Final = {
    Action.CREATE: GOOD,
    Action.UPDATE: BUSY,
    Action.REPLACE: BUSY,
    Action.ADOPT: BUSY,
    Action.KEEP: CALM,
    Action.DELETE: BAD,
}
_SEVERITIES: Final = {Severity.ERROR: BAD, Severity.WARNING: BUSY, Severity.INFO: CALM}


class Markup(str):
    """
    HTML that is safe as it stands.
    """


def text(value: object, most: int = 2000) -> Markup:
    """
    Any text as HTML that shows it.
    """
    shown = printable(str(value))
    return Markup(html.escape(shown if len(shown) <= most else f"{shown[:most]}…"))


def tag(name: str, *inside: object, **attributes: object) -> Markup:
    """
    An element; what is inside is escaped, unless it is `Markup`.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(printable(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>{join(*inside)}</{name}>")


def join(*inside: object) -> Markup:
    """
    Pieces one behind the other, escaped where they aren't `Markup`.
    """
    return Markup("".join(one if isinstance(one, Markup) else text(one) for one in inside))


def frame(*inside: object) -> str:
    """
    A page with its style.
    """
    return STYLE + tag("div", *inside, class_="batchkit")


def link(label: object, address: str) -> Markup:
    """
    A link, or the mere label if there is no address.
    """
    if not address:
        return text(label)
    return tag("a", label, href=address, target="_blank", rel="noopener noreferrer")


def rows(lines: Iterable[Sequence[object]], head: Sequence[str] = ()) -> Markup:
    """
    A table.
    """
    top = tag("tr", *(tag("th", cell) for cell in head)) if head else Markup("")
    body = (tag("tr", *(tag("td", cell) for cell in line)) for line in lines)
    return tag("table", top, *body)


def colour_of(status: str) -> str:
    """
    The class for a word of AWS about how something is.
    """
    word = status.upper()
    if word in ("SUCCEEDED", "VALID", "ACTIVE", "AVAILABLE", "ENABLED", "ATTACHED", "IN-USE"):
        return GOOD
    if word in ("FAILED", "INVALID", "ABORTED", "TIMED_OUT", "BLACKHOLE", "DISABLED", "DELETED"):
        return BAD
    return BUSY if word else CALM


@as_html.register
def plan(made: Plan) -> str:
    """
    A plan as a diff.
    """
    lines = [row for item in made.changes for row in _item(item)]
    kept = [
        f"{item.resource_type} {item.name}" for item in made.items if item.action is Action.KEEP
    ]
    folded = tag(
        "details",
        tag("summary", f"{len(kept)} stay as they are", class_="dim"),
        tag("div", ", ".join(kept), class_="dim"),
    )
    count = f"{len(made.changes)} changes" if made.changes else "nothing to do"
    title = tag("h4", "Plan for ", made.stack, ": ", count)
    return frame(title, rows(lines), folded if kept else "")


def _item(item: _plan.Item) -> Iterable[Sequence[object]]:
    colour = _ACTIONS[item.action]
    sign = tag("span", _plan.SIGNS[item.action], class_=f"sign {colour}")
    yield join(sign, tag("span", str(item.action), class_=colour)), tag(
        "b", item.resource_type
    ), item.name
    for change in item.changes:
        for place, actual, wanted in differences(change):
            diff = join(tag("code", actual, class_=BAD), " → ", tag("code", wanted, class_=GOOD))
            yield "", tag("span", place, class_="dim"), diff


@as_html.register
def diagnosis(found: Diagnosis) -> str:
    """
    Findings with what mends them.
    """
    if not found:
        return frame(tag("span", "✓", class_="sign good"), "nothing is wrong")
    lines = [
        (
            tag("span", str(one.severity), class_=_SEVERITIES[one.severity]),
            tag("b", one.subject),
            join(one.message, Markup("<br>"), tag("span", "Fix: ", one.fix, class_="dim")),
        )
        for one in found
    ]
    return frame(rows(lines))


def events(ended: Sequence[Event], running: Sequence[Event]) -> str:
    """
    The progress of a stack.
    """
    lines = [_event(event) for event in (*ended, *running)]
    return frame(rows(lines) if lines else "looking at what is there …")


def _event(event: Event) -> Sequence[object]:
    failed, done = event.phase is Phase.FAILED, event.phase is Phase.DONE
    colour = BAD if failed else _ACTIONS[event.action]
    sign = "✗" if failed else _plan.SIGNS[event.action] if done else "…"
    spent = seconds(event.seconds) if done or failed else ""
    return (
        join(tag("span", sign, class_=f"sign {colour}"), str(event.action)),
        tag("b", event.resource_type),
        event.name,
        tag("span", spent, class_="dim"),
        tag("span", "" if done else event.detail, class_="bad" if failed else "dim"),
    )
