"""Pretrained networks of the package transformers, from a folder or by their name on the hub.

A folder is never looked up on the network; nothing that a checkpoint brings is run as code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import logging

from toolkit.errors import ModelError, one_line

logging.set_verbosity_error()
logging.disable_progress_bar()

Config = TypeVar("Config", bound=PretrainedConfig)
_HINT = "Give the folder of a checkpoint, or its name on the hub, such as owner/name."


def raw_config(source: str) -> dict[str, Any]:
    """The config of a checkpoint as its file has it; ModelError where there is none."""
    try:
        found, _ = PretrainedConfig.get_config_dict(source, local_files_only=Path(source).is_dir())
    except Exception as error:  # the package raises whatever its parts do
        raise ModelError(f"'{source}': holds no model: {one_line(error)}.", _HINT) from None
    if not found:
        raise ModelError(f"'{source}': holds no config.json.", _HINT)
    return dict(found)


def config_of(kind: type[Config], source: str) -> Config:
    """The config of a checkpoint, which must be of a ``kind``; ModelError where it is not."""
    found = raw_config(source)
    if found.get("model_type") != kind.model_type:
        have = found.get("model_type")
        raise ModelError(f"'{source}': must be a {kind.model_type} model; found {have!r}.", _HINT)
    config: Config = kind.from_dict(found)
    return config


def pretrained(kind: type[PreTrainedModel], source: str, config: Any, *more: Any) -> Any:
    """A network with the weights of a checkpoint, every one of them; ModelError where some lack."""
    local = Path(source).is_dir()
    try:
        model, info = kind.from_pretrained(
            source, *more, config=config, output_loading_info=True, local_files_only=local
        )
    except Exception as error:  # the package raises whatever its parts do
        raise ModelError(f"'{source}': cannot be loaded: {one_line(error)}.", _HINT) from None
    lacking = sorted({*info["missing_keys"], *map(str, info.get("mismatched_keys", ()))})
    lacking = [name for name in lacking if "masked_spec_embed" not in name]
    if lacking:
        more_of = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ModelError(f"'{source}': lacks the weights {lacking[0]}{more_of}.", _HINT)
    return model
