"""
Pages for notebooks: HTML that needs no script and no network, in light and dark.

Whatever comes from AWS or a user goes through `text`: names, tags and log lines may hold anything.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Final

from batchkit._diagnosis.finding import Diagnosis, Finding, Severity
from batchkit._display.diff import differences
from batchkit._display.text import seconds
from batchkit._engine import plan as _plan
from batchkit._engine.plan import Plan
from batchkit._model.display import as_html
from batchkit._printable import printable
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
    HTML that needs no escaping.
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
    given = [_attribute(key, value) for key, value in attributes.items() if value is not None]
    return Markup(f"<{name}{''.join(given)}>{join(*inside)}</{name}>")


def _attribute(name: str, value: object) -> str:
    """
    An attribute with a blank before it; `class_` stands for class, `font_size` for font-size.
    """
    escaped = html.escape(printable(str(value)))
    return f' {name.rstrip("_").replace("_", "-")}="{escaped}"'


def join(*inside: object) -> Markup:
    """
    Pieces one behind the other, escaped where they aren't `Markup`.
    """
    pieces = [one if isinstance(one, Markup) else text(one) for one in inside]
    return Markup("".join(pieces))


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
    top = [_row("th", head)] if head else []
    body = [_row("td", line) for line in lines]
    return tag("table", *top, *body)


def _row(cell: str, values: Sequence[object]) -> Markup:
    return tag("tr", *[tag(cell, value) for value in values])


def colour_of(status: str) -> str:
    """
    The class for a state in AWS's word.
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
    for item in made.waiting:
        lines += [("…", tag("b", item.resource_type), f"{item.name} {one}") for one in item.waits]
    count = f"{len(made.changes)} changes" if made.changes else "nothing to do"
    title = tag("h4", "Plan for ", made.stack, ": ", count)
    return frame(title, rows(lines), _kept(made))


def _kept(made: Plan) -> Markup:
    """
    The resources that stay as they are, folded.
    """
    kept = [item for item in made.items if item.action is Action.KEEP]
    if not kept:
        return Markup("")
    names = ", ".join(f"{item.resource_type} {item.name}" for item in kept)
    summary = tag("summary", f"{len(kept)} stay as they are", class_="dim")
    return tag("details", summary, tag("div", names, class_="dim"))


def _item(item: _plan.Item) -> Iterable[Sequence[object]]:
    """
    The rows of a change: what is done, and beneath it the fields that differ.
    """
    colour = _ACTIONS[item.action]
    sign = tag("span", _plan.SIGNS[item.action], class_=f"sign {colour}")
    action = tag("span", str(item.action), class_=colour)
    yield join(sign, action), tag("b", item.resource_type), item.name
    for change in item.changes:
        for place, actual, wanted in differences(change):
            diff = join(tag("code", actual, class_=BAD), " → ", tag("code", wanted, class_=GOOD))
            yield "", tag("span", place, class_="dim"), diff


@as_html.register
def diagnosis(found: Diagnosis) -> str:
    """
    Findings with what repairs them.
    """
    if not found:
        return frame(tag("span", "✓", class_="sign good"), "nothing is wrong")
    return frame(rows([_finding(one) for one in found]))


def _finding(finding: Finding) -> Sequence[object]:
    severity = tag("span", str(finding.severity), class_=_SEVERITIES[finding.severity])
    fix = tag("span", "Fix: ", finding.fix, class_="dim")
    return severity, tag("b", finding.subject), join(finding.message, Markup("<br>"), fix)


def events(ended: Sequence[Event], running: Sequence[Event]) -> str:
    """
    The progress of a stack.
    """
    lines = [_event(event) for event in (*ended, *running)]
    return frame(rows(lines) if lines else "looking at what is there …")


def _event(event: Event) -> Sequence[object]:
    """
    The row of an event: what is done, to what, how long it took, and a detail.
    """
    sign, colour = "…", _ACTIONS[event.action]
    spent, detail, detail_colour = "", event.detail, "dim"
    if event.phase is Phase.DONE:
        sign = _plan.SIGNS[event.action]
        spent, detail = seconds(event.seconds), ""
    elif event.phase is Phase.FAILED:
        sign, colour = "✗", BAD
        spent, detail_colour = seconds(event.seconds), BAD
    return (
        join(tag("span", sign, class_=f"sign {colour}"), str(event.action)),
        tag("b", event.resource_type),
        event.name,
        tag("span", spent, class_="dim"),
        tag("span", detail, class_=detail_colour),
    )
