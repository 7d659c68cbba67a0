"""Single changes to the text of a YAML file: what a change does not name stays as it is, to the byte.

PyYAML says where each key and value begins and ends; everything else here cuts and pastes. (Loading and dumping, as
ruamel.yaml does, moves comments and loses some: docs/decisions/editing.md.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from deploys.editing import scalars

Node = Any  # one of yaml.nodes, whose known types lack marks
Place = Sequence[str | int]
STEP = 2  # columns, where the file does not say otherwise


class Unusual(ValueError):
    """YAML that means something, but not so that a line could be changed: an anchor, an alias, a complex key."""


@dataclass(frozen=True)
class Text:
    """The text of a YAML file, whole. Every change is a new Text."""

    text: str

    def put(self, place: Place, key: str, value: Any) -> Text:
        """``key: value`` in the mapping at ``place``: in the key's old place, or as the last. Missing mappings are
        made."""
        *before, last = (*place, key)
        if place and not self._holds(place):
            return self.put(place[:-1], str(place[-1]), {key: value})
        mapping = self._node(before)
        for name, old in mapping.value:
            if name.value == last:
                return self._replaced(name, old, value)
        return self._appended(mapping, key, value)

    def rename(self, place: Place, key: str) -> Text:
        """Another key for what stands at ``place``."""
        name, _ = self._pair(place)
        return self._cut(name.start_mark.index, name.end_mark.index, scalars.scalar(key))

    def drop(self, place: Place) -> Text:
        """Without the key or the entry of a list at ``place``. What that leaves empty goes, too."""
        inside = self._node(place[:-1])
        if len(inside.value) == 1 and len(place) > 1:
            return self.drop(place[:-1])
        starts, ends = self._span(place)
        return self._drop_flow(starts, ends) if inside.flow_style else self._drop_lines(starts, ends)

    def add(self, place: Place, value: str) -> Text:
        """``value`` as the last entry of the list at ``place``."""
        entries = self._node(place)
        if not isinstance(entries, yaml.SequenceNode) or not entries.value:
            raise Unusual
        end = _end(self._child(entries, len(entries.value) - 1)[1])
        if entries.flow_style:
            return self._cut(end, end, f", {scalars.scalar(value)}")
        return self._line_after(end, [" " * entries.start_mark.column + f"- {scalars.scalar(value)}"])

    def change(self, place: Place, value: str) -> Text:
        """Another text for the scalar at ``place``."""
        node = self._node(place)
        return self._cut(node.start_mark.index, _end(node), scalars.scalar(value))

    def _root(self) -> Node:
        return yaml.compose(self.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def _node(self, place: Place) -> Node:
        node = self._root()
        for key in place:
            node = self._child(node, key)[1]
        return node

    def _pair(self, place: Place) -> tuple[Node, Node]:
        return self._child(self._node(place[:-1]), place[-1])

    def _child(self, node: Node, key: str | int) -> tuple[Node, Node]:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            if any(_named_elsewhere(one, node.start_mark.index) for one in node.value):
                raise Unusual
            return node.value[key], node.value[key]
        for name, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if name.value == key:
                if _named_elsewhere(value, name.end_mark.index):
                    raise Unusual
                return name, value
        raise KeyError(key)

    def _holds(self, place: Place) -> bool:
        """Whether something that is not empty stands at ``place``."""
        try:
            return isinstance(self._node(place), yaml.MappingNode)
        except KeyError:
            return False

    def _span(self, place: Place) -> tuple[int, int]:
        name, value = self._pair(place)
        starts = name.start_mark.index
        if isinstance(place[-1], int):  # - value
            before = self.text[:starts].rstrip(" ")
            starts = len(before) - 1 if before.endswith("-") else starts
        return starts, _end(value) if value.value or value.style else max(name.end_mark.index + 1, _end(value))

    def _replaced(self, name: Node, old: Node, value: Any) -> Text:
        if _named_elsewhere(old, name.end_mark.index):
            raise Unusual
        empty = isinstance(old, yaml.ScalarNode) and not old.value and not old.style
        if empty and isinstance(value, dict):
            colon = self.text.index(":", name.end_mark.index) + 1
            lines = [line for key, one in value.items() for line in _lines(key, one, name.start_mark.column + STEP)]
            return self._line_after(colon, lines)
        if empty:
            colon = self.text.index(":", name.end_mark.index) + 1
            return self._cut(colon, colon, f" {scalars.flow(value)}")
        if self.text[old.start_mark.index : old.start_mark.index + 1] in ("&", "!"):
            raise Unusual
        return self._cut(old.start_mark.index, _end(old), scalars.flow(value))

    def _appended(self, mapping: Node, key: str, value: Any) -> Text:
        if not isinstance(mapping, yaml.MappingNode):
            raise Unusual
        if mapping.flow_style:
            text = f"{scalars.scalar(key)}: {scalars.flow(value)}"
            if not mapping.value:
                return self._cut(mapping.start_mark.index, mapping.end_mark.index, "{" + text + "}")
            name, last = mapping.value[-1]
            if _named_elsewhere(last, name.end_mark.index):
                raise Unusual
            return self._cut(_end(last), _end(last), f", {text}")
        name, last = mapping.value[-1]
        column, like = name.start_mark.column, last
        end = max(_end(last), name.end_mark.index + 1)
        step = like.value[0][0].start_mark.column - column if _is_block_mapping(like) else STEP
        written_out = _is_block(like)
        lines = (
            scalars.block(key, value, column, max(step, 1)) if written_out and column else _lines(key, value, column)
        )
        return self._line_after(end, lines)

    def _drop_lines(self, starts: int, ends: int) -> Text:
        first = self.text.rfind("\n", 0, starts) + 1
        if self.text[first:starts].strip():
            raise Unusual
        rest = self.text.find("\n", ends)
        return self._cut(first, rest + 1 if rest >= 0 else len(self.text), "")

    def _drop_flow(self, starts: int, ends: int) -> Text:
        if before := re.search(r",[ \t]*\Z", self.text[:starts]):
            return self._cut(before.start(), ends, "")
        if after := re.compile(r"\s*,[ \t]*").match(self.text, ends):
            first = self.text.rfind("\n", 0, starts) + 1
            alone = not self.text[first:starts].strip() and re.compile(r"\r?\n").match(self.text, after.end())
            return self._cut(first if alone else starts, alone.end() if alone else after.end(), "")
        return self._cut(starts, ends, "")

    def _line_after(self, at: int, lines: Sequence[str]) -> Text:
        """``lines`` after the line on which ``at`` stands, comment and all."""
        newline = "\r\n" if "\r\n" in self.text else "\n"
        end = self.text.find("\n", at)
        put = newline.join(lines) + newline
        if end < 0:
            return Text(f"{self.text}{newline}{put}")
        return self._cut(end + 1, end + 1, put)

    def _cut(self, starts: int, ends: int, put: str) -> Text:
        return Text(self.text[:starts] + put + self.text[ends:])


def _lines(key: str, value: Any, column: int) -> list[str]:
    """At the top of a file a mapping is written out, a line for each entry; below it all is one line."""
    if isinstance(value, dict) and not column:
        return [f"{scalars.scalar(key)}:", *(line for name, one in value.items() for line in _lines(name, one, STEP))]
    return [f"{' ' * column}{scalars.scalar(key)}: {scalars.flow(value)}"]


def _is_block(node: Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _is_block_mapping(node: Node) -> bool:
    return isinstance(node, yaml.MappingNode) and not node.flow_style


def _end(node: Node) -> int:
    """Where the text of ``node`` ends. A block's own mark stands behind the comments that follow it."""
    if _is_block(node) and node.value:
        last = node.value[-1]
        name, value = last if isinstance(last, tuple) else (last, last)
        return max(_end(value), name.end_mark.index + isinstance(last, tuple))
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):  # its mark, too
        raise Unusual
    end: int = node.end_mark.index
    return end


def _named_elsewhere(node: Node, after: int) -> bool:
    """An alias (*): what it names has its marks, and they stand before it."""
    return bool(node.start_mark.index < after)
