"""Builds one self-contained HTML file from sections and a gallery of photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from placevec.input_file import shown

_STYLE = """
:root { --line: #dde1e6; --dim: #667 }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2530; margin: 0 auto; max-width: 1280px;
       padding: 1rem 1.5rem 4rem; background: #fafbfc }
h1 { font-size: 1.5rem; overflow-wrap: anywhere } h2 { margin: 2.2rem 0 .6rem; font-size: 1.15rem }
table { border-collapse: collapse; background: #fff }
td, th { border: 1px solid var(--line); padding: .25rem .7rem; text-align: left;
         vertical-align: top; overflow-wrap: break-word; font-variant-numeric: tabular-nums }
td:first-child { min-width: 8rem }
td small { display: block; color: var(--dim); white-space: nowrap }
th { background: #f0f3f6 } p.note { color: var(--dim); margin: .3rem 0 }
.scroll { overflow-x: auto }
.plots { display: flex; flex-wrap: wrap } .plots, .cards { gap: 1rem; align-items: start }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 360px), 1fr)) }
.plots svg { background: #fff; border: 1px solid var(--line); border-radius: 6px; flex: 1 1 360px;
             min-width: 0; max-width: 480px; height: auto }
.plots svg:only-child { flex: 0 1 auto; max-width: 100% }
.card { background: #fff; border: 1px solid var(--line); border-radius: 6px; padding: .5rem;
        min-width: 0; cursor: pointer }
