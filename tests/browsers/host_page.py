"""The browser host without a user interface: fonts opened in a page, and texts shaped by them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from browsers.server import serve
from fontgen.host.browser import bundle
from fontgen.host.browser.builder import FILE_NAME


def host_files(harfbuzz: bytes, **files: bytes) -> dict[str, bytes]:
    """What a page that shows fonts needs of a web server, and more."""
    scripts = {f"js/{name}": data for name, data in bundle.modules().items()}
    return {FILE_NAME: harfbuzz, **scripts, **files}


PAGE = b"""<!doctype html><meta charset="utf-8"><title>host</title><link rel="icon" href="data:,"><script type="module">
import { HarfBuzz } from "./js/harfbuzz.js";
import { WasmFont } from "./js/wasm-font.js";
import { visibleText } from "./js/visible-text.js";

const bytes = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const module = new WebAssembly.Module(await bytes("harfbuzz.wasm"));
const ELLIPSIS = 0x2026;

/** As the native tests ask: shape until no ellipsis shows what is still to come. */
function settle(font, { text, features, part, ...options }) {
  const [start, end] = part ?? [0, text.length];
  const ellipsis = font.hb.glyph(font.font, ELLIPSIS);
  let shaped;
  for (let i = 0; i < 1000; i++) {
    shaped = font.shape(text, { features, start, end, ...options });
    const glyphs = Array.from(shaped.infos).filter((_, i) => i % 5 === 0);
    if (shaped.shaper !== "wasm" || !text.includes("!") || !ellipsis || !glyphs.includes(ellipsis)) break;
  }
  const { infos, positions } = shaped;
  const glyphs = [];
  for (let i = 0; i < infos.length; i += 5) glyphs.push([infos[i], infos[i + 2], ...positions.subarray(i, i + 4)]);
  const { shaper, direction, milliseconds } = shaped;
  return { glyphs, shaper, direction, milliseconds, visible: visibleText(text, shaped.shown, start, end) };
}

globalThis.host = {
  fonts: {},
  async open(name, options) {
    const log = [];
    const font = new WasmFont(new HarfBuzz(module), await bytes(name), { ...options, log: (line) => log.push(line) });
    this.fonts[name] = { font, log };
    return { flavour: font.flavour, hasWasm: font.hasWasm };
  },
  shape(name, cases) {
    const { font, log } = this.fonts[name];
    return { results: cases.map((one) => settle(font, one)), log: log.splice(0), memory: font.memory };
  },
};
</script>"""


@dataclass(frozen=True)
class Shaped:
    """What the browser made of a text; glyphs as [number, cluster, x_advance, y_advance, x_offset, y_offset].

    Clusters count code points, as the native tests count them.
    """

    glyphs: list[list[int]]
    visible: str
    shaper: str
    direction: str
    milliseconds: float


class HostPage:
    """Opens fonts in a browser and shapes with them."""

    def __init__(self, browser: Any, files: dict[str, bytes]):
        self.browser = browser
        self.log: list[str] = []
        self.memory: dict[str, int] = {}
        self._files = files

    @classmethod
    @contextmanager
    def open(cls, browser: Any, harfbuzz: bytes) -> Iterator[HostPage]:
        files = host_files(harfbuzz, **{"host.html": PAGE})
        with serve(files=files) as address:
            page = cls(browser, files)
            page.address = address
            page.reload()
            yield page

    address: str

    def reload(self) -> None:
        """A page without fonts."""
        self.browser.open(f"{self.address}host.html")
        self.browser.wait_for("globalThis.host !== undefined")

    def put(self, name: str, data: bytes) -> None:
        """Makes a file that the page can fetch."""
        self._files[name] = data

    def open_font(self, name: str, data: bytes, **options: Any) -> Any:
        """Opens a font under a name; `options` are those of ``WasmFont``."""
        self.put(name, data)
        if not self.browser.run("globalThis.host !== undefined"):  # another test has opened a page
            self.reload()
        return self.browser.run("host.open(...argument)", [name, options])

    def shape(self, name: str, cases: Sequence[dict[str, Any]]) -> list[Shaped]:
        """Shapes texts: ``{"text": ..., "features": "kern=0", "part": (start, end), "direction": ...}``."""
        answer = self.browser.run(
            "host.shape(...argument)", [name, [_in_utf16(case) for case in cases]]
        )
        self.log, self.memory = answer["log"], answer["memory"]
        return [
            Shaped(**{**result, "glyphs": _in_code_points(case["text"], result["glyphs"])})
            for case, result in zip(cases, answer["results"], strict=True)
        ]


def _offsets(text: str) -> list[int]:
    """Where each code point stands in UTF-16, and where the text ends."""
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + (2 if ord(character) > 0xFFFF else 1))
    return offsets


def _in_utf16(case: dict[str, Any]) -> dict[str, Any]:
    """The part of the text, and the ranges of features, as the browser counts."""
    offsets = _offsets(case["text"])

    def offset(index: int) -> int:
        return offsets[index] if index < len(offsets) else offsets[-1] + index

    converted = dict(case)
    if case.get("part"):
        converted["part"] = [offset(index) for index in case["part"]]
    if case.get("features"):
        converted["features"] = re.sub(
            r"\[(\d+):(\d+)\]",
            lambda match: f"[{offset(int(match[1]))}:{offset(int(match[2]))}]",
            case["features"],
        )
    return converted


def _in_code_points(text: str, glyphs: list[list[int]]) -> list[list[int]]:
    index = {offset: number for number, offset in enumerate(_offsets(text))}
    return [[glyph, index[cluster], *lengths] for glyph, cluster, *lengths in glyphs]
