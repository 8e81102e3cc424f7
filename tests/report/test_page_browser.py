"""The report as a browser shows it: accessible, within the screen, complete on paper and without scripts."""

import pytest

from tests.report import browser, whole

pytestmark = [pytest.mark.browser, pytest.mark.slow, browser.needs_browser]

WIDTHS = (390, 820, 1440)
OUTSIDE = """(least) => [...document.querySelectorAll('main.report table, main.report img')]
    .filter((one) => one.getBoundingClientRect().right > least + 1).map((one) => one.closest('figure')?.id)"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return browser.rendered(whole.write(folder), folder / "report.html")


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=browser.CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def visit(chromium, report):
    """Open the report; requests that leave the page are refused and noted."""
    contexts = []

    def opened(width=1440, scheme="light", **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.errors = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))

        def refuse(route):
            page.requested.append(route.request.url)
            route.abort()

        page.route(lambda address: address != report.as_uri() and not address.startswith(("data:", "blob:")), refuse)
        page.goto(report.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_keeps_readers_out(visit, width, scheme):
    page = visit(width, scheme)
    assert browser.findings(page) == set()
    assert page.errors == []
    assert page.requested == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_readers_out_of_tables_in_use(visit, scheme):
    page = visit(820, scheme)
    for summary in page.locator("main summary").all():
        summary.click()
    for button in page.locator("button.fold:visible").all():
        button.click()
    for box in page.locator(".table-tools input").all():
        box.fill("a")
    for head in page.locator("main th:first-child:has(> button.sort)").all():
        head.locator("button").click()
    assert browser.findings(page) == set()


def test_nothing_keeps_readers_out_on_paper(visit):
    page = visit(scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert browser.findings(page) == set()


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [320, 360, 1152, *WIDTHS])
def test_the_page_never_scrolls_sideways(visit, width, scripts):
    page = visit(width, java_script_enabled=scripts)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_regions_that_scroll_are_reached_by_keyboard(visit):
    page = visit(390)
    focusable = """(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.tabIndex)"""
    regions = page.locator(".table-scroll, .figure-scroll").evaluate_all(focusable)
    assert regions and set(regions) == {0}
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_timeout(200)
    idle = """(all) => all.filter((one) => one.scrollWidth <= one.clientWidth + 1 && one.tabIndex === 0).length"""
    assert page.locator(".table-scroll, .figure-scroll").evaluate_all(idle) == 0


def test_the_contents_stay_in_view_and_mark_the_section(visit):
    page = visit(1440)
    link = page.locator("#TOC a[href='#sec-masks']")
    link.click()
    page.wait_for_function("document.querySelector('#TOC [aria-current]')?.hash === '#sec-masks'")
    assert page.locator("#TOC [aria-current]").count() == 1
    assert 0 <= link.bounding_box()["y"] <= 900


def test_the_mark_of_the_section_moves_nothing_in_the_contents(visit):
    page = visit(1440)
    height = "document.querySelector('#TOC > ul').getBoundingClientRect().height"
    found = set()
    for link in page.locator("#TOC a").all():
        page.evaluate(
            """(link) => document.querySelectorAll('#TOC a').forEach((one) =>
            one === link ? one.setAttribute('aria-current', 'location') : one.removeAttribute('aria-current'))""",
            link.element_handle(),
        )
        found.add(page.evaluate(height))
    assert len(found) == 1


def test_numbers_stay_on_one_line_and_words_get_some_room(visit):
    page = visit(1440)
    tall = """(all) => all.filter((one) => one.clientHeight > 0 && one.getClientRects().length
        && one.querySelector('span, code') === null && (() => { const range = document.createRange();
        range.selectNodeContents(one); return range.getClientRects().length > 1; })()).map((one) => one.textContent)"""
    assert page.locator("main td[style*='right']").evaluate_all(tall) == []
    narrow = "(all) => Math.min(...all.map((one) => one.clientWidth || 1e9))"
    assert page.locator("main td:first-child").evaluate_all(narrow) > 70


def test_all_is_there_without_scripts(visit):
    page = visit(java_script_enabled=False)
    assert page.locator("main button, main input").count() == 0
    for summary in page.locator("main summary").all():
        summary.click()
    rows = page.locator("main table tr")
    assert rows.count() > 60
    assert all(row.is_visible() for row in rows.all())


def test_paper_has_every_row_and_nothing_to_press(visit):
    page = visit(700, "dark")
    assert page.locator("main tr:not(:visible)").count() > 0  # folded on the screen
    for box in page.locator(".table-tools input").all():
        box.fill("nothing matches this")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 658, "height": 970})  # A4 within its margins
    assert page.locator("main tr:not(:visible)").count() == 0
    assert page.locator("main button:visible, main input:visible").count() == page.locator("button.sort").count()
    assert page.locator("button.sort").evaluate_all(
        "(all) => all.every((one) => getComputedStyle(one).display === 'contents')"
    )
    assert page.evaluate(OUTSIDE, 658) == []
    ground = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper')")
    assert ground.strip() == "#ffffff"


def test_the_report_prints(visit):
    printed = visit().pdf(format="A4", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") > 5


@pytest.mark.parametrize(("scheme", "ground"), [("light", (255, 255, 255)), ("dark", (20, 24, 29))])
def test_figures_have_the_ground_of_the_page(visit, tmp_path, scheme, ground):
    from PIL import Image

    page = visit(1440, scheme)
    shot = tmp_path / "figure.png"
    page.locator("#fig-effects img").screenshot(path=shot)
    with Image.open(shot) as seen:
        counts = dict((color, number) for number, color in seen.convert("RGB").getcolors(2**24))
    assert max(counts, key=counts.get) == ground
