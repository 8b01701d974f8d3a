"""``make test-faults``: the whole smoke run, killed at 20 moments, ends with the tables of an undisturbed one."""

from tests.conftest import Checkout
from tests.interruptions import interrupt, results

SUMMARY = "results/moe_smoke/summary.csv"


def test_the_smoke_run_killed_at_20_moments_gives_the_same_tables(smoke, tmp_path):
    checkout = Checkout(tmp_path)
    interrupt(checkout, [SUMMARY], times=20, seed=11, seconds=8.0)
    process = checkout.snakemake(SUMMARY)
    assert process.returncode == 0, process.stdout[-3000:]
    expected = results(smoke)
    assert len(expected) > 40
    assert results(checkout) == expected
