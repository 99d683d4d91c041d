import fusedream_waves

from fusedream_sdk.testing import check_generator


def test_waves_keep_the_contract_of_a_generator() -> None:
    check_generator(fusedream_waves.load())
