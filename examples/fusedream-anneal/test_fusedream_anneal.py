import fusedream_anneal

from fusedream_sdk.testing import check_method


def test_annealing_keeps_the_contract_of_a_method() -> None:
    check_method(fusedream_anneal.load())
