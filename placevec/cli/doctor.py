"""`placevec doctor`: what is installed here."""


def doctor() -> None:
    """Print versions, backend, engines, extras, GPU and cache folder.

    Paste its output into a report of a fault.
    """
    from placevec.checking.doctor import doctor as facts_of_machine

    facts = facts_of_machine()
    width = max(len(name) for name, _ in facts)
    print("\n".join(f"{name:{width}}  {text}" for name, text in facts))
