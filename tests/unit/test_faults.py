"""That the faults of `make faults` can still be planted. That the tests catch them takes it minutes to show."""

import ast

import pytest

from tools.faults import FAULTS, file_of_tests, plant
from tools.lessons import ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_can_be_planted(fault):
    right = (ROOT / "vaelib" / fault.file).read_text(encoding="utf-8")
    wrong = plant(fault, right)
    assert wrong != right
    if fault.file.endswith(".py"):
        ast.parse(wrong)  # a fault that is no Python would be caught for the wrong reason
    assert file_of_tests(ROOT, fault.tests).exists()
