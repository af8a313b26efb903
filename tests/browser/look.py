"""Opens pages in Chromium, light and dark, at four widths, and looks for what a reader would trip over.

    look.py FOLDER [--golden DIR] [--accept]      FOLDER: holds pages at any depth

Per view: no rule of axe-core broken, nothing wider than the window, no text of a drawing cut off or over another, one
heading of the first order; per page: one request, no script; per card: one sheet of A4, printed alone. With --golden the first screens of chosen pages are
compared with the pictures kept there; --accept writes these anew. Needs the wheels axe-core-python and pillow, and the
fonts that come with matplotlib, so that every machine draws the same letters.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTHS = [1280, 768, 390, 360]
SCHEMES = {"dark": 0, "light": 1}
# Kept as pictures: page, width, height.
KEPT = [("index", 1280, 1000), ("payments", 1280, 2600), ("payments", 390, 2600), ("mobile", 390, 1400)]
# Of 255: a difference of one letter's edge; and how much of a picture may differ by more, in the browser with which it
# was kept and in another one, whose edges of letters lie a little elsewhere.
TOLERANCE, SHARE, SHARE_ELSEWHERE = 40, 0.004, 0.05

CHROMIUM = [
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--allow-file-access-from-files",
    "--force-device-scale-factor=1", "--font-render-hinting=none", "--disable-lcd-text",
]  # fmt: skip

PROBE = """
async function probe(frame, width) {
  const page = frame.contentDocument, root = page.documentElement, problems = [];
  if (root.scrollWidth > root.clientWidth) problems.push('overflows by ' + (root.scrollWidth - root.clientWidth));
  if (page.querySelectorAll('h1').length !== 1) problems.push('needs one h1');
  for (const svg of page.querySelectorAll('svg.chart')) {
    const box = svg.getBoundingClientRect();
    if (!box.width) continue;
    const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([name, t], at) => {
      if (t.left < box.left - 1 || t.right > box.right + 1 || t.top < box.top - 1 || t.bottom > box.bottom + 1)
        problems.push('cut off: ' + name);
      for (const [other, o] of texts.slice(at + 1))
        if (t.left < o.right - 1 && o.left < t.right - 1 && t.top + 3 < o.bottom && o.top + 3 < t.bottom)
          problems.push('one over the other: ' + name + ' / ' + other);
    });
  }
  const found = await frame.contentWindow.axe.run(page, {resultTypes: ['violations']});
  for (const rule of found.violations)
    problems.push('axe ' + rule.id + ': ' + rule.nodes.slice(0, 2).map(node => node.html.slice(0, 120)).join(' | '));
  return problems.map(problem => width + ' px: ' + problem);
}
async function all() {
  const problems = [], plain = document.getElementById('plain');
  const loaded = plain.contentWindow.performance.getEntriesByType('resource').length;
  if (loaded) problems.push('asks for ' + loaded + ' more files');
  if (plain.contentDocument.querySelectorAll('script').length) problems.push('has a script');
  for (const frame of document.querySelectorAll('.view')) problems.push(...await probe(frame, frame.dataset.width));
  document.getElementById('out').textContent = 'DONE' + JSON.stringify(problems);
}
window.onload = () => all().catch(error => { document.getElementById('out').textContent = 'DONE' + JSON.stringify([String(error)]); });
"""


def wheel(name, pattern):
    """A file that a wheel brought along."""
    for folder in map(Path, sys.path):
        for file in (folder / name).rglob(pattern) if (folder / name).is_dir() else []:
            return file
    sys.exit(f"{pattern} of the wheel {name} is not there")


def prepared(page, work):
    """A copy with the pinned fonts and axe in it; the page itself has no script, and its policy forbids one."""
    fonts = {"serif": "DejaVuSerif.ttf", "sans": "DejaVuSans.ttf", "mono": "DejaVuSansMono.ttf"}
    faces = "".join(
        f"@font-face{{font-family:pinned-{kind};src:url('file://{wheel('matplotlib', file)}')}}" for kind, file in fonts.items()
    )
    names = "".join(f"--{kind}:pinned-{kind}!important;" for kind in fonts)
    text = page.read_text()
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    text = text.replace("</head>", f"<style>{faces}:root{{{names}}}</style></head>")
    text = text.replace("</body>", f'<script src="file://{wheel("axe_core_python", "axe.min.js")}"></script></body>')
    copy = work / f"{page.parent.name}-{page.name}"
    copy.write_text(text)
    return copy


def chromium(work, scheme, *arguments):
    command = [*CHROMIUM, f"--user-data-dir={work}/profile", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300).stdout


def problems(page, scheme, work):
    """What is wrong with a page in one colour scheme."""
    copy = prepared(page, work)
    views = "".join(
        f'<iframe class="view" data-width="{width}" style="width:{width}px;height:1500px;border:0" src="file://{copy}"></iframe>'
        for width in WIDTHS
    )
    frame = work / "frame.html"
    plain = f'<iframe id="plain" style="width:1280px;height:800px" src="file://{page}"></iframe>'
    frame.write_text(f'<!doctype html><body>{plain}{views}<pre id="out"></pre><script>{PROBE}</script>')
    # On a busy machine a browser may end before the page has answered; a page that never answers is a problem.
    for _ in range(3):
        answer = chromium(work, scheme, "--window-size=1400,2000", "--virtual-time-budget=60000", "--dump-dom", f"file://{frame}")
        found = re.search(r'<pre id="out">DONE(.*?)</pre>', answer, re.S)
        if found:
            break
    else:
        return ["no answer from the browser"]
    return json.loads(re.sub(r"&(lt|gt|amp);", lambda m: {"lt": "<", "gt": ">", "amp": "&"}[m[1]], found[1]))


def sheets(page, work):
    """Cards that need more than one sheet where each is printed alone."""
    wrong, printed = [], work / "printed.pdf"
    cards = re.findall(r'<article class="card" id="([^"]+)"', page.read_text())
    for card in cards:
        address = f"file://{prepared(page, work)}#{card}"
        chromium(work, "light", "--no-pdf-header-footer", f"--print-to-pdf={printed}", address)
        count = len(re.findall(rb"/Type */Page[^s]", printed.read_bytes()))
        if count != 1:
            wrong.append(f"the card {card} needs {count} sheets")
    return wrong, len(cards)


def pictures(folder, golden, accept, work):
    """Compares, or keeps, the chosen first screens, at half their size."""
    from PIL import Image, ImageChops

    browser, noted = subprocess.run(["chromium", "--version"], capture_output=True, text=True).stdout, golden / "BROWSER"
    if accept:
        golden.mkdir(parents=True, exist_ok=True)
        noted.write_text(browser)
    limit = SHARE if noted.read_text() == browser else SHARE_ELSEWHERE
    wrong = []
    for name, width, height in KEPT:
        page = next(iter(sorted(folder.rglob(f"latest/{name}.html"))))
        for scheme in SCHEMES:
            shot = work / "shot.png"
            size = f"--window-size={width},{height}"
            chromium(work, scheme, size, "--virtual-time-budget=5000", f"--screenshot={shot}", f"file://{prepared(page, work)}")
            now = Image.open(shot).convert("RGB").resize((width // 2, height // 2), Image.Resampling.BOX)
            kept = golden / f"{name}-{width}-{scheme}.png"
            if accept:
                now.quantize(64, dither=Image.Dither.NONE).save(kept, optimize=True)
                continue
            then = Image.open(kept).convert("RGB")
            differing = ImageChops.difference(now, then).convert("L").point(lambda value: 255 if value > TOLERANCE else 0)
            share = differing.histogram()[255] / (now.width * now.height) if now.size == then.size else 1.0
            if share > limit:
                wrong.append(f"{kept.name}: {100 * share:.1f} % of the picture differ; --accept keeps the new one")
    return wrong


def main(folder, golden, accept):
    pages = sorted(page for page in folder.rglob("*.html") if "latest" in page.parts or "ledger" in page.parts)
    wrong, views, guides = [], 0, 0
    with tempfile.TemporaryDirectory() as work:
        for page in pages:
            for scheme in SCHEMES:
                found = problems(page, scheme, Path(work))
                wrong += [f"{page.relative_to(folder)}, {scheme}, {problem}" for problem in found]
                views += len(WIDTHS)
            found, cards = sheets(page, Path(work))
            wrong += [f"{page.relative_to(folder)}, printed: {problem}" for problem in found]
            guides += cards
        if golden:
            wrong += pictures(folder, golden, accept, Path(work))
    print(f"{views} views of {len(pages)} pages, {guides} cards printed, {len(wrong)} problems")
    if wrong or not pages:
        sys.exit("\n".join(wrong[:40]) or "there are no pages")


if __name__ == "__main__":
    words = sys.argv[1:]
    kept = Path(words[words.index("--golden") + 1]) if "--golden" in words else None
    if not words:
        sys.exit(__doc__)
    main(Path(words[0]).resolve(), kept, "--accept" in words)
