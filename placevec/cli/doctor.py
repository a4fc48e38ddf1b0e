"""`placevec doctor`: what is installed here."""


def doctor() -> None:
    """Print versions, backend, engines, extras, GPU and cache folder.

    Paste its output into a report of a fault.
    """
    from placevec.checking import doctor as facts_of_machine

    print(facts_of_machine())
