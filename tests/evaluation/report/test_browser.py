"""The report in a real browser: `make test-browser`."""

import os
import shutil

import pytest

from placevec.evaluation.report import write_report

MUST_RUN = os.environ.get("PLACEVEC_BROWSER") == "1"


@pytest.fixture(scope="module")
def browser():
    if not MUST_RUN:
        pytest.skip("`make test-browser` runs this")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--window-size=1200,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, make_evaluation, tmp_path):
    page = write_report({"A": make_evaluation(0), "B": make_evaluation(1)}, tmp_path / "report")
    browser.get(page.as_uri())
    return browser


def shown_cards(opened):
    return [each for each in opened.find_elements("css selector", ".card") if each.is_displayed()]


def test_a_failure_grows_when_it_is_clicked(opened):
    card = shown_cards(opened)[0]
    before = card.size["width"]
    card.click()
    assert card.size["width"] > before
    card.click()
    assert card.size["width"] == before


def test_filters_show_what_they_say(opened):
    everything = len(shown_cards(opened))
    counts = {}
    for button in opened.find_elements("css selector", ".filters button"):
        button.click()
        kind, cards = button.get_attribute("data-kind"), shown_cards(opened)
        assert all(kind in ("all", *each.get_attribute("data-kinds").split()) for each in cards)
        counts[kind] = len(cards)
    assert counts["all"] == everything and 0 < min(counts["fails-with-0"], counts["worse"])
    assert counts["worse"] < everything
    opened.find_element("css selector", 'button[data-kind="all"]').click()
    name = shown_cards(opened)[0].find_element("css selector", ".head").text.split(":")[0]
    opened.find_element("css selector", ".filters input").send_keys(name)
    assert 1 <= len(shown_cards(opened)) < everything
    said = opened.find_element("id", "count").text
    assert said == f"{len(shown_cards(opened))} of {everything} shown"


def test_a_dot_of_the_map_leads_to_its_photos(opened):
    cards = {each.get_attribute("id") for each in shown_cards(opened)}
    dots = opened.find_elements("css selector", "circle[data-query]")
    dot = next(each for each in dots if f"query-{each.get_attribute('data-query')}" in cards)
    opened.execute_script(
        "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", dot
    )
    card = opened.find_element("id", f"query-{dot.get_attribute('data-query')}")
    assert "open" in card.get_attribute("class")


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_is_wider_than_the_window(opened, width, tmp_path):
    opened.set_window_size(width, 900)
    wide = opened.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 1
    assert opened.save_screenshot(str(tmp_path / "page.png"))
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_the_console_has_no_error_and_names_run_nothing(opened):
    assert opened.get_log("browser") == []
    assert opened.execute_script("return document.querySelectorAll('script').length") == 1
