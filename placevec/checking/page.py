"""Writes the report as one self-contained HTML file, without scripts or network."""

from collections.abc import Iterable, Sequence
from html import escape

from placevec.checking.findings import Finding, printable
from placevec.checking.samples import Samples

_STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1rem }
td { border-bottom: 1px solid #ddd; padding: .2rem .9rem .2rem 0; vertical-align: top;
     overflow-wrap: anywhere }
td:first-child { white-space: nowrap }
h2 { margin-top: 2rem }
.clean { color: #2a7d3f } .fault { color: #b02a20 }
figure { margin: 0 0 1rem }
svg, img { max-width: 100%; border: 1px solid #ddd }
"""


def page(
    title: str,
    facts: Sequence[tuple[str, str]],
    findings: Sequence[Finding],
    drawings: Sequence[tuple[str, str]],
    samples: Samples | None,
) -> str:
    """Returns the report as HTML. Markup in file names is escaped and shown as text.

    Args:
        title: str. The data set, as you named it.
        facts: sequence of (what, value).
        findings: sequence of Finding.
        drawings: sequence of (`<svg>` element, inserted as it is; caption).
        samples: Samples or None.
    """
    parts = [f"<h1>{_text(title)}</h1>", _table(facts), "<h2>Findings</h2>"]
    if not findings:
        parts.append('<p class="clean">None.</p>')
    for finding in findings:
        parts.append(f'<h3 class="fault">{_text(finding.kind)}: {finding.count}</h3>')
        parts.append(f"<p>{_text(finding.message)}.</p>")
        shown = finding.first()
        parts.append(_table(shown))
        if len(finding.names) > len(shown):
            more = len(finding.names) - len(shown)
            parts.append(f"<p>and {more} more, see the .csv file beside this page.</p>")
    if drawings:
        parts.append("<h2>Where they were taken and where they look</h2>")
    for svg, caption in drawings:
        parts.append(f"<figure>{svg}<figcaption>{_text(caption)}</figcaption></figure>")
    if samples is not None:
        parts += ["<h2>Samples</h2>", f"<p>{_text(samples.message)}</p>"]
        if samples.jpeg_base64:
            picture = f"data:image/jpeg;base64,{samples.jpeg_base64}"
            parts.append(f'<p><img alt="tuples" src="{picture}"></p>')
        parts.append(_table(samples.captions))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _text(foreign: str) -> str:
    return escape(printable(foreign))


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{_text(a)}</td><td>{_text(b)}</td></tr>" for a, b in rows)
    return f"<table>{cells}</table>" if cells else ""
