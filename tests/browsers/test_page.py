"""Pages that `fontgen page` writes, opened as their readers open them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.base_fonts import make_font, saved
from support.outcome import Outcome

from browsers.server import serve
from fontgen.host import limits
from fontgen.text.shape import ShapingFont

Fontgen = Callable[..., Outcome]
VIOLATIONS = """(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
})()"""


def test_one_file_from_disk_without_a_network(
    browser: Any, story_page: Path, llama: ShapingFont
) -> None:
    browser.new_page(**({"offline": True} if browser.name == "chromium" else {}))
    browser.open(story_page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    browser.run("page.text.settled()")
    typed = browser.run("page.text.value")
    assert browser.run("page.text.visibleText") == llama.shape(typed).visible
    assert "SIMD128" in browser.run("document.querySelector('#status').textContent")
    granted = {"milliseconds": limits.TIMEOUT_MS, "megabytes": limits.MEMORY_MB}
    assert browser.run("page.text.client.limits") == granted
    assert not browser.errors


def test_a_folder_with_a_strict_policy(
    browser: Any, fontgen: Fontgen, font_path: Path, llama: ShapingFont, tmp_path: Path
) -> None:
    """Nothing of the page is forbidden by its policy, and nothing inline is in it."""
    folder = tmp_path / "site"
    assert fontgen("page", font_path, "-o", f"{folder}/", "--text", "Tom!!!!!!").code == 0
    assert "unsafe-inline" not in (folder / "index.html").read_text()
    with serve(folder) as address:
        browser.new_page()
        browser.open(address)
        browser.run(VIOLATIONS)
        browser.wait_for("document.body.dataset.ready !== undefined")
        browser.run("page.text.settled()")
        assert browser.run("page.text.visibleText") == llama.shape("Tom!!!!!!").visible
        browser.run("document.querySelector('#tokens').click()")
        browser.run("page.text.settled()")
        assert browser.run("violations") == []
        assert not browser.errors


def test_the_same_bytes(fontgen: Fontgen, font_path: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert fontgen("page", font_path, "-o", tmp_path / f"{name}.html", "-q").code == 0
        assert fontgen("page", font_path, "-o", f"{tmp_path / name}/", "-q").code == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    files = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*.*")
        }
        for name in ("a", "b")
    ]
    assert files[0] == files[1]


def test_its_size_and_licences(story_page: Path) -> None:
    data = story_page.read_bytes()
    assert len(data) <= 10_500_000
    text = data.decode()
    for words in ("Old MIT", "Rich Felker", "Apache License", "Unicode License", "MIT. Shaper"):
        assert words in text


def test_a_font_without_a_module(
    browser: Any, fontgen: Fontgen, base_path: Path, tmp_path: Path
) -> None:
    page = tmp_path / "roboto.html"
    done = fontgen("page", base_path, "-o", page, "--text", "<AVATAR>")
    assert done.code == 0 and "has no Wasm table" in done.err
    assert "<script" not in page.read_text()
    browser.new_page()
    browser.open(page.as_uri())
    assert browser.run("document.querySelector('textarea').value") == "<AVATAR>"
    assert (
        browser.run("document.fonts.load('20px Demonstration').then((fonts) => fonts.length)") == 1
    )
    assert "OpenType" in browser.run("document.body.textContent")
    folder = tmp_path / "folder"
    assert fontgen("page", base_path, "-o", f"{folder}/").code == 0
    with serve(folder) as address:
        browser.open(address)
        assert browser.run(
            "document.fonts.load('20px Demonstration').then((fonts) => fonts.length)"
        )
    assert not browser.errors


def test_bad_input(fontgen: Fontgen, font_path: Path, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.ttf"
    rubbish.write_text("no font")
    for arguments, cause in [
        ((rubbish,), "is not a font"),
        ((tmp_path / "none.ttf",), "cannot be read"),
        ((font_path, "-o", tmp_path / "none" / "a.html"), "there is no folder"),
        ((font_path, "-o", font_path), "is also an input"),
        ((font_path, "-o", f"{rubbish}/"), "cannot be made"),
        ((font_path, "--features", "nonsense"), "is not a feature"),
    ]:
        done = fontgen("page", *arguments)
        assert done.code == 2 and cause in done.err and done.err.count("\n") == 1, arguments
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rubbish.ttf"]


def test_a_link_holds_the_text(story: Any) -> None:
    story.run(
        "(page.text.value = 'A cat & a dog!!!!!!', page.controls.features = 'TEMP=80,SEED=7,kern=0')"
    )
    link = story.run("page.link")
    assert "!" not in link and link.count("%21") == 6
    story.open("about:blank")
    story.open(link)
    story.wait_for("globalThis.page && document.body.dataset.ready !== undefined")
    assert story.run("page.text.value") == "A cat & a dog!!!!!!"
    assert story.run("page.controls.features") == "TEMP=80,SEED=7,kern=0"


def test_controls_are_features(story: Any, llama: ShapingFont) -> None:
    from fontgen.text.options import ShapeOptions, parse_features

    story.run(
        """(() => {
            for (const [name, value] of [["TEMP", 1.2], ["SEED", 42]]) {
                const input = document.querySelector(`[name=${name}]`);
                input.value = value;
                input.dispatchEvent(new Event("input"));
            }
        })()"""
    )
    story.run("page.text.settled()")
    options = ShapeOptions(features=parse_features("TEMP=120,SEED=42"))
    typed = story.run("page.text.value")
    assert story.run("page.text.visibleText") == llama.shape(typed, options).visible


def test_a_dropped_font_is_described_and_tried(
    story: Any, font_path: Path, fontgen: Fontgen, tmp_path: Path
) -> None:
    """What it would run is what `fontgen inspect` says."""
    drop = """(async () => {
        const bytes = Uint8Array.from(atob(argument.data), (letter) => letter.charCodeAt(0));
        const file = new File([bytes], argument.name), dropped = new Event("drop");
        dropped.dataTransfer = { files: [file] };
        const { openFile } = page;
        await new Promise((done, failed) => {
            page.openFile = (one) => openFile.call(page, one).then(done, failed);
            dispatchEvent(dropped);
        });
        page.openFile = openFile;
        return document.querySelector("#report").innerText;
    })()"""
    data = base64.b64encode(font_path.read_bytes()).decode()
    report = story.run(drop, {"name": "dropped.ttf", "data": data})
    inspected = json.loads(fontgen("inspect", font_path, "--json").out)
    runs = inspected["shaper"]["runs_instead"]
    for text in (inspected["sha256"], runs["sha256"], *runs["imports"], *runs["exports"]):
        assert text in report
    small = base64.b64encode(saved(make_font())).decode()
    report = story.run(drop, {"name": "small.ttf", "data": small})
    assert "no Wasm table" in report
    assert story.run("document.body.dataset.kind") == "opentype"
    story.run("page.text.settled()")  # which is said in the same place
    story.run(drop, {"name": "x.ttf", "data": ""})
    story.wait_for("document.querySelector('#status').textContent.includes('not a TrueType')")


def test_a_site(
    browser: Any, fontgen: Fontgen, font_path: Path, base_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    assert fontgen("page", font_path, base_path, "-o", f"{folder}/").code == 0
    assert fontgen("page", font_path, base_path, "-o", tmp_path / "site.html").code == 2
    assert fontgen("page", font_path, font_path, "-o", f"{folder}/").code == 2
    with serve(folder) as address:
        browser.new_page()
        browser.open(address)
        links = browser.run("[...document.links].map((link) => link.href)")
        assert len(links) == 2
        browser.open(links[0])
        browser.wait_for("document.body.dataset.ready !== undefined")
        browser.open(links[1])
        assert browser.run("document.querySelector('textarea') !== null")
        assert not browser.errors


@pytest.mark.parametrize("scheme", ["dark", "forced"])
def test_colours_of_the_reader(browser: Any, story_page: Path, scheme: str) -> None:
    if browser.name != "chromium":
        pytest.skip("Playwright sets these in Chromium only")
    options = {"color_scheme": "dark"} if scheme == "dark" else {"forced_colors": "active"}
    browser.new_page(**options)
    browser.open(story_page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    ink = "getComputedStyle(page.text.shadowRoot.querySelector('.glyphs path')).fill"
    assert browser.run(ink) == browser.run("getComputedStyle(document.body).color")
