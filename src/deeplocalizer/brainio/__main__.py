"""Write responses as a BrainIO assembly: ``python -m deeplocalizer.brainio activations.nc assembly.nc``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from deeplocalizer import store
from deeplocalizer.brainio import ExportError, assembly, stimulus_set, write


def main(arguments: Sequence[str] | None = None) -> None:
    """Write an assembly, and the table of its stimuli if wanted.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m deeplocalizer.brainio", description=__doc__)
    parser.add_argument("activations", type=Path, help="responses, as the workflow records them")
    parser.add_argument("assembly", type=Path, help="the BrainIO assembly to write")
    parser.add_argument("--identifier", help="name of the assembly (default: model and stimulus set)")
    parser.add_argument("--stimulus-set", help="name of the stimulus set (default: from the digest of the stimuli)")
    parser.add_argument("--stimuli", type=Path, help="write the table of the stimuli here, as CSV")
    given = parser.parse_args(arguments)
    try:
        _export(given)
    except (OSError, store.ArtefactError) as error:  # these name their file
        sys.exit(str(error))
    except ValueError as error:
        sys.exit(f"{given.activations}: {error}")


def _export(given: argparse.Namespace) -> None:
    if given.assembly.resolve() == given.activations.resolve():
        raise ExportError("the assembly would replace the responses that it is made of; give another file")
    with store.lazy(given.activations, "activations", verify=False) as activations:
        made = assembly(activations, given.stimulus_set or _name(activations), given.identifier)
        if given.stimuli is not None:
            stimulus_set(activations).to_csv(given.stimuli, index=False)
        write(made, given.assembly)


def _name(activations: xr.Dataset) -> str:
    """Name the stimulus set by what is in it."""
    if "stimuli_digest" not in activations.attrs:
        raise ExportError("there is no attribute 'stimuli_digest' to name the stimulus set by; give --stimulus-set")
    return f"stimuli-{activations.attrs['stimuli_digest'][:12]}"


if __name__ == "__main__":
    main()
