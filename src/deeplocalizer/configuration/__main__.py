"""Write the table of all keys into the README of the configuration."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from deeplocalizer.configuration.reference import renew
from deeplocalizer.configuration.schema import load_schema


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite what stands between the markers of a README."""
    parser = argparse.ArgumentParser(prog="python -m deeplocalizer.configuration", description=__doc__)
    parser.add_argument("schema", type=Path, help="JSON schema of the configuration, as YAML")
    parser.add_argument("readme", type=Path, help="Markdown file with the lines <!-- keys --> and <!-- /keys -->")
    options = parser.parse_args(arguments)
    try:
        text = renew(options.readme.read_text(encoding="utf-8"), load_schema(options.schema))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    options.readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
