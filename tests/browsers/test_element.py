"""<wasm-font-text> under real hands: keys, mouse, fingers, an input method, the clipboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOX = "The little fox" + "!" * 40


def set_text(browser: Any, text: str) -> None:
    """As if it were pasted over everything."""
    browser.run("(page.text.focus(), page.text.area.select(), page.text.insert(argument))", text)
    browser.run("page.text.settled()")


def state(browser: Any) -> dict[str, Any]:
    return browser.run(
        """(() => {
            const { text } = page;
            const [from, to] = text.selection;
            const { x, top } = text.view.caret(text.caretOffset);
            return { value: text.value, visible: text.visibleText, from, to, x, top, lines: text.view.lines.length };
        })()"""
    )


def point(browser: Any, offset: int) -> tuple[float, float]:
    """Where the caret before an offset is, in the window."""
    x, y = browser.run(
        """((offset) => {
            const { text } = page;
            const scale = parseFloat(getComputedStyle(text).fontSize) / text.client.info.unitsPerEm;
            const box = text.shadowRoot.querySelector("svg").getBoundingClientRect();
            const { x, top } = text.view.caret(offset);
            return [box.left + x * scale, box.top + (top + text.view.lineHeight / 2) * scale];
        })(argument)""",
        offset,
    )
    return x, y


def test_the_caret_walks_token_by_token(story: Any) -> None:
    set_text(story, FOX)
    ends = [state(story)]
    for _ in range(2):
        story.press("ArrowLeft")
        ends.append(state(story))
    assert [end["to"] for end in ends] == [len(FOX), len(FOX) - 1, len(FOX) - 2]
    assert len({(end["x"], end["top"]) for end in ends}) == 3
    assert len(ends[0]["visible"]) > 100 and "!" not in ends[0]["visible"]


# Whether the caret is seen: at first, when it has blinked, and at once where it has gone then; and without the focus.
BLINKS = """(async () => {
    const caret = page.text.shadowRoot.querySelector(".caret");
    const isSeen = () => getComputedStyle(caret).visibility === "visible";
    page.text.area.blur();
    const seen = [isSeen()];
    page.text.focus();
    seen.push(isSeen());
    for (let end = performance.now() + 10000; isSeen() && performance.now() < end;)
        await new Promise((done) => setTimeout(done, 20));
    seen.push(isSeen());
    page.text.select(0, 0);
    seen.push(isSeen());
    page.text.area.blur();
    return [...seen, isSeen()];
})()"""


def test_the_caret_blinks(story: Any) -> None:
    assert story.run(BLINKS) == [False, True, False, True, False]


def test_the_caret_stands_still_for_those_who_want_no_motion(
    browser: Any, story_page: Path
) -> None:
    if browser.name != "chromium":
        pytest.skip("Playwright sets this in Chromium only")
    browser.new_page(reduced_motion="reduce")
    browser.open(story_page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    blinks = BLINKS.replace("10000", "1500")
    assert browser.run(blinks) == [False, True, True, True, False]


def test_up_down_home_and_end_go_by_lines_that_are_drawn(story: Any) -> None:
    set_text(story, FOX)
    story.press("ArrowLeft")
    before = state(story)
    story.press("ArrowUp")
    above = state(story)
    story.press("ArrowDown")
    assert above["top"] < before["top"] and state(story)["to"] == before["to"]
    story.press("Home")
    home = state(story)
    story.press("End")
    end = state(story)
    assert home["to"] < end["to"] and home["top"] == end["top"]
    story.press("Control+Home")
    assert state(story)["to"] == 0


def test_words_are_those_that_are_seen(story: Any) -> None:
    set_text(story, FOX)
    story.press("Control+Home")
    stops = []
    for _ in range(6):
        story.press("Control+ArrowRight")
        stops.append(state(story)["to"])
    shown = [story.run("page.text.view.visible(0, argument)", stop) for stop in stops]
    words = " ".join(state(story)["visible"].split()[:6]).split()
    assert [text.split()[-1].strip(".") for text in shown] == [word.strip(".") for word in words]
    story.press("Control+ArrowLeft")
    assert state(story)["to"] < stops[-1]


def test_typing_where_a_click_was(story: Any) -> None:
    set_text(story, FOX)
    story.click(*point(story, 25))
    assert (state(story)["from"], state(story)["to"]) == (25, 25)
    story.type("Z")
    story.run("page.text.settled()")
    assert state(story)["value"] == FOX[:25] + "Z" + FOX[25:]
    if story.name == "webkit":  # its MiniBrowser has no key for it
        story.run("document.execCommand('undo')")
    else:
        story.press("Control+z")
    story.run("page.text.settled()")
    assert state(story)["value"] == FOX


def test_a_drag_selects_and_copies_as_shown(story: Any) -> None:
    set_text(story, FOX)
    story.drag(point(story, 4), point(story, 30))
    dragged = state(story)
    assert (dragged["from"], dragged["to"]) == (4, 30)
    shown = story.run("page.text.view.visible(4, 30)")
    assert shown.startswith("little fox") and "!" not in shown
    assert story.run("page.text.copy(true)") == shown
    assert story.run("page.text.copy(false)") == FOX[4:30]
    story.press("Delete")
    assert state(story)["value"] == FOX[:4] + FOX[30:]


def test_a_double_click_selects_a_word(story: Any) -> None:
    set_text(story, "Hello brave world")
    story.click(*point(story, 8), count=2)
    assert (state(story)["from"], state(story)["to"]) == (6, 11)
    story.click(*point(story, 8), count=3)
    assert (state(story)["from"], state(story)["to"]) == (0, 17)


def test_an_input_method(story: Any) -> None:
    if story.name != "chromium":
        pytest.skip("only Chromium's protocol can compose")
    set_text(story, "Tokyo ")
    session = story.context.new_cdp_session(story.page)
    session.send(
        "Input.imeSetComposition", {"text": "とう", "selectionStart": 2, "selectionEnd": 2}
    )
    story.run("page.text.settled()")
    assert state(story)["value"] == "Tokyo とう"
    lines = "page.text.shadowRoot.querySelectorAll('.composing line').length"
    assert story.run(lines) == 1
    session.send("Input.insertText", {"text": "東京"})
    story.run("page.text.settled()")
    assert state(story)["value"] == "Tokyo 東京"
    assert story.run(lines) == 0


def test_paragraphs_are_told_each_by_itself(story: Any) -> None:
    set_text(story, "two\nlines!!!!!!\n\nfour")
    assert state(story)["lines"] == 4
    assert state(story)["visible"].split("\n")[::2] == ["two", ""]


def test_right_to_left(story: Any) -> None:
    """Carets of Hebrew walk to the left, and numbers in it run to the right."""
    set_text(story, "שלום 123 עולם")
    xs = [story.run("page.text.view.caret(argument).x", offset) for offset in range(14)]
    assert xs[0] > xs[4] > xs[13]
    assert xs[5] < xs[6] < xs[7]  # 123
    story.press("Control+Home")
    story.press("ArrowLeft")
    assert state(story)["to"] == 1
    # Latin within Hebrew, in a left-to-right paragraph.
    set_text(story, "abc שלום def")
    xs = [story.run("page.text.view.caret(argument).x", offset) for offset in range(12)]
    assert xs[0] < xs[3] < xs[9] < xs[11] and xs[4] > xs[6]


def test_the_newest_text_wins(story: Any) -> None:
    """Texts that came and went while the font was at work are not shaped."""
    asked = story.run(
        """(async () => {
            const { client } = page.text;
            const texts = [];
            const shape = client.shape;
            client.shape = (parameters) => {
                texts.push(parameters.runs[0].text);
                return shape.call(client, parameters);
            };
            for (let i = 0; i < 50; i++) page.text.value = `Text number ${i}!!!!!!!!`;
            await page.text.settled();
            client.shape = shape;
            return texts;
        })()"""
    )
    assert asked[-1] == "Text number 49!!!!!!!!" and len(set(asked)) <= 2
    assert state(story)["visible"].startswith("Text number 49")


def test_only_changed_lines_are_drawn(story: Any) -> None:
    set_text(story, "One line\n" * 20 + "The little fox" + "!" * 20)
    story.type("!")
    story.run("page.text.settled()")
    assert story.run("page.text.changedLines") <= 2


def test_a_screen_reader_is_told_once(story: Any) -> None:
    set_text(story, "")
    story.run(
        """(() => {
            const news = page.text.shadowRoot.querySelector("[role=status]");
            window.announcements = [];
            new MutationObserver(() => announcements.push(news.textContent)).observe(news, { childList: true });
        })()"""
    )
    story.type("The little fox" + "!" * 12)
    story.run("page.text.settled()")
    told = state(story)["visible"]
    story.wait_for("announcements.length > 0")
    story.run("new Promise((done) => setTimeout(done, 1500))")
    assert story.run("announcements") == [told.strip()]
    story.type("!!!!")
    story.wait_for("announcements.length > 1")
    more = story.run("announcements")[1]
    assert state(story)["visible"].endswith(more) and len(more) < len(told)
    description = "page.text.shadowRoot.querySelector('#story').textContent"
    assert story.run(description) == state(story)["visible"]


def test_20_000_characters_are_pasted(story: Any) -> None:
    """A prompt much longer than the model's context; it settles."""
    text = "The cat sat on the mat. " * 833 + "!" * 8
    set_text(story, text)
    if story.name != "webkit":  # its MiniBrowser has no keys for these
        story.press("Control+a")
        story.press("Control+x")
        assert story.run("page.text.value") == ""
        story.press("Control+v")
        story.run("page.text.settled()")
    shown = state(story)
    assert shown["value"] == text and shown["lines"] > 100
    assert "…" not in shown["visible"] and not shown["visible"].endswith("!")


