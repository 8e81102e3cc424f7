"""Tables sort, filter, fold and save in a browser, by mouse and by keyboard."""

import csv

import pandas as pd
import pytest

from deeplocalizer.report import markup, wording
from tests.report import browser

pytestmark = [pytest.mark.browser, browser.needs_browser]

P = ["0.5", "< 0.001", "–", "1.2 × 10⁻¹²", "0.02", "9.0 × 10⁻⁴⁰⁰", "3.0 × 10⁻⁴⁰¹", "> 0.99", "0.99", "1"]
D = ["−1.5", "2.0", "10.0", "−0.2", "–", "1,234.0", "0.0", "3.1", "−20.0", "0.1"]
INTERVAL = [f"[{low},\N{NO-BREAK SPACE}9]" for low in ("−3", "2", "10", "0", "1", "−12", "5", "4", "3", "6")]
LAYER = ["layer10", "layer2", "layer1", "b", "A", "c", "layer3", "d", "e", "f"]


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=browser.CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def shown(chromium):
    """Show a table on a page of its own."""
    context = chromium.new_context(accept_downloads=True)

    def opened(frame, **options):
        page = context.new_page()
        page.set_content(browser.single(markup.html(frame, **options)))
        return page

    yield opened
    context.close()


@pytest.fixture
def numbers(shown):
    return shown(pd.DataFrame({"Layer": LAYER, "p": P, "d": D, "Interval": INTERVAL}))


def long(rows=63):
    return pd.DataFrame({"Name": [f"unit{i}" for i in range(rows)], "n": [f"{rows - i:,}" for i in range(rows)]})


def grouped(rows=20):
    tasks = ["faces" if i < rows // 2 else "digits" for i in range(rows)]
    return pd.DataFrame(
        {"Task": tasks, "Name": [f"unit{i}" for i in range(rows)], "n": [str(i % 7) for i in range(rows)]}
    )


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        (0, ["A", "b", "c", "d", "e", "f", "layer1", "layer2", "layer3", "layer10"]),
        (1, ["3.0 × 10⁻⁴⁰¹", "9.0 × 10⁻⁴⁰⁰", "1.2 × 10⁻¹²", "< 0.001", "0.02", "0.5", "0.99", "> 0.99", "1", "–"]),
        (2, ["−20.0", "−1.5", "−0.2", "0.0", "0.1", "2.0", "3.1", "10.0", "1,234.0", "–"]),
        (3, [f"[{low}, 9]" for low in ("−12", "−3", "0", "1", "2", "3", "4", "5", "6", "10")]),
    ],
)
def test_a_head_sorts_up_and_down_and_back(numbers, column, ascending):
    first = browser.column(numbers, column)
    head, button = numbers.locator("th").nth(column), numbers.locator("button.sort").nth(column)
    button.click()
    assert browser.column(numbers, column) == ascending
    assert head.get_attribute("aria-sort") == "ascending"
    button.click()
    there = [text for text in ascending if text != wording.ABSENT]
    assert browser.column(numbers, column) == there[::-1] + [wording.ABSENT] * (len(ascending) - len(there))
    assert head.get_attribute("aria-sort") == "descending"
    button.click()
    assert browser.column(numbers, column) == first
    assert numbers.locator("th[aria-sort]").count() == 0


def test_the_keyboard_sorts_and_is_told(numbers):
    numbers.locator("button.sort").nth(2).focus()
    numbers.keyboard.press("Enter")
    assert browser.column(numbers, 2)[0] == "−20.0"
    told = numbers.locator("[role=status].out-of-sight")
    assert told.text_content() == "Table 1 sorted by d, ascending"
    numbers.keyboard.press("Space")
    assert browser.column(numbers, 2)[0] == "1,234.0"
    assert told.text_content() == "Table 1 sorted by d, descending"


def test_one_column_sorts_at_a_time(numbers):
    numbers.locator("button.sort").nth(1).click()
    numbers.locator("button.sort").nth(0).click()
    assert numbers.locator("th[aria-sort]").count() == 1
    assert browser.column(numbers, 0)[0] == "A"


def test_a_filter_keeps_rows_with_every_word(shown):
    page = shown(grouped())
    box = page.get_by_label("Filter the rows of Table 1")
    box.fill("Digits UNIT1")
    assert browser.column(page, 1) == [f"unit{i}" for i in range(10, 20)]
    assert page.locator("[role=status].count").text_content() == "10 of 20 rows"
    box.fill("no such row")
    assert browser.column(page, 1) == []
    assert page.locator("[role=status].count").text_content() == "0 of 20 rows"
    box.fill("")
    assert len(browser.column(page, 0, shown=False)) == 20
    assert page.locator("[role=status].count").text_content() == ""


