"""Draws the picture of a report, docs/pictures/report.jpg.

    make test-browser                    # installs a browser
    .venv/bin/python docs/report_picture.py

It renders a synthetic town in other light, looks its photos up by the networks that ship with
placevec, and photographs the report in headless Chromium: its top, and its gallery of failures.
"""

import os
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from placevec.config import TownRenderConfig
from placevec.evaluation import compare
from placevec.rendering import render

PICTURE = Path(__file__).resolve().parent / "pictures" / "report.jpg"
WINDOW = (1000, 1290)  # columns and rows of what is seen of the page
SCALE = 0.6
GAP = 16  # pixels between the two views
JPEG_QUALITY = 82


def main() -> None:
    """Renders, measures, photographs."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        streets = {"num_streets": 1, "num_validation_streets": 8, "places_per_street": 24}
        town = TownRenderConfig(out=Path("town"), spacing_m=8.0, points=False, **streets)
        render("town", town)
        compare(
            "folder:town/val", ["tiny", "small"], out="report", normalize="none",
            rerank="features", radius_m=12.0, max_heading_difference_deg=45.0,
        )  # fmt: skip
        views = photograph(Path("report/report.html").resolve(), ("Figures", "Failures"))
    gap = np.full((views[0].shape[0], GAP, 3), 255, np.uint8)
    whole = np.concatenate([views[0], gap, views[1]], axis=1)
    small = cv2.resize(whole, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(PICTURE), small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes, {small.shape[1]} x {small.shape[0]}")


def photograph(page: Path, titles: tuple[str, ...]) -> list[NDArray[np.uint8]]:
    """Returns what a browser shows of a page from each of its titles on, BGR."""
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_window_size(*WINDOW)
        driver.get(page.as_uri())
        views = []
        for title in titles:
            heading = driver.find_element("xpath", f"//h2[text()='{title}']")
            driver.execute_script("arguments[0].scrollIntoView()", heading)
            png = np.frombuffer(driver.get_screenshot_as_png(), np.uint8)
            views.append(cv2.imdecode(png, cv2.IMREAD_COLOR))
        return views
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
