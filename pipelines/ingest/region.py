"""What all deliveries of a region share, so that their people can be linked, and what they are changing to.

Two keys, two encoder versions or two profiles would not fail anywhere else: they would silently lose every link between
their agencies. So one *encoding* counts at a time. The first accepted delivery sets it; from then on it changes in one
step and for all deliveries at once (pipelines/rekey). While a change is open, deliveries of the next encoding are held.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipelines.pseudonymise import encode
from pipelines.settings import Settings


@dataclass(frozen=True)
class Encoding:
    """Key and encoder of a delivery, as its note states them. The checksum covers version and profile too."""

    key_check: str  # 16 hex characters
    encoder_checksum: str  # 64 hex characters
    encoder_version: str = field(default="", compare=False)
    profile: str = field(default="", compare=False)

    @property
    def is_known(self) -> bool:
        """Whether this version of the hub can read deliveries of the encoding."""
        return self.encoder_version == encode.ENCODER_VERSION and self.profile in encode.PROFILES


@dataclass(frozen=True)
class Region:
    """The encoding that counts, the delivery that set it, the one it is changing to if any, and those that are over."""

    current: Encoding
    set_by: str
    next: Encoding | None = None
    retired: tuple[Encoding, ...] = ()

    def to_json(self) -> dict:
        return {
            **asdict(self.current),
            "set_by": self.set_by,
            "next": asdict(self.next) if self.next else None,
            "retired": [asdict(encoding) for encoding in self.retired],
        }

    @classmethod
    def from_json(cls, content: dict) -> "Region":
        return cls(
            _encoding(content),
            content["set_by"],
            _encoding(content["next"]) if content.get("next") else None,
            tuple(_encoding(encoding) for encoding in content.get("retired", [])),
        )


def _encoding(content: dict) -> Encoding:
    return Encoding(**{name: content[name] for name in Encoding.__dataclass_fields__ if name in content})


def read_region(settings: Settings) -> Region | None:
    """The region's encoding, or None before the first accepted delivery."""
    try:
        return Region.from_json(json.loads(_file(settings).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def write_region(settings: Settings, region: Region) -> None:
    """Write apart and move into place, so that a kill leaves the old encoding or the new one."""
    path = _file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(region.to_json(), indent=2) + "\n", encoding="utf-8")
    beside.replace(path)


def remember_region(settings: Settings, encoding: Encoding, set_by: str) -> None:
    """The first accepted delivery sets what every later one must agree with; later ones change nothing."""
    if read_region(settings) is None:
        write_region(settings, Region(encoding, set_by))


def disagreement(region: Region | None, encoding: Encoding, agency: str) -> str | None:
    """Why a delivery of this encoding cannot count, in words that say what to do; None if it can."""
    if region is None or encoding == region.current:
        return None
    if encoding.key_check in {retired.key_check for retired in region.retired} - {region.current.key_check}:
        return (
            "the delivery was made with a key that the partnership has given up. "
            f"Ask {agency} to pseudonymise again with the partnership's new key."
        )
    first = region.set_by.split("/")[0]
    expected, whose = region.current, f"that of agency {first}"
    if region.next and encoding.key_check == region.next.key_check != region.current.key_check:
        expected, whose = region.next, "that which the partnership is changing to"
    if encoding.key_check != expected.key_check:
        return (
            f"the key check differs from {whose}: the delivery was made with another key (key check "
            f"{encoding.key_check}). Ask {agency} to pseudonymise again with the partnership's key. If the key is to "
            f"change, or it was {first} that had another key: upstream rekey-plan"
        )
    if encoding.profile != expected.profile:
        return (
            f"the profile differs from {whose}: the delivery was made for {encoding.profile}, not for "
            f"{expected.profile}. Ask {agency} to pseudonymise again with --profile {expected.profile}. If the profile is "
            "to change: upstream rekey-plan"
        )
    return (
        f"the encoder checksum differs from {whose}: the delivery was made with another version of `upstream "
        f"pseudonymise`. Ask {agency} to install the version that the partnership uses and to pseudonymise again. If the "
        "version is to change: upstream rekey-plan"
    )


def with_next(region: Region, encoding: Encoding | None) -> Region:
    """The region with a change opened, or with none."""
    return replace(region, next=encoding)


def switched(region: Region, set_by: str) -> Region:
    """The region after the change that was open."""
    return Region(region.next, set_by, None, (*region.retired, region.current))


def _file(settings: Settings) -> Path:
    return settings.state / "region.json"
