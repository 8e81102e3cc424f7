"""Turn outputs into the responses of units.

reduce           the responses of units from an output
"""

from __future__ import annotations

import torch

from deeplocalizer.hooks import Site


def reduce(output: torch.Tensor, reduction: str, site: Site) -> torch.Tensor:
    """Turn an output into the responses of its units.

    Parameters
    ----------
    output : Tensor (stimulus, channel), (stimulus, token, channel) or (stimulus, channel, y, x)
    reduction : str
        ``position`` keeps every element; ``mean`` and ``max`` reduce space or tokens; ``class_token`` takes the first
        token.
    site : Site
        For the message of an error.

    Returns
    -------
    Tensor (stimulus, unit), float32
        It may be a view of the output.

    Raises
    ------
    ValueError
        If the output has other axes, the reduction is unknown, or a map is asked for its class token.
    """
    if output.ndim not in (2, 3, 4):
        raise ValueError(
            f"layer {site.name!r} gives an output of shape {tuple(output.shape)}; expected (stimulus, channel), "
            "(stimulus, token, channel) or (stimulus, channel, y, x)"
        )
    values = output.detach()
    if reduction == "position" or values.ndim == 2:
        return values.to(torch.float32).flatten(1)
    space = (2, 3) if values.ndim == 4 else (1,)
    if reduction == "max":
        return values.amax(space).to(torch.float32)
    if reduction == "mean":
        # of numbers of 16 bits the sum is taken in 32
        return values.mean(space, dtype=torch.float32)
    if reduction == "class_token" and values.ndim == 3:
        return values[:, 0].to(torch.float32)
    if reduction == "class_token":
        raise ValueError(f"layer {site.name!r} gives a map of shape {tuple(output.shape)}, which has no class token")
    raise ValueError(
        f"layer {site.name!r}: reduction {reduction!r} is unknown; allowed are position, mean, max, class_token"
    )
