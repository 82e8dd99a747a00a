"""The report in headless Chromium; without a browser or Playwright the tests say so and are skipped."""

import re

import invented_results as invented
import pytest

from optax_zoo.race import html

pytestmark = pytest.mark.slow

ANIMATED = ("sgd", "momentum", "adam", "optax.adam", invented.HOPELESS, invented.NAMES[7])


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The report of one race with an animation, and of two without."""
    folder = tmp_path_factory.mktemp("reports")
    html.write([invented.result(ANIMATED)], folder / "one.html")
    html.write(invented.two_results(), folder / "two.html", animation=False)
    html.write([invented.crowd(60)], folder / "many.html", animation=False)
    return folder


@pytest.fixture
def visit(browser, reports):
    """Opens a report; whatever goes wrong in it, or leaves the machine, fails the test."""
    contexts, faults = [], []

    def open_page(name="one", width=1280, height=900, anchor="", **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if away(request.url) else None)
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.goto((reports / f"{name}.html").as_uri() + anchor)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def away(address):
    return not address.startswith(("file:", "data:", "blob:"))


def see(page, selector):
    """Scrolls there and waits until it is drawn."""
    page.locator(selector).scroll_into_view_if_needed()
    page.wait_for_selector(f"{selector} .chart")


def see_all(page):
    """Unfolds everything and draws every figure."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.evaluate("figures.forEach((figure) => figure.draw())")


@pytest.mark.parametrize("name", ["one", "two", "many"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_figures_are_drawn_without_an_error_or_a_request(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    see_all(page)
    drawn, all_plots = page.locator(".plot .chart >> nth=0"), page.locator(".plot")
    assert drawn.count() and all_plots.count() > 10
    for number in range(all_plots.count()):
        assert all_plots.nth(number).locator("g.trace, .annotation").count() > 0


def column(page, place):
    return page.locator("table.sortable >> nth=0").locator(f"tbody tr > :nth-child({place})").all_inner_texts()


def test_tables_sort_both_ways_by_click_and_by_keyboard(visit):
    page = visit()
    ranks = column(page, 1)
    headings = page.locator("table.sortable >> nth=0").locator("thead th")
    number = next(i for i, title in enumerate(headings.all_inner_texts()) if title.startswith("State"))
    state = headings.nth(number)
    state.get_by_role("button").click()
    up = [float(text) for text in column(page, number + 1)]
    assert up == sorted(up) and state.get_attribute("aria-sort") == "ascending"
    state.get_by_role("button").click()
    down = [float(text) for text in column(page, number + 1)]
    assert down == sorted(down, reverse=True) != up and state.get_attribute("aria-sort") == "descending"
    headings.nth(0).get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert column(page, 1) == ranks and headings.nth(0).get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert column(page, 1) == [*ranks[-2::-1], ranks[-1]]  # who diverged stays last
    assert state.get_attribute("aria-sort") is None
    assert page.get_by_role("status").inner_text() == "sorted by Rank, descending"


def test_names_sort_as_text(visit):
    page = visit()
    page.locator("table.sortable >> nth=0").locator("thead th").nth(1).get_by_role("button").click()
    names = column(page, 2)
    assert names == sorted(names) and len(names) == len(ANIMATED)


def visible(page, figure):
    return page.evaluate(
        "(id) => document.querySelector(`#${id} .plot`).figure.chart.data.map((t) => t.visible)", figure
    )


def test_the_legend_shows_and_hides_by_click_and_by_keyboard(visit):
    page = visit()
    see(page, "#curves")
    assert page.locator("#curves .band").count() == 3 and all(visible(page, "curves"))
    page.locator("#curves .legend [data-bands]").click()
    assert page.locator("#curves .band").count() == 5  # gravity has no curve
    button = page.locator("#curves .legend").get_by_role("button", name=re.compile("^momentum$"))
    button.click()
    assert button.get_attribute("aria-pressed") == "false" and visible(page, "curves").count(False) == 1
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true" and all(visible(page, "curves"))
    page.locator("#curves .legend [data-all=false]").click()
    assert not any(visible(page, "curves"))
    page.locator("#curves .legend [data-all=true]").click()
    assert all(visible(page, "curves"))


def seen(page, selector):
    return [each.text_content() for each in page.locator(selector).all() if each.is_visible()]


def test_the_filter_is_about_tables_pages_and_figures(visit):
    page = visit("many")
    see(page, "#curves")
    rows = "table.sortable tbody th"
    assert len(seen(page, rows)) == 25
    named = seen(page, "#curves .ends text")
    assert 8 <= len(named) <= 15 and page.locator("#curves g.trace").count() == 58
    page.get_by_role("button", name="Show all 60").click()
    assert len(seen(page, rows)) == 60
    page.get_by_role("searchbox").fill("lion, rate_free")
    page.wait_for_function("document.querySelector('#filter output').textContent === '3 of 60'")
    found = {"lion", "prodigy", "dadapt_adam"}
    assert set(seen(page, rows)) == found == set(seen(page, "#curves .ends text"))
    assert {text.strip() for text in seen(page, "details.page h4")} == found
    page.get_by_label("Family").select_option("sign")
    page.wait_for_function("document.querySelector('#filter output').textContent === '1 of 60'")
    assert seen(page, rows) == ["lion"]
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.querySelector('#filter output').textContent === '60 optimizers'")
    assert len(seen(page, rows)) == 60 and seen(page, "#curves .ends text") == named
    assert not page.locator("details.family[open]").count()


def test_a_link_opens_the_family_too(visit):
    page = visit("many", anchor="#lion")
    assert page.locator("#lion").is_visible() and page.locator("details.family[open]").count() == 1


def test_a_line_says_which_it_is_and_a_part_of_a_figure_becomes_the_whole(visit):
    page = visit()
    see(page, "#curves")
    plot = page.locator("#curves .plot")
    x, y = plot.evaluate("""(plot) => {
      const { chart } = plot.figure, trace = chart.data.find(({ name }) => name === "momentum");
      return chart.points(trace)[12];
    }""")
    box = plot.bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    assert re.match(r"momentum\nstep \d+: 0\.\d+ \[0\.\d+, 0\.\d+\]$", plot.locator(".tip").inner_text())
    whole = seen(page, "#curves .mark")
    page.mouse.move(box["x"] + 400, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 700, box["y"] + 200)
    page.mouse.up()
    assert seen(page, "#curves .mark") != whole
    page.mouse.dblclick(box["x"] + 500, box["y"] + 100)
    assert seen(page, "#curves .mark") == whole


def head(page):
    """Where the first optimizer is, and how long its trail."""
    return page.evaluate(
        "() => { const { data } = document.querySelector('#trajectories .plot').figure.chart; const { first } = "
        "read('trajectories-data').motion; return [data[first + 1].x[0], data[first].x.length]; }"
    )


def test_the_animation_plays_pauses_and_follows_the_slider(visit):
    page = visit()
    see(page, "#trajectories")
    controls = page.locator("#trajectories .controls")
    end = head(page)
    assert end[1] == 201
    controls.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('#trajectories input').value > 3")
    controls.get_by_role("button", name="Pause").click()
    paused = head(page)
    assert paused != end and paused[1] < 150
    page.wait_for_timeout(200)
    assert head(page) == paused
    slider = controls.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    assert head(page)[1] == 1 and controls.locator(".step").inner_text() == "step 0"
    page.keyboard.press("End")
    assert head(page) == end
    assert page.locator("#trajectories .images image").count() == 2


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_phone_scrolls_tables_within_themselves_and_the_page_not_sideways(visit, name):
    page = visit(name, width=360, height=740, is_mobile=True, has_touch=True)
    see_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    scrolls = page.locator(".scroll >> nth=0").evaluate("(box) => box.scrollWidth > box.clientWidth")
    assert scrolls
    beyond = "(plot) => plot.querySelector('.chart').getBoundingClientRect().right"
    assert all(plot.evaluate(beyond) <= 361 for plot in page.locator("#answer .plot").all())


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour, ground) => {
    canvas.fillStyle = ground; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => colour.map((x) => x / 255)
    .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, place) => sum + x * [0.2126, 0.7152, 0.0722][place], 0);
  const page = getComputedStyle(document.body).backgroundColor;
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return `rgb(${rgb(colour, page).join()})`;
    }
    return page;
  };
  const ratios = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.matches('script, .skip, noscript *') || !element.getClientRects().length) continue;
    const svg = element.closest('svg');
    const behind = svg ? page : ground(element);
    const style = getComputedStyle(element);
    const [a, b] = [rgb(svg ? style.fill : style.color, behind), rgb(behind, page)].map(light).sort((x, y) => x - y);
    ratios.push([(b + 0.05) / (a + 0.05), element.outerHTML.slice(0, 120)]);
  }
  return { page, low: ratios.filter(([ratio]) => ratio < 4.5), count: ratios.length };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(visit, scheme):
    page = visit("two", color_scheme=scheme)
    see_all(page)
    found = page.evaluate(CONTRAST)
    assert found["page"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]
    assert found["count"] > 500 and found["low"] == []


