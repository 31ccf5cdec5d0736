"""From a model to a verified firmware in Python: ``python examples/python_api.py [MODEL]``.

Prints what each step finds: the estimate, the linked sizes, and the outputs of the simulated device
beside those of the float network.
"""

from __future__ import annotations

import sys

import toolkit


def main(name: str = "wav2small") -> int:
    model = toolkit.load(name).quantize()
    deployment = model.deploy("cortex-m4", toolkit.ScheduleRequest(optimize="speed"))
    show("estimated", deployment.estimate(), "ram_static_bytes", "flash_bytes", "realtime_factor")
    run = deployment.compile().run()
    show("built", run.report, "ram_static_bytes", "flash_bytes", "cycles_per_audio_second")
    for prediction in run.predictions:
        in_float = "none" if prediction.float_value is None else f"{prediction.float_value:.3f}"
        print(f"{prediction.label}: {prediction.device_value:.3f}, in float {in_float}")
    for check in run.report.checks:
        word = "FAIL" if check.failed else "pass" if check.passed else "open"
        print(f"{word} {check.name}")
    return 0 if run.report.passed else 1


def show(title: str, report: toolkit.Report, *names: str) -> None:
    """Print figures with their provenance."""
    for name in names:
        figure = report.find(name)
        if figure is not None:
            value = f"{figure.value:,.6g}"
            print(f"{title}: {name} {value} {figure.unit} ({figure.provenance.value})")


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:2]))
    except toolkit.ToolkitError as error:
        sys.exit(f"error: {error}")
