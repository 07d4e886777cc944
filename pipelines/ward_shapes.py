"""Outlines of wards for the board's map, from the boundaries that the Office for National Statistics publishes as GeoJSON.

`upstream geography` writes them beside the other tables of the region, as reference table ward_shapes: one row a ward, its
outline as rings of points. A fictional region ships tiles in the same form. What does not belong here: drawing
(pipelines/board/charts.py).
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from math import cos, radians
from pathlib import Path

from pipelines.pseudonymise.errors import InputError

CODE = r"(ward|wd)_?\d\d_?(code|cd)"
GRID = 600  # units from the region's left edge to its right one: hardly more than a pixel of the map

Ring = list[tuple[float, float]]


def outlines(files: Iterable[Path], wards: set[str]) -> dict[str, str]:
    """Each of the wards that the files have, to its outline. Raises InputError for a file that holds no wards.

    Corners go to the nearest point of a coarse grid. Neighbours share their corners, so they share them afterwards too:
    nothing gapes, and the page stays small.
    """
    rings = {code: found for path in files for code, found in _read(path) if code in wards}
    points = [point for found in rings.values() for ring in found for point in ring]
    if not points:
        return {}
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    north, south = max(y for _, y in points), min(y for _, y in points)
    shrink = cos(radians((north + south) / 2))  # a degree of longitude, in degrees of latitude
    unit = GRID / ((east - west) * shrink or 1)

    def on_grid(ring: Ring) -> list[str]:
        return [f"{round((x - west) * shrink * unit)},{round((north - y) * unit)}" for x, y in ring]

    return {code: ";".join(_written(on_grid(ring) for ring in found)) for code, found in sorted(rings.items())}


def write(outlines_of: dict[str, str], path: Path) -> None:
    """Writes the table. Whoever reads it meanwhile has the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("ward", "outline"))
        lines.writerows(outlines_of.items())
    beside.replace(path)


def _read(path: Path) -> Iterator[tuple[str, list[Ring]]]:
    """(ward, rings) of each feature of a GeoJSON file in degrees."""
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        for feature in features:
            code = next(value for name, value in feature["properties"].items() if re.fullmatch(CODE, name.lower()))
            shape = feature["geometry"]
            polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
            rings = [[(x, y) for x, y, *_ in ring] for polygon in polygons for ring in polygon]
            if any(abs(x) > 180 or abs(y) > 90 for ring in rings for x, y in ring):
                raise InputError(
                    f"{path} is in metres. Download it as GeoJSON in degrees (WGS 84, longitude and latitude)."
                )
            yield code, rings
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise InputError(
            f"{path} has no ward boundaries (GeoJSON with codes in a column such as WD24CD): {type(error).__name__}. "
            "Download it again."
        ) from None


def _written(rings: Iterable[list[str]]) -> Iterator[str]:
    """Rings without points that repeat the one before; rings that shrank to a line are left out."""
    for ring in rings:
        points = [point for place, point in enumerate(ring) if place == 0 or point != ring[place - 1]]
        if len(points) > 1 and points[0] == points[-1]:
            points.pop()
        if len(points) > 2:
            yield " ".join(points)
