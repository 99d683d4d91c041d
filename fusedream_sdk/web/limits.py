"""How much one visitor may ask for, so that a page that others reach cannot be asked for years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import check_count

FRAMES = 120  # of a film: ten seconds
KEPT = 60  # pictures of a visitor; the oldest go


@dataclass(frozen=True)
class Limits:
    """What the page takes at most.

    Args:
        steps: of a run.
        pictures: of a run: prompts times seeds.
        views: of one picture in a step, times the members of its population.
        upload_mb: of a file, in megabytes.
        queue: visitors that wait. at_once: runs that go on at one time; the others wait.
    """

    steps: int = 500
    pictures: int = 8
    views: int = 1000
    upload_mb: int = 10
    queue: int = 16
    at_once: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check_count(name, value, least=0 if name == "queue" else 1)

    def check_pictures(self, count: int) -> None:
        """So many pictures may be asked for. Raises InvalidInput."""
        if count > self.pictures:
            fix = "Ask for fewer prompts or seeds."
            raise InvalidInput("seeds", expected=f"at most {self.pictures} pictures at a time on this page", got=count, fix=fix)

    def check_steps(self, steps: Any) -> None:
        """So many steps may be asked for; None leaves it to the models. Raises InvalidInput."""
        if steps is not None:
            check_count("steps", steps, most=self.steps, fix=f"This page takes up to {self.steps}.")

    def changes(self, method: Method, recommended: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a run of this method: those given, and fewer steps where more than the page takes are recommended.

        Raises:
            InvalidInput: one cannot be used, or is beyond what the page takes.
        """
        changes = dict(given)
        self.check_steps(changes.get("steps"))
        settings = method.settings_for(recommended, changes)
        if settings.steps > self.steps:
            changes["steps"] = self.steps
            settings = method.settings_for(recommended, changes)
        views = settings.views * method.at_a_point(settings.steps)
        if views > self.views:
            expected, fix = f"at most {self.views} views of a picture in a step", "Ask for fewer, or for a smaller population."
            raise InvalidInput("views", expected=expected, got=views, fix=fix)
        return changes

    def __str__(self) -> str:
        queue = "nobody waits" if self.queue == 0 else f"{self.queue} may wait"
        return (
            f"At most {self.steps} steps and {self.pictures} pictures at a time, files of {self.upload_mb} MB; "
            f"{self.at_once} at work, {queue}. The last {KEPT} pictures of a visit are kept."
        )
