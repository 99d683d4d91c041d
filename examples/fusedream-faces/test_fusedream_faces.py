import fusedream_faces

from fusedream_sdk.testing import check_generator


def test_faces_keep_the_contract_of_a_generator() -> None:
    check_generator(fusedream_faces.load())
