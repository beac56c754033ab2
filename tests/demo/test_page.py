"""The page as a browser shows it: predictions, the slider, the keys."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keras_nest.demo import DemoServer, Session
from tests.demo.conftest import LEVELS, Example, ask

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# The browser waits for a graphics process and a crash reporter that CI lacks.
HEADLESS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
# Waits for the predictions, presses keys, and leaves what is then shown as the title.
PROBE = """<script>
const until = (ready) => new Promise((done) => {
  const look = () => ready() ? done() : setTimeout(look, 20);
  look();
});
const press = (key) => document.body.dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true}));
(async () => {
  await until(() => document.body.dataset.shown === "0");
  const first = {level: level, text: get("text").textContent};
  press("ArrowDown");
  const lower = {level: get("level").value, text: get("text").textContent,
    macs: get("macs").textContent};
  get("level").value = 0;
  get("level").dispatchEvent(new Event("input"));
  const lowest = {text: get("text").textContent, macs: get("macs").textContent,
    scores: document.querySelectorAll(".score").length};
  press("ArrowLeft");
  await until(() => document.body.dataset.shown === String(page.samples - 1));
  document.title = JSON.stringify({first, lower, lowest,
    last: {index: get("index").value, label: get("label").textContent,
      says: [...document.querySelectorAll(".says")].map((cell) => cell.textContent)},
    drawn: document.querySelector("#input canvas, #input svg").clientWidth > 100,
    wide: [document.documentElement.scrollWidth, innerWidth],
  });
})();
</script></body>"""


@pytest.fixture
def probed(server: DemoServer) -> Iterator[DemoServer]:
    page = server.page
    server.page = page.replace(b"</body>", PROBE.encode())
    yield server
    server.page = page


def shown(url: str, picture: Path) -> Any:
    """What the probe saw in a window as narrow as Chromium opens; and a screenshot."""
    assert CHROMIUM is not None
    options = ("--window-size=500,1200", "--virtual-time-budget=20000", "--dump-dom")
    done = subprocess.run(
        [CHROMIUM, *HEADLESS, *options, f"--screenshot={picture}", url],
        capture_output=True,
        text=True,
        timeout=120,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr
    return json.loads(title[1])


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_shows_what_the_server_says(
    probed: DemoServer, example: Example, tmp_path: Path
) -> None:
    seen = shown(probed.url, tmp_path / "page.png")
    answers = [ask(probed, f"/predict/0/{level}")[1] for level in range(LEVELS)]
    top = LEVELS - 1
    assert seen["first"] == {"level": top, "text": answers[top]["text"]}
    macs = [f"{level.macs:,}" for level in probed.session.facts.levels]
    assert seen["lower"] == {
        "level": str(top - 1),
        "text": answers[top - 1]["text"],
        "macs": macs[top - 1],
    }
    assert seen["lowest"] == {"text": answers[0]["text"], "macs": macs[0], "scores": 5}
    last = probed.session.samples - 1
    found = [probed.session.predict(last, level) for level in range(LEVELS)]
    marks = {True: " ✓", False: " ✗"}
    assert seen["last"]["says"] == [
        one["text"] + marks[one["correct"]] for one in found
    ]
    assert seen["last"]["index"] == str(last)
    assert f"class {example.y[-1]}" in seen["last"]["label"]
    assert seen["drawn"] and seen["wide"][0] <= seen["wide"][1]


def test_the_page_needs_nothing_from_elsewhere(example: Example) -> None:
    name = "</script><img src=x> & b.tflite"
    classes = ["</script>", "b", "c", "d", "e"]
    session = Session(example.tflite, example.x, example.y, name, classes=classes)
    with DemoServer(session) as server:
        page = server.page.decode()
    assert page.count("</script>") == 1 and "<img" not in page  # names are no markup
    elsewhere = r"https?://(?!www\.w3\.org/2000/svg)|<link rel=.stylesheet|@import|src="
    assert not re.search(elsewhere, page.replace("&lt;img src=", ""))