def test_a_form(browser: Any, font_path: Any, harfbuzz_wasm: bytes) -> None:
    """The element is a field of a form, made by an attribute alone."""
    from browsers.host_page import host_files
    from browsers.server import serve

    markup = """<!doctype html><meta charset="utf-8"><title>form</title><link rel="icon" href="data:,">
        <script type="module" src="js/element.js"></script>
        <form id="form"><wasm-font-text name="story" font="llama.ttf" id="field">Lily!!!!!!</wasm-font-text></form>"""
    own = {"index.html": markup.encode(), "llama.ttf": font_path.read_bytes()}
    with serve(files=host_files(harfbuzz_wasm, **own)) as address:
        browser.new_page()
        browser.open(address)
        browser.wait_for("customElements.get('wasm-font-text') && field.view !== null")
        browser.run("field.settled()")
        assert browser.run("new FormData(form).get('story')") == "Lily!!!!!!"
        assert browser.run("field.visibleText").startswith("Lily ")
        browser.run("(field.value = 'Tom', form.reset())")
        assert browser.run("field.value") == "Lily!!!!!!"
        # What is taken out of the page ends its worker; what is moved in it does not, and what comes back works.
        browser.run("(form.after(field), 0)")
        assert browser.run("field.client !== null")
        browser.run("(window.kept = field, kept.remove())")
        assert browser.run("kept.client === null")
        browser.run("(form.append(kept), kept.value = 'Lily!!!!!!')")
        browser.wait_for("kept.client !== null")
        browser.run("kept.settled()")
        assert browser.run("kept.visibleText").startswith("Lily ")
        assert not browser.errors, json.dumps(browser.errors)