def test_a_minus_sign_can_be_typed(numbers):
    numbers.get_by_label("Filter the rows of Table 1").fill("-20.0")
    assert browser.column(numbers, 2) == ["−20.0"]


def test_short_tables_have_no_filter_and_no_fold(shown):
    page = shown(long(9))
    assert page.locator(".table-tools input").count() == 0
    assert not page.locator("button.fold").is_visible()
    assert page.locator("button.csv").is_visible()


@pytest.mark.parametrize("rows", [15, 16])
def test_tables_of_more_than_fifteen_rows_are_folded(shown, rows):
    assert len(browser.column(shown(long(rows)), 0)) == (15 if rows == 15 else 12)


def test_a_long_table_unfolds_and_folds(shown):
    page = shown(long())
    fold = page.locator("button.fold")
    assert len(browser.column(page, 0)) == 12
    assert fold.text_content() == "Show all 63 rows"
    assert fold.get_attribute("aria-expanded") == "false"
    fold.press("Enter")
    assert len(browser.column(page, 0)) == 63
    assert fold.get_attribute("aria-expanded") == "true"
    fold.click()
    assert len(browser.column(page, 0)) == 12


def test_a_folded_table_sorts_all_its_rows(shown):
    page = shown(long())
    page.locator("button.sort").nth(1).click()
    assert browser.column(page, 1) == [str(i) for i in range(1, 13)]


def test_groups_stay_together(shown):
    page = shown(grouped(), by="Task")
    page.locator("button.fold").click()
    page.locator("button.sort").nth(1).click()
    rows = [row.inner_text().split() for row in page.locator("tbody tr:not([hidden])").all()]
    heads = [i for i, row in enumerate(rows) if len(row) == 1]
    assert [rows[i][0] for i in heads] == ["faces", "digits"]
    for members in (rows[heads[0] + 1 : heads[1]], rows[heads[1] + 1 :]):
        values = [int(row[1]) for row in members]
        assert len(values) == 10 and values == sorted(values)
    page.get_by_label("Filter the rows of Table 1").fill("digits")
    assert page.locator("tr.group:visible").all_text_contents() == ["digits"]


def downloaded(page):
    with page.expect_download() as waiting:
        page.locator("button.csv").press("Enter")
    assert waiting.value.suggested_filename == "tbl-one.csv"
    with open(waiting.value.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_table_is_saved_as_shown(numbers):
    numbers.locator("button.sort").nth(2).click()
    numbers.get_by_label("Filter the rows of Table 1").fill("layer")
    assert downloaded(numbers) == [
        ["Layer", "p", "d", "Interval"],
        ["layer10", "0.5", "-1.5", "[-3, 9]"],
        ["layer3", "3.0 × 10⁻⁴⁰¹", "0.0", "[5, 9]"],
        ["layer2", "< 0.001", "2.0", "[2, 9]"],
        ["layer1", "–", "10.0", "[10, 9]"],
    ]


def test_a_saved_table_has_folded_rows_and_names_its_groups(shown):
    lines = downloaded(shown(grouped(), by="Task"))
    assert lines[0] == ["Task", "Name", "n"]
    assert len(lines) == 21
    assert lines[1] == ["faces", "unit0", "0"]
    assert lines[-1] == ["digits", "unit19", "5"]


def test_totals_stay_last(shown):
    page = shown(pd.DataFrame({"Layer": ["b", "a", "all"], "n": ["2", "1", "3"]}), totals=1)
    page.locator("button.sort").nth(1).click()
    page.locator("button.sort").nth(1).click()
    assert page.locator("tbody td, tfoot td").all_text_contents() == ["b", "2", "a", "1", "all", "3"]
    assert downloaded(page)[-1] == ["all", "3"]


def test_the_page_by_quarto_has_the_same_tables(shown):
    page = shown(long())
    table = markup.html(long())
    page.set_content(
        '<!DOCTYPE html><html lang="en"><title>One</title><main id="quarto-document-content"><figure id="tbl-one" '
        'class="quarto-float quarto-float-tbl"><figcaption>Table\N{NO-BREAK SPACE}1: Units.</figcaption>'
        f"<div>{table}</div></figure></main>" + (browser.REPORT / "tables.html").read_text()
    )
    page.get_by_label("Filter the rows of Table\N{NO-BREAK SPACE}1").fill("unit62")
    assert browser.column(page, 0) == ["unit62"]
    assert downloaded(page) == [["Name", "n"], ["unit62", "1"]]
