"""Is what a file of a trained run says complete and possible? Its header, its tensors, their shapes and values."""

import itertools
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from gravispec.data.stars import LABELS
from gravispec.data.tensor_file import check_tensor
from gravispec.errors import InputError
from gravispec.features.window import N_COMPONENTS
from gravispec.features.window import NAMES as FEATURES
from gravispec.models.gates import KINDS
from gravispec.models.intervals import CONFIDENCES

#: sizes P pixels, K models, T labels, C confidences, k components; I × J cells of the scale, B bins of the S/N
SHAPES = {
    "wave": ("P",),
    "coef": ("P", "K", "T"),
    "intercept": ("K", "T"),
    "pca.mean": ("P",),
    "pca.components": ("k", "P"),
    "pca.explained_variance": ("k",),
    "scale.size": ("I", "J", "T"),
    "scale.T_eff_edges": ("I-1",),
    "scale.M_H_edges": ("J-1",),
    "intervals.half_width": ("B", "T", "C"),
    "intervals.snr_edges": ("B-1",),
    "intervals.n": ("B",),
}
LEAST = {"P": 2, "k": N_COMPONENTS}
INCREASING = ("wave", "scale.T_eff_edges", "scale.M_H_edges", "intervals.snr_edges")


def _increasing(values):
    if any(b <= a for a, b in itertools.pairwise(values)):
        raise ValueError(f"must increase, found {list(values)}")
    return values


class _Part(BaseModel):
    """Keys that are not named here are free: files of later versions may have more."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


CLOSED = ConfigDict(_Part.model_config, extra="forbid")
Limits = Annotated[list[float], Field(min_length=2, max_length=2)]
Edges = Annotated[list[float], Field(min_length=2), AfterValidator(_increasing)]


class _Bins(_Part):
    T_eff: Edges
    M_H: Edges


class _Source(_Part):
    log_g: Literal[KINDS]
    T_eff: Literal["global_ridge", *KINDS]
    M_H: Literal["global_ridge", *KINDS]


class _Dataset(_Part):
    continuum: float = Field(ge=0)


class _Config(_Part):
    dataset: _Dataset


class _Gate(_Part):
    kind: Literal[KINDS]
    hidden: int = Field(ge=0)
    n_experts: int = Field(ge=1)


_Ranges = create_model("_Ranges", __config__=CLOSED, **dict.fromkeys(LABELS, Limits))
_Gates = create_model("_Gates", __config__=CLOSED, **dict.fromkeys(KINDS, _Gate))


class Header(_Part):
    """What `predict` and a catalogue's header need of a file's own header."""

    run: str
    version: str
    code: str
    noise_level: float = Field(ge=0)
    edges: _Bins
    fallback_weight: float
    config: _Config
    source: _Source
    label_range: _Ranges
    snr_range: Limits
    snr_median: float = Field(gt=0)
    chi2_limit: float
    gates: _Gates
    pca_variance: float


def check(header: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Raise InputError, one line that names key or tensor, for the first thing that is missing or impossible."""
    try:
        Header.model_validate(header)
    except ValidationError as error:
        mistake = error.errors()[0]
        key = ".".join(map(str, mistake["loc"]))
        raise InputError(f"header, key {key}: {mistake['msg'].removeprefix('Value error, ')}") from None
    edges = header["edges"]
    n_experts = (len(edges["T_eff"]) - 1) * (len(edges["M_H"]) - 1)
    for kind, gate in header["gates"].items():
        if (gate["kind"], gate["n_experts"]) != (kind, n_experts):
            raise InputError(f"header, key gates.{kind}: a gate {kind} of {n_experts} experts is needed, found {gate}")
    for kind in KINDS:
        weight = tensors.get(f"gates.{kind}.net.0.weight", torch.empty(0))
        if weight.shape[1:] != (len(FEATURES),):
            raise InputError(f"tensor gates.{kind}.net.0.weight is missing or not of {len(FEATURES)} features")
    _check_shapes(tensors, {"K": n_experts + 1, "T": len(LABELS), "C": len(CONFIDENCES)})
    for name in SHAPES:
        _check_values(name, tensors[name])


def _check_shapes(tensors, sizes):
    for name, dimensions in SHAPES.items():
        shape = tuple(tensors[name].shape) if name in tensors else ()
        if len(shape) == len(dimensions):  # a size is what the first tensor that has it says
            sizes |= {d: n for d, n in zip(dimensions, shape, strict=True) if d not in sizes and not d.endswith("-1")}
        expected = [sizes[d[0]] - 1 if d.endswith("-1") else sizes.get(d, d) for d in dimensions]
        types = [torch.int64] if name == "intervals.n" else [torch.float64]
        check_tensor(name, tensors, expected, *types, *([torch.float32] if name == "wave" else []))
    for size, least in LEAST.items():
        if sizes[size] < least:
            raise InputError(f"{sizes[size]} {'pixels' if size == 'P' else 'components'}; {least} at least are needed")


def _check_values(name, tensor):
    if not tensor.isfinite().all():
        n = int((~tensor.isfinite()).sum())
        raise InputError(f"tensor {name} has {n} values that are not finite numbers")
    least = 1e-12 if name == "wave" else 0  # two edges may be one
    if name in INCREASING and (tensor.diff() < least).any():
        raise InputError(f"tensor {name} does not increase")
    if (name == "scale.size" and (tensor <= 0).any()) or (name == "intervals.half_width" and (tensor < 0).any()):
        raise InputError(f"tensor {name} has values that are not positive")