.card.open { grid-column: 1 / -1 } .card[hidden] { display: none }
.card:focus-visible { outline: 3px solid #2b6cb0 }
figure { margin: 0; min-width: 0 } .card:only-child { grid-column: 1 / -1 }
.card .photos { display: grid; grid-template-columns: repeat(3, 1fr); gap: .4rem;
                 grid-auto-flow: dense }
.card.open .photos, .card:only-child .photos {
        grid-template-columns: repeat(auto-fill, minmax(min(220px, 45%), 1fr)) }
.card .joined { grid-column: span 2 } .joined div { position: relative }
.joined svg { position: absolute; inset: 0; width: 100%; height: 100% }
.joined path { fill: none; stroke: #7dff5a; stroke-opacity: .75; vector-effect: non-scaling-stroke }
.strip { display: flex; flex-wrap: wrap; gap: .4rem; margin: .6rem 0 1.2rem }
.strip figure { width: 128px }
figure img { width: 100%; display: block; border-radius: 3px }
figcaption { font-size: 12px; color: var(--dim); overflow-wrap: anywhere }
.name { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.open .name { white-space: normal }
.card .head { font-size: 13px; margin-bottom: .3rem; overflow-wrap: anywhere }
.tag { border-radius: 9px; padding: 0 .5rem; color: #fff; font-size: 12px }
.wrong { background: #d1372c } .outside { background: #b86200 } .right { background: #23833a }
.filters { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0 1rem }
.filters button, .filters input { font: inherit; padding: .2rem .8rem; border-radius: 14px;
        border: 1px solid #b8c0c9; background: #fff }
.filters button[aria-pressed="true"] { background: #1d2530; color: #fff }
circle[data-query] { cursor: pointer }
"""

_SCRIPT = """
const cards = [...document.querySelectorAll('.card')];
const buttons = [...document.querySelectorAll('.filters button')];
const words = document.querySelector('.filters input');
const count = document.querySelector('#count');
let kind = 'all';
function show() {
  const asked = words.value.toLowerCase();
  let seen = 0;
  for (const card of cards) {
    const fits = (kind === 'all' || card.dataset.kinds.split(' ').includes(kind))
      && card.textContent.toLowerCase().includes(asked);
    card.hidden = !fits;
    seen += fits;
  }
  count.textContent = seen + ' of ' + cards.length + ' shown';
  for (const button of buttons)
    button.setAttribute('aria-pressed', String(button.dataset.kind === kind));
}
for (const button of buttons)
  button.addEventListener('click', () => { kind = button.dataset.kind; show(); });
if (words) { words.addEventListener('input', show); show(); }
for (const card of cards) {
  const turn = () => card.classList.toggle('open');
  card.addEventListener('click', turn);
  card.addEventListener('keydown', (event) => { if (event.key === 'Enter') turn(); });
}
document.addEventListener('click', (event) => {
  const query = event.target.dataset && event.target.dataset.query;
  const card = query !== undefined && document.getElementById('query-' + query);
  if (!card) return;
  kind = 'all'; words.value = ''; show();
  card.classList.add('open');
  card.scrollIntoView({ block: 'center' });
});
"""


@dataclass(frozen=True)
class Photo:
    """A photo on a card.

    Args:
        jpeg_base64: str or None. The photo as JPEG. Empty if its file is missing. None: there is no
            photo.
        caption: str. Text below the photo.
        tag: str. `"right"`, `"wrong"`, `"outside"` or empty.
        name: str. File name, shown below the caption: shortened to one line on a small card, whole
            on an enlarged one.
        lines: (m, 4) float. Lines over the photo: column and row of both ends, each as a share of
            the photo's width or height in [0, 1].
    """

    jpeg_base64: str | None
    caption: str
    tag: str = ""
    name: str = ""
    lines: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Card:
    """A query with what was found for it.

    Args:
        query: int. Number of the query; dots on the map link to it.
        head: str. Text at the top of the card.
        kinds: sequence of str. Filters that show this card.
        photos: sequence of Photo.
    """

    query: int
    head: str
    kinds: Sequence[str]
    photos: Sequence[Photo]


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Args:
        title: str.
        notes: sequence of str. Sentences below the tables and drawings.
        header: sequence of str. Header of the table. Empty: no table header.
        rows: sequence of rows of the table. A cell is a str, or (str, str): a value and the small
            print below it.
        drawings: sequence of str. `<svg>` elements, inserted as they are.
        strips: sequence of sequence of Photo. Rows of small photos.
    """

    title: str
    notes: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str | tuple[str, str]]] = ()
    drawings: Sequence[str] = ()
    strips: Sequence[Sequence[Photo]] = ()


@dataclass(frozen=True)
class Gallery:
    """Cards with filter buttons.

    Args:
        title: str.
        note: str. Sentence below the title.
        filters: mapping of kind to the label of its button. The button `all` is added
            automatically.
        cards: sequence of Card.
    """

    title: str
    note: str
    filters: Mapping[str, str] = field(default_factory=dict)
    cards: Sequence[Card] = ()


def page(title: str, sections: Sequence[Section], gallery: Gallery, tail: Sequence[Section]) -> str:
    """Returns the page as HTML. Markup in file names is escaped and shown as text.

    Args:
        title: str.
        sections: sequence of Section. They come before the gallery.
        gallery: Gallery.
        tail: sequence of Section. They come after the gallery.
    """
    parts = [f"<h1>{_text(title)}</h1>", *map(_section, sections), _gallery(gallery)]
    parts += map(_section, tail)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<link rel="icon" href="data:,">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + f"\n<script>{_SCRIPT}</script>\n</body></html>\n"
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{_text(section.title)}</h2>"]
    if section.rows:
        header = "".join(f"<th>{_text(cell)}</th>" for cell in section.header)
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in section.rows)
        head = f"<tr>{header}</tr>" if header else ""
        parts.append(f'<div class="scroll"><table>{head}{rows}</table></div>')
    if section.drawings:
        parts.append(f'<div class="plots">{"".join(section.drawings)}</div>')
    parts += [f'<p class="note">{_text(note)}</p>' for note in section.notes]
    parts += [f'<div class="strip">{"".join(map(_photo, strip))}</div>' for strip in section.strips]
    return "\n".join(parts)


def _cell(cell: str | tuple[str, str]) -> str:
    if isinstance(cell, str):
        return f"<td>{_text(cell)}</td>"
    value, below = map(_text, cell)
    return f"<td>{value}<small>{below}</small></td>"


def _gallery(gallery: Gallery) -> str:
    parts = [f"<h2>{_text(gallery.title)}</h2>", f'<p class="note">{_text(gallery.note)}</p>']
    if not gallery.cards:
        return "\n".join(parts)
    buttons = "".join(
        f'<button data-kind="{escape(kind)}" aria-pressed="false">{_text(label)}</button>'
        for kind, label in {"all": "all", **gallery.filters}.items()
    )
    parts.append(
        f'<div class="filters">{buttons}<input type="search" placeholder="name" '
        'aria-label="filter by name"><span id="count"></span></div>'
    )
    parts.append(f'<div class="cards">{"".join(map(_card, gallery.cards))}</div>')
    return "\n".join(parts)


def _card(card: Card) -> str:
    return (
        f'<div class="card" id="query-{card.query}" tabindex="0" role="button" '
        f'data-kinds="{escape(" ".join(card.kinds))}"><div class="head">{_text(card.head)}</div>'
        f'<div class="photos">{"".join(map(_photo, card.photos))}</div></div>'
    )


def _photo(photo: Photo) -> str:
    tag = f'<span class="tag {escape(photo.tag)}">{escape(photo.tag)}</span> ' if photo.tag else ""
    picture = "" if photo.jpeg_base64 is None else "<p>The file of this photo is missing.</p>"
    if photo.jpeg_base64:
        source = f"data:image/jpeg;base64,{photo.jpeg_base64}"
        picture = f'<img loading="lazy" alt="{_text(photo.caption)}" src="{source}">'
    kind = ""
    if len(photo.lines):
        path = "".join("M{:.3f} {:.3f}L{:.3f} {:.3f}".format(*line) for line in photo.lines)
        kind = ' class="joined"'
        picture = (
            f'<div>{picture}<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">'
            f'<path d="{path}"/></svg></div>'
        )
    name = f'<span class="name">{_text(photo.name)}</span>' if photo.name else ""
    caption = f"<figcaption>{tag}{_text(photo.caption)}{name}</figcaption>"
    return f"<figure{kind}>{picture}{caption}</figure>"


def _text(foreign: str) -> str:
    return escape(shown(foreign, longest=2000))
