import logging

import pytest

from placevec.collecting.client.keys import KeyHider, read_key


def test_a_key_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("A_KEY", " abc|1 \n")
    assert read_key("A_KEY") == "abc|1"
    monkeypatch.delenv("A_KEY")
    assert read_key("A_KEY", is_needed=False) == ""
    with pytest.raises(ValueError, match="Set it: export A_KEY=..."):
        read_key("A_KEY")


@pytest.mark.parametrize("key", ["a b", "a\nb", "a\x00b".replace("\x00", "\x01"), "ä"])
def test_refuses_a_key_that_no_address_holds_without_showing_it(monkeypatch, key):
    monkeypatch.setenv("A_KEY", key)
    with pytest.raises(ValueError, match="without white space") as caught:
        read_key("A_KEY")
    assert key not in str(caught.value)


def test_keys_are_hidden_in_each_form():
    hider = KeyHider(["a|b/c", "", "a|b"])
    text = "a|b/c a%7Cb%2Fc a%7cb/c a|b a%7Cb a%257Cb a|b\\/c A|B a\\u007cb a&#124;b a&#x7C;b x"
    assert hider.hide(text) == "(key) " * 11 + "x"
    assert KeyHider(["a&b"]).hide("a&amp;b") == "(key)"
    assert KeyHider([]).hide("a") == "a"


def test_log_lines_of_the_libraries_below_hold_no_key(caplog):
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("urllib3.connectionpool")
    with KeyHider(["secret"]).in_logs():
        logger.debug("GET %s?key=%s", "/a", "secret")
        logger.debug("100 % of secret")
    logger.debug("after")
    assert [record.getMessage() for record in caplog.records] == [
        "GET /a?key=(key)", "100 % of (key)", "after",
    ]  # fmt: skip
    assert not logger.filters
