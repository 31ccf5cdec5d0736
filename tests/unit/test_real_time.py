"""The queue of a double buffer."""

from __future__ import annotations

from toolkit.profiling.real_time import Trace, queue


def test_nothing_is_lost_while_every_block_is_done_in_time() -> None:
    assert queue([0.5] * 10, 1.0).overruns == 0
    assert queue([0.5] * 10, 1.0).margin == 1.5
    assert queue([1.0] * 10, 1.0).overruns == 0


def test_one_long_block_is_buffered_two_are_not() -> None:
    # Two blocks fit: the one in work and the one behind it.
    assert queue([0.5, 1.9, 0.5, 0.5, 0.5], 1.0).overruns == 0
    assert queue([0.5, 2.1, 0.5, 0.5, 0.5], 1.0).overruns == 1
    assert queue([2.1, 2.1, 2.1, 2.1, 2.1, 2.1], 1.0).overruns >= 2


def test_an_overload_loses_what_does_not_fit() -> None:
    found = queue([2.0] * 100, 1.0)
    assert 48 <= found.overruns <= 50
    assert found.margin <= 0


def test_the_clock_needed_is_the_least_without_a_loss() -> None:
    trace = Trace(hops=(100, 900, 100, 100) * 50, hop_s=1e-3, block_hops=1)
    needed = trace.clock_needed_hz()
    assert trace.mean_clock_hz == 300_000
    assert trace.at_clock(needed * 1.001).overruns == 0
    assert trace.at_clock(needed * 0.9).overruns > 0
    # Blocks of four hops see the mean alone.
    blocks = Trace(hops=trace.hops, hop_s=1e-3, block_hops=4)
    assert blocks.clock_needed_hz() < needed
    assert blocks.clock_needed_hz() >= blocks.mean_clock_hz
