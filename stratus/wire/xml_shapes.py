"""XML read and written by shape: flattened lists and maps, attributes, namespaces, as restXml and awsQuery define them.

https://smithy.io/2.0/spec/protocol-traits.html#xml-bindings
"""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from botocore.model import ListShape, MapShape, Shape, StructureShape
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from stratus.wire.model import wire_name
from stratus.wire.scalars import text_reader, text_writer
from stratus.wire.shape_compiler import ShapeCompiler

Reader = Callable[[Element], Any]
Writer = Callable[[Any, list[str], str], None]
"""Appends the element of a value to a list of strings, under the tag that is given."""

# Characters that XML 1.0 cannot hold go out as references all the same, as S3 sends them.
_ESCAPES = {code: f"&#x{code:x};" for code in (*range(0x20), 0x7F) if chr(code) not in "\t\n"} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
}


def escape(text: str) -> str:
    return text.translate(_ESCAPES)


def parse_document(data: bytes) -> Element:
    """The root element. Raises ValueError for what is not well-formed, and for any document type or entity."""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ValueError(
            "The XML you provided was not well-formed or did not validate against our published schema"
        ) from error
    return root


def tag_of(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _member_tag(shape: Shape, member: str) -> str:
    if isinstance(shape, ListShape) and shape.serialization.get("flattened"):
        return str(shape.member.serialization.get("name") or wire_name(shape, member))
    return wire_name(shape, member)


class XmlReaders(ShapeCompiler[Reader]):
    """Compiles shapes to readers of elements. Readers raise ValueError."""

    def compile(self, shape: Shape) -> Reader:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        read_text = text_reader(shape)

        def read(element: Element) -> Any:
            if len(element):
                raise ValueError(f"{tag_of(element)} holds elements where a value belongs")
            try:
                return read_text(element.text or "")
            except ValueError as error:
                raise ValueError(f"{tag_of(element)} {error}") from None

        return read

    def _structure(self, shape: StructureShape) -> Reader:
        attributes, single, repeated = {}, {}, {}
        for name, member in shape.members.items():
            if member.serialization.get("xmlAttribute"):
                attributes[member.serialization["name"].rpartition(":")[2]] = name
            elif isinstance(member, (ListShape, MapShape)) and member.serialization.get("flattened"):
                inner = member.member if isinstance(member, ListShape) else member
                read = self.of(inner) if isinstance(member, ListShape) else self._entry(member)
                repeated[_member_tag(member, name)] = (name, read, isinstance(member, MapShape))
            elif "location" not in member.serialization:
                single[wire_name(member, name)] = (name, self.of(member))

        def read_structure(element: Element) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for key, value in element.attrib.items():
                attribute = attributes.get(key.rpartition("}")[2])
                if attribute is not None:
                    found[attribute] = value
            for child in element:
                tag = tag_of(child)
                if tag in single:
                    name, read = single[tag]
                    found[name] = read(child)
                elif tag in repeated:
                    name, read, is_map = repeated[tag]
                    if is_map:
                        found.setdefault(name, {}).update([read(child)])
                    else:
                        found.setdefault(name, []).append(read(child))
            return found

        return read_structure

    def _list(self, shape: ListShape) -> Reader:
        item_tag = shape.member.serialization.get("name", "member")
        read_item = self.of(shape.member)
        return lambda element: [read_item(child) for child in element if tag_of(child) == item_tag]

    def _map(self, shape: MapShape) -> Reader:
        read_entry = self._entry(shape)
        return lambda element: dict(read_entry(child) for child in element)

    def _entry(self, shape: MapShape) -> Callable[[Element], tuple[str, Any]]:
        key_tag, value_tag = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        read_value = self.of(shape.value)

        def read(element: Element) -> tuple[str, Any]:
            parts = {tag_of(child): child for child in element}
            if key_tag not in parts or value_tag not in parts:
                raise ValueError(f"{tag_of(element)} needs {key_tag} and {value_tag}")
            return parts[key_tag].text or "", read_value(parts[value_tag])

        return read


class XmlWriters(ShapeCompiler[Writer]):
    """Compiles shapes to writers. A member that the model does not have raises ValueError; None means absent."""

    def __init__(self, timestamp_style: str) -> None:
        super().__init__()
        self._timestamp_style = timestamp_style

    def compile(self, shape: Shape) -> Writer:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        write_text = text_writer(shape, self._timestamp_style)

        def write(value: Any, out: list[str], tag: str) -> None:
            out.append(f"<{tag}>{escape(write_text(value))}</{tag}>")

        return write

    def _structure(self, shape: StructureShape) -> Writer:
        write_members = self.members(shape)
        attributes = {
            name: member.serialization["name"]
            for name, member in shape.members.items()
            if member.serialization.get("xmlAttribute")
        }
        namespace = _namespace(shape)

        def write(value: dict[str, Any], out: list[str], tag: str) -> None:
            out.append(f"<{tag}{namespace}")
            out.extend(f' {wire}="{escape(value[name])}"' for name, wire in attributes.items() if name in value)
            out.append(">")
            write_members(value, out)
            out.append(f"</{tag}>")

        return write

    def members(self, shape: StructureShape) -> Callable[[dict[str, Any], list[str]], None]:
        """Writes the elements inside a structure, in the model's order; header members are left to the headers."""
        elements = [
            (name, _member_tag(member, name), self.of(member))
            for name, member in shape.members.items()
            if "location" not in member.serialization and not member.serialization.get("xmlAttribute")
        ]
        known = frozenset(shape.members)

        def write(value: dict[str, Any], out: list[str]) -> None:
            if not known.issuperset(value):
                raise ValueError(f"{shape.name} has no member {', '.join(sorted(set(value) - known))}")
            for name, tag, write_member in elements:
                item = value.get(name)
                if item is not None:
                    write_member(item, out, tag)

        return write

    def _list(self, shape: ListShape) -> Writer:
        write_item = self.of(shape.member)
        if shape.serialization.get("flattened"):

            def write_flat(value: list[Any], out: list[str], tag: str) -> None:
                for item in value:
                    write_item(item, out, tag)

            return write_flat
        item_tag = shape.member.serialization.get("name", "member")

        def write(value: list[Any], out: list[str], tag: str) -> None:
            out.append(f"<{tag}>")
            for item in value:
                write_item(item, out, item_tag)
            out.append(f"</{tag}>")

        return write

    def _map(self, shape: MapShape) -> Writer:
        key_tag, value_tag = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        write_value = self.of(shape.value)
        flattened = shape.serialization.get("flattened")

        def write(value: dict[str, Any], out: list[str], tag: str) -> None:
            entry = tag if flattened else "entry"
            if not flattened:
                out.append(f"<{tag}>")
            for key, item in value.items():
                out.append(f"<{entry}><{key_tag}>{escape(key)}</{key_tag}>")
                write_value(item, out, value_tag)
                out.append(f"</{entry}>")
            if not flattened:
                out.append(f"</{tag}>")

        return write


def _namespace(shape: Shape) -> str:
    namespace = shape.serialization.get("xmlNamespace")
    if not namespace:
        return ""
    if isinstance(namespace, str):
        return f' xmlns="{namespace}"'
    prefix = f":{namespace['prefix']}" if namespace.get("prefix") else ""
    return f' xmlns{prefix}="{namespace["uri"]}"'
