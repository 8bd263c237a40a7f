"""`make product NAME=... ENTITY=customer`: the files of a new data product, which build green as they are."""

import argparse
import csv
import io
import re
import sys
from pathlib import Path
from string import Template

from scorehouse.errors import ScorehouseError

TEMPLATES = Path(__file__).parent
REQUIREMENTS = Path("seeds", "operations", "product_requirements.csv")
"""The seed that says what each endpoint is made for, from the project's root."""
PRODUCT = "product"
"""Stands in the templates' file names for the product's name; `$product` stands in their text."""


def entities() -> list[str]:
    """The entities that products may be about: those whose snapshots the project has."""
    return sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir() and not folder.name.startswith("_"))


def write(name: str, entity: str, models: Path) -> list[Path]:
    """Write a product's files below the folder of models, and its row of the seed beside that; returns the files.

    Raises ScorehouseError for a name or entity that cannot be, and for a file that is there already; nothing is written then.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ScorehouseError(
            f"NAME: expected lower-case words joined by _, such as purchase_intent, found '{name}'; correct it."
        )
    if entity not in entities():
        raise ScorehouseError(f"ENTITY: expected one of {', '.join(entities())}, found '{entity}'; choose one.")
    if name in _products(models):
        raise ScorehouseError(f"NAME: expected a product that is new, found {name}, which the project has; choose another name.")
    files = {models / _place(template, name): template for template in sorted((TEMPLATES / entity).glob("*/*.*"))}
    there = [file for file in files if file.exists()]
    if there:
        raise ScorehouseError(f"NAME: expected a product that is new, found {there[0]}; choose another name, or remove the file.")
    for file, template in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template(template.read_text()).substitute(product=name))
    seed = models.parent / REQUIREMENTS
    return [*files, *([seed] if _require(seed, TEMPLATES / entity / seed.name, name) else [])]


def _require(seed: Path, template: Path, name: str) -> bool:
    """Add what the new endpoint is made for, under the seed's own columns; False without a seed, or where it says so already."""
    if not seed.exists():
        return False
    (row,) = csv.DictReader(io.StringIO(Template(template.read_text()).substitute(product=name)))
    text = seed.read_bytes().decode("utf-8-sig")
    ending = "\r\n" if "\r\n" in text else "\n"
    rows = csv.DictReader(io.StringIO(text))
    if any(other.get("endpoint") == row["endpoint"] for other in rows):
        return False
    with open(seed, "a", encoding="utf-8", newline="") as file:
        file.write("" if text.endswith("\n") else ending)
        csv.DictWriter(file, rows.fieldnames or [], extrasaction="ignore", lineterminator=ending).writerow(row)
    return True


def _products(models: Path) -> set[str]:
    """Products that served models name."""
    return {name for file in models.glob("serving/*.yml") for name in re.findall(r"^ +product: (\w+)$", file.read_text(), re.M)}


def _place(template: Path, name: str) -> str:
    """Where a template's file goes: learning has a folder a product."""
    layer, file = template.parent.name, template.name.replace(PRODUCT, name, 1)
    return f"{layer}/{name}/{file}" if layer == "learning" else f"{layer}/{file}"


def main() -> None:
    """Write the files that the command line asks for, and say what to do next."""
    parser = argparse.ArgumentParser(prog="make product", description="Write the files of a new data product.")
    parser.add_argument("name")
    parser.add_argument("entity", nargs="?", default="customer")
    asked = parser.parse_args()
    try:
        files = write(asked.name, asked.entity, Path("models"))
    except ScorehouseError as error:
        sys.exit(str(error))
    print("\n".join(map(str, files)))
    print(f"\nWrite your label into {asked.name}_examples.sql, then: dbt build --vars '{{products: [{asked.name}]}}'")


if __name__ == "__main__":
    main()
