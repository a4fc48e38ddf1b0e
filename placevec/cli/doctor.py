"""`placevec doctor`: prints what is installed on this machine."""


def doctor() -> None:
    """Print versions, backend, engines, extras, GPU and cache folder.

    Paste its output into a bug report.
    """
    from placevec.checking import doctor as facts_of_machine

    print(facts_of_machine())
