"""JSON rendering; `schema.json` beside this file is its JSON Schema, docs/REPORT.md explains it.

Every number stands in an object, or within one, that states its provenance and basis.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from toolkit.measurement import Measurement, MemoryMap, Provenance
from toolkit.report.model import SCHEMA_VERSION, Fit, LayerRow, Report
from toolkit.resources import __version__

_GRAPH = {"provenance": Provenance.ESTIMATED.value, "basis": "graph and memory plan"}
_PLAN = {"provenance": Provenance.ESTIMATED.value, "basis": "memory plan, checked"}
_ALTERNATIVE = {
    "provenance": Provenance.ESTIMATED.value,
    "basis": "memory plan; executed work x the core's rates; code by kernel",
}
_STACK = {"provenance": Provenance.MEASURED.value, "basis": "ELF: deepest call chain"}
_RUN = {
    "provenance": Provenance.SIMULATED.value,
    "basis": "output of the run, dequantised; float: numpy reference",
}


def report_dict(report: Report) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "toolkit_version": __version__,
        "model": {"name": report.model_name, "sha256": report.model_sha256},
        "target": report.target,
        "toolchain": report.toolchain,
        "simulator": report.simulator,
        "schedule": report.schedule,
        "measurements": [_measurement(m) for m in report.measurements],
        "checks": [
            {
                "name": c.name,
                "passed": c.passed,
                "required": c.required,
                "detail": c.detail,
                "where": c.where,
            }
            for c in report.checks
        ],
        "issues": [{"code": i.code, "message": i.message} for i in report.issues],
        "layers": [_layer(row) for row in report.layers],
        "functions": [
            {
                "name": f.name,
                "phase": f.phase,
                "measurements": [_measurement(m) for m in f.measurements],
            }
            for f in report.functions
        ],
        "predictions": [
            {"label": p.label, "float": p.float_value, "device": p.device_value, **_RUN}
            for p in report.predictions
        ],
        "memory": None if report.memory is None else _memory(report.memory),
        "fits": [_fit(fit) for fit in report.fits],
        "stack": {**_STACK, "frames": [asdict(f) for f in report.stack]} if report.stack else None,
        "roof": None
        if report.roof is None
        else {**asdict(report.roof), "provenance": Provenance.ESTIMATED.value},
        "alternatives": [{**asdict(a), **_ALTERNATIVE} for a in report.alternatives],
        "symbols": [
            {"name": name, "role": symbol.role, "layers": list(symbol.layers)}
            for name, symbol in report.symbols.items()
        ],
        "library": report.library,
        "clip": None if report.clip is None else asdict(report.clip),
        "groups": [
            {
                "by": g.by,
                "value": g.value,
                "recordings": g.recordings,
                "measurements": [_measurement(m) for m in g.measurements],
            }
            for g in report.groups
        ],
    }


def report_json(report: Report) -> str:
    """The report as indented JSON text, ending in a newline; same report, same bytes."""
    return json.dumps(report_dict(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _measurement(m: Measurement) -> dict[str, Any]:
    return {
        "name": m.name,
        "value": m.value,
        "unit": m.unit,
        "provenance": m.provenance.value,
        "basis": m.basis,
    }


def _layer(row: LayerRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "op": row.op,
        "kernel": row.kernel,
        "variant": row.variant,
        "output_shape": list(row.output_shape),
        "macs": row.macs,
        "weights_bytes": row.weights_bytes,
        "activation_bytes": row.activation_bytes,
        "live_bytes": row.live_bytes,
        **_GRAPH,
        "measurements": [_measurement(m) for m in row.measurements],
    }


def _memory(memory: MemoryMap) -> dict[str, Any]:
    return {
        "region": memory.region,
        "size_bytes": memory.size_bytes,
        **_PLAN,
        "steps": list(memory.steps),
        "rows": [asdict(row) for row in memory.rows],
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "region": fit.region,
        "used_bytes": fit.used_bytes,
        "available_bytes": fit.available_bytes,
        "provenance": fit.provenance.value,
        "basis": fit.basis,
        "parts": [asdict(part) for part in fit.parts],
    }
