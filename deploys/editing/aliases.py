"""Changes to aliases in mail.yaml, each a function from the file as it is to the file as it shall be."""

from __future__ import annotations

from collections.abc import Sequence

from deploys.editing.declared import Declared, Refused, canonical, same


def add(file: Declared, alias: str, targets: Sequence[str]) -> Declared:
    """``targets`` besides those that ``alias`` leads to already; a new alias if there is none."""
    key = file.key("aliases", canonical(alias))
    if key is None:
        once = list(dict.fromkeys(map(str.lower, targets)))
        return file.to(file.text.put(("aliases",), alias.lower(), once))
    for target in targets:
        there = file.section("aliases")[key]
        if not any(same(one, canonical(target)) for one in there):
            file = file.to(file.text.add(("aliases", key), target.lower()))
    return file


def remove(file: Declared, alias: str, targets: Sequence[str]) -> Declared:
    """``alias`` without ``targets``; all of it where none is named or none is left."""
    key = file.key("aliases", canonical(alias))
    if key is None:
        raise Refused(f"{alias} is no alias in {file.path}; script/alias list shows which there are")
    if not targets:
        return file.to(file.text.drop(("aliases", key)))
    for target in targets:
        there = file.section("aliases").get(key, [])
        number = next((number for number, one in enumerate(there) if same(one, canonical(target))), None)
        if number is None:
            raise Refused(f"{alias} does not lead to {target}; script/alias list shows where it leads")
        file = file.to(file.text.drop(("aliases", key, number)))
    return file
