"""Text of others, such as a stimulus's name, stands in the report as text: it is neither markup nor code."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from deeplocalizer.rendering import pandoc, qmd, render
from deeplocalizer.rendering.escaping import JOINER
from deeplocalizer.report import floats, markup, opening, wording
from deeplocalizer.report.methods.configuration import configuration
from tests.report import studies

RAW = ("RawBlock", "RawInline")
HOSTILE = [
    "<script>alert(1)</script>",
    "x\n```\n<script>alert(1)</script>\n```{=html}",
    "x\n\n````\n\n<img src=x onerror=alert(1)>\n",
    "`<script>`{=html}",
    "`` ` ``` <b>{=html}",
    "`{python} __import__('os').system('touch owned')`",
    "{python} __import__('os').system('touch owned')",
    "x\n```{python}\nopen('owned', 'w')\n```\n",
    "x\n\n---\ntitle: Other\n---\n",
    "{{< include /etc/passwd >}}",
    "x\n{{< env HOME >}}\n",
    "[click](javascript:alert(1)) ![](http://127.0.0.1/x.png) @key ^[note]",
    '$\\input{/etc/passwd}$ \\write18{touch owned} #eval("1") #read("/etc/passwd")',
    "::: {.panel}\n<div onclick=alert(1)>\n:::",
    "\u202e<svg/onload=alert(1)>\x85```\u2028<script>\x0b```\x0c<b>",
    "a\r```\r<script>alert(1)</script>\r```{=html}\r",
]


def elements(part):
    found = []
    pandoc.rewrite(part, lambda one: found.append((one["t"], one.get("c"))))
    return found


def plain(text):
    """Leave out what pandoc and the page may write otherwise: space, quotes, dashes, dots."""
    marks = dict.fromkeys([*map(ord, f"'\"-.{JOINER}"), 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026])
    return "".join(text.split()).translate(marks)


@pytest.mark.parametrize("write", [wording.escaped, wording.code])
def test_words_stay_words(write, tmp_path):
    written = "\n\n".join(f"Before {write(text)} after" for text in HOSTILE)
    blocks = pandoc.read(written, tmp_path)["blocks"]
    assert {kind for kind, _ in elements(blocks)} <= {"Para", "Str", "Space", "Code", "Quoted"}
    assert [plain(pandoc.text_of(block)) for block in blocks] == [f"Before{plain(text)}after" for text in HOSTILE]


def test_cells_stay_cells(tmp_path):
    tables = [markup.html(pd.DataFrame({"Image": [text], "Why": [text]}), ["Image"], ["Why"]) for text in HOSTILE]
    written = "".join(floats.table(table, f"tbl-{number}", "Images.") for number, table in enumerate(tables))
    blocks = pandoc.read(written, tmp_path)["blocks"]
    raw = [content[1] for kind, content in elements(blocks) if kind in RAW]
    assert len(blocks) == len(raw) == len(HOSTILE)
    assert not any(mark in one.lower() for one in raw for mark in ("<script", "<img", "<svg", "<div"))


def test_the_configuration_is_shown_as_one_block(tmp_path):
    study = studies.study(studies.effects({("intact", "", "", studies.TASKS[0]): (0.9, 0.8, 1.0)}))
    study.config["report"] |= {"title": "".join(HOSTILE), "authors": HOSTILE}
    written = configuration(study)
    assert [kind for kind, _ in elements(pandoc.read(written, tmp_path)["blocks"])] == ["CodeBlock"]
    assert "{{<" not in written


def test_title_and_authors_are_text(tmp_path):
    tree = pandoc.read(opening.write(" ".join(HOSTILE), HOSTILE, "What was found."), tmp_path)
    assert set(tree["meta"]) == {"title", "author", "abstract"} and not tree["blocks"]
    kinds = {kind for kind, _ in elements(tree["meta"])}
    assert not {*RAW, "Image", "Link", "Math", "Cite", "Div", "Note", "Header"} & kinds


def test_no_value_gives_inline_code_or_a_shortcode():
    for text in HOSTILE:
        for write in (wording.escaped, wording.code):
            assert not qmd.INLINE.search(write(text)) and "{{<" not in write(text)


DOCUMENT = """---
title: A page
---

```{python}
#| include: false
import json, os
from IPython.display import Markdown
from deeplocalizer.report import floats, markup, opening, wording
import pandas as pd
texts = json.loads(os.environ["TEXTS"])
```

```{python}
#| output: asis
print(opening.write(texts[5], texts, "What was found."))
```

# First {#sec-first}

Here `{python} texts[5]` and `{python} Markdown(wording.code(texts[5]))`.

```{python}
#| output: asis
for number, text in enumerate(texts):
    print("\\nOf", wording.escaped(text), "in", wording.code(text), "\\n")
    table = markup.html(pd.DataFrame({"Image": [text], "Why": [text]}), text=["Why"])
    print(floats.table(table, f"tbl-{number}", "Images."))
```
"""


@pytest.mark.slow
def test_a_page_with_hostile_text_runs_none_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # Quarto, if there is one, is not what is tried
    source, work = tmp_path / "page.qmd", tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    source.write_text(DOCUMENT, encoding="utf-8")
    library = str(Path(wording.__file__).parents[2])
    render(source, tmp_path / "page.html", {"TEXTS": json.dumps(HOSTILE), "PYTHONPATH": library}, [])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    body = page[page.index("<body") :].lower()
    for mark in ("<script>alert", "<img src=x", "<svg/onload", "<div onclick", 'href="javascript', "root:x:0"):
        assert mark not in body, mark
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert not list(tmp_path.rglob("owned")) and not os.path.exists("owned")
