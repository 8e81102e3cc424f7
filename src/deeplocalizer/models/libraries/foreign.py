"""What the configuration of a model, as others wrote it, may not ask a library for.

harmless         a configuration of transformers without what would fetch or load more than the model's own weights
refuse_loading   refuse arguments with which timm would read files of its own choice
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)
# kernels are compiled code from the Hub; the backbone and the weights named here are further downloads or files
LEFT_OUT = frozenset(
    [
        *("auto_map", "custom_pipelines", "use_pretrained_backbone", "transformers_weights", "use_kernels"),
        *("attn_implementation", "_attn_implementation", "_attn_implementation_internal"),
        *("experts_implementation", "_experts_implementation", "_experts_implementation_internal"),
    ]
)
QUANTISED = "quantization_config"
# of timm's create_model and build_model_with_cfg: what says where weights come from, not what the network is
OF_LOADING = frozenset(
    [
        *("checkpoint_path", "cache_dir", "scriptable", "exportable", "no_jit"),
        *("features_only", "feature_cfg", "feature_cls", "model_cfg", "kwargs_filter"),
    ]
)


def harmless(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Leave out of a configuration of transformers what would fetch or load more than the model's own weights.

    Parameters
    ----------
    config : mapping
        As ``config.json`` has it.
    name : str
        The model, for messages.

    Returns
    -------
    dict
        A copy without the keys of `LEFT_OUT`, at any depth.

    Raises
    ------
    ValueError
        If the weights are quantised: each way to read such weights is code of another library.
    """
    if config.get(QUANTISED):
        raise ValueError(f"{name}: its weights are quantised, which is not supported; take the model in full precision")
    left = sorted(LEFT_OUT & _keys(config))
    if left:
        logger.info("%s: of its config.json, %s is left out", name, ", ".join(left))
    kept: dict[str, Any] = _without(config)
    return kept


def refuse_loading(arguments: Any, name: str) -> dict[str, Any]:
    """Refuse arguments with which timm would read files, or fetch weights, of its own choice.

    Parameters
    ----------
    arguments : object
        ``model_args`` of timm's ``config.json``, as others wrote it.
    name : str
        The model, for messages.

    Raises
    ------
    ValueError
        Naming them; or if they are no mapping.
    """
    if not isinstance(arguments, Mapping):
        raise ValueError(f"{name}: model_args of its config.json is no mapping")
    found = sorted(key for key in arguments if key in OF_LOADING or key.startswith("pretrained"))
    if found:
        raise ValueError(
            f"{name}: its config.json sets {', '.join(found)}, which say where weights come from; only the "
            "safetensors of the model itself are loaded"
        )
    return dict(arguments)


def _keys(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return {str(key) for key, inner in value.items() if inner}.union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _without(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(inner) for key, inner in value.items() if key not in LEFT_OUT}
    return [_without(inner) for inner in value] if isinstance(value, list) else value
