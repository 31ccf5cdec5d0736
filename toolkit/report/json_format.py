"""JSON rendering; the schema is documented in docs/REPORT.md and versioned."""

from __future__ import annotations

import json
from typing import Any

import toolkit
from toolkit.measurement import Measurement
from toolkit.report.model import SCHEMA_VERSION, LayerRow, Report


def report_dict(report: Report) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "toolkit_version": toolkit.__version__,
        "model": {"name": report.model_name, "sha256": report.model_sha256},
        "target": report.target,
        "toolchain": report.toolchain,
        "simulator": report.simulator,
        "schedule": report.schedule,
        "measurements": [_measurement(m) for m in report.measurements],
        "checks": [
            {"name": c.name, "passed": c.passed, "required": c.required, "detail": c.detail}
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
            {"label": p.label, "float": p.float_value, "device": p.device_value}
            for p in report.predictions
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
        "measurements": [_measurement(m) for m in row.measurements],
    }
