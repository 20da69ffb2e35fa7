"""Edits that break a sound document's XML by hand, each of the elements that a path finds."""

from collections.abc import Callable

from lxml import etree

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
NAMES = {
    "ram": RAM.strip("{}"),
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}

Edit = Callable[["etree._Element"], None]


def _found(root: "etree._Element", path: str) -> "list[etree._Element]":
    found = root.xpath(path, namespaces=NAMES)
    assert found, path
    return list(found)


def finer(path: str) -> Edit:
    def edit(root: "etree._Element") -> None:
        for element in _found(root, path):
            element.text = f"{element.text}5"

    return edit


def text(path: str, content: str) -> Edit:
    def edit(root: "etree._Element") -> None:
        for element in _found(root, path):
            element.text = content

    return edit


def attribute(path: str, name: str, content: str) -> Edit:
    def edit(root: "etree._Element") -> None:
        for element in _found(root, path):
            element.set(name, content)

    return edit


def drop(path: str, *, or_else_name: bool = False) -> Edit:
    """Take the elements away; with ``or_else_name`` something else is left where they stood."""

    def edit(root: "etree._Element") -> None:
        for element in _found(root, path):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)
            if or_else_name:
                etree.SubElement(parent, f"{RAM}AccountName").text = "Somebody"

    return edit


def without_attribute(path: str, name: str) -> Edit:
    def edit(root: "etree._Element") -> None:
        for element in _found(root, path):
            del element.attrib[name]

    return edit


def rated(path: str) -> Edit:
    def edit(root: "etree._Element") -> None:
        etree.SubElement(_found(root, path)[0], f"{RAM}RateApplicablePercent").text = "0"

    return edit