def test_figures_follow_a_change_of_the_scheme(visit):
    page = visit()
    see(page, "#ranking")
    colour = "getComputedStyle(document.querySelector('#ranking .mark')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{colour} !== '{light}'")
    assert page.evaluate(colour) == "rgb(232, 234, 237)"


def test_paper_shows_all_pages_in_light_colours(visit, tmp_path):
    page = visit(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function("figures.every((figure) => figure.drawn)")
    assert page.locator("details.page:not([open])").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('#ranking .mark')).fill") == "rgb(27, 31, 36)"
    assert page.evaluate("[...document.querySelectorAll('.chart')].every((svg) => svg.clientWidth <= 660)")
    page.emulate_media(media="screen", color_scheme="dark")
    page.wait_for_function("document.querySelectorAll('details.page[open]').length === 0")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 50_000


def test_a_link_to_an_optimizer_unfolds_its_page(visit):
    page = visit(anchor="#adam")
    assert page.locator("#adam").get_attribute("open") is not None
    assert page.locator("#adam").evaluate("(element) => element.getBoundingClientRect().top") < 450
    page.locator("table.sortable a", has_text="momentum").first.click()
    page.wait_for_selector("#momentum[open]")


def test_without_scripts_the_answer_and_the_tables_are_there(visit):
    page = visit(java_script_enabled=False)
    assert page.locator(".answer").is_visible() and page.get_by_role("table").first.is_visible()


def test_the_keyboard_reaches_the_results_first(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
