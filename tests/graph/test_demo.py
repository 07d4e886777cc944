"""The demo never touches a data folder that it did not make."""

import pytest

from pipelines.demo import demo
from pipelines.pseudonymise.errors import InputError
from pipelines.settings import Settings


@pytest.mark.parametrize(
    "file", ["state/hub_salt", "landing/RYJ/ae_attendances/2024-01/001-0123456789ab/delivery.json"]
)
def test_a_hub_that_is_in_use_is_left_alone(tmp_path, file):
    kept = tmp_path / "data" / file
    kept.parent.mkdir(parents=True)
    kept.write_text("real")
    with pytest.raises(InputError, match="not the demo's"):
        demo(Settings(project=tmp_path, data=tmp_path / "data"), people=300, seed=1)
    assert kept.read_text() == "real"
